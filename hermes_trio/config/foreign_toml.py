"""The one decoder for TOML: within a size and a depth, in time that is linear in the text.

`tomllib` needs four seconds for a key of 16,000 dots, and a stack for brackets.
"""

from __future__ import annotations

import re
import tomllib  # noqa: TID251 - here are the limits
from typing import Any

TOML_CHARS_MAX = 1_048_576
"""The longest text, in code points."""
KEY_PARTS_MAX = 64
"""How many parts a key may have, told by its dots."""

_STRING = r"""
    \"{3}(?:\\[\s\S]|[^\\"]|"(?!""))*+(?:"{3,5})?
    | '{3}(?:[^']|'(?!''))*+(?:'{3,5})?
    | "(?:\\.|[^"\\\n])*+"?
    | '[^'\n]*+'?"""
_KEY = rf"(?:[A-Za-z0-9_-]++|{_STRING})"
_DOT = r"[ \t]*+\.[ \t]*+"
_WORD = re.compile(
    rf"\#[^\n]*+ | {_KEY}(?:{_DOT}{_KEY}){{0,{KEY_PARTS_MAX - 1}}}+ (?P<more>{_DOT})? | [^#\"'A-Za-z0-9_-]++",
    re.X,
)
"""A comment, a key or value with the dots in it, or what is between: each place of a text is looked at once,
so a string that is not closed ends with its line, or with the text."""


class NotToml(ValueError):
    """It is no TOML.

    Attributes:
        line: where, from 1.
    """

    def __init__(self, text: str, line: int) -> None:
        super().__init__(text)
        self.line = line


class BeyondLimits(NotToml):
    """It may be TOML, and is longer or deeper than is read."""


def read_toml(source: str) -> dict[str, Any]:
    """What a TOML text says.

    Raises:
        NotToml: it is none; a BeyondLimits where it is longer or deeper than is read.
    """
    if len(source) > TOML_CHARS_MAX:
        raise BeyondLimits(f"it is longer than {TOML_CHARS_MAX} characters", 1)
    if (long := next((one for one in _WORD.finditer(source) if one["more"]), None)) is not None:
        line = source.count("\n", 0, long.start()) + 1
        raise BeyondLimits(f"a key has more than {KEY_PARTS_MAX} parts", line)
    try:
        return tomllib.loads(source)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        raise NotToml(str(error), int(at[1]) if at else source.count("\n") + 1) from None
    except RecursionError:
        raise BeyondLimits("it is nested too deep", source.count("\n", 0, _deepest(source)) + 1) from None


def _deepest(source: str) -> int:
    """Where most brackets are open, about: those in strings are counted too."""
    deep = most = at = 0
    for found in re.finditer(r"[\[\]{}]", source):
        deep += 1 if found.group() in "[{" else -1
        if deep > most:
            most, at = deep, found.start()
    return at
