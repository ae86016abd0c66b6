"""On which line of a TOML text each key stands; `tomllib` does not say.

Grammar: TOML 1.0. A text that is not TOML is read as far as it makes sense, so that an error found by
`tomllib` can still be given its key.
"""

from __future__ import annotations

import re
import tomllib  # noqa: TID251 - it is given one string, which cannot be deep
from collections.abc import Iterator
from contextlib import suppress

from hermes_trio.config.foreign_toml import KEY_PARTS_MAX

Path = tuple[str | int, ...]
"""Keys and list indexes from the root: `("model", "fallback", 0, "name")`."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]++|#[^\n]*+)*+")
_STRING = re.compile(
    r'"""(?:\\[\s\S]|[^\\])*?"{3,5}'
    r"|'''[\s\S]*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'"
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


class _Lost(Exception):
    """The text is not TOML from here on."""


def toml_lines(source: str) -> dict[Path, int]:
    """The line (from 1) of every table, key and list item of `source`, in order of appearance.

    A table opened more than once stands where its own header is. What follows a place that is not TOML
    is left out, and so is what follows a key of more parts than are read.
    """
    scan = _Scan(source)
    with suppress(_Lost, RecursionError):
        scan.document()
    return scan.lines


class _Scan:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.last_table: dict[Path, int] = {}
        self._line, self._counted = 1, 0

    def document(self) -> None:
        table: Path = ()
        while self._skip(_GAP) and self.at < len(self.source):
            if self._take("["):
                table = self._header()
            else:
                self._pair(table)

    def _header(self) -> Path:
        line, many = self._line_now(), self._take("[")
        *above, name = self._keys()
        self._expect("]]" if many else "]")
        path: Path = ()
        for key in above:
            path = self._inside((*path, key))
            self.lines.setdefault(path, line)
        path = (*path, name)
        if not many:
            path = self._inside(path)
            self.lines[path] = line
            return path
        self.lines.setdefault(path, line)
        self.last_table[path] = self.last_table.get(path, -1) + 1
        path = self._inside(path)
        self.lines[path] = line
        return path

    def _inside(self, path: Path) -> Path:
        """`[a.b]` below `[[a]]` speaks of the last `a`."""
        return (*path, self.last_table[path]) if path in self.last_table else path

    def _pair(self, table: Path) -> None:
        line, path = self._line_now(), table
        for key in self._keys():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self._expect("=")
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        if self._take("["):
            self._list(path)
        elif self._take("{"):
            self._inline_table(path)
        elif self.source.startswith(('"', "'"), self.at):
            self._match(_STRING)
        else:
            self._match(_SCALAR)

    def _list(self, path: Path) -> None:
        index = 0
        while self._skip(_GAP) and not self._take("]"):
            self.lines[(*path, index)] = self._line_now()
            self._value((*path, index))
            index += 1
            self._comma_before("]")

    def _inline_table(self, path: Path) -> None:
        while self._skip(_GAP) and not self._take("}"):
            self._pair(path)
            self._comma_before("}")

    def _comma_before(self, end: str) -> None:
        self._skip(_GAP)
        if not self._take(",") and not self.source.startswith(end, self.at):
            raise _Lost

    def _keys(self) -> Iterator[str]:
        for _ in range(KEY_PARTS_MAX):
            self._skip(_SPACE)
            yield self._key()
            self._skip(_SPACE)
            if not self._take("."):
                return
        raise _Lost

    def _key(self) -> str:
        if self.source.startswith(('"', "'"), self.at):
            try:
                return str(tomllib.loads(f"key = {self._match(_STRING)}")["key"])
            except tomllib.TOMLDecodeError:
                raise _Lost from None
        return self._match(_BARE_KEY)

    def _match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.source, self.at)
        if not found:
            raise _Lost
        self.at = found.end()
        return found.group()

    def _skip(self, pattern: re.Pattern[str]) -> bool:
        self._match(pattern)
        return True

    def _take(self, text: str) -> bool:
        taken = self.source.startswith(text, self.at)
        self.at += len(text) if taken else 0
        return taken

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise _Lost

    def _line_now(self) -> int:
        self._line += self.source.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line
