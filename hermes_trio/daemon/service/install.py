"""What every way of keeping a daemon running has in common, whichever supervisor does it."""

from __future__ import annotations

import os
import pwd
import stat
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from hermes_trio.daemon.service.files import NAME, OURS, Service
from hermes_trio.errors import HermesError

Tell = Callable[[str], None]


class ServiceFailed(HermesError):
    """The supervisor would not, or is not there; the text says what to do."""


class Supervisor(Protocol):
    """What keeps a daemon running."""

    def install(self, service: Service, tell: Tell) -> None:
        """Have it run now and after each start of the machine. Again: as it is to be now."""

    def uninstall(self, tell: Tell) -> None:
        """Stop it and take out what `install` has written. Configuration and store stay."""

    def start(self) -> None:
        """Have it run. Raises ServiceFailed where it is not installed."""

    def stop(self) -> None:
        """Have it stop, and return when it has: until `start`, or the next start of the machine."""

    def texts(self, service: Service) -> Mapping[Path, str]:
        """The files that `install` writes."""

    def status(self) -> Sequence[str]:
        """The command that shows how it is. Raises ServiceFailed where nothing can be shown."""

    def logs(self, *, follow: bool) -> Sequence[str]:
        """The command that shows what it has written. Raises ServiceFailed where it has written nothing."""


def environment_of(text: str) -> dict[str, str]:
    """What a file of NAME=value lines says, as systemd.exec(5) and a shell read it alike."""
    lines = (line.strip().removeprefix("export ").partition("=") for line in text.splitlines())
    pairs = (line for line in lines if line[1] and not line[0].startswith("#"))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def home_of(user: str) -> str:
    """A user's home; of one that is still to be made, where it will be."""
    with suppress(KeyError):
        return pwd.getpwnam(user).pw_dir if user else os.environ.get("HOME", "/")
    return f"/var/lib/{user}"


def have_user(service: Service, tell: Tell, root: Path | None = None) -> None:
    """Make the user that the service runs as, unless it is there.

    Args:
        root: the folder of another system; None: this one.
    """
    users = ((root or Path("/")) / "etc/passwd").read_text().splitlines()
    if any(line.startswith(f"{service.run_as}:") for line in users) or (root is None and _known(service)):
        return
    where = [] if root is None else ["--prefix", str(root)]
    told = ["--system", "--user-group", "--home-dir", service.state_dir, "--shell", "/usr/sbin/nologin"]
    if tried("useradd", "--help") is None:
        raise ServiceFailed(
            f"there is no user {service.run_as}, and no useradd to make one: make it, with a group of the "
            "same name, and install again; or name another with --run-as"
        )
    do("useradd", *where, *told, service.run_as)
    tell(f"made: the user {service.run_as}")


def _known(service: Service) -> bool:
    """Whether this system knows the user, from wherever it has its users."""
    with suppress(KeyError):
        return bool(pwd.getpwnam(service.run_as))
    return False


def let_read(service: Service) -> None:
    """Let the group of the service's user read its configuration and secrets, where root installs."""
    if not service.run_as or os.geteuid() != 0:
        return
    try:
        group = pwd.getpwnam(service.run_as).pw_gid
    except KeyError:
        raise ServiceFailed(f"there is no user {service.run_as}: name another with --run-as") from None
    folders = {str(parent) for path in service.reads if (parent := Path(path).parent).name == NAME}
    for path, more in (*((path, 0o040) for path in service.reads), *((path, 0o050) for path in folders)):
        os.chown(path, -1, group)
        os.chmod(path, stat.S_IMODE(os.stat(path).st_mode) | more)


def must_run_as(service: Service) -> None:
    """Raise ServiceFailed if the service's user could not run the program, or not read its configuration."""
    if not service.run_as or os.geteuid() != 0:
        return
    secrets = Path(service.secrets)
    words = environment_of(secrets.read_text()) if secrets.exists() else {}
    asked = [*service.program, "check", "--config", service.config]
    try:
        done = subprocess.run(  # noqa: S603 - words of this page
            asked,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": os.defpath, "HOME": service.home, **words},
            user=service.run_as,
            group=pwd.getpwnam(service.run_as).pw_gid,
            extra_groups=[],
        )
    except OSError:
        raise ServiceFailed(
            f"the user {service.run_as} may not run {service.program[0]}, or the Python behind it: install "
            "both where every user may read them, such as /opt/hermes-trio, or name another user: --run-as"
        ) from None
    if done.returncode:
        raise ServiceFailed(f"as the user {service.run_as}: {last(done.stderr) or 'check fails'}")


def must_be_ours(path: Path) -> None:
    """Raise ServiceFailed if a file is there that this program has not written."""
    with suppress(FileNotFoundError):
        if OURS not in path.read_text(errors="replace"):
            raise ServiceFailed(f"{path} is somebody else's, so it is left as it is: move it away")


def write(path: Path, text: str, *, program: bool = False) -> None:
    """Put a file in its place, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.chmod(0o755 if program else 0o644)
    new.rename(path)


def tried(*words: str) -> subprocess.CompletedProcess[str] | None:
    """What a command said; None: there is no such program."""
    try:
        return subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603 - words of this page
    except OSError:
        return None


def do(*words: str) -> None:
    """Run a command of a supervisor. Raises ServiceFailed with what it said."""
    done = tried(*words)
    if done is None:
        raise ServiceFailed(f"there is no {words[0]} here")
    if done.returncode:
        raise ServiceFailed(f"{' '.join(words)}: {last(done.stderr) or f'ended with {done.returncode}'}")


def last(text: str) -> str:
    """The last line of a text."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def become(words: Sequence[str]) -> int:
    """Run a command of a supervisor in this terminal; returns its exit code."""
    try:
        return subprocess.run(words, check=False).returncode  # noqa: S603 - words of this page
    except OSError as error:
        raise ServiceFailed(f"{words[0]}: {error.strerror}") from error
