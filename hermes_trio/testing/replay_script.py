"""A recording as a replay follows it: what was recorded of which step, turn, message, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import trio

from hermes_trio.errors import HermesError
from hermes_trio.turns.questions import ASK
from hermes_trio.values.recording import (
    RecordedMessage,
    RecordedPart,
    RecordedStep,
    RecordedTurn,
    Recording,
)

AFTER_S = 2e-6
"""Between two things of one commit. The times of a recording are that exact."""

RULES = ("idle", "daily")
Step = tuple[int, str, int]
"""Turn, name, n-th call of that name in it."""


class Diverged(HermesError, AssertionError):
    """The replay asked for something else than was recorded; the text names turn, step and difference."""


class NoSuchStep(HermesError, ValueError):
    """A replay cannot go on from there; the text says how many steps there are."""


class Script:
    """What a replay follows, from `zero` on, until it goes on by itself.

    Args:
        from_step: the number, from 1, of the first step that is not taken from the recording. One more than
            there are: of the first that is not recorded. None: all is recorded.
        on_live: called, synchronously, when the replay goes on by itself.

    Attributes:
        zero: the time of trio's clock that the recording's times count from.
        live: set when it goes on by itself. `live_turn` is the turn in which it does.
        diverged: the first difference that cannot be followed; `stopped` is set then.

    Raises:
        NoSuchStep: the recording has no step of this number.
    """

    def __init__(
        self,
        recording: Recording,
        *,
        from_step: int | None = None,
        on_live: Callable[[], None] = lambda: None,
    ) -> None:
        self.recording = recording
        self.zero = trio.current_time()
        self.live = trio.Event()
        self.stopped = trio.Event()
        self.diverged: Diverged | None = None
        self.turns: dict[int, RecordedTurn] = {turn.id: turn for turn in recording.turns}
        self.steps: dict[Step, RecordedStep] = {(s.turn, s.name, s.n): s for s in recording.steps}
        self.numbers = {step: number for number, step in enumerate(self.steps, start=1)}
        self.messages: dict[str, RecordedMessage] = {one.message.native: one for one in recording.messages}
        self._from_step = from_step
        self._on_live = on_live
        self.live_turn = self._turn_of(from_step)

    def _turn_of(self, number: int | None) -> int | None:
        steps = self.recording.steps
        if number is None:
            return None
        if not 1 <= number <= len(steps) + 1:
            raise NoSuchStep(f"no step {number}: there are {len(steps)}, and {len(steps) + 1} is a new one")
        if number <= len(steps):
            return steps[number - 1].turn
        return max(self.turns, default=None)

    # -- time

    async def not_before(self, since: float | None) -> None:
        """Return right after this time of the recording, when what came then is there; at once when it is
        past, or is not known."""
        if since is None or self.live.is_set():
            return
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._until_live, scope)
                await trio.sleep_until(self.zero + since + AFTER_S)
                scope.cancel(reason="the time has come")

    async def _until_live(self, scope: trio.CancelScope) -> None:
        await self.live.wait()
        scope.cancel(reason="the replay goes on by itself")

    async def never(self) -> None:
        """What was not done within the recording is not done before the replay goes on by itself."""
        await self.live.wait()

    async def opens_turn(self, session: int, newest: int) -> None:
        """Return when the session opens its next turn after that of this number, or ends by a rule."""
        following = next((turn for turn in self.recording.turns if turn.id > newest), None)
        if following is not None and following.session == session:
            return await self.not_before(following.opened_at)
        ended = next((one for one in self.recording.sessions if one.id == session), None)
        if ended is not None and ended.why in RULES and ended.ended_at is not None:
            return await self.not_before(ended.ended_at)
        return await self.never()

    def taken_up_at(self, command: RecordedMessage) -> float | None:
        """When a command took effect, None if it did not.

        One that asked to be told to a turn did so after all that could have taken it first.
        """
        if command.kind == "command":
            return command.settled_at
        if command.kind != "steer":
            return command.at
        missed = [one.at for one in self.recording.steps] + [one.opened_at for one in self.recording.turns]
        heard_at = command.at if command.heard_at is None else command.heard_at
        first = max((at for at in missed if command.at <= at < heard_at), default=None)
        return command.at if first is None else first + AFTER_S

    # -- what was recorded

    def step(self, turn: int, name: str, n: int) -> RecordedStep | None:
        """What was recorded of a step, None of one that is made anew."""
        step = (turn, name, n)
        number = self.numbers.get(step)
        if self._from_step is not None and not self.live.is_set():
            new = number is None and self.live_turn is not None and turn >= self.live_turn
            if new or (number is not None and number >= self._from_step):
                self._go_on()
        return None if self.live.is_set() else self.steps.get(step)

    def _go_on(self) -> None:
        self.live.set()
        self._on_live()

    def inside(self, turn: int, name: str, n: int) -> Sequence[RecordedStep]:
        """The steps that a step had inside it, in order."""
        parent = f"{name}#{n}/"
        return [step for step in self.recording.steps if step.turn == turn and step.name.startswith(parent)]

    def asked(self, question: RecordedStep) -> tuple[str, list[str]]:
        """What a question within a call asked, with the labels of its choices, as it was shown."""
        questions = [
            step
            for step in self.recording.steps
            if step.turn == question.turn and step.name.rpartition("/")[2].startswith(ASK) and step.wake_at
        ]
        shown: dict[int, list[RecordedPart]] = {}
        for part in self.recording.said:
            if part.turn == question.turn and part.said == "prompt":
                shown.setdefault(part.row if part.first is None else part.first, []).append(part)
        parts = list(shown.values())[sorted(questions, key=lambda step: step.begun_at or 0.0).index(question)]
        return "\n".join(part.text for part in parts), [c.label for part in parts for c in part.choices]

    def identical(self, turn: int, name: str, digest: str) -> RecordedStep | None:
        """A recorded call of the same name with the same arguments, of this turn if it has one."""
        found = [
            step
            for step in self.recording.steps
            if step.name == name and step.digest == digest and step.state != "intent"
        ]
        mine = [step for step in found if step.turn == turn]
        return next(iter(mine or found[::-1]), None)

    def is_cut(self, turn: RecordedTurn) -> bool:
        """Whether somebody else ended it, or nobody has: it makes no end of its own."""
        return turn.state in ("running", "reset", "abandoned") or (
            turn.state == "stopped" and turn.error is None
        )

    def resets_itself(self, turn: RecordedTurn) -> str | None:
        """Why a turn ended its own conversation; None if another did, or it did not."""
        if turn.state != "reset":
            return None
        ended = [one for one in self.recording.sessions if one.id == turn.session and one.why is not None]
        commands = [one for one in self.messages.values() if one.kind == "command"]
        asked = any(one.settled_at == turn.closed_at for one in commands)
        return None if asked or not ended or ended[0].why == "operator" else ended[0].why

    def diverge(self, what: str) -> None:
        """The replay cannot follow; the first that says so counts."""
        if self.diverged is None:
            self.diverged = Diverged(what)
            self.stopped.set()
