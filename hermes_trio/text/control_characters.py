"""Steering characters: invisible ones that change how others are shown. They are taken out of what is shown.

One that reverses the direction makes a person read a command from its end: whoever presses "yes" below it has
agreed to another command. Escape sequences do the like to a terminal. A language that is written from right
to left needs neither, since its letters have their direction. Joiners and marks stay: emoji are made of them.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from msgspec.structs import replace

from hermes_trio.values.delivery import Part

_STEERS = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Controls but tab and line end; embeddings, overrides and isolates of direction, and their ends."""


def unsteered(text: str) -> str:
    """The text without them."""
    return _STEERS.sub("", text) if _STEERS.search(text) else text


def part_unsteered(part: Part) -> Part:
    """The part without them, its spans where they belong; the same object if it has none."""
    gone = [found.start() for found in _STEERS.finditer(part.text)]
    if not gone and not any(_STEERS.search(span.value) for span in part.spans):
        return part
    spans = (
        replace(
            span,
            start=span.start - bisect_left(gone, span.start),
            end=span.end - bisect_left(gone, span.end),
            value=unsteered(span.value),
        )
        for span in part.spans
    )
    return Part(unsteered(part.text), tuple(span for span in spans if span.start < span.end))
