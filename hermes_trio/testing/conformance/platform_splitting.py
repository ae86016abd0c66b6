"""The Platform port's clauses about `split`, and about what a platform is before it does anything."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from hermes_trio.ports.platform import Platform
from hermes_trio.runtime.threads import in_thread_now
from hermes_trio.testing.conformance.clauses import expect
from hermes_trio.testing.conformance.leftovers import nothing_left
from hermes_trio.testing.conformance.platform_trial import OFFERED, PlatformTrial
from hermes_trio.text.chunking import units
from hermes_trio.values.delivery import Capabilities, Part
from hermes_trio.values.identity import Policy

FAMILY, FLAG, ACCENT = "👨‍👩‍👧‍👦", "🇩🇪", "é"
SPARE = 4
"""Units that each part leaves free, for the mark of a possible repeat."""


async def says_what_it_is(trial: PlatformTrial) -> None:
    """It has a name, an account, capabilities, and a policy that nobody passes unless it is configured so."""
    platform = trial.make()
    named = (platform.name, platform.account)
    expect(all(isinstance(text, str) and text for text in named), "a name and an account", named)
    expect(
        isinstance(platform.capabilities, Capabilities),
        "its capabilities are Capabilities",
        platform.capabilities,
    )
    expect(isinstance(platform.policy, Policy), "its policy is a Policy", platform.policy)
    expect(
        platform.capabilities.text_max > 2 * SPARE,
        "a text may have some characters",
        platform.capabilities.text_max,
    )


async def splits_into_parts_that_fit(trial: PlatformTrial) -> None:
    """Each part has at most `text_max - 4` units, as the capabilities count them, whatever it is made of."""
    platform = trial.make()
    most = platform.capabilities.text_max - SPARE
    for text in _texts(platform):
        sizes = [units(part.text, platform.capabilities.unit) for part in platform.split(text)]
        expect(max(sizes) <= most, f"at most {most} units in a part", max(sizes))


async def splits_without_loss(trial: PlatformTrial) -> None:
    """The parts' texts hold every character of the answer that shows, in order; an empty one is one part."""
    platform = trial.make()
    for text in _texts(platform):
        parts = platform.split(text)
        expect(_visible("".join(part.text for part in parts)) == _visible(text), "all of it", parts[:1])
    for text in ("", "short"):
        parts = platform.split(text)
        expect([part.text for part in parts] == [text], f"{text!r} is one part", parts)


async def splits_between_characters(trial: PlatformTrial) -> None:
    """No cut falls inside of what a reader sees as one character."""
    platform = trial.make()
    for text in _texts(platform):
        parts = [part.text for part in platform.split(text)]
        for before, after in pairwise(parts):
            odd = _torn(before, after)
            expect(not odd, "whole characters at a cut", (before[-3:], after[:3]))


async def renders_markdown_into_spans(trial: PlatformTrial) -> None:
    """Markdown is rendered: its marks are not in the text, and spans lie within their part."""
    platform = trial.make()
    [part] = platform.split("**bold** and `code`")
    expect(part.text == "bold and code", "'bold and code'", part.text)
    long = "**" + "word " * platform.capabilities.text_max + "end**"
    for part in platform.split(long if platform.capabilities.text_max <= 10_000 else "**bold** and `code`"):
        expect(_spans_fit(part), "spans within the text", part.spans)


async def splits_the_same_way_each_time(trial: PlatformTrial) -> None:
    """`split` is pure: a part is the same whenever it is asked for, by any platform of the kind."""
    platform, other = trial.make(), trial.make()
    for text in (*_texts(platform), "**bold** `code`\n\n- list"):
        expect(list(platform.split(text)) == list(other.split(text)), "the same parts", text[:40])


async def splits_beside_the_loop(trial: PlatformTrial) -> None:
    """`split` may be called in a thread, and gives the same there: long texts are split so."""
    platform = trial.make()
    for text in (*_texts(platform), "**bold** `code`\n\n- list"):
        there = in_thread_now(lambda: list(platform.split(text)))  # noqa: B023
        expect(there == list(platform.split(text)), "the same parts", text[:40])


async def leaves_nothing_behind(trial: PlatformTrial) -> None:
    """After `open` is left no task, socket, file or thread of it is there, however `serve` ended."""
    async with nothing_left("open, serve, a delivery, and the end"):
        async with trial.serving() as serving:
            await trial.service.push("hello", trial.place)
            await serving.received(1)
            await serving.say("answer")
    async with nothing_left("open and serve, cancelled in accept"):
        async with trial.serving(shut=True) as serving:
            await trial.service.push("again", trial.place)
            await serving.hearing.until(OFFERED, lambda: serving.hearing.offered)


def _texts(platform: Platform) -> list[str]:
    """Plain texts that need several parts, or what can be had of that from a platform with huge ones."""
    size = min(2 * platform.capabilities.text_max + 50, 20_000)
    return [
        "x" * size,
        "word " * (size // 5) + "end",
        "line\n" * (size // 5) + "end",
        (ACCENT + FAMILY + FLAG) * (size // 14 + 1),
    ]


def _visible(text: str) -> str:
    return "".join(text.split())


def _torn(before: str, after: str) -> bool:
    first, last = after[:1], before[-1:]
    joins = {"\u200d", "\ufe0f"}
    flags = [char for char in before if "\U0001f1e6" <= char <= "\U0001f1ff"]
    return (
        first in joins
        or last == "\u200d"
        or bool(first and unicodedata.combining(first))
        or "\U0001f3fb" <= first <= "\U0001f3ff"
        or ("\U0001f1e6" <= first <= "\U0001f1ff" and len(flags) % 2 == 1)
        or "\ud800" <= last <= "\udfff"
        or "\ud800" <= first <= "\udfff"
    )


def _spans_fit(part: Part) -> bool:
    spans: Sequence[object] = part.spans
    return not spans or all(0 <= span.start < span.end <= len(part.text) for span in part.spans)


SPLITTING = (
    says_what_it_is,
    splits_into_parts_that_fit,
    splits_without_loss,
    splits_between_characters,
    renders_markdown_into_spans,
    splits_the_same_way_each_time,
    splits_beside_the_loop,
)
LEAVING = (leaves_nothing_behind,)
