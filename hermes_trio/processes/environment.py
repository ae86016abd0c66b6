"""A process's environment: built from empty, so that nothing of the gateway's is in it by accident."""

from __future__ import annotations

from collections.abc import Mapping

TAKEN_OVER = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "USER", "LOGNAME", "SHELL", "TMPDIR")
DEFAULTS = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/", "LANG": "C.UTF-8"}
BOOT, PROCESS = "HERMES_TRIO_BOOT", "HERMES_TRIO_PROCESS"


def process_environment(
    own: Mapping[str, str], *, mark: str, boot: int, session: int, turn: int, process: int
) -> dict[str, str]:
    """The environment of a process.

    The HERMES_TRIO_ variables are ids without authority. They also mark the process and what it starts, so
    that what is left of a boot that died is found (a program may take them away; then only its process
    group tells).

    Args:
        own: the gateway's environment; only what a shell needs is taken over.
        mark: names the store, so that two gateways on one machine do not take each other's processes.
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
    """What every process of a boot carries in HERMES_TRIO_BOOT."""
    return f"{mark}.{boot}"


def process_mark(mark: str, boot: int, process: int) -> str:
    """What one process, and what it starts, carries in HERMES_TRIO_PROCESS."""
    return f"{mark}.{boot}.{process}"
