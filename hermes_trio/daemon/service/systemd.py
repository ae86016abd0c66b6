"""The daemon as a service of systemd."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from hermes_trio.daemon.service.files import NAME, Service, unit_text
from hermes_trio.daemon.service.install import (
    ServiceFailed,
    Tell,
    do,
    have_user,
    last,
    let_read,
    must_be_ours,
    must_run_as,
    tried,
    write,
)

UNIT = f"{NAME}.service"
SYSTEM_UNITS = Path("etc/systemd/system")
_NO_VERDICT = "Failed to initialize manager"
"""What systemd-analyze ends with where it cannot look at all."""


class Systemd:
    """systemd, of the machine or of this user.

    Args:
        root: the folder of another system that is to be started later; None: this one.
    """

    def __init__(self, *, system: bool, root: Path | None = None) -> None:
        self._system = system
        self._root = root
        home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        self._unit = (root or Path("/")) / SYSTEM_UNITS / UNIT if system else home / "systemd/user" / UNIT

    def texts(self, service: Service) -> Mapping[Path, str]:
        """The unit."""
        return {self._unit: unit_text(service)}

    def install(self, service: Service, tell: Tell) -> None:
        """Write the unit, have systemd look at it, and start it."""
        self._must_run()
        if service.run_as:
            have_user(service, tell, self._root)
            if self._root is None:
                let_read(service)
                must_run_as(service)
        must_be_ours(self._unit)
        write(self._unit, unit_text(service))
        tell(f"written: {self._unit}")
        self._verify(tell)
        if self._root is not None:
            do("systemctl", f"--root={self._root}", "enable", UNIT)
            return
        self._ask("daemon-reload")
        self._ask("enable", UNIT)
        self._ask("restart", UNIT)
        if not self._system:
            _linger(tell)

    def uninstall(self, tell: Tell) -> None:
        """Stop it, and remove the unit."""
        self._must_be_installed()
        must_be_ours(self._unit)
        if self._root is not None:
            do("systemctl", f"--root={self._root}", "disable", UNIT)
        else:
            self._must_run()
            self._ask("disable", "--now", UNIT)
        self._unit.unlink()
        if self._root is None:
            self._ask("daemon-reload")
        tell(f"removed: {self._unit}")

    def start(self) -> None:
        """`systemctl start`, which returns when it is ready."""
        self._must_run()
        self._must_be_installed()
        self._ask("start", UNIT)

    def stop(self) -> None:
        """`systemctl stop`."""
        self._must_run()
        self._must_be_installed()
        self._ask("stop", UNIT)

    def status(self) -> Sequence[str]:
        """`systemctl status`."""
        self._must_run()
        return ["systemctl", *self._scope, "--no-pager", "status", UNIT]

    def logs(self, *, follow: bool) -> Sequence[str]:
        """`journalctl`."""
        self._must_run()
        return ["journalctl", *self._scope, "-u", UNIT, "-n", "100", *(["-f"] if follow else ["--no-pager"])]

    @property
    def _scope(self) -> list[str]:
        return [] if self._system else ["--user"]

    def _ask(self, *words: str) -> None:
        do("systemctl", *self._scope, *words)

    def _must_be_installed(self) -> None:
        if not self._unit.exists():
            raise ServiceFailed(f"{self._unit} is not there: nothing is installed")

    def _must_run(self) -> None:
        if self._root is not None:
            return
        done = tried("systemctl", *self._scope, "is-system-running")
        state = done.stdout.strip() if done else ""
        if state and state not in ("offline", "unknown"):
            return
        if self._system or done is None or state == "offline":
            raise ServiceFailed(
                "systemd does not run here: of another supervisor name the folder that it looks through, "
                "as in hermes-trio service install --runit DIR, or --s6 DIR"
            )
        raise ServiceFailed(
            "this user's systemd does not answer: log in as this user itself (not by su or sudo), "
            "or say export XDG_RUNTIME_DIR=/run/user/$(id -u) and try again"
        )

    def _verify(self, tell: Tell) -> None:
        """Have systemd read the unit before it is used."""
        done = (
            tried("systemd-analyze", *self._scope, "verify", str(self._unit)) if self._root is None else None
        )
        if done is not None and done.returncode and _NO_VERDICT not in done.stderr:
            raise ServiceFailed(f"{self._unit}: systemd does not take it: {last(done.stderr)}")
        for line in done.stderr.splitlines() if done else ():
            if str(self._unit) in line or UNIT in line:
                tell(line)


def _linger(tell: Tell) -> None:
    """Have this user's services run without a login."""
    done = tried("loginctl", "enable-linger")
    if done is None or done.returncode:
        tell(
            f"it ends when you log out, until somebody says: sudo loginctl enable-linger {getpass.getuser()}"
        )
