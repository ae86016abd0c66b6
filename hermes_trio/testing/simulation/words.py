"""What the agents of a simulation do: a message's text says it, so a message is answered the same way again.

A text is `#7 once sleep:60`: the message's number, then a word for each thing to do. Both agents read it: the
model from the transcript it is shown, one word for each result that is there already; the library's function
from the turn, a verb for each word. The answer names the message.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from hermes_trio.transcript.compaction import CALLS_LOST, GO_ON
from hermes_trio.values.transcript import AssistantEntry, Entry, NoteEntry, ToolEntry, UserEntry

NAMED = re.compile(r"#(\d+)((?: [a-z]+(?::[\w./-]+)?)*)")
ANSWER = re.compile(r"re #(\d+)\.(\d+)")
MAY_I = "may I, "
"""How a tool's question begins."""
CHOICES = ("this", "that")
"""What may be pressed for an answer."""
PART_CHARS = 120


def spoken(n: int, words: Sequence[str]) -> str:
    """The text of a message."""
    return " ".join([f"#{n}", *words])


def numbers(text: str) -> list[int]:
    """The numbers of the messages in a text."""
    return [int(found[1]) for found in NAMED.finditer(text)]


def read(text: str) -> tuple[int, list[str]]:
    """The number and the words of the last message in a text; (0, []) of one that is none of ours."""
    found = NAMED.findall(text)
    return (int(found[-1][0]), found[-1][1].split()) if found else (0, [])


def apart(word: str) -> tuple[str, str]:
    """A word and what stands behind its colon."""
    name, _, argument = word.partition(":")
    return name, argument


def seconds(argument: str, default: float) -> float:
    """What stands behind a word, as seconds."""
    return float(argument) if argument else default


def asked_of(entries: Sequence[Entry]) -> tuple[int, list[str], int]:
    """Of a transcript: the last message's number, its words, and how many of them have their result.

    (0, [], 0) where the last that was said is no message of a user.
    """
    entries = [entry for entry in without_answers(entries) if not _has_no_end(entry)]
    if entries and isinstance(entries[-1], NoteEntry) and not _lost(entries[-1]):
        return 0, [], 0
    done = 0
    for entry in reversed(entries):
        done += _lost(entry)
        if isinstance(entry, AssistantEntry) and not entry.calls and not entry.interim:
            return 0, [], 0
        if isinstance(entry, ToolEntry):
            done += 1
        elif isinstance(entry, UserEntry) and (found := read(entry.text))[0]:
            return *found, done
    return 0, [], 0


def without_answers(entries: Sequence[Entry]) -> list[Entry]:
    """Without what was said to a question: it is no message that anything is to be done for."""
    before = [None, *entries]
    return [one for last, one in zip(before, entries, strict=False) if not is_question(last)]


def is_question(entry: Entry | None) -> bool:
    """Whether it is what a tool asked amid its call."""
    return isinstance(entry, AssistantEntry) and entry.interim and entry.text.startswith(MAY_I)


def _lost(entry: Entry) -> int:
    """How many calls it tells of that cannot be read any more: they are not made again."""
    is_told = isinstance(entry, NoteEntry) and entry.text.startswith(CALLS_LOST)
    return 1 + entry.text.count(", ", entry.text.rindex(": ")) if is_told else 0


def was_cut(entries: Sequence[Entry]) -> bool:
    """Whether the limit has cut an answer to the last message already."""
    for entry in reversed(without_answers(entries)):
        if isinstance(entry, UserEntry) and read(entry.text)[0]:
            return False
        if _has_no_end(entry):
            return True
    return False


def _has_no_end(entry: Entry) -> bool:
    """Whether it is an answer that the limit cut, or what is told of one."""
    if isinstance(entry, NoteEntry):
        return entry.text == GO_ON
    return isinstance(entry, AssistantEntry) and entry.finish == "unfinished"


def answer(n: int, words: Sequence[str], secret: str) -> str:
    """What is answered to message n: a part for each `part` of its words, and one. `tells` tells a secret."""
    parts = 1 + sum(word == "part" for word in words)
    told = f" the key is {secret}" if "tells" in words else ""
    filled = "x" * (PART_CHARS if parts > 1 else 0)
    return "\n\n".join(f"**re #{n}.{part}**{told} {filled}" for part in range(parts))


def answered(text: str) -> list[tuple[int, int]]:
    """(message, part) of each answer in what a chat shows."""
    return [(int(n), int(part)) for n, part in ANSWER.findall(text)]
