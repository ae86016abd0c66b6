"""Files below a folder, opened name by name from its descriptor.

No link is followed: a path that is checked first and opened then can be changed in between by a program that
runs in the folder. Nothing but files and folders is opened: a pipe would wait for ever, a device would act.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import PurePosixPath

from hermes_trio.values.files import FileKind

PATH_BYTES_MAX = 4096
NAME_BYTES_MAX = 255
DEPTH_MAX = 32
Names = tuple[str, ...]
"""What leads to a file below a folder; none: the folder itself."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def parts_of(path: str) -> Names:
    """The names that lead to a file below a folder; none: the folder itself.

    Raises:
        ValueError: the path leads elsewhere, or cannot be one. The text is for the model.
    """
    if "\0" in path:
        raise ValueError("a path holds no NUL")
    try:
        encoded = os.fsencode(path)
    except UnicodeEncodeError:
        raise ValueError("a path is text that can be encoded") from None
    if path.startswith(("/", "~")):
        raise ValueError(f"{_shown(path)}: a path begins in the workspace: no / or ~ stands before it")
    parts = tuple(part for part in PurePosixPath(path).parts if part != ".")
    if ".." in parts:
        raise ValueError(f"{_shown(path)}: a path stays in the workspace: .. is not allowed in it")
    names = (os.fsencode(part) for part in parts)
    if (
        len(encoded) > PATH_BYTES_MAX
        or len(parts) > DEPTH_MAX
        or any(len(name) > NAME_BYTES_MAX for name in names)
    ):
        raise ValueError(
            f"a path has at most {PATH_BYTES_MAX} bytes and {DEPTH_MAX} names of {NAME_BYTES_MAX} bytes each"
        )
    return parts


@contextmanager
def folder(root: int, parts: Names, *, make: bool = False) -> Iterator[int]:
    """A folder below another, open while the body runs.

    Args:
        root: the descriptor of the other.
        make: it is made where there is none, and what leads to it.

    Raises:
        ValueError: there is none, or a link leads to it. The text is for the model.
        OSError: it could not be opened.
    """
    here = os.dup(root)
    try:
        for n, name in enumerate(parts, 1):
            if make:
                with suppress(FileExistsError):
                    os.mkdir(name, 0o700, dir_fd=here)
            inner = _opened(here, name, _FOLDER, "/".join(parts[:n]))
            os.close(here)
            here = inner
        yield here
    finally:
        os.close(here)


@contextmanager
def regular_file(root: int, parts: Names, flags: int = os.O_RDONLY) -> Iterator[int]:
    """A file below a folder, open while the body runs.

    Args:
        root: the folder's descriptor.
        flags: as in `os.open`.

    Raises:
        ValueError: there is none, it is a folder, a link, a pipe or a device, or a link leads to it. The text
            is for the model.
        OSError: it could not be opened.
    """
    if not parts:
        raise ValueError("this is the workspace itself, no file")
    with folder(root, parts[:-1]) as here:
        path = "/".join(parts)
        found = _opened(here, parts[-1], _FILE | flags, path)
        try:
            kind = kind_of(os.fstat(found).st_mode)
            if kind != "file":
                raise ValueError(f"{_shown(path)} is a {kind}, no file")
            yield found
        finally:
            os.close(found)


def kind_of(mode: int) -> FileKind:
    """What stands there, as people call it."""
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "link" if stat.S_ISLNK(mode) else "special file"


def _opened(here: int, name: str, flags: int, path: str) -> int:
    try:
        return os.open(name, flags, dir_fd=here)
    except FileNotFoundError:
        raise ValueError(f"{_shown(path)}: there is no such file or folder") from None
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.ENOTDIR, errno.ENODEV):
            raise ValueError(f"{_shown(path)} {_why_not(here, name)}") from None
        if error.errno == errno.EISDIR:
            raise ValueError(f"{_shown(path)} is a folder, no file") from None
        raise


def _why_not(here: int, name: str) -> str:
    with suppress(OSError):
        kind = kind_of(os.stat(name, dir_fd=here, follow_symlinks=False).st_mode)
        if kind == "link":
            return "is a link, and links are not followed"
        return f"is a {kind}"
    return "cannot be opened"


def _shown(path: str) -> str:
    return path if len(path) <= NAME_BYTES_MAX else path[:NAME_BYTES_MAX] + "…"
