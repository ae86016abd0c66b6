"""A turn as its agent function sees it: the messages, and the verbs to answer them.

What the gateway does with it is `running_turn.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NoReturn, TypeVar

import msgspec
import trio

from hermes_trio.errors import AgentError, AskTimedOut
from hermes_trio.runtime import wrong_use
from hermes_trio.runtime.retry import until_stored
from hermes_trio.text.sanitize import clean, shows
from hermes_trio.turns.running_turn import RunningTurn
from hermes_trio.turns.step_values import digest_of
from hermes_trio.turns.unawaited import VerbCalls, verb
from hermes_trio.values.delivery import Choice
from hermes_trio.values.identity import Role
from hermes_trio.values.message import Message
from hermes_trio.values.stored import Answered, Claimed, StepRow
from hermes_trio.values.transcript import AssistantEntry, Entry

T = TypeVar("T")
HISTORY_CHARS = 400_000


def run_of(turn: Turn) -> RunningTurn:
    """The gateway's side of a turn, for an agent that is part of the gateway."""
    return turn._run


class Turn:
    """What an agent function is given: the messages, and the verbs to answer them.

    Attributes:
        id: the turn's number.
        session: its session's number.
        key: whose conversation it is.
        address: where the answer goes.
        attempt: 1, and one more each time the turn is run again after a crash.
        unseen: the messages that it was opened with and that `history()` does not have. (If a later message
            interrupted a turn, `history()` has the messages of that turn already.)
    """

    __slots__ = ("__weakref__", "_run", "address", "attempt", "id", "key", "session", "unseen")

    def __init__(self, run: RunningTurn) -> None:
        self._run = run
        self.id = run.id
        self.session = run.session
        self.key = run.key
        self.address = run.messages.address
        self.attempt = run.messages.attempt
        self.unseen = run.messages.unseen

    @property
    def _calls(self) -> VerbCalls:
        return self._run.calls

    # -- what it was told

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages it answers, in order of arrival; grows when messages are steered in."""
        return self._run.messages.all

    def steered(self) -> Sequence[Claimed]:
        """Messages taken in since the last call: `one.message` of each. Never waits."""
        return self._run.messages.steered()

    @property
    def text(self) -> str:
        """The text of all its messages, a line each."""
        return "\n".join(message.text for message in self.messages)

    @property
    def role(self) -> Role:
        """The least role among those whose messages it answers by now: "admin" only if all are admins."""
        return self._run.authority.role

    @verb
    async def needs(self, role: Role) -> None:
        """Go on only if something that leaves the conversation may be done; see `ToolContext.needs`.

        Raises:
            PermissionError: it may not be done for those whom the turn answers, or not in this conversation.
        Cancelled: nothing has changed.
        """
        wrong_use.role("needs: role", role)
        await self._run.authority.needs(role)

    @verb
    async def history(self) -> Sequence[Entry]:
        """The conversation before this turn, oldest first: the newest 400,000 characters of it at most.

        The same when the turn is run again. Cancelled: nothing has changed.
        """
        run, around = self._run, self._run.around
        if around.history and run.before.known is None:
            return run.before.entries
        chars = around.history or HISTORY_CHARS
        with run.ours():
            return await until_stored(lambda: around.store.history(self.session, chars, before_turn=self.id))

    # -- verbs

    @verb
    async def step(
        self,
        name: str,
        fn: Callable[..., Awaitable[T]],
        *args: object,
        idempotent: bool = False,
        type: Any = Any,
    ) -> T:
        """Run `fn(*args)` once, however often the turn is run again, and return what it returned.

        Args:
            name: with the number of the call it identifies the step; two running steps may not share it.
            fn: if it has a keyword-only parameter `op` it is given an id that is the same in every attempt.
            args: part of the recording; with other arguments the recording does not fit.
            idempotent: running it twice does the same as once, so a crash in the middle repeats it.
            type: what the record is decoded to, for a value that is not plain JSON: a msgspec.Struct, a
                dataclass, `datetime`, `list[Order]`.

        Returns:
            The value as decoded from its record (msgspec-JSON, at most 1 MiB, nested at most
            64 deep), the first time too. A tuple comes back as a list.

        Raises:
            StepMismatch: the recording has other arguments, or a running step has the name.
            StepUnknown: it began before a crash, is not idempotent, and nobody knows how it ended.
            StepFailed: on replay of a step that raised; the first time its own exception is raised.
            AgentError: it has no name, `fn` is no async function, its value is no JSON or no `type`.
        Cancelled: its intent stands without a result.
        """
        wrong_use.step(name, fn, idempotent)
        return await self._run.steps.run(name, fn, *args, idempotent=idempotent, type=type)

    @verb
    async def say(self, text: str) -> None:
        """Send markdown to the conversation, once. Returns when it is durable, not when it is shown.

        The last one is the final reply if the function returns None. Cancelled: all of it is owed or nothing.

        Raises:
            StepMismatch: the recording has another text.
            AgentError: it is no text.
        """
        wrong_use.text("say: text", text)
        text = await self._run.safe(text)
        with self._run.steps.begin("say", (text,)) as row:
            self._run.activity.restart()
            self._run.said = text
            if self._run.steps.is_recorded(row):
                return
            done = msgspec.structs.replace(row, state="done", value=b"null")
            said = AssistantEntry(text=text, interim=True)
            # A text that shows nothing is recorded and not sent: no platform takes it.
            reply = await self._run.split(text, "say") if shows(text) else None
            await self._run.steps.end(done, entries=[said], reply=reply)

    def stream(self, text: str) -> None:
        """Add to the live preview, which the next `say` or the final reply takes the place of.

        Never waits and is no record: on platforms that cannot edit it is not shown at all. Of a long answer
        the first 4,000 characters are.
        """
        wrong_use.text("stream: text", text)
        wrong_use.in_the_loop("stream", ", text")
        self._run.activity.add(clean(text))

    def restart_stream(self) -> None:
        """Empty the live preview: what was streamed is void."""
        wrong_use.in_the_loop("restart_stream")
        self._run.activity.restart()

    @verb
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
            AgentError: the question or a choice is no text, or is empty; `timeout_s` is no number of seconds.
        """
        wrong_use.choices("ask: choices", choices)
        wrong_use.name("ask: name", name)
        wrong_use.seconds("ask: timeout_s", timeout_s)
        if not all(isinstance(one, str) and shows(one) for one in (text, *choices)):
            raise AgentError("ask: the question and its choices are texts that are not empty")
        choices = [clean(one) for one in choices]
        with self._run.steps.begin(name, (clean(text), choices)) as row:
            if not self._run.steps.is_recorded(row):
                row = msgspec.structs.replace(row, wake_at=self._run.around.clock.now() + timeout_s)
                token = f"{self.id}.{digest_of((row.name, row.n))}"
                buttons = tuple(Choice(f"{token}.{i}", label) for i, label in enumerate(choices))
                prompt = msgspec.structs.replace(await self._run.reply(text, "prompt"), choices=buttons)
                row = await self._run.steps.intend(row, prompt)
            if row.state == "intent":
                row = await self._await_answer(row, timeout_s)
            await self._run.steps.go_on(row)
            if row.state == "failed":
                raise AskTimedOut(f"no answer to: {self._run.discretion.redact(text)[:80]}")
            self._run.steps.questions.answered(row)
            return msgspec.json.decode(row.value, type=Answered).answer

    async def _await_answer(self, row: StepRow, timeout_s: float) -> StepRow:
        assert row.wake_at is not None
        async with self._run.paused():
            with trio.move_on_after(self._until(row.wake_at, timeout_s)):
                # The event is taken before the look at the row: an answer that comes in between sets it.
                while True:
                    answered = self._run.next_answer
                    row = await self._run.steps.asked(row)
                    if row.state != "intent":
                        break
                    await answered.wait()
        if row.state == "intent":
            value = msgspec.json.encode(["TurnTimedOut", ""])
            await self._run.steps.end(msgspec.structs.replace(row, state="failed", value=value))
            row = await self._run.steps.asked(row)
        return row

    def _until(self, wake_at: float, at_most_s: float) -> float:
        """Seconds until a wall time, at most `at_most_s`: the wall clock may have been set back."""
        return min(at_most_s, max(0.0, wake_at - self._run.around.clock.now()))

    @verb
    async def sleep(self, seconds: float, *, name: str = "sleep") -> None:
        """Sleep, across restarts: run again, it sleeps the rest. Does not count towards the deadline.

        Args:
            seconds: of wall time; where that has passed already it goes on at once.
            name: for the recording, where two sleep side by side.

        Cancelled: the wake-up time stands.
        """
        wrong_use.seconds("sleep: seconds", seconds)
        wrong_use.name("sleep: name", name)
        with self._run.steps.begin(name, (seconds,)) as row:
            if not self._run.steps.is_recorded(row):
                row = msgspec.structs.replace(row, wake_at=self._run.around.clock.now() + seconds)
                await self._run.steps.intend(row)
            if row.state == "done":
                return
            assert row.wake_at is not None
            async with self._run.paused():
                await trio.sleep(self._until(row.wake_at, seconds))
            await self._run.steps.end(msgspec.structs.replace(row, state="done", value=b"null"))

    @verb
    async def now(self, *, name: str = "now") -> float:
        """Wall time in seconds since 1970, recorded. Cancelled: recorded or not."""
        wrong_use.name("now: name", name)
        return await self._recorded(name, self._run.around.clock.now)

    @verb
    async def random(self) -> float:
        """A float in [0, 1), recorded. Cancelled: recorded or not."""
        return await self._recorded("random", self._run.around.chance.random)

    async def _recorded(self, name: str, draw: Callable[[], float]) -> float:
        async def drawn() -> float:
            return draw()

        return await self._run.steps.run(name, drawn, idempotent=True, type=float)

    @verb
    async def reset(self, why: str = "asked by the agent") -> NoReturn:
        """End this conversation and open the next. Does not return: the turn ends as Cancelled.

        Args:
            why: for the log and the ledger.

        Cancelled before it is committed: the conversation goes on.

        Raises:
            StaleTurn: the turn has ended already; nothing happens to the conversation that goes on.
        """
        wrong_use.text("reset: why", why)
        with self._run.ours():
            await self._run.steps.settled()
            reset = partial(self._run.around.store.reset, self.key, None, why, turn=self.id)
            await until_stored(reset, wait=self._run.around.disk.again)
        await trio.sleep_forever()
