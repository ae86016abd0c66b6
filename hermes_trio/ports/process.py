"""Programs: who starts them and who keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.process import LeftProcesses, NewProcess, ProcessEnd, ProcessLog, ProcessMark, Ran
from hermes_trio.values.views import ProcessView


class CallProcesses(Protocol):
    """The programs of a conversation, as a tool's call may have them.

    Each method raises PermissionError where a message that the turn answers is not an admin's, and
    ValueError for what is not there or is no argument. Cancelled, a method that only looks has changed
    nothing.
    """

    async def run(self, command: str, *, timeout_s: float) -> Ran:
        """Run a shell command to its end, at most so long; what it leaves in the background is ended with it.

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
        """Those that run, and the newest that have ended."""

    async def poll(self, process: int) -> ProcessView:
        """How it is. One that has ended is told by that."""

    async def wait(self, process: int, timeout_s: float) -> ProcessView:
        """Wait for its end, at most so long. Cancelled: it runs on, and its end is told."""

    async def log(self, process: int, since: int = 0) -> ProcessLog:
        """What it has printed, as far as it is kept; of one that runs from a position on."""

    async def write(self, process: int, text: str) -> None:
        """Give it input. Raises OSError if it takes none. Cancelled: it may have got a part of it."""

    async def kill(self, process: int) -> ProcessView:
        """End it: TERM to its process group, KILL 1.5 s later. Cancelled: it is ended all the same."""


class ProcessStore(Protocol):
    """The promises about processes: a part of the Store port."""

    async def begin_process(self, born: NewProcess) -> ProcessMark:
        """Record that a process is about to be started. Raises StaleTurn."""

    async def process_runs(self, process: int, pid: int, started: int) -> bool:
        """It has a pid. False if it was ended meanwhile (a reset): then it must not live."""

    async def end_process(
        self, process: int, end: ProcessEnd, code: int | None, output: str, told: str
    ) -> None:
        """It has ended: the row, and where it was asked for the inbound row that tells its session.

        Once only: a process that has ended already stays as it is.

        Args:
            code: the exit code; minus the signal's number where one ended it.
            output: the kept output, without secrets.
            told: what its session is told.
        """

    async def match_process(self, process: int, told: str, *, per_process: int, per_session: int) -> bool:
        """Lines that were watched for have come: an inbound row for its session.

        Returns whether more may be told. Past a limit one muted notice is said, and nothing after it.
        """

    async def processes(self, key: ConversationKey) -> Sequence[ProcessView]:
        """The key's processes: all that run, and the newest that have ended in its open session."""

    async def process(self, key: ConversationKey, process: int) -> ProcessView | None:
        """One process of the key."""

    async def process_output(self, key: ConversationKey, process: int) -> str:
        """The kept output of one that has ended."""

    async def left_processes(self) -> LeftProcesses:
        """At boot: those of older boots are lost, and their sessions told; what is to be ended."""


class Group(Protocol):
    """Processes that are ended together."""

    def signal(self, how: Literal["term", "kill"]) -> int:
        """Send it to all of them, and return how many there were."""

    async def gone(self) -> None:
        """Return when none of those that live now is left. Cancelled: nothing has changed."""

    def close(self) -> None:
        """Let go of what is known about them; they are gone, or left behind."""


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
    """Starts programs. The real one is `SystemProcesses`."""

    async def start(self, command: str, env: Mapping[str, str], *, stdin: bool) -> Process:
        """Start a shell command in a process group of its own, in the home folder of `env`.

        Raises OSError. Cancelled: nothing was started, or it is returned all the same.
        """

    def left(self, of: LeftProcesses) -> Group:
        """What older boots have left."""
