"""Cut a rendered text into parts that a platform takes, at places where a reader would cut it.

The text is rendered first and cut afterwards, by the platform's own count, so that neither escaping nor
a wide character can push a part over the limit.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Literal

from hermes_trio.text.sanitize import VISIBLE
from hermes_trio.values.delivery import Part, Span

Unit = Literal["char", "utf16", "byte"]
"""How a platform counts a text: code points, UTF-16 units, bytes of UTF-8."""

LIMIT_MIN = 4
"""The smallest limit: the widest code point is four bytes."""

_CLUSTER_MAX = 64
_PARAGRAPH = ("\n\n",)
_LINE = ("\n",)
_SENTENCE = (". ", "! ", "? ", "… ", ": ", "。", "！", "？")
_WORD = (" ", "\t")
_LEVELS = (_PARAGRAPH, _LINE, _SENTENCE, _WORD)


def units(text: str, unit: Unit) -> int:
    """The length of a text as a platform counts it: code points, UTF-16 units, or bytes of UTF-8."""
    if unit == "char":
        return len(text)
    if unit == "byte":
        return len(text.encode("utf-8", "surrogatepass"))
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def split_part(part: Part, *, limit: int, unit: Unit) -> list[Part]:
    """Cut a part into parts of at most `limit` units; their texts together are its text, exactly.

    A cut falls, in the last half of what fits, after a paragraph, else a line, a sentence, a word; first
    looked for outside all spans, then inside them; else between two graphemes. White space at a cut stays
    with the earlier part. A span that is cut is closed in one part and opened again in the next.

    No part is blank unless the whole text is: platforms refuse blank messages. Hence the one exception to
    "exactly": of a run of white space longer than half a part, what fits into no part with something
    visible is dropped. Takes linear time.

    Args:
        part: a rendered text. An empty one gives itself; whether to send it is the caller's business.
        limit: the longest part, in `unit`s; at least 4.
        unit: how the platform counts.

    Raises:
        ValueError: the limit is below 4.
    """
    if limit < LIMIT_MIN:
        raise ValueError(f"a limit of {limit} units does not hold every character")
    text = part.text
    if len(text) * 4 <= limit or units(text, unit) <= limit:
        return [part]
    if VISIBLE.search(text) is None:
        return [Part(text[: _window(text, 0, limit, unit)])]
    spans = _Spans(part.spans)
    return [spans.part(text, a, b) for a, b in _ranges(text, spans, limit, unit)]


def _ranges(text: str, spans: _Spans, limit: int, unit: Unit) -> Iterator[tuple[int, int]]:
    """The half-open ranges of the parts, in order."""
    last_visible = _last_visible(text)
    start = 0
    while start <= last_visible:
        seen = VISIBLE.search(text, start)
        assert seen is not None
        end = _window(text, start, limit, unit)
        if seen.start() >= end:
            start = seen.start()
            continue
        if end == len(text):
            yield start, end
            return
        low = max(start + (end - start) // 2, seen.start() + 1)
        high = min(end, last_visible)
        cut = _cut(text, start, low, high, spans.gaps(start, low, high)) if low <= high else end
        yield start, cut
        start = cut


def _last_visible(text: str) -> int:
    """The index of the last character that shows. The text has one."""
    at = len(text) - 1
    while VISIBLE.match(text, at) is None:
        at -= 1
    return at


def _window(text: str, start: int, limit: int, unit: Unit) -> int:
    """The largest end such that text[start:end] has at most `limit` units. Costs O(limit)."""
    end = min(start + limit, len(text))
    piece = text[start:end]
    if units(piece, unit) <= limit:
        return end
    # Halving and encoding is forty times as fast as a look at each character.
    return start + bisect_right(range(len(piece)), limit, key=lambda size: units(piece[:size], unit)) - 1


def _cut(text: str, start: int, low: int, high: int, gaps: Sequence[tuple[int, int]]) -> int:
    """The best place in low..high to end a part begun at `start`; `gaps` are the stretches outside spans."""
    for stretches in (gaps, ((low, high),)):
        for level in _LEVELS:
            for a, b in stretches:
                at = max(_after_last(text, mark, a, b) for mark in level)
                if at >= low and not _joined(text, at, start):
                    return at
    at = high
    while _joined(text, at, start) and at > max(low, high - _CLUSTER_MAX):
        at -= 1
    return high if _joined(text, at, start) else at


def _after_last(text: str, mark: str, low: int, high: int) -> int:
    """The last position in low..high just behind `mark`, else -1."""
    at = text.rfind(mark, max(low - len(mark), 0), high)
    return -1 if at < 0 else at + len(mark)


def _joined(text: str, at: int, start: int) -> bool:
    """Whether a cut before text[at] would split what is shown as one character.

    A simple rule in place of all of UAX 29: marks and variation selectors, what a zero-width joiner
    joins, skin tones, tags, flags (pairs of regional indicators), Hangul vowels and finals, CR LF.
    """
    if not 0 < at < len(text):
        return False
    after, before = text[at], text[at - 1]
    if after < "\u0300":
        return (before, after) == ("\r", "\n")
    if before == "\u200d" or after == "\u200d" or unicodedata.category(after) in ("Mn", "Me", "Mc"):
        return True
    if "\u1160" <= after <= "\u11ff" or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if "\U000e0020" <= after <= "\U000e007f" or (
        "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"
    ):
        return True
    return _flag(after) and _flags_before(text, at, start) % 2 == 1


def _flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def _flags_before(text: str, at: int, start: int) -> int:
    count = 0
    while at - count > start and _flag(text[at - count - 1]):
        count += 1
    return count


class _Spans:
    """The spans of a text, asked for ranges in rising order, so that each is looked at once per part."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._coming = sorted(
            (s for s in spans if s.start < s.end), key=lambda s: (s.start, -s.end), reverse=True
        )
        self._open: list[Span] = []

    def gaps(self, start: int, low: int, high: int) -> list[tuple[int, int]]:
        """The stretches of low..high where a cut lies inside no span, last first."""
        self._advance(start, high)
        edge, found = low, []
        for span in self._open:
            if span.start >= edge:
                found.append((edge, min(span.start, high)))
            edge = max(edge, span.end)
        if edge <= high:
            found.append((edge, high))
        return found[::-1]

    def part(self, text: str, start: int, end: int) -> Part:
        """The part text[start:end] with its share of the spans."""
        self._advance(start, end)
        share = tuple(
            Span(max(s.start, start) - start, min(s.end, end) - start, s.kind, s.value)
            for s in self._open
            if s.start < end
        )
        return Part(text[start:end], share)

    def _advance(self, start: int, end: int) -> None:
        self._open = [s for s in self._open if s.end > start]
        while self._coming and self._coming[-1].start < end:
            span = self._coming.pop()
            if span.end > start:
                self._open.append(span)
