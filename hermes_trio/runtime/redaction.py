"""Secrets replaced by value. `text/secret_index.py` finds where they stand in a text."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from msgspec.structs import replace

from hermes_trio.text.secret_index import GRAM, SecretIndex
from hermes_trio.text.secret_ranges import REDACTED, Range, Seeks, certain_part, replaced, shared
from hermes_trio.values.delivery import Part, Span
from hermes_trio.values.identity import Secret

Redact = Callable[[str], str]
SHORTEST_SECRET = 4
NEWEST, NEWEST_UNPLACED = 32, 100
"""So many secrets of one file are known, and of all that come from no file: a token that is renewed every
hour stays so for a day."""


class Redactor:
    """Replaces each secret it knows in a text, in whatever form it got there. Any thread may ask it.

    A part of a secret is not found, nor is one that was changed on purpose.

    Args:
        secrets: those known from the start, and for ever. Too short ones are left alone.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._always = [one for secret in secrets if len(one := secret.reveal()) >= SHORTEST_SECRET]
        self._learned: dict[str, dict[str, None]] = defaultdict(dict)
        self._values = tuple(dict.fromkeys(self._always))
        self._index: SecretIndex | None = None

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
        if new:
            learned = (one for known in self._learned.values() for one in known)
            self._values = tuple(dict.fromkeys((*self._always, *learned)))

    def __call__(self, text: str) -> str:
        """The text without them."""
        ranges = self._known().found(text)
        return replaced(text, ranges) if ranges else text

    def found(self, text: str) -> Sequence[Range]:
        """Where they stand in the text, in order, apart from one another."""
        return self._known().found(text)

    def certain_to(self, text: str) -> int:
        """Up to where a text holds no beginning of one, whatever follows it."""
        return self._known().certain_to(text)

    def _known(self) -> SecretIndex:
        """Whoever is the next to ask makes it: what was learned and forgotten meanwhile costs nothing."""
        index, values = self._index, self._values
        if index is None or index.values is not values:
            # Two threads may make it at once. Of an older one the next to ask sees that it is none.
            index = self._index = SecretIndex(values, index)
        return index


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
        start = shared(text, new)
        return [(start, len(text) - shared(text[start:][::-1], new[start:][::-1]))]

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
    starts, ends = [a for a, _ in ranges], [b for _, b in ranges]
    at, cleaned = 0, []
    for part in parts:
        end = at + len(part.text)
        here = [
            (max(a, at) - at, min(b, end) - at, REDACTED if a >= at else "")
            for a, b in ranges[bisect_right(ends, at) : bisect_left(starts, end)]
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
    pieces, last, shifts = [], 0, [0]
    for a, b, instead in ranges:
        pieces += [part.text[last:a], instead]
        shifts.append(shifts[-1] + len(instead) - (b - a))
        last = b
    starts = [a for a, _, _ in ranges]

    def moved(at: int) -> int:
        """Where an offset is now; one inside a range goes to the end of what stands there."""
        before = bisect_left(starts, at)
        return max(at, ranges[before - 1][1] if before else 0) + shifts[before]

    spans = tuple(
        Span(start, end, s.kind, s.value) for s in spans if (start := moved(s.start)) < (end := moved(s.end))
    )
    return Part("".join((*pieces, part.text[last:])), spans)
