"""Who starts the daemon again, and how long it waits for a stop: read off what supervisors document.

systemd.exec(5): `$SYSTEMD_EXEC_PID` is the pid of the unit's own process (a shell below it inherits the
variable, not the pid). sd_notify(3): `$NOTIFY_SOCKET` is there for a service of Type=notify. runit, s6,
daemontools and supervisord are the parent of what they run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

SUPERVISED = "HERMES_TRIO_SUPERVISED"
STOP_LIMIT_S = "HERMES_TRIO_STOP_LIMIT_S"
PARENTS = ("runsv", "s6-supervise", "supervise", "supervisord")
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d|w|month|y)")
_UNIT_S = {
    "us": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "min": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
    "month": 2629800.0,
    "y": 31557600.0,
}


def supervisor_of(environ: Mapping[str, str], pid: int, parent: str) -> str | None:
    """What starts this process again when it ends with 75; None if nobody is known to.

    Args:
        environ: of the process. `HERMES_TRIO_SUPERVISED` decides if it is there: 1 or 0.

    Raises:
        ValueError: the variable says neither.
    """
    told = environ.get(SUPERVISED)
    if told is not None:
        if told not in ("0", "1"):
            raise ValueError(f"{SUPERVISED}: must be 1 or 0, not {told!r}")
        return SUPERVISED if told == "1" else None
    if "NOTIFY_SOCKET" in environ or environ.get("SYSTEMD_EXEC_PID") == str(pid):
        return "systemd"
    return parent if parent in PARENTS else None


def unit_of(cgroup: str) -> str | None:
    """The systemd service that a process belongs to, from its /proc/PID/cgroup."""
    found = re.findall(r"/([^/\n]+\.service)(?=/|$)", cgroup, re.MULTILINE)
    return found[-1] if found else None


def span_s(text: str) -> float | None:
    """Seconds of a time as systemd prints it, "1min 30s"; None if it is without end or no time."""
    spans = _SPAN.findall(text)
    if not spans or _SPAN.sub("", text).strip():
        return None
    return sum(float(number) * _UNIT_S[unit] for number, unit in spans)


def s6_stop_limit_s(timeout_kill: str) -> float | None:
    """Seconds of a `timeout-kill`, which are milliseconds; None if it is 0, empty or none: without end."""
    found = re.fullmatch(r"\s*(\d{1,12})\s*", timeout_kill)
    return int(found[1]) / 1000 or None if found else None
