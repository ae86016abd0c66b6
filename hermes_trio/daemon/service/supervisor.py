"""The daemon's supervisor: who starts the daemon again, how long that waits for a stop, what it is told."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import trio

from hermes_trio.daemon.service.supervisor_facts import (
    STOP_LIMIT_S,
    s6_stop_limit_s,
    span_s,
    supervisor_of,
    unit_of,
)
from hermes_trio.daemon.signals import STOPPING, ignored_for_good
from hermes_trio.errors import ConfigWrong

ASK_S = 5.0
Notify = Callable[[str], None]


def supervisor() -> str | None:
    """What starts this process again when it ends with 75; None if nobody is known to.

    Raises:
        ConfigWrong: HERMES_TRIO_SUPERVISED says neither 1 nor 0.
    """
    parent = ""
    with suppress(OSError):
        parent = Path(f"/proc/{os.getppid()}/comm").read_text().strip()
    try:
        return supervisor_of(os.environ, os.getpid(), parent)
    except ValueError as error:
        raise ConfigWrong(str(error)) from error


def begin_anew(config: Path | None, environ: Mapping[str, str]) -> str:
    """Become a new process with the same command line. Everything is closed by now, the lock too.

    Args:
        environ: what the process was started with.

    Returns only if that would be the end: why. The program as it is now looks at the configuration as it is.
    """
    check = [sys.executable, "-m", "hermes_trio", "check", *(["--config", str(config)] if config else [])]
    for number in STOPPING:
        # Nothing is held now that would have to be given back; a new program has handlers of its own.
        signal.signal(number, lambda *_: os._exit(0))
    try:
        checked = subprocess.run(  # noqa: S603 - this program
            check, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environ
        )
        if checked.returncode:
            return checked.stderr.strip()
        with ignored_for_good():
            os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environ)  # noqa: S606 - it is what runs now
    except OSError as error:
        return f"{sys.executable}: {error.strerror}"


async def stop_limit_s() -> float | None:
    """How long the supervisor lets a stop last before it kills; None if that is not known, or for ever.

    HERMES_TRIO_STOP_LIMIT_S says it, else systemd is asked: any user may read it.

    Raises:
        ConfigWrong: the variable is no number.
    """
    told = _told_stop_limit_s()
    if told is not None:
        return told
    return await systemd_stop_limit_s(_line_of("self", "cgroup")) if supervisor() == "systemd" else None


async def stop_limit_of(pid: int) -> float | None:
    """The same of another process of this user: what HERMES_TRIO_STOP_LIMIT_S says here, else its supervisor.

    Raises:
        ConfigWrong: the variable is no number.
    """
    told = _told_stop_limit_s()
    if told is not None:
        return told
    parent = re.search(r"^PPid:\s*(\d+)$", _line_of(str(pid), "status"), re.MULTILINE)
    if parent and _line_of(parent[1], "comm").strip() == "s6-supervise":
        return s6_stop_limit_s(_line_of(parent[1], "cwd/timeout-kill"))
    return await systemd_stop_limit_s(_line_of(str(pid), "cgroup"))


def _told_stop_limit_s() -> float | None:
    told = os.environ.get(STOP_LIMIT_S)
    try:
        return None if told is None else float(told)
    except ValueError as error:
        raise ConfigWrong(f"{STOP_LIMIT_S}: must be a number of seconds, not {told!r}") from error


def _line_of(pid: str, file: str) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/{file}").read_text()
    return ""


async def systemd_stop_limit_s(cgroup: str) -> float | None:
    """`TimeoutStopSec` of the unit that a process belongs to; None if systemd does not say.

    Args:
        cgroup: the text of its /proc/PID/cgroup.
    """
    unit = unit_of(cgroup)
    if unit is None:
        return None
    ask = ["systemctl", "show", "--property=TimeoutStopUSec", "--value", "--", unit]
    if "/user@" in cgroup:
        ask.insert(1, "--user")
    with trio.move_on_after(ASK_S), suppress(OSError):
        done = await trio.run_process(ask, capture_stdout=True, capture_stderr=True, check=False)
        return span_s(done.stdout.decode(errors="replace")) if done.returncode == 0 else None
    return None


def notifier(address: str | None) -> Notify:
    """Tells systemd "READY=1" and the like, from any thread. sd_notify(3); without an address nobody.

    Args:
        address: $NOTIFY_SOCKET: a path, or "@" and an abstract name.
    """
    if not address:
        return _tell_nobody
    channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
    channel.setblocking(False)
    to = f"\0{address[1:]}" if address.startswith("@") else address

    def tell(state: str) -> None:
        # Whoever listens may be gone, or slow; the daemon is not.
        with suppress(OSError):
            channel.sendto(state.encode(), to)

    return tell


def _tell_nobody(_: str) -> None:
    """There is no supervisor that listens."""


def watchdog_s() -> float | None:
    """How long the supervisor waits for a sign of life; None if it does not. sd_watchdog_enabled(3)."""
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    limit = os.environ.get("WATCHDOG_USEC", "")
    return int(limit) / 1e6 if limit.isdecimal() and int(limit) > 0 else None
