"""What a model is shown of a long conversation: its size, where it may be cut, what stands for the rest.

A cut never parts a tool call from its result, and never takes a message that still waits for its answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

import msgspec
from msgspec.structs import replace

from hermes_trio.text import sentences
from hermes_trio.text.message_notes import as_quote
from hermes_trio.transcript.assembly import NOT_AGAIN, NOT_AT_ONCE, UNKNOWN, assemble
from hermes_trio.values.transcript import AssistantEntry, Entry, SummaryEntry, ToolEntry, UserEntry

ENTRY_CHARS = 20
"""What an entry costs a model beside its text."""

RESULT_CHARS = 2_000
"""Of one tool result, where a conversation is written out for its summary."""

CALLS_CHARS = 300
"""Of one call and of its result, where they are only mentioned."""


def size(entries: Iterable[Entry]) -> int:
    """How many characters a model is shown, more or less."""
    return sum(_size(entry) for entry in entries)


def _size(entry: Entry) -> int:
    chars = ENTRY_CHARS + len(entry.text)
    if isinstance(entry, AssistantEntry):
        chars += sum(ENTRY_CHARS + len(call.name) + len(call.arguments) for call in entry.calls)
        if entry.keepsake is not None and entry.keepsake.data:
            chars += len(msgspec.json.encode(entry.keepsake.data))
    elif isinstance(entry, UserEntry):
        chars += len(entry.before)
    elif isinstance(entry, SummaryEntry):
        chars += sum(ENTRY_CHARS + len(text) for text in entry.said)
    return chars


def fold(entries: Iterable[Entry]) -> list[Entry]:
    """The entries as they are shown: each summary in the place of what it stands for."""
    shown: list[Entry] = []
    for entry in entries:
        if isinstance(entry, SummaryEntry):
            put(shown, entry)
        else:
            shown.append(entry)
    return shown


def put(shown: list[Entry], summary: SummaryEntry) -> None:
    """Put a summary in the place of what it stands for."""
    end = max(0, len(shown) - summary.kept)
    begin = 0 if summary.covers is None else max(0, end - summary.covers)
    shown[begin:end] = [summary]


def cuts(entries: Sequence[Entry], own: int) -> list[int]:
    """Where the older part may end, oldest first: no call before it has its result behind it.

    Args:
        own: where the running turn's own entries begin. What was taken in while its tools ran has no certain
            place among their results yet, so these are cut before a model's answer only.
    """
    found = []
    results = False
    for at in reversed(range(1, len(entries))):
        entry = entries[at]
        if isinstance(entry, ToolEntry):
            results = True
        elif isinstance(entry, AssistantEntry):
            results = False
            found.append(at)
        elif at <= own and not results:
            found.append(at)
    return [*reversed(found), len(entries)]


def summary_for(entries: Sequence[Entry], own: int, room: int, *, text: str, asked: int) -> SummaryEntry:
    """A summary in the place of all but the newest entries that fit.

    Args:
        room: characters that may be shown behind the summary's text.
        text: the summary's.
        asked: how many of the newest messages wait for their answer.
    """
    shown, cut = size(entries), 0
    messages = _messages(entries)
    before = 0
    for at in cuts(entries, own):
        shown -= size(entries[cut:at])
        before += len(_messages(entries[cut:at]))
        cut = at
        wait = max(0, asked - (len(messages) - before))
        said = tuple(messages[max(0, before - wait) : before])
        if shown + sum(ENTRY_CHARS + len(one) for one in said) <= room:
            break
    return SummaryEntry(text=text, kept=len(entries) - at, said=said)


def unanswered(entries: Sequence[Entry], at: int, asked: int) -> tuple[str, ...]:
    """Those of the `asked` newest messages that stand before `at`."""
    before = _messages(entries[:at])
    wait = max(0, asked - len(_messages(entries[at:])))
    return tuple(before[max(0, len(before) - wait) :])


def _messages(entries: Iterable[Entry]) -> list[str]:
    found: list[str] = []
    for entry in entries:
        if isinstance(entry, UserEntry):
            found.append(entry.text)
        elif isinstance(entry, SummaryEntry):
            found += entry.said
    return found


def written_out(entries: Sequence[Entry], room: int) -> str:
    """A conversation as plain text of some `room` characters, for its summary; what is long is cut first."""
    pieces = [_written(entry) for entry in entries]
    most, left = room, room
    for n, length in enumerate(sorted(map(len, pieces))):
        most = left // (len(pieces) - n)
        if length > most:
            break
        left -= length
    return "\n".join(piece[:most] for piece in pieces)


def _written(entry: Entry) -> str:
    match entry:
        case UserEntry(text=text, before=before):
            return f"User: {before}{text}"
        case ToolEntry(name=name, text=text):
            return f"Result of {name}: {text[:RESULT_CHARS]}"
        case AssistantEntry(text=text, calls=calls):
            called = [f"Assistant calls {call.name}({call.arguments[:RESULT_CHARS]})" for call in calls]
            return "\n".join(([f"Assistant: {text}"] if text else []) + called)
        case SummaryEntry(text=text, said=said):
            return "\n".join([f"Before: {text}", *(f"User: {one}" for one in said)])
        case _:
            return f"Note: {entry.text}"


def mentioned(entries: Sequence[Entry], room: int) -> tuple[list[str], bool]:
    """The newest calls among entries that go, and what they gave, in short; and whether these are all."""
    lines: list[str] = []
    calls: deque[str] = deque()
    for entry in assemble(entries):
        if isinstance(entry, AssistantEntry):
            calls = deque(_mention(call.name, call.arguments) for call in entry.calls)
        elif isinstance(entry, ToolEntry):
            lines.append(f"{calls.popleft()}: {entry.text[:CALLS_CHARS]}")
    size, all_of_them = sum(len(line) + 1 for line in lines), True
    while lines and size > room:
        size, all_of_them = size - len(lines.pop(0)) - 1, False
    return lines, all_of_them and not any(isinstance(one, SummaryEntry) and one.calls for one in entries)


def _mention(name: str, arguments: str) -> str:
    return f"- {name}({arguments[:CALLS_CHARS]})"


def is_mentioned(entries: Iterable[Entry], name: str, arguments: str) -> bool:
    """Whether a call that is shown no more is mentioned with its arguments."""
    told = _mention(name, arguments)
    return any(told in entry.text for entry in entries if isinstance(entry, SummaryEntry))


def outcomes(entries: Sequence[Entry]) -> tuple[tuple[str, str], ...]:
    """What became of the calls among entries that go, each as (how, tool), once; `RAN` and others say how.

    Those that went before are among them. A tool is named as far as its name is one.
    """
    found = [pair for entry in entries if isinstance(entry, SummaryEntry) for pair in entry.calls]
    for entry in assemble(entries, going_on=True):
        if not isinstance(entry, ToolEntry) or entry.text in (NOT_AGAIN, NOT_AT_ONCE):
            continue
        if entry.name.isascii() and entry.name.isidentifier():
            found.append(
                (RAN if not entry.failed else IN_DOUBT if entry.text == UNKNOWN else FAILED, entry.name)
            )
    return tuple(dict.fromkeys(found))


def became(calls: Sequence[tuple[str, str]]) -> str:
    """The outcomes of calls as they are told."""
    by_how = (
        (how, ", ".join(name for said, name in calls if said == how)) for how in (RAN, FAILED, IN_DOUBT)
    )
    return " ".join(f"{how}: {names}." for how, names in by_how if names)


def lost_calls(names: Sequence[str]) -> SummaryEntry:
    """What stands for calls that cannot be read any more, and may have taken effect. A tool called twice is
    named twice."""
    calls = tuple((IN_DOUBT, name) for name in names)
    return SummaryEntry(text=f"{CALLS_LOST} {became(calls)}", covers=0, calls=calls)


def begin_of_work(entries: Sequence[Entry], own: int, asked: int) -> int:
    """Where the work on the `asked` newest messages begins: a turn before may have begun it, and been cut."""
    at, waiting = len(entries), asked
    while at and waiting > 0:
        at -= 1
        waiting -= len(_messages(entries[at : at + 1]))
    at = min(own, at)
    while at and isinstance(before := entries[at - 1], SummaryEntry) and before.covers == 0:
        at -= 1
    return at


def calls_among(entries: Iterable[Entry]) -> set[tuple[str, str]]:
    """The calls, by name and arguments."""
    return {
        (c.name, c.arguments) for entry in entries if isinstance(entry, AssistantEntry) for c in entry.calls
    }


def calls_left_out(
    summary: SummaryEntry, entries: Sequence[Entry], own: int, asked: int
) -> set[tuple[str, str]]:
    """The calls for the `asked` newest messages, by name and arguments, that are shown no more with it."""
    end = len(entries) - summary.kept
    begin = 0 if summary.covers is None else end - summary.covers
    return calls_among(entries[max(begin, begin_of_work(entries, own, asked)) : end])


def moved(summary: SummaryEntry, own: int, length: int) -> int:
    """Where a turn's own entries begin after `summary` was put among `length` entries."""
    begin = 0 if summary.covers is None else length - summary.kept - summary.covers
    end = length - summary.kept
    if own <= begin:
        return own
    return max(begin + 1, own - (end - begin) + 1)


# -- what is told the model of what it is not shown

SUMMARY_PROMPT = (
    "You write down what happened in a conversation, for somebody who goes on with it and will not see it."
    " Keep names, numbers, decisions, what was promised, what tools did and gave, and what is still open."
    " At most 500 words, in the language of the conversation. Write only that, no introduction."
)
SUMMARY = "What was said before, in short:"
LEFT_OUT = "The earlier part of this conversation is left out here; it was too long."
REFUSED = "The earlier part of this conversation is left out here; the model service refused it."
RESULTS_REFUSED = (
    "What was called so far to answer this is left out here; the model service refused what it gave."
)
CALLED = "Called so far to answer this."
CALLS_LOST = "What was called here to answer this cannot be read any more."
RAN = "Done, do not repeat it"
FAILED = "Failed"
IN_DOUBT = "Started, outcome unknown, do not repeat it unchecked"
HARMLESS = "Hello."
GO_ON = (
    "What you said last has no end: it was cut off by the limit of one answer, or you paused. No tool was"
    " called. Go on. If a call was cut, make it again, with shorter arguments, or in several calls."
)
SET_ASIDE = "A message of the user is left out here; the model service did not take it."


def shortened(
    entries: Sequence[Entry], own: int, room: int, *, asked: int, summary: str = ""
) -> SummaryEntry:
    """Leave out all but the newest entries that fit.

    Args:
        room: characters that may be shown; 0 leaves only what waits for its answer.
        summary: what a model wrote of what goes; without it, what went before is carried on.
    """
    made = summary_for(entries, own, room, text=LEFT_OUT, asked=asked)
    gone = entries[: len(entries) - made.kept]
    first = gone[0] if gone else None
    text = LEFT_OUT
    if summary:
        text = f"{SUMMARY}\n{as_quote(summary)}"
    elif isinstance(first, SummaryEntry) and first.text != LEFT_OUT and len(first.text) <= room // 4:
        text = first.text if first.text.startswith(LEFT_OUT) else f"{LEFT_OUT} {first.text}"
    work = gone[begin_of_work(entries, own, asked) :]
    calls = outcomes(work)
    lines, all_of_them = mentioned(work, room // 4)
    if calls and not all_of_them:
        text += f"\n{CALLED} {became(calls)}"
    if lines:
        text += "\n".join(("\nCalled so far to answer this, do not repeat it:", *lines))
    return replace(made, text=text, calls=calls)


def what_of(summary: SummaryEntry) -> str:
    """What became of what it stands for, in a word for the log.

    "summary" or "cut", where it was too long; "results", "earlier", "both", "message", where it was refused.
    """
    text = summary.text
    if text.startswith(SET_ASIDE):
        return "message"
    if text.startswith(REFUSED):
        return "both" if RESULTS_REFUSED in text else "earlier"
    if text.startswith(RESULTS_REFUSED):
        return "results"
    return "summary" if text.startswith(SUMMARY) else "cut"


def notice_of(summary: SummaryEntry, entries: Sequence[Entry], own: int) -> str:
    """What its user is told of it; nothing of a model's summary, nor where only the turn itself lost some."""
    if summary.text.startswith(SET_ASIDE):
        return sentences.MESSAGE_LEFT_OUT
    lost = entries[: min(own, len(entries) - summary.kept)] if summary.covers is None else ()
    if summary.text.startswith(SUMMARY) or all(isinstance(entry, SummaryEntry) for entry in lost):
        return ""
    return sentences.LEFT_OUT if summary.text.startswith(REFUSED) else sentences.SHORTENED


def without_suspects(entries: Sequence[Entry], own: int, *, asked: int) -> list[SummaryEntry]:
    """What to leave out, one after another, when a model service refuses what it is shown.

    First what came last: this turn's calls and what they gave; then what was before the turn; then both; then
    some of the messages.
    """
    end = len(entries)
    newer = any(not isinstance(entry, UserEntry) for entry in entries[own:])
    earlier = any(not (isinstance(one, SummaryEntry) and one.text == REFUSED) for one in entries[:own])
    begin = begin_of_work(entries, own, asked)
    mine, before, work = (outcomes(some) for some in (entries[own:], entries[begin:own], entries[begin:]))
    found = []
    if newer:
        said = unanswered(entries[own:], end - own, asked)
        text = _with(RESULTS_REFUSED, mine)
        found.append(SummaryEntry(text=text, covers=end - own, said=said, calls=mine))
    if earlier:
        said = unanswered(entries, own, asked)
        text = _with(REFUSED, before)
        found.append(SummaryEntry(text=text, kept=end - own, said=said, calls=before))
    if newer and earlier:
        said = unanswered(entries, end, asked)
        text = _with(f"{REFUSED}\n{RESULTS_REFUSED}", work)
        found.append(SummaryEntry(text=text, said=said, calls=work))
    return found + without_some(entries, own, asked=asked)


def _with(text: str, calls: Sequence[tuple[str, str]]) -> str:
    return f"{text} {became(calls)}" if calls else text


def without_some(entries: Sequence[Entry], own: int, *, asked: int) -> list[SummaryEntry]:
    """Of several messages that wait leave out all but the newest, or the newest, before none is answered."""
    said = unanswered(entries, len(entries), asked)
    if len(said) < 2:
        return []
    none = without_messages(entries, own, asked=asked)
    found = [replace(none, said=said[-1:]), replace(none, said=said[:-1])]
    return [*found, *(replace(one, covers=None) for one in found if one.covers is not None)]


def without_messages(entries: Sequence[Entry], own: int, *, asked: int) -> SummaryEntry:
    """Leave out what came with this turn, its messages too: no model takes them."""
    among_own = len(_messages(entries[own:])) >= asked
    calls = outcomes(entries[begin_of_work(entries, own, asked) :])
    text = _with(SET_ASIDE, calls)
    return SummaryEntry(text=text, covers=len(entries) - own if among_own else None, calls=calls)
