"""A turn as its agent function sees it: the messages, and the verbs to answer them.

The nursery owns the agent and, once the turn has lasted half a second, what attends it: typing, the
progress line, the live preview. They are processes, so none outlives the turn or exists twice. Leaving
the scope frees the slot. What the turn made (a result or an error) is `made`; a turn that was cut from
outside made nothing, and nothing is written for it here: who cancels writes first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn, TypeVar

import msgspec
import trio

from hermes_trio.errors import AgentError, AskTimedOut, TurnTimedOut
from hermes_trio.ports.agent import Agent
from hermes_trio.ports.store import Claimed, Opened, Reply, StepRow
from hermes_trio.processes.of_turn import TurnProcesses
from hermes_trio.runtime.allowance import Allowance
from hermes_trio.runtime.retry import written
from hermes_trio.text.sanitize import clean, shows
from hermes_trio.turns.activity import Activity
from hermes_trio.turns.concurrency import TurnPermit
from hermes_trio.turns.journal import Journal, digest_of
from hermes_trio.turns.surroundings import Surroundings
from hermes_trio.values.actions import Silence
from hermes_trio.values.delivery import Choice, DeliveryKind, Part
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import Message
from hermes_trio.values.stored import Answered
from hermes_trio.values.transcript import AssistantEntry, Entry

T = TypeVar("T")
HISTORY_CHARS = 400_000


class Made(msgspec.Struct, frozen=True):
    """What a turn made: an answer, or an error."""

    answer: str | Silence | None = None
    error: BaseException | None = None


class Turn:
    """What an agent function is given: the messages, and the verbs to answer them.

    Attributes:
        id: the turn's number.
        session: its session's number.
        key: whose conversation it is.
        address: where the answer goes.
        attempt: 1, and one more each time the turn is run again after a crash.
        messages: the messages it answers, in order of arrival; grows when messages are steered in.
        unheard: of those it was opened with, the ones that `history()` does not have already (it has
            those of a turn that was interrupted by a later message).
    """

    def __init__(
        self, key: ConversationKey, opened: Opened, around: Surroundings, permit: TurnPermit
    ) -> None:
        self.id = opened.turn
        self.session = opened.session
        self.key = key
        self.attempt = opened.attempt
        self.opened_at = opened.opened_at
        first = [one for one in opened.messages if one.step is None]
        self.messages: tuple[Message, ...] = tuple(one.message for one in first)
        self.unheard: tuple[Message, ...] = tuple(one.message for one in first if not one.in_history)
        self.address = self.messages[-1].address
        self.asked_at = max(one.at for one in opened.messages)
        self.before = opened.history
        self.memory = around.memory
        self.made: Made | None = None
        self.said = ""
        self._around = around
        self._permit = permit
        self._steered: list[Claimed] = []
        self._answered = trio.Event()
        self.waiting = 0
        self._time = Allowance(around.allowances, around.deadline_s)
        self._platform = around.platform(self.address.account_id)
        self.steps = Journal(
            around.store,
            self.id,
            opened.steps,
            taken=[one for one in opened.messages if one.step is not None],
            steer=around.steer,
            took=self._take_in,
            discretion=around.discretion,
            ours=self._time.stopped,
        )
        self.discretion = around.discretion
        self.attendance = Activity(self, around, self._platform)

    # -- running it

    async def timed(self, agent: Agent) -> str | Silence | None:
        """Run the agent under the turn's deadline.

        Raises:
            TurnTimedOut: it passed its deadline. What it sleeps, asks, waits for the store or does not run is
                not of it.
            StepMismatch: it ended without asking for every recorded step.
        """
        with self._time.given():
            answer = await agent(self)
            self.steps.unasked()
            return answer
        raise TurnTimedOut("the turn passed its deadline")

    def answered(self) -> None:
        """A question of this turn has its answer: whoever waits for one looks at its row."""
        self._answered.set()
        self._answered = trio.Event()

    def _take_in(self, claimed: Sequence[Claimed]) -> None:
        self._steered.extend(claimed)
        self.messages += tuple(one.message for one in claimed)

    def steered(self) -> Sequence[Claimed]:
        """Messages taken in since the last call: `one.message` of each. Never waits."""
        taken, self._steered = self._steered, []
        return taken

    @asynccontextmanager
    async def _paused(self) -> AsyncIterator[None]:
        """Waiting counts neither towards the deadline nor as a running turn."""
        with self._time.stopped():
            self.waiting += 1
            self.attendance.pause()
            self._permit.release()
            try:
                yield
            finally:
                self.waiting -= 1
                if not self.waiting:
                    self.attendance.resume()
            if not self.waiting:
                # The wait for a place does not count either. Another wait may begin meanwhile.
                self.attendance.pause()
                await self._permit.acquire()
                if self.waiting:
                    self._permit.release()
                else:
                    self.attendance.resume()

    # -- what it was told

    @property
    def text(self) -> str:
        """The text of all its messages, a line each."""
        return "\n".join(message.text for message in self.messages)

    async def history(self) -> Sequence[Entry]:
        """The conversation before this turn, oldest first: the newest 400,000 characters of it at most.

        The same when the turn is run again. Cancelled: nothing has changed.
        """
        around, store = self._around, self._around.store
        if around.history and self.before.known is None:
            return self.before.entries
        chars = around.history or HISTORY_CHARS
        with self._time.stopped():
            return await written(lambda: store.history(self.session, chars, before_turn=self.id))

    # -- verbs

    async def step(
        self, name: str, fn: Callable[..., Awaitable[T]], *args: object, idempotent: bool = False
    ) -> T:
        """Run `fn(*args)` once, however often the turn is run again, and return what it returned.

        Args:
            name: with the number of the call it identifies the step; two running steps may not share it.
            fn: if it has a keyword-only parameter `op` it is given an id that is the same in every attempt.
            args: part of the recording; with other arguments the recording does not fit.
            idempotent: running it twice does the same as once, so a crash in the middle repeats it.

        Returns:
            The value as decoded from its record (msgspec-JSON, at most 1 MiB, nested at most
            64 deep), the first time too.

        Raises:
            StepMismatch: the recording has other arguments, or a running step has the name.
            StepUnknown: it began before a crash, is not idempotent, and nobody knows how it ended.
            StepFailed: on replay of a step that raised; the first time its own exception is raised.
        Cancelled: its intent stands without a result.
        """
        return await self.steps.run(name, fn, *args, idempotent=idempotent)

    async def say(self, text: str) -> None:
        """Send markdown to the conversation, once. Returns when it is owed, not when it is shown.

        The last one is the final reply if the function returns None. Cancelled: all of it is owed or nothing.

        Raises:
            StepMismatch: the recording has another text.
        """
        text = await self._safe(text)
        with self.steps.begin("say", (text,)) as row:
            self.attendance.restart()
            self.said = text
            if self.steps.is_recorded(row):
                return
            done = msgspec.structs.replace(row, state="done", value=b"null")
            said = AssistantEntry(text=text, interim=True)
            # What shows nothing is recorded, and not sent: no platform takes it.
            reply = await self._split(text, "say") if shows(text) else None
            await self.steps.end(done, entries=[said], reply=reply)

    def stream(self, text: str) -> None:
        """Add to the live preview, which the next `say` or the final reply takes the place of.

        Never waits and is no record: on platforms that cannot edit it is not shown at all. Of a long answer
        the first 4,000 characters are.
        """
        self.attendance.add(clean(text))

    def restart_stream(self) -> None:
        """Empty the live preview: what was streamed is void."""
        self.attendance.restart()

    async def ask(
        self, text: str, *, choices: Sequence[str] = (), timeout_s: float = 3600.0, name: str = "ask"
    ) -> str:
        """Ask the person a question and return the answer.

        While it is open, a choice pressed by, or the next message of, the person asked is its answer
        (in a group: a reply to the question). Of several that are open a message answers the one it replies
        to, else the one that was asked first. It survives a restart.

        Args:
            text: the question, as markdown.
            choices: labels of buttons; the label of the one pressed is the answer.
            timeout_s: how long it stays open, in seconds of wall time. Does not count towards the deadline.
            name: for the recording, where two ask side by side.

        Cancelled: the question is closed with its turn; in a turn that goes on at the next start it is open.

        Raises:
            AskTimedOut: nobody answered within `timeout_s` seconds of the asking, or the platform would not
                show the question.
            AgentError: the question or a choice is no text, or is empty.
        """
        if not all(isinstance(one, str) and shows(one) for one in (text, *choices)):
            raise AgentError("ask: the question and its choices are texts that are not empty")
        choices = [clean(one) for one in choices]
        with self.steps.begin(name, (clean(text), choices)) as row:
            if not self.steps.is_recorded(row):
                row = msgspec.structs.replace(row, wake_at=self._around.clock.now() + timeout_s)
                token = f"{self.id}.{digest_of((row.name, row.n))}"
                buttons = tuple(Choice(f"{token}.{i}", label) for i, label in enumerate(choices))
                prompt = msgspec.structs.replace(await self.reply(text, "prompt"), choices=buttons)
                row = await self.steps.intend(row, prompt)
            if row.state == "intent":
                row = await self._await_answer(row, timeout_s)
            await self.steps.go_on(row)
            if row.state == "failed":
                raise AskTimedOut(f"no answer to: {self.discretion.redact(text)[:80]}")
            self.steps.questions.answered(row)
            return msgspec.json.decode(row.value, type=Answered).answer

    async def _await_answer(self, row: StepRow, timeout_s: float) -> StepRow:
        assert row.wake_at is not None
        async with self._paused():
            with trio.move_on_after(self._until(row.wake_at, timeout_s)):
                # What is waited for is taken before the look: an answer that comes meanwhile sets it.
                while True:
                    answered = self._answered
                    row = await self.steps.asked(row)
                    if row.state != "intent":
                        break
                    await answered.wait()
        if row.state == "intent":
            value = msgspec.json.encode(["TurnTimedOut", ""])
            await self.steps.end(msgspec.structs.replace(row, state="failed", value=value))
            row = await self.steps.asked(row)
        return row

    def _until(self, wake_at: float, at_most_s: float) -> float:
        """Seconds until a wall time. A clock that was set back makes no wait longer than was asked for."""
        return min(at_most_s, max(0.0, wake_at - self._around.clock.now()))

    async def sleep(self, seconds: float, *, name: str = "sleep") -> None:
        """Sleep, across restarts: run again, it sleeps the rest. Does not count towards the deadline.

        Args:
            seconds: of wall time; where that has passed already it goes on at once.
            name: for the recording, where two sleep side by side.

        Cancelled: the wake-up time stands.
        """
        with self.steps.begin(name, (seconds,)) as row:
            if not self.steps.is_recorded(row):
                row = msgspec.structs.replace(row, wake_at=self._around.clock.now() + seconds)
                await self.steps.intend(row)
            if row.state == "done":
                return
            assert row.wake_at is not None
            async with self._paused():
                await trio.sleep(self._until(row.wake_at, seconds))
            await self.steps.end(msgspec.structs.replace(row, state="done", value=b"null"))

    async def now(self, *, name: str = "now") -> float:
        """Wall time in seconds since 1970, recorded. Cancelled: recorded or not."""
        return await self._recorded(name, self._around.clock.now)

    async def random(self) -> float:
        """A float in [0, 1), recorded. Cancelled: recorded or not."""
        return await self._recorded("random", self._around.chance.random)

    async def _recorded(self, name: str, draw: Callable[[], float]) -> float:
        async def drawn() -> float:
            return draw()

        return await self.steps.run(name, drawn, idempotent=True, type=float)

    async def reset(self, why: str = "asked by the agent") -> NoReturn:
        """End this conversation and open the next. Does not return: the turn ends as Cancelled.

        Args:
            why: for the log and the ledger.

        Cancelled before it is committed: the conversation goes on.

        Raises:
            StaleTurn: the turn has ended already; nothing happens to the conversation that goes on.
        """
        with self._time.stopped():
            await self.steps.settled()
            await written(lambda: self._around.store.reset(self.key, None, why, turn=self.id))
        await trio.sleep_forever()

    # -- for the gateway

    @property
    def is_wanted(self) -> bool:
        """Whether a person has written this, or one who may still write would read what comes of it."""
        return not all(message.note for message in self.messages) or self._around.allowed(self.address)

    def processes(self, consumed: list[int]) -> TurnProcesses:
        """The conversation's programs, for a tool's call; `consumed` takes those whose end it has told."""
        admins = self._platform.policy.admins if self._platform is not None else ()
        admin = all(message.address.user in admins for message in self.messages)
        around, ours = self._around.background, self._time.stopped
        return TurnProcesses(around, self.id, self.session, self.key, self.address, admin, consumed, ours)

    async def reply(self, text: str, said: DeliveryKind = "final") -> Reply:
        """The text, without secrets, as parts for this turn's platform; its time is not the turn's."""
        return await self._split(await self._safe(text), said)

    async def _safe(self, text: str) -> str:
        with self._time.stopped():
            return clean(await self.discretion(text))

    async def _split(self, text: str, said: DeliveryKind) -> Reply:
        with self._time.stopped():
            parts = await self._around.split(self._platform, text)
        return self.framed(parts, said)

    def framed(self, parts: Sequence[Part], said: DeliveryKind) -> Reply:
        """Parts as a reply that answers the turn's first message as the account's policy says."""
        first, message, platform = self.messages[0], self.messages[-1], self._platform
        rule = "first" if platform is None else platform.policy.reply_to
        # Ids of messages hold in the chat they were given in: it may have got another id between the two.
        anchor = first.message_id if rule != "off" and first.address.chat == self.address.chat else None
        return Reply(
            address=self.address,
            parts=tuple(parts) or (Part(""),),
            said=said,
            anchor=anchor or None,
            anchor_when="always" if self.attempt > 1 or not message.private or rule == "all" else "waiting",
            anchor_all=rule == "all",
        )
