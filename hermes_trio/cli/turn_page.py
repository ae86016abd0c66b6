"""What `hermes-trio turn N` prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import msgspec

from hermes_trio.cli.tables import local_time, turn_data
from hermes_trio.text.sanitize import visible
from hermes_trio.text.sentences import span
from hermes_trio.values.views import StepView, TextView, TurnPage

INDENT = " " * 4
ASK_THE_MODEL = (
    "what helps: `hermes-trio check --online` asks each model with each key; "
    "`hermes-trio keys` shows which keys may be used"
)


def page_data(page: TurnPage) -> dict[str, Any]:
    """A turn as data."""
    return msgspec.structs.asdict(page) | {"turn": turn_data(page.turn)}


def print_page(page: TurnPage) -> None:
    """A turn for people."""
    sys.stdout.write(visible("\n".join(_lines(page))) + "\n")


def _lines(page: TurnPage) -> Iterator[str]:
    turn = page.turn
    yield f"turn {turn.id} of {turn.key}, session {turn.session}: {_end(page)}"
    again = f", run {page.attempt} times" if page.attempt > 1 else ""
    yield f"opened {local_time(turn.opened_at)}{_took(page)}{again}"
    if page.error:
        yield ""
        yield f"failed with {page.error}"
        yield from _block(page.traceback)
        if page.reason.startswith("model: ") or page.reason == "no_credentials":
            yield ASK_THE_MODEL
    yield ""
    yield f"conversation: {page.earlier} entries before it, and then"
    yield from _texts(page.entries)
    if page.steps:
        yield ""
        yield "steps:"
        yield from map(_step, page.steps)
    yield ""
    yield "said:" if page.said else "said: nothing"
    yield from _texts(page.said)


def _end(page: TurnPage) -> str:
    return f"{page.turn.state} ({page.reason})" if page.reason else page.turn.state


def _took(page: TurnPage) -> str:
    if page.closed_at is None:
        return ""
    return f", closed after {span(max(0.0, page.closed_at - page.turn.opened_at))}"


def _texts(texts: tuple[TextView, ...]) -> Iterator[str]:
    for one in texts:
        state = f", {one.state}" if one.state else ""
        yield f"  {_clock(one.at)} {one.kind}{state}"
        yield from _block(one.text)


def _step(step: StepView) -> str:
    began = "" if step.began_at is None else _clock(step.began_at)
    took = ""
    if step.began_at is not None and step.ended_at is not None:
        took = f" in {step.ended_at - step.began_at:.3f} s"
    state = "did not end" if step.state == "intent" else step.state
    value = f": {step.value}" if step.value else ""
    return f"  {began} {step.name}#{step.n} {state}{took}{value}"


def _block(text: str) -> Iterator[str]:
    return (f"{INDENT}{line}" for line in text.splitlines())


def _clock(seconds: float) -> str:
    return local_time(seconds).partition(" ")[2]
