"""How processes are kept: whose each is, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.process import LeftProcesses, NewProcess, ProcessEnd, ProcessMark
from hermes_trio.values.views import ProcessView


class ProcessStore(Protocol):
    """The promises about processes: a part of the Store port."""

    async def begin_process(self, born: NewProcess) -> ProcessMark:
        """Record that a process is about to be started. Raises StaleTurn."""

    async def process_runs(self, process: int, pid: int, started: int) -> bool:
        """Record its pid. False if its row has ended meanwhile (a reset): then the program is to be ended."""

    async def end_process(
        self, process: int, end: ProcessEnd, code: int | None, output: str, told: str
    ) -> None:
        """Record its end; with `notify` also the inbound row that tells its session.

        A process that has ended already stays as it is.

        Args:
            code: the exit code; minus the signal's number where one ended it.
            output: the kept output, without secrets.
            told: what its session is told.
        """

    async def match_process(self, process: int, told: str, *, per_process: int, per_session: int) -> bool:
        """Record that watched lines have come: an inbound row tells its session.

        Returns whether more may be told. Past a limit one notice says that it is muted, and nothing follows.
        """

    async def processes(self, key: ConversationKey) -> Sequence[ProcessView]:
        """The key's processes: all that run, and the newest that have ended in its open session."""

    async def process(self, key: ConversationKey, process: int) -> ProcessView | None:
        """One process of the key."""

    async def process_output(self, key: ConversationKey, process: int) -> str:
        """The kept output of one that has ended."""

    async def left_processes(self) -> LeftProcesses:
        """At boot: mark processes of older boots as lost, and tell their sessions. Returns what to end."""
