"""Needed folders: those that a machine or a person cannot do without. Which words of a command name one.

What a word names depends on the folder in which its command runs. A program begins in the home folder, so `*`
names all of the home. Patterns and braces are read as a shell reads them. That is done for quoted ones too,
since hardly any file has such a name.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

HOME = "/home/~"
"""Stands for the home folder, whatever its name is."""
_NAMES = (
    "bin boot dev etc home lib lib32 lib64 media mnt opt proc root run sbin srv sys usr var"
    " usr/bin usr/lib usr/local usr/sbin usr/share var/lib Users System Library Applications"
)
_NEEDED = frozenset(tuple(name.split("/")) for name in _NAMES.split())
DEEPEST_NEEDED = max(map(len, _NEEDED))
_HOMES = frozenset({"home", "Users"})
_ALL_IN_IT = frozenset({"*", "**", "?*", ".*", ".[!.]*", ".??*"})
_PLAIN = re.compile(r"[^/.*?\[{~$]+")
_PATTERN = re.compile(r"[*?\[]")
_HOME = re.compile(r"(?:~|\$HOME|\$\{HOME(?::?[-=?][^}]*)?\})(?=/|$)")
_HERE = re.compile(r"(?:~\+|\$PWD|\$\{PWD\})(?=/|$)")
_ANOTHERS = re.compile(r"~([\w-]+)(?=/|$)")
_BRACES = re.compile(r"([^{}]{0,64})\{([^{}]{0,1000},[^{}]{0,1000})\}([^{}]{0,64})")
PATTERNS_MAX = 64
"""How many patterns of a command are compared with the needed folders. A command with more counts as naming
one."""
PATTERN_CHARS_MAX = 64
DEEPEST = 32
"""How deep a folder may lie. Where a command goes deeper, its folder counts as unknown."""


class NeededFolders:
    """Tells which words of one command name a needed folder."""

    def __init__(self) -> None:
        self._patterns = 0

    def named(self, word: str, folder: str | None) -> bool:
        """Whether a word names a needed folder, or all that is in one.

        Args:
            folder: where the command runs; None: unknown.
        """
        if _PLAIN.fullmatch(word) and (folder is None or folder.count("/") >= DEEPEST_NEEDED):
            return False  # a shortcut: most words are like this, and a command may have thousands
        return any(
            self._is_one(path) for each in _alternatives(word) if (path := _path(each, folder)) is not None
        )

    def _is_one(self, path: list[str]) -> bool:
        if path and path[-1] in _ALL_IN_IT:
            path = path[:-1]
        if len(path) > DEEPEST_NEEDED:
            return False
        if not any(map(_PATTERN.search, path)):
            return not path or tuple(path) in _NEEDED or (len(path) == 2 and path[0] in _HOMES)
        if len(path) == 2 and any(self._fits(path[0], name) for name in _HOMES):
            return True
        return not path or any(
            len(names) == len(path) and all(map(self._fits, path, names)) for names in _NEEDED
        )

    def _fits(self, pattern: str, name: str) -> bool:
        found = _PATTERN.search(pattern)
        if found is None:
            return pattern == name
        if len(pattern) > PATTERN_CHARS_MAX or not name.startswith(pattern[: found.start()]):
            return False
        self._patterns += 1
        return self._patterns > PATTERNS_MAX * len(_NEEDED) or fnmatchcase(name, pattern)


def entered(arguments: Sequence[str], folder: str | None) -> str | None:
    """The folder after `cd` with these arguments; None: unknown."""
    aims = [word for word in arguments if word == "-" or not word.startswith("-")]
    if not aims:
        return HOME
    path = None if aims[0] == "-" or _PATTERN.search(aims[0]) else _path(aims[0], folder)
    return None if path is None or len(path) > DEEPEST else "/" + "/".join(path)


def _path(word: str, folder: str | None) -> list[str] | None:
    """The path that a word names, as the names from the root on; None: unknown."""
    if (found := _HOME.match(word)) is not None:
        word = HOME + word[found.end() :]
    elif (found := _ANOTHERS.match(word)) is not None:
        word = f"/home/{found[1]}{word[found.end() :]}"
    elif not word.startswith("/"):
        found = _HERE.match(word)
        if not word or folder is None or (word[0] == "$" and found is None):
            return None
        word = folder + (word[found.end() :] if found is not None else f"/{word}")
    names: list[str] = []
    for name in word.split("/"):
        if name == "..":
            del names[-1:]
        elif name not in ("", "."):
            names.append(name)
    return names


def _alternatives(word: str) -> Sequence[str]:
    """The words that a shell makes of a word with one pair of braces; any other word as it is."""
    found = _BRACES.fullmatch(word) if "{" in word else None
    if found is None:
        return (word,)
    return [found[1] + middle + found[3] for middle in found[2].split(",")]
