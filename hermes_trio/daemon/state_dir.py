"""The folder where a daemon keeps what outlives it: found, and made."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

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
    for path in (state_dir, *(state_dir / name for name in TRUSTED), *sorted(state_dir.glob(DOORS))):
        try:
            _refuse_shared(path, path.lstat(), folder=path == state_dir)
            if path == state_dir:  # it may be a link: then the same holds of where that leads
                _refuse_shared(path, path.stat(), folder=True)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ConfigWrong(f"{path}: {error.strerror}") from error


def refuse_shared_folder(folder: Path) -> None:
    """Refuse a folder whose files are run where others may write it. Raises ConfigWrong; it says the mend."""
    try:
        found = folder.stat()
    except OSError as error:
        raise ConfigWrong(f"{folder}: {error.strerror}") from error
    if found.st_uid not in (0, os.geteuid()) or found.st_mode & 0o002:
        raise ConfigWrong(f"{folder}: others may write there, and what lies there is run: chmod o-w {folder}")


def _refuse_shared(path: Path, found: os.stat_result, *, folder: bool) -> None:
    if found.st_uid != os.geteuid():
        raise ConfigWrong(f"{path}: belongs to another user: chown {os.geteuid()} {path}")
    if not folder and not stat.S_ISREG(found.st_mode):
        raise ConfigWrong(f"{path}: is no file of this folder: remove it, or name where it leads")
    if found.st_mode & 0o022 and not stat.S_ISLNK(found.st_mode):
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigWrong(f"{path}: others may write there (mode {mode:04o}): chmod go-w {path}")
