"""Who owns a daemon's files, and who else may read or write them; and how that is put right."""

from __future__ import annotations

import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from hermes_trio.config.load import Config


class Wrong(Struct, frozen=True):
    """A file with a mode or an owner that it should not have.

    Args:
        mode: what it should have; None: the mode is right.
        owner: whose it should be; None: the owner is right.
    """

    path: Path
    why: str
    mode: int | None = None
    owner: int | None = None

    @property
    def mend(self) -> str:
        """The command that puts it right."""
        path = shlex.quote(str(self.path))
        return f"chmod {self.mode:o} {path}" if self.mode is not None else f"chown {self.owner} {path}"

    def mended(self) -> None:
        """Put it right. Raises OSError."""
        if self.mode is not None:
            self.path.chmod(self.mode, follow_symlinks=True)
        if self.owner is not None:
            os.chown(self.path, self.owner, -1, follow_symlinks=False)


def wrongs(config: Config) -> Iterator[Wrong]:
    """Each file of a configuration and its state_dir that is not as it should be."""
    if config.path is not None:
        yield from _mode(config.path, 0o022, "others may write it")
    for file in dict.fromkeys(secret.file for secret in config.secrets if secret.file):
        yield from _mode(Path(file), 0o027, "others may read this secret")
    state_dir = config.gateway.state_dir
    try:
        owner = state_dir.stat().st_uid
    except OSError:
        return
    yield from _mode(state_dir, 0o077, "others may look into it")
    for path in sorted(state_dir.iterdir()):
        if path.is_symlink() or not path.is_file():
            continue
        yield from _mode(path, 0o022, "others may write it")
        if path.stat().st_uid != owner:
            yield Wrong(path, "belongs to another user than its folder", owner=owner)


def _mode(path: Path, never: int, why: str) -> Iterator[Wrong]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return
    if mode & never:
        yield Wrong(path, f"{why} (mode {mode:04o})", mode=mode & ~never)
