"""Where the files of conversations stand: a folder of its own for each, and those that an operator mounts."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from hermes_trio.values.files import Mount
from hermes_trio.workspaces.beneath import kind_of

MIB = 1 << 20
GONE = ".gone-"
ASIDE = ".of-the-conversation"
"""Ends the name of a file that stood where something is mounted now."""
_HOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
"""The operator may have named a link."""
_FOLDER = _HOLDER | os.O_NOFOLLOW


class Workspaces(Struct, frozen=True, kw_only=True):
    """Where the files of conversations stand. It is the same for each boot.

    Args:
        folder: holds a folder for each conversation that has files. Made when the first needs it.
        most_mib: how large a workspace may be, in MiB.
        mounts: what all conversations may use beside their own.
    """

    folder: Path
    most_mib: int = 256
    mounts: tuple[Mount, ...] = ()

    @contextmanager
    def workspace(self, session: int, *, make: bool = False) -> Iterator[int | None]:
        """The folder of a conversation, open while the body runs; None: it has none.

        Args:
            make: it is made where there is none.
        """
        if make:
            self.made(session)
        try:
            found = os.open(self.path(session), _FOLDER)
        except FileNotFoundError:
            yield None
            return
        with _closing(found):
            yield found

    def mount(self, name: str) -> Mount | None:
        """What is mounted by this name; None: nothing is."""
        return next((one for one in self.mounts if one.name == name), None)

    def made(self, session: int) -> str:
        """Where the folder of a conversation is; made if there is none. Raises OSError: it could not be."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own = self.path(session)
        with suppress(FileExistsError):
            os.mkdir(own, 0o700)
        for mount in self.mounts:
            _make_way(own, mount.name)
        return str(own)

    def path(self, session: int) -> Path:
        """Where the folder of a conversation is, or would be."""
        return self.folder / str(session)

    def sessions(self) -> Sequence[int]:
        """The conversations that have a folder."""
        with suppress(FileNotFoundError):
            names = os.listdir(self.folder)
            return sorted(int(name) for name in names if name.isascii() and name.isdecimal())
        return ()

    def remove(self, session: int) -> None:
        """Remove the folder of a conversation with all that is in it. Cut off, the next removal goes on.

        A program may have nested folders so deeply that no path leads there. So a folder that is not empty is
        moved to the top first, and emptied there.
        """
        with suppress(FileNotFoundError):
            os.rename(self.path(session), self.folder / f"{GONE}{session}")
            with _closing(os.open(self.folder, _HOLDER)) as root:
                _empty(root, [f"{GONE}{session}"])

    def clear(self) -> None:
        """Go on with removals that were cut off. Raises OSError: one cannot be ended; the others are."""
        with suppress(FileNotFoundError), _closing(os.open(self.folder, _HOLDER)) as root:
            _empty(root, [name for name in os.listdir(root) if name.startswith(GONE)])


def _make_way(own: Path, name: str) -> None:
    """A sandbox needs a folder where it mounts something, and would follow a link. A file or a link may stand
    there from before the operator mounted anything by this name; it is kept beside."""
    with _closing(os.open(own, _FOLDER)) as here, suppress(FileNotFoundError):
        if kind_of(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode) != "folder":
            os.rename(name, f"{name}{ASIDE}", src_dir_fd=here, dst_dir_fd=here)


@contextmanager
def opened_mount(mount: Mount) -> Iterator[int]:
    """A mounted folder, open while the body runs. Raises OSError: it cannot be."""
    with _closing(os.open(mount.path, _HOLDER)) as found:
        yield found


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _empty(root: int, gone: list[str]) -> None:
    failed: OSError | None = None
    while gone:
        name = gone.pop()
        try:
            gone += _emptied(root, name)
        except NotADirectoryError:  # an operator's link or file of such a name
            os.unlink(name, dir_fd=root)
        except OSError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def _emptied(root: int, name: str) -> list[str]:
    """Remove what stands in a folder. Returns the names of folders that stood in it, which are moved to the
    top; without such it is removed itself."""
    moved = []
    with _closing(os.open(name, _FOLDER, dir_fd=root)) as here:
        os.fchmod(here, 0o700)
        for entry in os.listdir(here):
            found = os.stat(entry, dir_fd=here, follow_symlinks=False)
            if kind_of(found.st_mode) != "folder":
                os.unlink(entry, dir_fd=here)
                continue
            top = f"{GONE}{found.st_dev}-{found.st_ino}"
            os.chmod(entry, 0o700, dir_fd=here)
            os.rename(entry, top, src_dir_fd=here, dst_dir_fd=root)
            moved.append(top)
    os.rmdir(name, dir_fd=root)
    return moved
