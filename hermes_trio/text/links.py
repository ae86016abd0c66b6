"""Addresses of links: which may stay behind their words, and which stand in the text. Linear in the part."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from itertools import accumulate

from hermes_trio.text.chunking import Unit, split_part, units
from hermes_trio.values.delivery import Part, Span

ADDRESS_MAX = 2000
"""So much of one address is written out: what is longer is data."""

_ABSOLUTE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def is_absolute(url: str) -> bool:
    """Whether an address says by itself where it leads."""
    return _ABSOLUTE.match(url) is not None


def spelled(text: str, url: str) -> str:
    """What follows the words of a link so that its address can be read; "" where they say it themselves."""
    if not url or text.strip() in (url, url.removeprefix("mailto:"), url.removeprefix("tel:")):
        return ""
    shown = url if len(url) <= ADDRESS_MAX else f"{url[:ADDRESS_MAX]}…"
    return f" ({shown})"


def write_out(
    part: Part, stays: Callable[[Span], bool], *, room: int | None = None, unit: Unit = "char"
) -> Part:
    """Put the address of each link that may not stay behind its words into the text.

    Args:
        stays: whether a link may stay a span.
        room: how much longer the text may become, in `unit`s; None: any length. Addresses that do not fit
            are left out.
        unit: how the platform counts.
    """
    gone = {span for span in part.spans if span.kind == "link" and not stays(span)}
    if not gone:
        return part
    added = [
        (span.end, said)
        for span in sorted(gone, key=lambda span: span.end)
        if (said := spelled(part.text[span.start : span.end], span.value))
    ]
    if room is not None:
        used = list(accumulate(units(said, unit) for _, said in added))
        added = [one for one, total in zip(added, used, strict=True) if total <= room]
    return _with(Part(part.text, tuple(span for span in part.spans if span not in gone)), added)


def _with(part: Part, added: list[tuple[int, str]]) -> Part:
    """The part with texts put in at places in rising order; a span that ends at one does not take it in."""
    if not added:
        return part
    places = [at for at, _ in added]
    longer = [0, *accumulate(len(said) for _, said in added)]
    pieces, done = [], 0
    for at, said in added:
        pieces += [part.text[done:at], said]
        done = at
    spans = tuple(
        Span(
            span.start + longer[bisect_right(places, span.start)],
            span.end + longer[bisect_left(places, span.end)],
            span.kind,
            span.value,
        )
        for span in part.spans
    )
    return Part("".join((*pieces, part.text[done:])), spans)


def within(part: Part, *, spans_max: int, limit: int, unit: Unit) -> list[Part]:
    """The part with at most so many spans: links first; an address that is one too many is written out.

    Args:
        part: a rendered text of at most `limit` units.
        spans_max: the most spans a message may have.
        limit, unit: as in `split_part`, for what became longer.
    """
    if len(part.spans) <= spans_max:
        return [part]
    links = [span for span in part.spans if span.kind == "link"]
    kept = set(links[:spans_max])
    spelt = write_out(part, lambda span: span in kept)
    return [_fewer(one, spans_max) for one in split_part(spelt, limit=limit, unit=unit)]


def _fewer(part: Part, spans_max: int) -> Part:
    left = spans_max - sum(span.kind == "link" for span in part.spans)
    spans = []
    for span in part.spans:
        left -= span.kind != "link"
        if span.kind == "link" or left >= 0:
            spans.append(span)
    return Part(part.text, tuple(spans))
