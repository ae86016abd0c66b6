"""Prompt assembly: a transcript as a model may be shown it, in every state a turn can be cut in."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from msgspec import structs
from msgspec.structs import replace

from hermes_trio.text.message_notes import foreign, from_us, in_context
from hermes_trio.text.sanitize import shows
from hermes_trio.values.message import Message
from hermes_trio.values.transcript import (
    AssistantEntry,
    Entry,
    NoteEntry,
    SummaryEntry,
    ToolCall,
    ToolEntry,
    UserEntry,
)

UNKNOWN = (
    "This call was started and then interrupted; whether it took effect is unknown. Do not repeat it"
    " unless you have checked that it did not."
)

NOT_AGAIN = (
    "The same was called before to answer this, and the model service refused what it gave. It is not called"
    " again: answer without it."
)

NOT_AT_ONCE = (
    "The same was called before to answer this, and the conversation was too long to show you that. This call"
    " did nothing. Only if it has to be done a second time, call it again."
)


def cut_short_note(unknown: Sequence[str]) -> str:
    """What the next turn is told of one that was given up. What was asked and done stands in the history.

    Args:
        unknown: names of steps that had begun.
    """
    note = (
        "A restart cut short the work on the message before, and it is not gone on with. The user was told,"
        " and may ask for it again."
    )
    if not unknown:
        return note
    names = ", ".join(name.removeprefix("tool ") for name in unknown)
    return f"{note} Started, outcome unknown: {names}. Do not repeat that unless you have checked it."


SILENCES = frozenset({"SILENT", "NOREPLY", "NORESPONSE", "NOOUTPUT", "EMPTY", "HEARTBEATOK"})
"""With brackets or an underscore; as a plain word each may be an answer."""
SILENCE_CHARS_MAX = 1_000
"""A longer text is none of these words, whatever stands around them."""


def as_marked(entry: Entry) -> Entry:
    """The entry as a model is shown it: a note between marks, any other text without them.

    The mark cannot be forged because it cannot be written, whether by a user, a file, a tool or the model; it
    needs no secret, so a conversation is spelled the same each time.
    """
    if isinstance(entry, SummaryEntry):
        return entry
    text = foreign(entry.text)
    if isinstance(entry, NoteEntry):
        text = from_us(f"note of the system: {text}")
    if isinstance(entry, UserEntry) and entry.before:
        return UserEntry(text=entry.before + text)
    return entry if text is entry.text else structs.replace(entry, text=text)


def message_entry(message: Message) -> UserEntry | NoteEntry:
    """What a message is in the transcript. What the gateway tells the model is no user's word."""
    return NoteEntry(text=message.text) if message.note else in_context(message)


def answer_entry(message: Message, answer: str) -> UserEntry | NoteEntry:
    """What the answer to a question is there. Words that were passed on stay quoted, whatever they answer."""
    return UserEntry(text=answer) if message.forwarded is None else message_entry(message)


def assemble(entries: Sequence[Entry], *, going_on: bool = False) -> tuple[Entry, ...]:
    """Every tool call followed by its result, a synthetic one where none is recorded; no result alone.

    What came between a call and its result (a message that was steered in) follows the results. A summary
    is a note, and the messages it holds follow it. Nothing is blank: some providers refuse that.

    Args:
        going_on: these follow others that were assembled before. No turn's call has its result in another's
            entries, so a conversation may be assembled turn by turn, and the parts make the whole.
    """
    made: list[Entry] = []
    shown = [_not_blank(entry) for entry in (entries if going_on else _from_first_user(entries))]
    results = _results(shown)
    for index, entry in enumerate(shown):
        if isinstance(entry, ToolEntry):
            continue
        if isinstance(entry, AssistantEntry) and not (entry.text or entry.calls or entry.keepsake):
            continue
        if isinstance(entry, SummaryEntry):
            made += [NoteEntry(text=entry.text), *(_not_blank(UserEntry(text=text)) for text in entry.said)]
            continue
        made.append(entry)
        if isinstance(entry, AssistantEntry) and entry.calls:
            made += [results.get((index, n)) or _unknown(call) for n, call in enumerate(entry.calls)]
    return tuple(made)


def says_nothing(text: str) -> bool:
    """Whether an answer is none: blank, or a word that models were taught elsewhere to be silent with."""
    if not shows(text) or len(text) > SILENCE_CHARS_MAX:
        return not shows(text)
    bare = "".join(filter(str.isalpha, text)).upper()
    return bare in SILENCES and not text.strip().isalpha()


def _not_blank(entry: Entry) -> Entry:
    if entry.text and not entry.text.isspace():
        return entry
    match entry:
        case AssistantEntry():
            return replace(entry, text="") if entry.text else entry
        case ToolEntry():
            return replace(entry, text="(nothing)")
        case _:
            return replace(entry, text="(an empty message)")


def _results(entries: Sequence[Entry]) -> dict[tuple[int, int], ToolEntry]:
    """The result of each call that has one, by its entry's place and its own in it.

    A later call of the same id has its own. One pass: a conversation may have many calls without any.
    """
    found: dict[tuple[int, int], ToolEntry] = {}
    waiting: dict[str, deque[tuple[int, int]]] = {}
    for index, entry in enumerate(entries):
        if isinstance(entry, ToolEntry):
            if places := waiting.get(entry.call):
                found[places.popleft()] = entry
        elif isinstance(entry, AssistantEntry):
            waiting |= {call.id: deque() for call in entry.calls}
            for n, call in enumerate(entry.calls):
                waiting[call.id].append((index, n))
    return found


def _unknown(call: ToolCall) -> ToolEntry:
    return ToolEntry(call=call.id, name=call.name, text=UNKNOWN, failed=True)


def _from_first_user(entries: Sequence[Entry]) -> Sequence[Entry]:
    """A history that was cut by size begins where a person speaks, not amid a call."""
    for index, entry in enumerate(entries):
        if isinstance(entry, UserEntry | NoteEntry | SummaryEntry):
            return entries[index:]
    return ()
