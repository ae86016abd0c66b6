"""A process's environment. It is built up from nothing, so nothing of the gateway's gets in by accident."""

from __future__ import annotations

from collections.abc import Mapping

TAKEN_OVER = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR")
DEFAULTS = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/", "LANG": "C.UTF-8"}
BOOT, PROCESS = "HERMES_TRIO_BOOT", "HERMES_TRIO_PROCESS"


def process_environment(
    own: Mapping[str, str], *, mark: str, boot: int, session: int, turn: int, process: int
) -> dict[str, str]:
    """The environment of a process.

    The HERMES_TRIO_ variables are ids, and give no rights. They also mark the process and all that it starts:
    by them a later boot finds what a boot that died has left running. A program may remove them; then it is
    found only by its process group.

    Args:
        own: the gateway's environment; only what a shell needs is taken over.
        mark: names the store, so that two gateways on one machine do not end each other's processes.
    """
    taken = {name: own[name] for name in TAKEN_OVER if own.get(name)}
    return {
        **DEFAULTS,
        **taken,
        "TERM": "dumb",
        "HERMES_TRIO_SESSION": str(session),
        "HERMES_TRIO_TURN": str(turn),
        BOOT: boot_mark(mark, boot),
        PROCESS: process_mark(mark, boot, process),
    }


def boot_mark(mark: str, boot: int) -> str:
    """The value of HERMES_TRIO_BOOT in every process of a boot."""
    return f"{mark}.{boot}"


def process_mark(mark: str, boot: int, process: int) -> str:
    """The value of HERMES_TRIO_PROCESS in one process and in all that it starts."""
    return f"{mark}.{boot}.{process}"
