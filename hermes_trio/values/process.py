"""What is known of a program."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from hermes_trio.values.identity import Address, ConversationKey
from hermes_trio.values.views import ProcessView

ProcessEnd = Literal["exited", "killed", "lost"]


class NewProcess(Struct, frozen=True, kw_only=True):
    """A process that is about to be started.

    Args:
        turn: whose call starts it; it must be running.
        command: as shown: without secrets.
        foreground: its call waits for it, so its end is told to nobody else.
        keep: it outlives a reset of its session.
        notify: its end is told to the session.
    """

    turn: int
    key: ConversationKey
    address: Address
    command: str
    foreground: bool = False
    keep: bool = False
    notify: bool = False


class ProcessMark(Struct, frozen=True):
    """What the environment of a process is made of: the store's mark, the boot, the process's number."""

    mark: str
    boot: int
    process: int


class LeftProcesses(Struct, frozen=True):
    """What older boots may have left running.

    Args:
        mark, boot: processes marked with this store and another boot than this.
        spared: other boots that live, maybe on this machine: their processes are theirs.
        leaders: pid and start time of those that were known to run.
        any: the store has ever had a process.
    """

    mark: str
    boot: int
    leaders: tuple[tuple[int, int], ...] = ()
    any: bool = True
    spared: tuple[int, ...] = ()


class Ran(Struct, frozen=True):
    """What became of a foreground command.

    Args:
        code: its exit code, minus the signal's number where one ended it. None: it passed its deadline and
            is being ended.
        seconds: how long it ran.
        output: what it printed, without secrets; of much the beginning and the end.
    """

    code: int | None
    seconds: float
    output: str


class ProcessLog(Struct, frozen=True):
    """What a process has printed. `position`: where to read on; None when it has ended."""

    view: ProcessView
    text: str
    position: int | None
