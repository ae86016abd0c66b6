"""Where a text holds one of many secrets, in a time that grows with the text and not with their number.

Which forms of a secret are found `secret_forms.py` says. Most texts hold none: they are told apart by a
look at every n-th stretch of eight characters of their skeleton, which is a set's business. The shortest of a
few secrets would make that n small; they are looked for one by one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from struct import Struct
from typing import AnyStr, Generic

from hermes_trio.text.secret_forms import (
    SURE_MIXED,
    Needle,
    SkeletonPlaces,
    merged,
    needles,
    skeleton,
    unescaped,
    without_begun,
    written,
)
from hermes_trio.text.secret_ranges import Range, shared

GRAM = SURE_MIXED
STRIDE_MAX = 16
FEW = 24
"""So many are looked for one by one where that is cheaper than more stretches."""
STRETCHES = 4096
"""So many are looked at in one call, which holds up everybody, in whatever thread it is."""
LATELY, LATELY_CHARS = 512, 1000
"""So many texts, of so many characters at most, are known from their last look. Each border that an answer
passes looks at it: as a step's value, as an entry, as what is owed, as what is shown."""
SHOWN_MAX = 4
"""So much of a secret may be shown before it is clear that it is one."""


class _Beginnings(Generic[AnyStr]):
    """Finds the beginning of one of many forms, however many they are."""

    def __init__(self, forms: Iterable[AnyStr]) -> None:
        self._sorted: list[AnyStr] = sorted(forms)
        self._heads: set[AnyStr] = {form[: SHOWN_MAX + 1] for form in self._sorted}
        self.longest = max(map(len, self._sorted), default=0)

    def at_the_end_of(self, text: AnyStr) -> int | None:
        """Where one begins, of which the end is missing; the first place, None if there is none."""
        first = max(0, len(text) - self.longest)
        return next((at for at in range(first, len(text) - SHOWN_MAX) if self._begins(text, at)), None)

    def _begins(self, text: AnyStr, at: int) -> bool:
        if text[at : at + SHOWN_MAX + 1] not in self._heads:
            return False
        begun = text[at:]
        # There may be two with this beginning, of which one is no longer than it.
        place = bisect_right(self._sorted, begun)
        return place < len(self._sorted) and self._sorted[place].startswith(begun)


class SecretIndex:
    """Finds these secrets, in whatever form they got into a text. Never changes, so any thread may ask it.

    Args:
        older: whose forms are taken over where it knows some of them.
    """

    def __init__(self, values: Sequence[str], older: SecretIndex | None = None) -> None:
        known: Mapping[str, _Forms] = older._forms if older is not None else {}
        self.values = values
        self._forms: Mapping[str, _Forms] = {value: known.get(value) or _forms(value) for value in values}
        long = {one.skeleton: one for found, _ in self._forms.values() for one in found}
        short = {form for _, forms in self._forms.values() for form in forms}
        # Most texts have not even what all forms of one begin with.
        self._short = [(_begin_of(forms), forms) for _, forms in self._forms.values() if forms]
        self._beginnings, self._short_beginnings = _Beginnings(long), _Beginnings(short)
        least = min((len(one) for one in long), default=GRAM)
        self._shortest = min((*(least,) * bool(long), *map(len, short)), default=1 << 62)
        few = [(bones, one) for bones, one in long.items() if len(bones) < GRAM + STRIDE_MAX - 1]
        self._few = few if len(few) <= FEW else []
        for bones, _ in self._few:
            del long[bones]
        self._note(long)
        self._lately = lru_cache(LATELY)(self._look)

    def _note(self, long: Mapping[bytes, Needle]) -> None:
        """The stretches by which most texts are told apart. Of the first of each one is always looked at."""
        least = min((len(one) for one in long), default=GRAM + STRIDE_MAX - 1)
        self._stride = min(STRIDE_MAX, least - GRAM + 1)
        self._size = self._stride * STRETCHES
        self._unpacked = Struct(f"{GRAM}s{max(0, self._stride - GRAM)}x").iter_unpack
        self._grams: dict[_Gram, list[Needle]] = defaultdict(list)
        for bones, needle in long.items():
            for at in range(self._stride):
                gram = bones[at : at + GRAM]
                self._grams[(gram,) if self._stride >= GRAM else gram].append(needle)
        self._known = frozenset(self._grams)

    def found(self, text: str) -> Sequence[Range]:
        """Where they stand in the text, in order, apart from one another."""
        if len(text) < self._shortest:
            return ()
        return self._lately(text) if len(text) <= LATELY_CHARS else self._look(text)

    def _look(self, text: str) -> Sequence[Range]:
        bones, read, read_bones = skeleton(text), unescaped(text), b""
        hits = self._candidates(bones)
        read_hits: Sequence[Needle] = ()
        if read is not None and (read_bones := skeleton(read)) != bones:
            read_hits = self._candidates(read_bones)
        short = [form for head, forms in self._short if head in text for form in forms if form in text]
        if not (hits or read_hits or short):
            return ()
        ranges = [*_where(text, bones, hits, read=False), *_where(text, read_bones, read_hits, read=True)]
        for form in short:
            ranges += [(at, at + len(form)) for at in _all(text.find, form)]
        return merged(ranges)

    def certain_to(self, text: str) -> int:
        """Up to where a text holds no beginning of one, whatever follows it."""
        text = without_begun(text)
        cut = len(text)
        tail = max(0, len(text) - 8 * self._beginnings.longest)
        for read, seen in enumerate((text[tail:], unescaped(text[tail:]))):
            begun = self._beginnings.at_the_end_of(skeleton(seen or ""))
            if begun is not None:
                cut = min(cut, tail + SkeletonPlaces(text[tail:], read=bool(read))[begun][0])
        begun = self._short_beginnings.at_the_end_of(text) if self._short else None
        return cut if begun is None else min(cut, begun)

    def _stretches(self, bones: bytes) -> Iterable[_Gram]:
        """Every n-th stretch."""
        if self._stride >= GRAM:
            return self._unpacked(bones + _PADS[len(bones) % self._stride - self._stride])
        return [bones[at : at + GRAM] for at in range(0, len(bones) - GRAM + 1, self._stride)]

    def _candidates(self, bones: bytes) -> Sequence[Needle]:
        """The needles that stand there."""
        # `in` would first take the needle for a number, and make an error that says it is none.
        few = [one for needle, one in self._few if bones.find(needle) >= 0]
        size = self._size
        if len(bones) <= size:
            if self._known.isdisjoint(self._stretches(bones)):
                return few
            grams = self._known.intersection(self._stretches(bones))
        else:
            # Of a stretch that begins at the end of a piece the rest is in it, too.
            pieces = (bones[at : at + size + GRAM - 1] for at in range(0, len(bones), size))
            grams = frozenset().union(*(self._known.intersection(self._stretches(one)) for one in pieces))
        found = {one.skeleton: one for gram in grams for one in self._grams[gram]}
        return [*few, *(one for one in found.values() if bones.find(one.skeleton) >= 0)]


_Forms = tuple[Sequence[Needle], Sequence[str]]
_Gram = bytes | tuple[bytes]
"""A tuple where `Struct` cuts them: that is twice as fast as slices, but works for long strides only."""
_PADS = [bytes(STRIDE_MAX - size) for size in range(STRIDE_MAX)]
"""By how many bytes are missing, from the end: `_PADS[-3]` has three."""


def _forms(value: str) -> _Forms:
    """How a secret is looked for: by its skeletons, and where those do not do, as it is written."""
    found, plain = needles(value), skeleton(value)
    short = not value.isascii() or all(one.skeleton != plain for one in found)
    return found, tuple(written(value)) if short else ()


def _begin_of(forms: Sequence[str]) -> str:
    """What all of them begin with: what the first and the last in the alphabet have in common."""
    first, last = min(forms), max(forms)
    return first[: shared(first, last)]


def _where(text: str, bones: bytes, hits: Sequence[Needle], *, read: bool) -> Iterator[Range]:
    if not hits:
        return
    at = SkeletonPlaces(text, read)
    # In the order of the text: so of few windows at a time the places are known.
    spots = [(first, one) for one in hits for first in _all(bones.find, one.skeleton)]
    for first, one in sorted(spots, key=lambda spot: spot[0]):
        start, end = at[first][0], at[first + len(one.skeleton) - 1][1]
        if one.before and text.endswith(one.before, 0, start):
            start -= len(one.before)
        if one.behind and text.startswith(one.behind, end):
            end += len(one.behind)
        yield start, end


def _all(find: Callable[..., int], what: str | bytes) -> Iterator[int]:
    at = find(what)
    while at >= 0:
        yield at
        at = find(what, at + len(what))
