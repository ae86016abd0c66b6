"""Secrets replaced by value, in a time that grows with the text and not with the number of secrets.

Which forms of a secret are found `pure/secret_forms.py` says. Most texts hold none: they are told apart by a
look at every n-th stretch of eight characters of their skeleton, which is a set's business.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from struct import Struct

from msgspec.structs import replace

from hermes_trio.pure.secret_forms import (
    SURE_MIXED,
    Needle,
    merged,
    needles,
    places,
    skeleton,
    unescaped,
    without_begun,
    written,
)
from hermes_trio.pure.secret_ranges import REDACTED, Range, Seeks, certain_part, replaced
from hermes_trio.values import Part, Secret, Span

Redact = Callable[[str], str]
SHORTEST_SECRET = 4
NEWEST, NEWEST_UNPLACED = 32, 100
"""So many secrets of one file are known, and of all that come from no file: a token that is renewed every
hour stays so for a day."""

GRAM = SURE_MIXED
STRIDE_MAX = 16
SHOWN_MAX = 4
"""So much of a secret may be shown before it is clear that it is one."""


class Redactor:
    """Replaces each secret it knows in a text, in whatever form it got there.

    A part of a secret is not found, nor is one that was changed on purpose.

    Args:
        secrets: those known from the start, and for ever. Too short ones are left alone.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._always = [one for secret in secrets if len(one := secret.reveal()) >= SHORTEST_SECRET]
        self._learned: dict[str, dict[str, None]] = defaultdict(dict)
        self._forms: dict[str, _Forms] = {}
        self._known: frozenset[_Gram] | None = None

    def learn(self, *secrets: Secret) -> None:
        """From now on these are replaced too. Of one file the newest 32 are known, older ones forgotten."""
        new = False
        for secret in secrets:
            value, known = secret.reveal(), self._learned[secret.file]
            if len(value) < SHORTEST_SECRET:
                continue
            new = new or value not in known
            known.pop(value, None)
            known[value] = None
            for old in list(known)[: -(NEWEST if secret.file else NEWEST_UNPLACED)]:
                del known[old]
        # Whoever is the next to ask makes the index: what was learned and forgotten meanwhile costs nothing.
        if new:
            self._known = None

    def __call__(self, text: str) -> str:
        """The text without them."""
        ranges = self.found(text)
        return replaced(text, ranges) if ranges else text

    def found(self, text: str) -> Sequence[Range]:
        """Where they stand in the text, in order, apart from one another."""
        known = self._index() if self._known is None else self._known
        if len(text) < self._shortest:
            return ()
        bones, read = skeleton(text), unescaped(text)
        if read is None and not self._short and known.isdisjoint(self._stretches(bones)):
            return ()
        hits, read_hits, read_bones = self._candidates(bones), None, b""
        if read is not None and (read_bones := skeleton(read)) != bones:
            read_hits = self._candidates(read_bones)
        short = [form for form in self._short if form in text]
        if not (hits or read_hits or short):
            return ()
        ranges = [*_where(text, bones, hits, read=False), *_where(text, read_bones, read_hits, read=True)]
        for form in short:
            ranges += [(at, at + len(form)) for at in _all(text.find, form)]
        return merged(ranges)

    def certain_to(self, text: str) -> int:
        """Up to where a text holds no beginning of one, whatever follows it."""
        if self._known is None:
            self._index()
        text = without_begun(text)
        cut = len(text)
        tail = max(0, len(text) - 8 * self._longest)
        for read, seen in enumerate((text[tail:], unescaped(text[tail:]))):
            bones = skeleton(seen or "")
            first = max(0, len(bones) - self._longest)
            begun = next((at for at in range(first, len(bones) - SHOWN_MAX) if self._begins(bones, at)), None)
            if begun is not None:
                cut = min(cut, tail + places(text[tail:], read=bool(read))[begun][0])
        for form in self._short:
            size = next((n for n in range(len(form) - 1, SHOWN_MAX, -1) if text.endswith(form[:n])), 0)
            cut = min(cut, len(text) - size)
        return cut

    def _begins(self, bones: bytes, at: int) -> bool:
        """Whether what stands there to the end is the beginning of one that is longer."""
        if bones[at : at + SHOWN_MAX + 1] not in self._heads:
            return False
        begun = bones[at:]
        place = bisect_left(self._sorted, begun)
        one = self._sorted[place] if place < len(self._sorted) else b""
        return one.startswith(begun) and len(one) > len(begun)

    def _index(self) -> frozenset[_Gram]:
        """Know what is looked for anew: the stretches by which most texts are told apart."""
        values = dict.fromkeys((*self._always, *(one for known in self._learned.values() for one in known)))
        self._forms = {value: self._forms.get(value) or _forms(value) for value in values}
        long = {one.skeleton: one for found, _ in self._forms.values() for one in found}
        short = {form for _, forms in self._forms.values() for form in forms}
        self._short = sorted(short, key=len, reverse=True)
        self._sorted = sorted(long)
        self._heads = {bones[: SHOWN_MAX + 1] for bones in long}
        self._longest = max((len(one) for one in long), default=0)
        least = min((len(one) for one in long), default=GRAM)
        self._stride = min(STRIDE_MAX, least - GRAM + 1)
        self._shortest = min((*(least,) * bool(long), *(len(form) for form in short)), default=1 << 62)
        self._unpacked = Struct(f"{GRAM}s{max(0, self._stride - GRAM)}x").iter_unpack
        self._grams: dict[_Gram, list[Needle]] = defaultdict(list)
        for bones, needle in long.items():
            for at in range(self._stride):
                gram = bones[at : at + GRAM]
                self._grams[(gram,) if self._stride >= GRAM else gram].append(needle)
        self._known = frozenset(self._grams)
        return self._known

    def _stretches(self, bones: bytes) -> Iterable[_Gram]:
        """Every n-th stretch. Most texts are short and hold no secret: they are told apart by this alone."""
        if self._stride >= GRAM:
            return self._unpacked(bones + _PADS[len(bones) % self._stride - self._stride])
        return [bones[at : at + GRAM] for at in range(0, len(bones) - GRAM + 1, self._stride)]

    def _candidates(self, bones: bytes) -> Sequence[Needle] | None:
        """The needles that stand there. Of the first stretches of each one is always looked at."""
        if self._grams.keys().isdisjoint(self._stretches(bones)):
            return None
        grams = self._grams.keys() & set(self._stretches(bones))
        found = {one.skeleton: one for gram in grams for one in self._grams[gram]}
        return [one for one in found.values() if one.skeleton in bones]


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


class _Function:
    """A redaction of somebody's own, of which only the outcome is known."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact

    def __call__(self, text: str) -> str:
        """The text without them."""
        return self._redact(text)

    def found(self, text: str) -> Sequence[Range]:
        """What lies between what stayed."""
        new = self._redact(text)
        if new == text:
            return ()
        start = _shared(text, new)
        return [(start, len(text) - _shared(text[start:][::-1], new[start:][::-1]))]

    def certain_to(self, text: str) -> int:
        """A long last word may begin a secret."""
        kept = len(text.rstrip(_WORD))
        return kept if len(text) - kept >= GRAM else len(text)


def seeks(redact: Redact) -> Seeks:
    """Where a redaction finds something to replace."""
    return redact if isinstance(redact, Redactor) else _Function(redact)


def certain(redact: Redact, text: str) -> str:
    """A text that is not complete, without secrets and without an end that may be the beginning of one."""
    return certain_part(text, seeks(redact))[0]


def redacted_parts(parts: Sequence[Part], redact: Redact) -> tuple[Part, ...]:
    """Parts of one text without secrets, also where one is cut in two by a part's end. Spans stay right."""
    whole = "".join(part.text for part in parts)
    ranges = seeks(redact).found(whole)
    at, cleaned = 0, []
    for part in parts:
        end = at + len(part.text)
        here = [
            (max(a, at) - at, min(b, end) - at, REDACTED if a >= at else "")
            for a, b in ranges
            if a < end and b > at
        ]
        cleaned.append(_cut_out(part, here, redact))
        at = end
    return tuple(cleaned)


_WORD = "".join(map(chr, range(33, 127)))


def _cut_out(part: Part, ranges: Sequence[tuple[int, int, str]], redact: Redact) -> Part:
    spans = part.spans
    if spans and any(span.value for span in spans):
        spans = tuple(replace(span, value=redact(span.value)) if span.value else span for span in spans)
    if not ranges:
        return part if spans == part.spans else Part(part.text, spans)
    pieces, last = [], 0
    for a, b, instead in ranges:
        pieces += [part.text[last:a], instead]
        last = b
    moved = [Span(_moved(s.start, ranges), _moved(s.end, ranges), s.kind, s.value) for s in spans]
    return Part("".join((*pieces, part.text[last:])), tuple(s for s in moved if s.start < s.end))


def _moved(at: int, ranges: Sequence[tuple[int, int, str]]) -> int:
    """Where an offset is, when the ranges were replaced; one inside goes to the end of what stands there."""
    shift = 0
    for a, b, instead in ranges:
        if at <= a:
            break
        shift += len(instead) - (min(at, b) - a)
        if at < b:
            break
    return at + shift


def _shared(one: str, other: str) -> int:
    """How many characters at the beginning are the same."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))


def _where(text: str, bones: bytes, hits: Sequence[Needle] | None, *, read: bool) -> Iterator[Range]:
    if not hits:
        return
    at = places(text, read)
    for one in hits:
        for first in _all(bones.find, one.skeleton):
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
