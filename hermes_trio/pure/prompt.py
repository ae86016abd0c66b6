"""Prompt assembly: a transcript as a model may be shown it, in every state a turn can be cut in."""

from __future__ import annotations

from collections.abc import Sequence

from hermes_trio.values import AssistantEntry, Entry, NoteEntry, ToolEntry, UserEntry

UNKNOWN = (
    "This call was started and then interrupted; whether it took effect is unknown. Do not repeat it"
    " unless you have checked that it did not."
)


def assemble(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Every tool call followed by its result, a synthetic one where none is recorded; no result alone.

    What came between a call and its result (a message that was steered in) follows the results.
    """
    made: list[Entry] = []
    results = _results(entries)
    shown: set[int] = set()
    for entry in _from_first_user(entries):
        if isinstance(entry, ToolEntry):
            continue
        if isinstance(entry, AssistantEntry) and not entry.text and not entry.calls:
            continue
        made.append(entry)
        if isinstance(entry, AssistantEntry):
            for call in entry.calls:
                found = next((r for r in results.get(call.id, ()) if id(r) not in shown), None)
                if found is not None:
                    shown.add(id(found))
                made.append(found or ToolEntry(call=call.id, name=call.name, text=UNKNOWN, failed=True))
    return tuple(made)


def _results(entries: Sequence[Entry]) -> dict[str, list[ToolEntry]]:
    found: dict[str, list[ToolEntry]] = {}
    for entry in entries:
        if isinstance(entry, ToolEntry):
            found.setdefault(entry.call, []).append(entry)
    return found


def _from_first_user(entries: Sequence[Entry]) -> Sequence[Entry]:
    """A history that was cut by size begins where a person speaks, not amid a call."""
    for index, entry in enumerate(entries):
        if isinstance(entry, UserEntry | NoteEntry):
            return entries[index:]
    return ()
