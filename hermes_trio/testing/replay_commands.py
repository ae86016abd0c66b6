"""The commands of a replay: those that act are the real ones; of all others there is what they answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hermes_trio.intake.slash import is_command, take_apart
from hermes_trio.ports.command import Command, CommandCall
from hermes_trio.ports.system import WallClock
from hermes_trio.runtime.plugins import installed_commands
from hermes_trio.testing.replay_script import Script
from hermes_trio.values.actions import CommandResult, Reset, Say, Stop
from hermes_trio.values.recording import RecordedMessage

REAL = frozenset({"new", "reset", "resume", "stop", "queue", "steer", "restart"})
UNKNOWN = "unknown command"


class StandIn:
    """A command that asks for what it asked for then."""

    def __init__(
        self,
        script: Script,
        clock: WallClock,
        names: Sequence[str],
        help: str = "",
        role: Literal["user", "admin"] = "user",
    ) -> None:
        self.names = names
        self.help = help
        self.role: Literal["user", "admin"] = role
        self._script = script
        self._clock = clock

    async def run(self, call: CommandCall) -> CommandResult:
        """See the module."""
        recording = self._script.recording
        now = self._clock.now() - recording.began_at
        calls = [one for one in recording.messages if _called(one) == (call.name, call.text)]
        if not calls:
            return Say("")
        # The one that was settled now: a command is settled at its own time.
        this = min(calls, key=lambda one: abs((one.settled_at or 0.0) - now))
        at, why = this.settled_at, this.reason
        if why and any(one.ended_at == at and one.why == why for one in recording.sessions):
            return Reset(why)
        if why and any(one.closed_at == at and one.state == "stopped" for one in recording.turns):
            return Stop()
        return Say(self._answer(at, this))

    def _answer(self, at: float | None, this: RecordedMessage) -> str:
        """What was said to it. Several that were settled in one commit were answered in their order."""
        recording = self._script.recording
        asked = [one for one in recording.messages if one.kind == "command" and one.settled_at == at]
        said = [part for part in recording.said if part.at == at and part.said == "reply"]
        firsts = [part.row for part in said if part.first is None]
        mine = firsts[asked.index(this)] if len(firsts) == len(asked) else None
        return "".join(part.text for part in said if mine in (None, part.row, part.first))


def _called(one: RecordedMessage) -> tuple[str, str] | None:
    text = one.message.text
    return take_apart(text) if one.kind == "command" and is_command(text) else None


def stand_ins(script: Script, clock: WallClock) -> list[Command]:
    """The commands of a replay."""
    commands: list[Command] = []
    for command in installed_commands():
        real = REAL.issuperset(command.names)
        commands.append(
            command if real else StandIn(script, clock, command.names, command.help, command.role)
        )
    known = {name for command in commands for name in command.names}
    for one in script.recording.messages:
        called = _called(one)
        if called is not None and called[0] not in known and one.reason != UNKNOWN:
            known.add(called[0])
            commands.append(StandIn(script, clock, (called[0],)))
    return commands
