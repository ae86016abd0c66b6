"""Look through a folder: what stands in it, how large it is, where a text stands. All of it is for a thread.

Programs of the conversation may make any tree there. So each look has a limit of its own, and says that there
is more; no link is followed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress

from hermes_trio.values.files import FileView, Listing, Match, Matches
from hermes_trio.workspaces.beneath import DEPTH_MAX, Names, folder, kind_of, regular_file
from hermes_trio.workspaces.text_files import BINARY_LOOK, is_binary

TOLD_MAX = 500
ENTRIES_MAX = 20_000
MATCHES_MAX = 100
LINE_BYTES_MAX = 300
SEARCHED_FILE_BYTES_MAX = 8 << 20
SEARCHED_BYTES_MAX = 64 << 20
LOOKED_AT_ONCE = 1 << 20


class TreeWalk:
    """The entries below a folder, in the order of their names, with their sizes.

    Attributes:
        more: not all of them were seen: there are too many, or they are nested too deeply.
    """

    def __init__(self, root: int, parts: Names = ()) -> None:
        self.more = False
        self._root = root
        self._folders = [parts]
        self._left = ENTRIES_MAX

    def __iter__(self) -> Iterator[tuple[Names, os.stat_result]]:
        """Raises ValueError and OSError of the first folder only."""
        yield from self._within(self._folders.pop())
        while self._folders:
            try:
                yield from self._within(self._folders.pop())
            except (ValueError, OSError):  # it has gone or changed meanwhile, or there is no right to it
                self.more = True

    def _within(self, parts: Names) -> Iterator[tuple[Names, os.stat_result]]:
        inner: list[Names] = []
        for name, found in self._entries(parts):
            path = (*parts, name)
            if kind_of(found.st_mode) == "folder":
                if len(path) >= DEPTH_MAX:
                    self.more = True
                else:
                    inner.append(path)
            yield path, found
        self._folders += reversed(inner)

    def _entries(self, parts: Names) -> list[tuple[str, os.stat_result]]:
        entries = []
        with folder(self._root, parts) as here, os.scandir(here) as all:
            for entry in all:
                if not self._left:
                    self.more = True
                    break
                self._left -= 1
                with suppress(OSError):  # it has gone meanwhile
                    entries.append((entry.name, entry.stat(follow_symlinks=False)))
        return sorted(entries)


def listed(root: int, parts: Names, *, deep: bool, before: Names = ()) -> Listing:
    """What stands in a folder; see the port.

    Args:
        before: the names before each path.
    """
    walk = TreeWalk(root, parts)
    told: list[FileView] = []
    for path, found in walk:
        if not deep and len(path) > len(parts) + 1:
            break
        if len(told) == TOLD_MAX:
            return Listing(tuple(told), more=True)
        kind = kind_of(found.st_mode)
        told.append(FileView("/".join((*before, *path)), kind, found.st_size if kind == "file" else 0))
    return Listing(tuple(told), walk.more)


def size_of(root: int) -> int | None:
    """The bytes below a folder; None: there are too many files to be counted."""
    walk = TreeWalk(root)
    total = sum(found.st_blocks * 512 for _, found in walk)
    return None if walk.more else total


def searched(root: int, parts: Names, text: str, *, ignore_case: bool, before: Names = ()) -> Matches:
    """The lines that hold a text; see the port.

    Args:
        before: the names before each path.
    """
    if not text or "\n" in text:
        raise ValueError("text is what is looked for within a line: it is not empty and has no line end")
    sought = _folded(text.encode("utf-8", "surrogatepass"), ignore_case)
    search = _Search(root, sought, ignore_case, before)
    if parts and _is_file(root, parts):
        search.look(parts)
        return search.found(more=False)
    walk = TreeWalk(root, parts)
    for path, found in walk:
        if search.full:
            return search.found(more=True)
        if kind_of(found.st_mode) == "file":
            search.look(path)
    return search.found(more=walk.more or search.full)


def _is_file(root: int, parts: Names) -> bool:
    with folder(root, parts[:-1]) as here, suppress(FileNotFoundError):
        return kind_of(os.stat(parts[-1], dir_fd=here, follow_symlinks=False).st_mode) == "file"
    return False


def _folded(data: bytes, ignore_case: bool) -> bytes:
    return data.lower() if ignore_case else data


class _Search:
    def __init__(self, root: int, sought: bytes, ignore_case: bool, before: Names) -> None:
        self._root, self._sought, self._ignore_case, self._before = root, sought, ignore_case, before
        self._matches: list[Match] = []
        self._passed_over = 0
        self._left = SEARCHED_BYTES_MAX

    @property
    def full(self) -> bool:
        return len(self._matches) >= MATCHES_MAX or self._left <= 0

    def found(self, *, more: bool) -> Matches:
        return Matches(tuple(self._matches[:MATCHES_MAX]), more or self.full, self._passed_over)

    def look(self, parts: Names) -> None:
        data = self._read(parts)
        if data is None:
            self._passed_over += 1
            return
        path, line, counted, at = "/".join((*self._before, *parts)), 1, 0, 0
        folded = _folded(data, self._ignore_case)
        while not self.full and (at := self._next(folded, at)) >= 0:
            line += data.count(b"\n", counted, at)
            end = data.find(b"\n", at)
            end = len(data) if end < 0 else end
            begin = data.rfind(b"\n", 0, at) + 1
            self._matches.append(Match(path, line, _around(data, begin, at, end)))
            counted = at = end

    def _next(self, folded: bytes, at: int) -> int:
        """Where the text stands next, -1 if it does not. Python lets nobody else run while it looks, so it
        looks at one piece at a time."""
        while at < len(folded):
            found = folded.find(self._sought, at, at + LOOKED_AT_ONCE + len(self._sought) - 1)
            if found >= 0:
                return found
            at += LOOKED_AT_ONCE
        return -1

    def _read(self, parts: Names) -> bytes | None:
        try:
            with regular_file(self._root, parts) as file, open(file, "rb", closefd=False) as stream:
                if os.fstat(file).st_size > SEARCHED_FILE_BYTES_MAX:
                    return None
                data = stream.read(SEARCHED_FILE_BYTES_MAX)
        except (ValueError, OSError):  # no right to it, or it has gone or changed meanwhile
            return None
        self._left -= len(data)
        return None if is_binary(data[:BINARY_LOOK]) else data


def _around(data: bytes, begin: int, at: int, end: int) -> str:
    if end - begin > LINE_BYTES_MAX:
        begin = max(begin, at - LINE_BYTES_MAX // 3)
        end = min(end, begin + LINE_BYTES_MAX)
    return data[begin:end].decode("utf-8", "replace")
