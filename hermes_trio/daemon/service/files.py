"""What supervisors are given to keep a daemon running: the one source of every unit and run script. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from msgspec import Struct

NAME = "hermes-trio"
OURS = "# Written by hermes-trio service install."
"""What a file of this page begins with, so that nobody else's is replaced."""
MORE_S = 10.0
"""So much longer than a stop takes does a supervisor wait before it kills."""

_UNIT = """{ours} Each line's reason: docs/service.md.

[Unit]
Description=hermes-trio, a chat-agent gateway
{network}# A platform or a model may be away for a night: keep trying.
StartLimitIntervalSec=0

[Service]
# It says when it is ready: its accounts have received, or have reported that they cannot.
Type=notify
TimeoutStartSec=180
ExecStart={start}
{user}# Secrets that the configuration names as env:NAME, a line NAME=value each. There need be none.
EnvironmentFile=-{secrets}

# 0: stopped as asked. 75: asks to be started again. 78: wrong until somebody changes it.
Restart=on-failure
RestartForceExitStatus=75
RestartPreventExitStatus=78
SuccessExitStatus=75
RestartSec=3

# The daemon alone is told; what is left afterwards is killed. A stop takes at most {stop_s:g} s with the
# drain_timeout_s of {drain_s:g}; {more_s:g} s more before systemd kills.
KillMode=mixed
TimeoutStopSec={limit_s:g}

# A loop that gives no sign of life for so long is killed with its traceback in the journal, and started
# again.
WatchdogSec=60

UMask=0077
{fences}
[Install]
WantedBy={target}
"""
_NETWORK = "Wants=network-online.target\nAfter=network-online.target\n"
_FENCES = """LockPersonality=yes
NoNewPrivileges=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
"""
_SYSTEM_FENCES = """CapabilityBoundingSet=
PrivateDevices=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RestrictNamespaces=yes
"""
_RUN = """#!/bin/sh
{ours}
exec 2>&1
cd /
{folder}export HOME={home}
if [ -f {secrets} ]; then set -a; . {secrets}; set +a; fi
exec {become}{start}
"""
_FINISH = """#!/bin/sh
{ours}
# 78: wrong until somebody changes it, so that starting again changes nothing.
{given_up}
"""
_LOG = """#!/bin/sh
{ours}
umask 077
mkdir -p main
exec {keep} ./main
"""


class Service(Struct, frozen=True, kw_only=True):
    """A daemon as a supervisor is to run it.

    Args:
        config: the configuration, a whole path.
        secrets: a file of NAME=value lines that need not be there, a whole path.
        drain_s: the part of it that the configuration says.
        run_as: the user that it becomes; empty: whose supervisor it is.
        reads: configuration and secrets, which that user must be able to read.
    """

    program: tuple[str, ...]
    config: str
    secrets: str
    state_dir: str
    stop_s: float
    drain_s: float
    run_as: str = ""
    home: str = "/"
    reads: tuple[str, ...] = ()

    @property
    def limit_s(self) -> float:
        """How long a supervisor waits for a stop before it kills."""
        return self.stop_s + MORE_S

    @property
    def start(self) -> tuple[str, ...]:
        """The command line of the daemon."""
        return (*self.program, "run", "--config", self.config)


def unit_text(service: Service) -> str:
    """The systemd unit: of the system where a user is named, else of a user's own manager."""
    system = bool(service.run_as)
    return _UNIT.format(
        ours=OURS,
        network=_NETWORK if system else "",
        start=" ".join(_quoted(word) for word in service.start),
        user=f"User={service.run_as}\n" if system else "",
        secrets=service.secrets.replace("%", "%%"),
        stop_s=service.stop_s,
        drain_s=service.drain_s,
        more_s=MORE_S,
        limit_s=service.limit_s,
        fences=f"{_folder(service.state_dir)}\n{_SYSTEM_FENCES}{_FENCES}" if system else f"\n{_FENCES}",
        target="multi-user.target" if system else "default.target",
    )


def runit_files(service: Service) -> Mapping[str, str]:
    """The files of a runit service folder, by name; all are programs."""
    become = f"chpst -u {service.run_as} " if service.run_as else ""
    return {
        "run": _run(service, become),
        "finish": _FINISH.format(ours=OURS, given_up='[ "$1" != 78 ] || exec sv down .'),
        "log/run": _LOG.format(ours=OURS, keep="svlogd"),
    }


def s6_files(service: Service) -> Mapping[str, str]:
    """The files of an s6 service folder, by name."""
    become = f"s6-setuidgid {service.run_as} " if service.run_as else ""
    return {
        "run": _run(service, become),
        "finish": _FINISH.format(ours=OURS, given_up='[ "$1" != 78 ] || exit 125'),
        "timeout-kill": f"{service.limit_s * 1000:.0f}\n",
        "log/run": _LOG.format(ours=OURS, keep="s6-log n10 s1000000"),
    }


def _run(service: Service, become: str) -> str:
    return _RUN.format(
        ours=OURS,
        folder=f"install -d -m 700 -o {service.run_as} {shlex.quote(service.state_dir)}\n" if become else "",
        home=shlex.quote(service.home),
        secrets=shlex.quote(service.secrets),
        become=become,
        start=shlex.join(service.start),
    )


def _folder(state_dir: str) -> str:
    """What makes a state_dir the service's own to write."""
    within = state_dir.removeprefix("/var/lib/")
    if within == state_dir:
        return f"ReadWritePaths={_quoted(state_dir)}"
    return f"StateDirectory={within}\nStateDirectoryMode=0700"


def _quoted(word: str) -> str:
    """A word of a command line as systemd.service(5) reads it."""
    text = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{text}"' if not text or any(letter in text for letter in " \t'\"\\;") else text
