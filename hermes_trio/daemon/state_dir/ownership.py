"""Who owns a daemon's files, and who else may read or write them; and how that is put right."""

from __future__ import annotations

import os
import shlex
import stat
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
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
    """Each file of a configuration and its state_dir that is not as it should be, and the folders of both."""
    owner = owner_of(config.gateway.state_dir)
    secrets = {Path(secret.file) for secret in config.secrets if secret.file}
    written = sorted(secrets | ({config.path.absolute()} if config.path is not None else set()))
    for folder in sorted({path.parent for path in written}):
        if not _mode_of(folder) & stat.S_ISVTX:  # in a folder like /tmp nobody replaces what is another's
            yield from _mode(folder, 0o022, "others may replace what lies in it")
    for path in written:
        if path in secrets:
            yield from _mode(path, 0o027, "others may read this secret")
        else:
            yield from _mode(path, 0o022, "others may write it")
        with suppress(OSError):
            if path.stat().st_uid not in (0, os.geteuid(), owner):
                yield Wrong(path, "belongs to another user", owner=owner)
    yield from _of_state_dir(config.gateway.state_dir, owner)


def owner_of(state_dir: Path) -> int:
    """Whose daemon it is: whose most of the files are. A single one may have been left by somebody else."""
    paths = _kept(state_dir)
    [(owner, _)] = Counter(path.stat().st_uid for path in paths).most_common(1) or [(os.geteuid(), 0)]
    return owner


def _of_state_dir(state_dir: Path, owner: int) -> Iterator[Wrong]:
    for path in _kept(state_dir):
        if path == state_dir:
            yield from _mode(path, 0o077, "others may look into it")
        else:
            yield from _mode(path, 0o022, "others may write it")
        if path.stat().st_uid != owner:
            yield Wrong(path, "belongs to another user than the rest", owner=owner)


def _kept(state_dir: Path) -> list[Path]:
    """The state_dir and the files in it; none, if it is not there or not ours to read."""
    try:
        return [
            state_dir,
            *(path for path in sorted(state_dir.iterdir()) if path.is_file() and not path.is_symlink()),
        ]
    except OSError:
        return []


def _mode_of(path: Path) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0


def _mode(path: Path, never: int, why: str) -> Iterator[Wrong]:
    mode = _mode_of(path)
    if mode & never:
        yield Wrong(path, f"{why} (mode {mode:04o})", mode=mode & ~never)
