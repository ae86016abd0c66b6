"""The folder where a daemon keeps what outlives it: found, and made."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from shlex import quote

from hermes_trio.config.foreign_toml import TOML_CHARS_MAX, read_toml
from hermes_trio.config.load import load, user_folder
from hermes_trio.config.secret_files import Files, beginning_of
from hermes_trio.errors import ConfigWrong

STORE = "hermes.db"
LOG = "hermes.log"
TRUSTED = (STORE, f"{STORE}-wal", f"{STORE}-shm", "lock", LOG)
DOORS = "websocket.*"
"""What is believed, or written, because it lies there."""


def state_dir_of(path: Path | None, environ: Mapping[str, str]) -> Path:
    """The state_dir that a config file names, without anything else of the file being needed.

    Who asks a daemon how it is has not its secrets in the environment. A file that cannot be understood is
    refused in the words of `config.load`.

    Args:
        path: the file, None for the embedded default.
        environ: names the user's folders.

    Raises:
        ConfigWrong: the file is not to be read, or names no folder.
    """
    if path is None:
        return user_folder(environ, "XDG_STATE_HOME", ".local/state")
    try:
        written = (
            read_toml(beginning_of(path, 4 * TOML_CHARS_MAX + 1).decode("utf-8-sig"))
            .get("gateway", {})
            .get("state_dir")
        )
        if written is not None:
            return Files(path.absolute().parent, environ).path(written)
        return user_folder(environ, "XDG_STATE_HOME", ".local/state")
    except (OSError, ValueError, TypeError, AttributeError):
        return load(path, environ=environ).gateway.state_dir


def make_state_dir(state_dir: Path) -> None:
    """Make it, for its owner only.

    Raises:
        ConfigWrong: it cannot be made, or is not this user's alone to write.
    """
    try:
        state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigWrong(f"state_dir {state_dir}: {error.strerror}") from error
    refuse_shared(state_dir)


def refuse_shared(state_dir: Path) -> None:
    """Refuse a folder that others may write: they could put a store, a socket or a door of theirs there.

    Raises:
        ConfigWrong: it, or a file in it that is trusted, is another's or may be written by others, or such a
            file leads elsewhere. The text says the mend.
    """
    _refuse_another_users(state_dir)
    owners = (os.geteuid(),)
    for path in (state_dir, *(state_dir / name for name in TRUSTED), *sorted(state_dir.glob(DOORS))):
        _refuse_shared(path, path.lstat, owners, folder=path == state_dir)
    _refuse_shared(state_dir, state_dir.stat, owners, folder=True)  # a link: the same holds of where it leads


def refuse_shared_workspaces(folder: Path) -> None:
    """Refuse a folder for files of conversations that others may write: a link of theirs would be what a
    program is given to write.

    Raises:
        ConfigWrong: it is another's, no folder, or may be written by others. The text says the mend.
    """
    for look in (folder.lstat, folder.stat):
        _refuse_shared(folder, look, (os.geteuid(),), folder=True)
    if folder.exists() and not folder.is_dir():
        raise ConfigWrong(f"{folder}: is no folder: remove it, or name another as tools.workspace_dir")


def _refuse_another_users(state_dir: Path) -> None:
    """Whoever meets the whole folder as another's is most often the one who is wrong here: root, say."""
    with suppress(OSError):
        owner = state_dir.stat().st_uid
        if owner != os.geteuid():
            name = user_name(owner)
            raise ConfigWrong(
                f"{state_dir}: belongs to another user, {name}: the daemon and its commands run as that user "
                f"alone: sudo -u {quote(name)} hermes-trio ... If it is to be yours: "
                f"chown -R {os.geteuid()} {state_dir}"
            )


def user_name(user: int) -> str:
    """What sudo calls a user of this system: its name, else its number with #."""
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"#{user}"


def refuse_shared_module(folder: Path, name: str) -> None:
    """Refuse a module that others may write, and a folder where they could put one of theirs: it is run.

    Looked at are the folder, the modules in it (they may be imported too), what Python keeps compiled of
    them, and all of the package `name`. Root may own them: who installs a bot need not be who runs it.

    Raises:
        ConfigWrong: one of these is another's or may be written by others. The text says the mend.
    """
    package = folder / name
    for path in (
        folder,
        *sorted(folder.glob("*.py")),
        *sorted(folder.glob("__pycache__")),
        *sorted(folder.glob("__pycache__/*")),
        package,
        *sorted(package.rglob("*")),
    ):
        for there in {path, path.resolve(), path.resolve().parent} if path.is_symlink() else {path}:
            _refuse_shared(there, there.stat, (0, os.geteuid()), folder=there.is_dir())


def _refuse_shared(
    path: Path, look: Callable[[], os.stat_result], owners: tuple[int, ...], *, folder: bool
) -> None:
    try:
        found = look()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigWrong(f"{path}: {error.strerror}") from error
    if found.st_uid not in owners:
        raise ConfigWrong(f"{path}: belongs to another user: chown {os.geteuid()} {path}")
    if not folder and not stat.S_ISREG(found.st_mode):
        raise ConfigWrong(f"{path}: is no file of this folder: remove it, or name where it leads")
    if found.st_mode & 0o022 and not stat.S_ISLNK(found.st_mode):
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigWrong(f"{path}: others may write there (mode {mode:04o}): chmod go-w {path}")
