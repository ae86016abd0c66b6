"""What a World's model was shown, its chats, and the ends of its programs."""

from __future__ import annotations

import msgspec

from hermes_trio.testing import tool
from hermes_trio.values.transcript import NoteEntry, ToolEntry


def result(world, back=1):
    """What the newest tool call gave: its value, or the text of its failure."""
    entry = [e for e in world.model.requests[-1].entries if isinstance(e, ToolEntry)][-back]
    return msgspec.json.decode(entry.text) if entry.text[:1] in ("{", "[") else entry.text


def notes(world):
    """What the gateway told the model, as it was shown last."""
    return [e.text for e in world.model.requests[-1].entries if isinstance(e, NoteEntry)]


def said(world, chat="ada"):
    """What the chat shows for good, with what it is."""
    return [(seen.said, seen.text) for seen in world.shown(chat)]


def start(command, **more):
    return tool("process", action="start", command=command, **more)


def exits(world):
    """The inbound rows that tell of ends: native id, outcome, reason."""
    rows = "select native, outcome, reason from inbound where kind = 'wake' order by id"
    return world.db.execute(rows).fetchall()
