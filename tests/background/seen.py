"""What a World's model was shown, and its chats."""

from __future__ import annotations

import msgspec

from hermes_trio.entries import NoteEntry, ToolEntry


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
