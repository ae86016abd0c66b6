"""A fake of one user's systemd: `systemctl --user`, `loginctl` and `journalctl`, of what a service needs.

`put_in_place(folder)` makes a folder for PATH. What is started is the real daemon, told where to notify, as
systemd.service(5) has it of Type=notify: `restart` returns when it is ready. What it does
not know it refuses.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

WITHIN_S = 30.0
PROGRAMS = ("systemctl", "loginctl", "journalctl")


def put_in_place(folder):
    """Make the programs in this folder."""
    folder.mkdir()
    for name in PROGRAMS:
        program = folder / name
        program.write_text(
            f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(__file__)} {name} "$@"\n'
        )
        program.chmod(0o755)
    return folder


class Systemd:
    """What is kept between two calls lies in a folder of the user's home."""

    def __init__(self, home):
        self.units = home / ".config/systemd/user"
        self.kept = home / ".fake-systemd"
        self.kept.mkdir(exist_ok=True)
        self.journal = self.kept / "journal"
        self.pid = self.kept / "pid"

    def settings(self, unit):
        lines = (self.units / unit).read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))

    def enable(self, unit):
        wanted = self.units / f"{self.settings(unit)['WantedBy']}.wants"
        wanted.mkdir(exist_ok=True)
        (wanted / unit).symlink_to(self.units / unit)

    def start(self, unit):
        told = self.settings(unit)
        assert told["Type"] == "notify", told["Type"]
        heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        at = self.kept / "notify"
        at.unlink(missing_ok=True)
        heard.bind(str(at))
        heard.settimeout(WITHIN_S)
        environ = {"HOME": os.environ["HOME"], "PATH": "/usr/bin:/bin", "NOTIFY_SOCKET": str(at)}
        with self.journal.open("ab") as journal:
            daemon = subprocess.Popen(
                shlex.split(told["ExecStart"]),
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=journal,
                stderr=journal,
                cwd="/",
                start_new_session=True,
            )
        self.pid.write_text(str(daemon.pid))
        while b"READY=1" not in heard.recv(4096):
            assert daemon.poll() is None

    def stop(self):
        with suppress(FileNotFoundError, ProcessLookupError):
            pid = int(self.pid.read_text())
            self.pid.unlink()
            os.kill(pid, signal.SIGTERM)
            give_up_at = time.monotonic() + WITHIN_S
            while time.monotonic() < give_up_at:
                os.kill(pid, 0)
                time.sleep(0.05)

    def systemctl(self, *words):
        match words:
            case ("--user", "is-system-running"):
                print("running")
            case ("--user", "daemon-reload"):
                pass
            case ("--user", "enable", unit):
                self.enable(unit)
            case ("--user", "restart", unit):
                self.stop()
                self.start(unit)
            case ("--user", "start", unit):
                if not self.pid.exists():
                    self.start(unit)
            case ("--user", "stop", _):
                self.stop()
            case ("--user", "disable", "--now", unit):
                self.stop()
                (self.units / f"{self.settings(unit)['WantedBy']}.wants" / unit).unlink()
            case ("--user", "--no-pager", "status", unit):
                print(f"{unit}: {'active (running)' if self.pid.exists() else 'inactive (dead)'}")
            case _:
                sys.exit(f"systemctl: no such thing: {words}")

    def loginctl(self, *words):
        assert words == ("enable-linger",), words
        (self.kept / "linger").touch()

    def journalctl(self, *words):
        assert words == ("--user", "-u", "hermes-trio.service", "-n", "100", "--no-pager"), words
        print(self.journal.read_text(), end="")


if __name__ == "__main__":
    getattr(Systemd(Path(os.environ["HOME"])), sys.argv[1])(*sys.argv[2:])
