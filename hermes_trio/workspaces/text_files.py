"""Read, write and edit a text file below a folder. All of it is for a thread."""

from __future__ import annotations

import os
from contextlib import suppress
from threading import get_ident

from hermes_trio.values.files import FileText
from hermes_trio.workspaces.beneath import Names, folder, kind_of, regular_file

TEXT_BYTES_MAX = 64 * 1024
"""So much is read at once: it all goes to the model."""
EDITED_BYTES_MAX = 1 << 20
READ_BYTES_MAX = 64 << 20
PIECE = 64 * 1024
BINARY_LOOK = 8192


def read(root: int, parts: Names, first: int, lines: int | None) -> FileText:
    """Lines of a text file; see the port.

    Raises:
        ValueError: it is no text, or too large.
    """
    if first < 1 or (lines is not None and lines < 1):
        raise ValueError("first and lines are whole numbers, 1 or more")
    with regular_file(root, parts) as file:
        size = os.fstat(file).st_size
        if size > READ_BYTES_MAX:
            raise ValueError(f"the file has {size} bytes; one of more than {READ_BYTES_MAX} is not read")
        if is_binary(os.pread(file, BINARY_LOOK, 0)):
            raise ValueError(f"the file is no text: it has NUL bytes, and {size} bytes in all")
        begin, number = _line(file, first, size)
        if number < first:
            return FileText(text="", first=first, last=first - 1, lines=number)
        found = _whole(file, begin, TEXT_BYTES_MAX + 1)
        taken, cut = _whole_lines(found[:TEXT_BYTES_MAX], lines, more=len(found) > TEXT_BYTES_MAX)
        last = first - 1 + _count(taken)
        return FileText(
            text=taken.decode("utf-8", "replace"),
            first=first,
            last=last,
            lines=last + _lines_between(file, begin + len(taken), size, in_a_line=cut),
            cut=cut,
        )


def is_binary(beginning: bytes) -> bool:
    """Whether a file that begins so is no text."""
    return b"\0" in beginning


def _line(file: int, line: int, size: int) -> tuple[int, int]:
    """Where a line begins, and its number; the end of the file and how many lines it has where it ends
    before. The file is looked at as far as it went when it was opened."""
    at, before = 0, line - 1
    ends_a_line = True
    while before and at < size and (piece := os.pread(file, min(PIECE, size - at), at)):
        ends = piece.count(b"\n")
        if ends >= before:
            end = -1
            for _ in range(before):
                end = piece.find(b"\n", end + 1)
            at, before = at + end + 1, 0
            return (at, line) if os.pread(file, 1, at) else (at, line - 1)
        before -= ends
        at += len(piece)
        ends_a_line = piece.endswith(b"\n")
    if before:
        return at, line - 1 - before + (not ends_a_line)
    return (at, line) if os.pread(file, 1, at) else (at, 0)


def _whole(file: int, at: int, count: int) -> bytes:
    pieces = []
    while count and (piece := os.pread(file, min(count, PIECE), at)):
        pieces.append(piece)
        at += len(piece)
        count -= len(piece)
    return b"".join(pieces)


def _whole_lines(found: bytes, lines: int | None, *, more: bool) -> tuple[bytes, bool]:
    """So many lines of it, and whether the last of them goes on."""
    if lines is not None:
        end = -1
        for _ in range(lines):
            end = found.find(b"\n", end + 1)
            if end < 0:
                break
        else:
            return found[: end + 1], False
    if not more:
        return found, False
    end = found.rfind(b"\n") + 1
    return (found[:end], False) if end else (found, True)


def _count(text: bytes) -> int:
    return text.count(b"\n") + (not text.endswith(b"\n") and bool(text))


def _lines_between(file: int, at: int, end: int, *, in_a_line: bool) -> int:
    """How many lines begin there, as far as the file went when it was opened: who writes faster than this
    reads would be followed for ever."""
    count, last = 0, b"\n"
    while at < end and (piece := os.pread(file, min(PIECE, end - at), at)):
        count += piece.count(b"\n")
        last = piece[-1:]
        at += len(piece)
    return count + (last != b"\n") - in_a_line


def write(root: int, parts: Names, data: bytes) -> None:
    """Write a file anew, on the disk when this returns. It is never half written.

    Raises:
        ValueError: there is a folder, or a link leads to it.
    """
    if not parts:
        raise ValueError("this is the workspace itself, no file")
    with folder(root, parts[:-1], make=True) as here:
        name, mode = parts[-1], _mode(here, parts)
        new = f".hermes-trio-{get_ident()}"
        with suppress(FileNotFoundError):
            os.unlink(new, dir_fd=here)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=here)
        try:
            try:
                os.fchmod(file, mode)
                with open(file, "wb", closefd=False) as stream:
                    stream.write(data)
                os.fsync(file)
            finally:
                os.close(file)
            os.rename(new, name, src_dir_fd=here, dst_dir_fd=here)
        except BaseException:
            with suppress(OSError):
                os.unlink(new, dir_fd=here)
            raise
        os.fsync(here)


def size_on_disk(root: int, parts: Names) -> int:
    """The bytes that a file takes; 0 where there is none."""
    try:
        with regular_file(root, parts) as file:
            return os.fstat(file).st_blocks * 512
    except ValueError:
        return 0


def _mode(here: int, parts: Names) -> int:
    """What a file that is written anew may be used for: the same as before."""
    try:
        found = os.stat(parts[-1], dir_fd=here, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return 0o600
    kind = kind_of(found)
    if kind != "file":
        raise ValueError(f"{'/'.join(parts)} is a {kind}, and is not written over")
    return found & 0o777 | 0o600


def edited(root: int, parts: Names, old: str, new: str, *, every: bool) -> tuple[bytes, int]:
    """What a file holds once a text in it is replaced, and how many times that stood there; see the port.

    Raises:
        ValueError: the text is not there, or more than once; the file is no text, or too large.
    """
    if not old:
        raise ValueError("old is the text that is replaced: it is not empty")
    with regular_file(root, parts) as file:
        found = _whole(file, 0, EDITED_BYTES_MAX + 1)
    if len(found) > EDITED_BYTES_MAX:
        raise ValueError(f"the file is too large to be edited: it has more than {EDITED_BYTES_MAX} bytes")
    sought = old.encode("utf-8", "surrogatepass")
    count = found.count(sought)
    if count == 0:
        raise ValueError(f"old does not stand in the file exactly so{_nearly(found, old)}; read it again")
    if count > 1 and not every:
        lines = ", ".join(map(str, _lines_with(found, sought)))
        raise ValueError(
            f"old stands in the file {count} times (lines {lines}): take in more of what surrounds the"
            " one that is meant, or replace every one"
        )
    instead = new.encode("utf-8", "replace")
    # Before it is made: a letter that stands there a million times may be replaced by a million letters.
    size = len(found) + count * (len(instead) - len(sought))
    if size > EDITED_BYTES_MAX:
        raise ValueError(f"the file would have {size} bytes; an edited one has at most {EDITED_BYTES_MAX}")
    return found.replace(sought, instead), count


LINES_TOLD = 10


def _lines_with(found: bytes, sought: bytes) -> list[int]:
    lines: list[int] = []
    line, at = 1, 0
    while len(lines) < LINES_TOLD and (next := found.find(sought, at)) >= 0:
        line += found.count(b"\n", at, next)
        lines.append(line)
        # What is replaced does not overlap.
        line += found.count(b"\n", next, next + len(sought))
        at = next + len(sought)
    return lines


def _nearly(found: bytes, old: str) -> str:
    """Where it stands but for white space, as a hint."""
    first = old.strip().split("\n", 1)[0].strip()
    at = found.find(first.encode("utf-8", "surrogatepass")) if first else -1
    if at < 0:
        return ""
    line = found.count(b"\n", 0, at) + 1
    return f" (its first line does, in line {line}: white space or what follows differs)"
