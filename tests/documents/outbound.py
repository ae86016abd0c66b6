"""The life of an outbound row as a page, drawn from its table.

`python -m tests.documents.outbound` writes it. The head of the page is written by hand.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

from hermes_trio.values import outbound_states
from hermes_trio.values.outbound_states import BORN, EVENTS, OVER, STATES, TABLE, Move

PAGE = Path(__file__).parents[2] / "docs" / "outbound.md"
MADE = "<!-- Below this line the page is made from hermes_trio/values/outbound_states.py. -->"
STAY = (*OVER, "odd")


def meanings(name: str) -> dict[str, str]:
    """What the text below an assignment says of each word: `word, word: meaning`."""
    source = inspect.getsource(outbound_states)
    text = re.search(rf'^{name} = Literal\[.*?\]\n"""(.*?)"""', source, re.MULTILINE | re.DOTALL)
    assert text is not None, f"{name} says nothing of its words"
    return dict(re.findall(r"^([a-z_, ]+): (.*)$", text[1], re.MULTILINE))


def drawing() -> Iterator[str]:
    """Which events lead from one state to another."""
    edges: dict[tuple[str, str], list[str]] = {}
    for (state, event), moves in TABLE.items():
        for move in moves:
            if move.to != state:
                edges.setdefault((state, move.to), []).append(event)
    yield "stateDiagram-v2"
    yield from (f"    [*] --> {state}" for state in BORN)
    for (state, to), events in edges.items():
        yield f"    {state} --> {to}: {', '.join(dict.fromkeys(events))}"
    yield from (f"    {state} --> [*]" for state in OVER)


def words(name: str, title: str) -> Iterator[str]:
    yield f"| {title} | |"
    yield "|---|---|"
    for word, meaning in meanings(name).items():
        yield f"| {', '.join(f'`{one}`' for one in word.split(', '))} | {meaning.removesuffix('.')} |"


def told(move: Move) -> tuple[str, str, str]:
    return f"`{move.to}`", move.when or "", ", ".join(move.then)


def rows() -> Iterator[str]:
    """The table: by event, and what stays where it is in one row."""
    yield "| what happens | in state | if | it is then | and |"
    yield "|---|---|---|---|---|"
    for event in EVENTS:
        stay = [state for state in STAY if TABLE.get((state, event), (Move("held"),))[0].to == state]
        for state in STATES:
            for move in TABLE.get((state, event), ()):
                to, when, then = told(move)
                if state not in stay:
                    yield f"| `{event}` | `{state}` | {when} | {to} | {then} |"
        if stay:
            _, _, then = told(TABLE[stay[0], event][0])
            yield f"| `{event}` | {', '.join(f'`{state}`' for state in stay)} | | the same | {then} |"


def page() -> str:
    """The whole page: its head as it stands, and what is made below it."""
    head = PAGE.read_text(encoding="utf-8").partition(MADE)[0].strip()
    diagram = "\n".join(["```mermaid", *drawing(), "```"])
    parts = [
        *(head, MADE, diagram),
        *("## The states", "\n".join(words("State", "state"))),
        *("## What can happen", "\n".join(words("Event", "event"))),
        *("## What follows", "\n".join(rows())),
        *("The conditions:", "\n".join(words("Condition", "if"))),
        *("What changes beside the state:", "\n".join(words("Follow", "and"))),
    ]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
