"""What is told of the files of a conversation."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

FileKind = Literal["file", "folder", "link", "special file"]
"""What stands in a folder; a special file is a pipe, a socket or a device."""


class Mount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A folder of the operator's that all conversations may use.

    Args:
        name: the first name of the paths that lead there.
        path: where it is, from the root.
        writable: files may be written in it.
    """

    name: str
    path: str
    writable: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.name):
            raise ValueError("name must be a name of A-Z, a-z, 0-9, _ and -")
        if not self.path.startswith("/"):
            raise ValueError('path must be the path of a folder, from "/"')


class FileText(Struct, frozen=True, kw_only=True):
    """A part of a text file.

    Args:
        text: whole lines, but for a last one that is too long.
        first, last: the numbers of the lines it begins and ends with. `last` is less than `first` where the
            file ends before.
        lines: how many the file has.
        cut: the last line goes on.
    """

    text: str
    first: int
    last: int
    lines: int
    cut: bool = False


class FileView(Struct, frozen=True):
    """A file or a folder.

    Args:
        path: as it is opened.
        bytes: its size; 0 of what is no file.
    """

    path: str
    kind: FileKind
    bytes: int


class Listing(Struct, frozen=True):
    """What stands in a folder, by name. `more`: there is more than is told."""

    files: tuple[FileView, ...]
    more: bool


class Match(Struct, frozen=True):
    """A line that holds what was looked for; of a long one the part around it."""

    path: str
    line: int
    text: str


class Matches(Struct, frozen=True):
    """What was found.

    Args:
        more: there is more than is told.
        passed_over: files that were not looked into: no text, too large, or no right to.
    """

    matches: tuple[Match, ...]
    more: bool
    passed_over: int
