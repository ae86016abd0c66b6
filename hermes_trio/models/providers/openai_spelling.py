"""A conversation as messages of OpenAI's chat completions, in the order that the strictest template takes.

The user begins, and user and assistant alternate: texts of one side in a row become one message. The
assistant follows the results of tools; if it said nothing there, a text says that it was interrupted.
Templates of Mistral, Gemma and Llama refuse any other order, and would refuse such a conversation for good.

What the gateway tells the model (a NoteEntry) goes as the user's: many templates refuse a system message that
is not the first. A message of text is left open, since what follows may belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from hermes_trio.models.providers.growing_calls import arguments_object
from hermes_trio.models.providers.spelling import GO_ON, INTERRUPTED, LEFT_OUT, call_ids, call_name, kept
from hermes_trio.text.message_notes import foreign
from hermes_trio.transcript.assembly import as_marked
from hermes_trio.values.transcript import AssistantEntry, Entry, Spelled, ToolEntry

USER = b',{"role":"user","content":"'
ASSISTANT = b',{"role":"assistant","content":"'
PARAGRAPH = b"\\n\\n"
END = b'"}'


class OpenAISpelling(Struct, frozen=True):
    """How one service of OpenAI's kind is told a conversation; a Spell.

    Args:
        of: which service and model; see `spelling.service`.
    """

    of: str = ""

    def __call__(self, before: Spelled, entries: Sequence[Entry]) -> Spelled:
        """More of a conversation behind its beginning, a comma before each message."""
        pieces, role, ids = [before.body], before.role, before.ids
        for position, entry in enumerate(map(as_marked, entries), start=before.entries):
            if isinstance(entry, ToolEntry):
                pieces.append(_end(role) + _result(entry, ids))
                role = "tool"
            elif not isinstance(entry, AssistantEntry):
                pieces.append(_begin("user", role) + _inner(entry.text))
                role = "user"
            elif entry.calls:
                ids = call_ids(entry, self.of, position)
                own = kept(entry, self.of) or {}
                text = foreign(own.get("before", "")) + entry.text
                pieces.append(_begin("assistant", role) + _inner(text) + _calls(entry, ids, own))
                role = "called"
            elif entry.text:
                pieces.append(_begin("assistant", role) + _inner(entry.text))
                role = "assistant"
        return Spelled(b"".join(pieces), before.entries + len(entries), role, ids)


def ended(spelled: Spelled) -> bytes:
    """Its body with the last message closed, which is the user's or a tool's: some take no other for that."""
    if spelled.role in ("", "assistant"):
        return spelled.body + _begin("user", spelled.role) + _inner(GO_ON) + END
    return spelled.body + _end(spelled.role)


def _begin(role: str, last: str) -> bytes:
    """All that stands before the text of one side, behind what was said last."""
    if last == role:
        return PARAGRAPH
    if role == "user":
        filled = ASSISTANT + _inner(INTERRUPTED) + END if last in ("tool", "called") else b""
        return _end(last) + filled + USER
    return _end(last) + (USER + _inner(LEFT_OUT) + END if not last else b"") + ASSISTANT


def _end(role: str) -> bytes:
    """The end of a message that was left open."""
    return END if role in ("user", "assistant") else b""


def _calls(entry: AssistantEntry, ids: Mapping[str, str], own: Mapping[str, Any]) -> bytes:
    """What follows the text of a message that calls tools: the calls, and what the service must see again."""
    extras = own.get("calls") or [{}] * len(entry.calls)
    calls = [
        {
            **extra,
            "id": ids[call.id],
            "type": "function",
            "function": {"name": call_name(call.name), "arguments": _arguments(call.arguments)},
        }
        for call, extra in zip(entry.calls, extras, strict=False)
    ]
    fields: dict[str, Any] = {**own.get("message", {}), "tool_calls": calls}
    return b'",' + msgspec.json.encode(fields)[1:]


def _inner(text: str) -> bytes:
    return msgspec.json.encode(text)[1:-1]


def _result(entry: ToolEntry, ids: Mapping[str, str]) -> bytes:
    told = {"role": "tool", "tool_call_id": ids.get(entry.call, entry.call), "content": entry.text}
    return b"," + msgspec.json.encode(told)


def _arguments(text: str) -> str:
    """Some endpoints refuse a transcript in which the model once wrote arguments that are no object."""
    return text if arguments_object(text) else "{}"
