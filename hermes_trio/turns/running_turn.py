"""A turn as the gateway has it: its time, its steps, its activity, and what it made.

The turn's nursery (`runner.py`) owns the agent. Once the turn has lasted half a second it owns the turn's
activity too: typing, the progress line, the live preview. They are tasks of that nursery, so none of them
outlives the turn or exists twice. Leaving the nursery frees the slot. `made` is the turn's result or its
error. A turn that was cut from outside made nothing, and its end is not written by its own task: who cancels
writes first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import msgspec
import trio

from hermes_trio.errors import TurnTimedOut
from hermes_trio.ports.tool import Tool
from hermes_trio.processes.call_processes import TurnProcesses
from hermes_trio.runtime.allowance import Allowance
from hermes_trio.runtime.tracebacks import traceback_of
from hermes_trio.text.foreign_errors import told
from hermes_trio.text.sanitize import clean
from hermes_trio.turns.activity import Activity
from hermes_trio.turns.authority import Authority
from hermes_trio.turns.journal import Journal
from hermes_trio.turns.messages import TurnMessages
from hermes_trio.turns.permits import TurnPermit
from hermes_trio.turns.surroundings import Surroundings
from hermes_trio.turns.unawaited import VerbCalls
from hermes_trio.values.actions import Silence
from hermes_trio.values.delivery import DeliveryKind
from hermes_trio.values.identity import ConversationKey, Policy
from hermes_trio.values.stored import Opened, Reply


class Made(msgspec.Struct, frozen=True):
    """What a turn made: an answer, or an error."""

    answer: str | Silence | None = None
    error: BaseException | None = None


class RunningTurn:
    """One run of a turn.

    Attributes:
        messages: those it answers, and how its answer is addressed.
        asked_at: wall time of the newest message it was opened with.
        before: the conversation before it, as far as it was read when the turn was opened.
        made: its result or its error; None as long as it has neither.
        said: the text of its last `say`.
        steps: its journal.
        activity: what shows that it works.
        calls: of its verbs, until they begin.
        authority: for whom it acts, and how far.
        permit: held while it works; see `TurnPermit`.
        ours: time that passes in this block is the gateway's, and does not count towards the deadline.
    """

    __slots__ = (
        "_next_answer",
        "_time",
        "_waiting",
        "activity",
        "around",
        "asked_at",
        "authority",
        "before",
        "calls",
        "discretion",
        "id",
        "key",
        "made",
        "messages",
        "ours",
        "permit",
        "said",
        "session",
        "steps",
    )

    def __init__(
        self, key: ConversationKey, opened: Opened, around: Surroundings, permit: TurnPermit
    ) -> None:
        self.id = opened.turn
        self.session = opened.session
        self.key = key
        self.messages = TurnMessages(opened, around.platform)
        self.asked_at = max(one.at for one in opened.messages)
        self.before = opened.history
        self.around = around
        self.made: Made | None = None
        self.said = ""
        self.calls = VerbCalls()
        self.permit = permit
        self._next_answer: trio.Event | None = None
        self._waiting = 0
        self._time = Allowance(around.allowances, around.deadline_s)
        self.ours = self._time.stopped
        self.discretion = around.discretion
        platform = self.messages.platform
        policy = Policy() if platform is None else platform.policy
        self.authority = Authority(around.store, self.session, policy, self.messages, self.ours)
        self.steps = Journal(
            around.store,
            self.id,
            opened.steps,
            taken=[one for one in opened.messages if one.step is not None],
            steer=around.steer,
            took=self.messages.take_in,
            discretion=around.discretion,
            again=around.disk.again,
            ours=self.ours,
            may_act=around.may_act,
        )
        self.activity = Activity(self.messages, self.steps, around)

    async def timed(
        self, agent: Callable[[RunningTurn], Awaitable[str | Silence | None]]
    ) -> str | Silence | None:
        """Run the agent under the turn's deadline. `agent` calls it with the turn of this run.

        Raises:
            TurnTimedOut: it passed its deadline. Time in `sleep` and `ask`, time that it waits for the store,
                and time in which the process did not run do not count.
            StepMismatch: it ended without asking for every recorded step.
        """
        with self._time:
            answer = await agent(self)
            self.steps.unasked()
            return answer
        raise TurnTimedOut("the turn passed its deadline")

    def answered(self) -> None:
        """A question of this turn has its answer: whoever waits for one looks at its row."""
        if self._next_answer is not None:
            self._next_answer.set()
            self._next_answer = None

    @property
    def next_answer(self) -> trio.Event:
        """Set when a question may have its answer. Made for the first who waits for it."""
        if self._next_answer is None:
            self._next_answer = trio.Event()
        return self._next_answer

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """In this block the turn waits for a person or a clock: its time stops, it holds no permit."""
        with self.ours():
            self._waiting += 1
            self.activity.pause()
            self.permit.release()
            try:
                yield
            finally:
                self._waiting -= 1
                if not self._waiting:
                    self.activity.resume()
            if not self._waiting:
                # The wait for a permit does not count either. Another wait may begin meanwhile.
                self.activity.pause()
                await self.permit.acquire()
                if self._waiting:
                    self.permit.release()
                else:
                    self.activity.resume()

    def tool_failed(self, tool: Tool, error: BaseException) -> None:
        """Log a tool's error for those who wrote the tool. The model reads it as the result of the call.

        A ValueError says what is wrong with the arguments (see the Tool port), and a PermissionError that the
        call is refused. The model can go on with that, so the line is at level `info`.
        """
        why, log = self.discretion.redact(told(error)), self.around.log
        trace = traceback_of(error, tool.run)
        is_meant = trace is None or isinstance(error, ValueError | PermissionError)
        (log.info if is_meant else log.error)(
            "tool failed", turn=self.id, key=str(self.key), tool=tool.name, error=why, traceback=trace
        )

    @property
    def is_wanted(self) -> bool:
        """Whether its answer has a reader.

        True as long as one of those who wrote its messages may speak. If all of them are notes of the gateway
        (the end of a program), as long as the person at its address may.
        """
        said = [message.address for message in self.messages.all if not message.note]
        return any(map(self.around.allowed, said or [self.messages.address]))

    def processes(self, consumed: list[int]) -> TurnProcesses:
        """The conversation's processes, for one tool call.

        Args:
            consumed: the call adds the numbers of the processes whose end its result tells.
        """
        return TurnProcesses(
            self.around.background,
            self.id,
            self.session,
            self.key,
            self.messages.address,
            consumed,
            self.ours,
            looks=partial(self.authority.asked_by, "admin"),
            acts=partial(self.authority.needs, "admin"),
        )

    async def reply(self, text: str, said: DeliveryKind = "final") -> Reply:
        """The text, without secrets, as parts for this turn's platform. Its time is not the turn's."""
        return await self.split(await self.safe(text), said)

    async def safe(self, text: str) -> str:
        """The text without secrets, and without characters that no platform takes."""
        with self.ours():
            return clean(await self.discretion(text))

    async def split(self, text: str, said: DeliveryKind) -> Reply:
        """A text that is safe already, as parts for this turn's platform."""
        with self.ours():
            parts = await self.around.split(self.messages.platform, text)
        return self.messages.framed(parts, said)
