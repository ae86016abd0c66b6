"""Two recordings of one conversation, compared: messages, turns, steps, transcript, and what was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from hermes_trio.text import sentences
from hermes_trio.values.recording import RecordedPart, RecordedStep, Recording

CLOSING_LINES = frozenset(
    {
        sentences.INTERRUPTED_LINE,
        sentences.STOPPED_LINE,
        sentences.RESET_LINE,
        sentences.CUT_SHORT_LINE,
    }
)
"""What a preview is closed with. What previews showed, and whether there was one, is not recorded."""


class Difference(Struct, frozen=True):
    """One thing that the replay did differently.

    Args:
        where: "turn 3, step 'model' call 2".
        recorded, replayed: the two values. None: one of them does not have it.
    """

    where: str
    recorded: object
    replayed: object

    def __str__(self) -> str:
        return f"{self.where}: recorded {self.recorded!r}, now {self.replayed!r}"


def differences(was: Recording, now: Recording) -> list[Difference]:
    """What is otherwise: of messages, turns, steps, the transcript, and what was said, in this order."""
    return [
        Difference(where, recorded, replayed)
        for part in (_messages, _turns, _steps, _entries, _said)
        for where, recorded, replayed in _unlike(part(was), part(now))
    ]


def _unlike(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    for where in dict.fromkeys((*was, *now)):
        if was.get(where) != now.get(where):
            yield where, was.get(where), now.get(where)


def _messages(of: Recording) -> dict[str, Any]:
    return {
        f"message {one.message.native}": (one.kind, one.turn, one.step, one.outcome, one.reason)
        for one in of.messages
    }


def _turns(of: Recording) -> dict[str, Any]:
    return {f"turn {one.id}": (one.session, one.state, one.reason, one.attempt) for one in of.turns}


def _steps(of: Recording) -> dict[str, Any]:
    return {f"turn {one.turn}, step {one.name!r} call {one.n}": _gave(one) for one in of.steps}


def _gave(step: RecordedStep) -> Any:
    """What a step gave. One inside another counts only by being there; a question's row holds numbers."""
    if step.state == "intent" or "#" in step.name:
        return step.state
    return step.state, msgspec.json.decode(step.value)


def _entries(of: Recording) -> dict[str, Any]:
    counts: dict[int, int] = {}
    found = {}
    for one in of.entries:
        counts[one.session] = counts.get(one.session, 0) + 1
        found[f"session {one.session}, entry {counts[one.session]}"] = one.entry
    return found


def _said(of: Recording) -> dict[str, Any]:
    """Replies with their parts together: where an adapter cuts is its own business."""
    replies: dict[int, list[RecordedPart]] = {}
    for part in of.said:
        if _closing(part) not in CLOSING_LINES and part.state != "dropped":
            replies.setdefault(part.row if part.first is None else part.first, []).append(part)
    counts: dict[str, int] = {}
    found = {}
    for parts in replies.values():
        of_turn = f" of turn {parts[0].turn}" if parts[0].turn is not None else ""
        place = f"{parts[0].said}{of_turn}"
        counts[place] = counts.get(place, 0) + 1
        found[f"{place}, number {counts[place]}"] = _text(parts)
    return found


def _text(parts: Sequence[RecordedPart]) -> str:
    if len(parts) > 1:
        return "".join("".join(part.text.split()) for part in parts)
    return (_closing(parts[0]) if parts[0].said == "notice" else parts[0].text).strip()


def _closing(part: RecordedPart) -> str:
    """What is said at an end, without what a preview showed before it."""
    return part.text.rsplit("\n\n", 1)[-1]
