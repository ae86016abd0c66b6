"""Processes: how a tool uses them, and how the machine starts and ends them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from hermes_trio.values.process import LeftProcesses, ProcessLog, Ran
from hermes_trio.values.views import ProcessView


class CallProcesses(Protocol):
    """The processes of a conversation, as a tool's call may use them.

    Each method raises PermissionError if a message that the turn answers is not an admin's, and ValueError if
    there is no such process or an argument is wrong. `run`, `start` and `write` also raise PermissionError
    where others than admins have spoken in the conversation (`ToolContext.needs`). Cancelled, a method that
    only looks has changed nothing.
    """

    async def run(self, command: str, *, timeout_s: float) -> Ran:
        """Run a shell command to its end, at most so long. Programs that it leaves running are ended with it.

        Raises:
            OSError: the machine could not start it.
            PermissionError: it is one that no setting allows (it would erase a root, power the machine off).
            StaleTurn: the turn has ended.
        Cancelled: its process group is ended.
        """

    async def start(
        self, command: str, *, notify: bool = True, keep: bool = False, watch: Sequence[str] = ()
    ) -> ProcessView:
        """Start a shell command in the background. Raises like `run`.

        Args:
            notify: the conversation is told of its end.
            keep: it outlives a reset of the conversation.
            watch: substrings; the conversation is told of lines that hold one, coalesced and capped.

        Cancelled: it was not started, or it runs by itself and `list` has it.
        """

    async def list(self) -> Sequence[ProcessView]:
        """The processes that run, and the newest that have ended."""

    async def poll(self, process: int) -> ProcessView:
        """The state of one. If it has ended, its session is told by this, and not once more."""

    async def wait(self, process: int, timeout_s: float) -> ProcessView:
        """Wait for its end, at most so long. Cancelled: it runs on, and its end is told."""

    async def log(self, process: int, since: int = 0) -> ProcessLog:
        """What it has printed, as far as it is kept.

        Args:
            since: of one that runs, only what came after this position.
        """

    async def write(self, process: int, text: str) -> None:
        """Give it input. Raises OSError if it takes none. Cancelled: it may have got a part of it."""

    async def kill(self, process: int) -> ProcessView:
        """End it: TERM to its process group, KILL 1.5 s later. Cancelled: it is ended all the same."""


class Group(Protocol):
    """Processes that are ended together."""

    def signal(self, how: Literal["term", "kill"]) -> int:
        """Send this signal to all of them, and return how many there were."""

    async def gone(self) -> None:
        """Return when all that live now have ended. Cancelled: nothing has changed."""

    def close(self) -> None:
        """Close the descriptors that belong to them. They are gone, or left behind."""


class Process(Group, Protocol):
    """A process that was started, leader of a process group of its own.

    Attributes:
        pid: its process id, and its group's.
        started: its start time in the machine's ticks; with the pid it names one process for ever.
    """

    pid: int
    started: int

    async def read(self) -> bytes:
        """The next piece of what it printed, b"" at the end. Cancelled: no piece is lost."""

    async def write(self, data: bytes) -> None:
        """Give it to its standard input. Raises OSError if it takes none. Cancelled: a part may be there."""

    async def exited(self) -> int:
        """Its exit code, minus the signal's number where one ended it, once the leader has ended.

        Cancelled: it runs on, and may be asked again.
        """


class Processes(Protocol):
    """Starts programs. The real one is `SystemProcesses`.

    Attributes:
        confined: they run in a sandbox. If not, the denylist is what keeps them from erasing the machine.
    """

    @property
    def confined(self) -> bool:
        """See the attributes."""

    async def start(
        self, command: str, env: Mapping[str, str], *, stdin: bool, folder: str | None = None
    ) -> Process:
        """Start a shell command in a process group of its own.

        Args:
            folder: where it begins, the folder of its conversation; None: in the home folder of `env`.

        Raises OSError. Cancelled: nothing was started, or it is returned all the same.
        """

    def left(self, of: LeftProcesses) -> Group:
        """The processes that older boots have left running."""
