"""What Telegram says beside a text, written into it: who reads the text alone sees no other. Pure.

The address of a link stands behind its words; code, quotes and what was struck out are marked as in markdown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from hermes_telegram.entities import ENTITIES_MAX, Entity, Units
from hermes_trio import units

TEXT_MAX = 16_384
"""A longer text Telegram does not send: it is read as it stands."""

_QUOTES = frozenset({"blockquote", "expandable_blockquote"})
_WRITTEN = frozenset({"text_link", "pre", "code", "strikethrough"})
_TICKS = re.compile("`+")
_LANGUAGE = re.compile(r"[\w+#.-]{1,40}")


def written(text: str, entities: Sequence[Entity]) -> str:
    """The text with all that is said beside it."""
    return spelled(text, entities)[0]


def spelled(text: str, entities: Sequence[Entity]) -> tuple[str, list[Entity]]:
    """The text with its marks written in, and the entities that are left, moved to their new places."""
    known = [one for one in entities[:ENTITIES_MAX] if one.offset >= 0 and one.length > 0]
    if len(text) > TEXT_MAX or not any(one.type in _WRITTEN or one.type in _QUOTES for one in known):
        return text, known
    counted = Units(text)
    marks = [_mark(counted, one) for one in known if one.type in _WRITTEN and one.end <= counted.length]
    text, rest = _insert(counted, marks, [one for one in known if one.type not in _WRITTEN])
    counted = Units(text)
    marks = [mark for one in rest if one.type in _QUOTES for mark in _quote(counted, one)]
    return _insert(counted, marks, [one for one in rest if one.type not in _QUOTES])


class _Mark(msgspec.Struct, frozen=True):
    """What stands before and behind a stretch."""

    start: int
    end: int
    before: str
    behind: str


def _mark(text: Units, entity: Entity) -> _Mark:
    start, end = entity.offset, entity.end
    said = text.cut(start, end)
    before = behind = ""
    if entity.type == "text_link" and entity.url and said.strip() != entity.url:
        behind = f" ({entity.url})"
    elif entity.type == "strikethrough":
        before = behind = "~~"
    elif entity.type == "code":
        ticks = "`" * _fence(said, least=1)
        space = " " if said.startswith("`") or said.endswith("`") else ""
        before, behind = ticks + space, space + ticks
    elif entity.type == "pre":
        fence = "`" * _fence(said, least=3)
        language = entity.language if _LANGUAGE.fullmatch(entity.language) else ""
        before = f"{_break_before(text, start)}{fence}{language}\n"
        behind = f"{'' if said.endswith(chr(10)) else chr(10)}{fence}{_break_behind(text, end)}"
    return _Mark(start, end, before, behind)


def _fence(said: str, *, least: int) -> int:
    """So many ticks that none in the code end it."""
    longest = max(map(len, _TICKS.findall(said)), default=0)
    return longest + 1 if longest >= least else least


def _break_before(text: Units, at: int) -> str:
    return "" if at == 0 or text.cut(at - 1, at) == "\n" else "\n"


def _break_behind(text: Units, at: int) -> str:
    return "" if at >= text.length or text.cut(at, at + 1) == "\n" else "\n"


def _quote(text: Units, entity: Entity) -> list[_Mark]:
    """A mark for each line of a quote."""
    marks, at, end = [], entity.offset, min(entity.end, text.length)
    said = text.cut(at, end)
    for line in said.removesuffix("\n").split("\n"):
        lead = _break_before(text, at) if at == entity.offset else ""
        size = units(line, "utf16")
        behind = _break_behind(text, end) if at + size == end and not said.endswith("\n") else ""
        marks.append(_Mark(at, at + size, f"{lead}> ", behind))
        at += size + 1
    return marks


def _insert(text: Units, marks: Iterable[_Mark], others: Sequence[Entity]) -> tuple[str, list[Entity]]:
    """Put marks around their stretches. A quote has the marks at its edges inside it, any other has not."""
    # At one place the inner stretch ends before the outer one, and that before the next one begins.
    edges = [
        *((mark.end, 0, -mark.start, mark.behind) for mark in marks if mark.behind),
        *((mark.start, 1, -mark.end, mark.before) for mark in marks if mark.before),
    ]
    edges.sort()
    out, at = [], 0
    for place, _, _, said in edges:
        out += [text.cut(at, place), said]
        at = place
    grown = [(place, begins, units(said, "utf16")) for place, begins, _, said in edges]
    return "".join([*out, text.cut(at)]), [_moved(one, grown) for one in others]


def _moved(entity: Entity, grown: Sequence[tuple[int, int, int]]) -> Entity:
    quote = entity.type in _QUOTES
    start = sum(size for at, begins, size in grown if (at, begins) < (entity.offset, 1 if quote else 2))
    end = sum(size for at, begins, size in grown if (at, begins) < (entity.end, 1 if quote else 0))
    return msgspec.structs.replace(entity, offset=entity.offset + start, length=entity.length + end - start)
