"""A conversation as messages of Anthropic's: blocks, under roles that alternate, the first the user's.

What the gateway tells the model (a NoteEntry) goes as user text in brackets. The last message is left open:
what follows may be of the same role.

If the model paused while the service ran tools of its own, its answer goes back unchanged as the last
message, and the model goes on with it. If somebody spoke meanwhile, calls of such tools without a result are
left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from hermes_trio.models.providers.anthropic_blocks import Block, open_at, settled
from hermes_trio.models.providers.growing_calls import arguments_object
from hermes_trio.models.providers.spelling import GO_ON, LEFT_OUT, call_ids, call_name, kept
from hermes_trio.transcript.assembly import as_marked
from hermes_trio.values.transcript import AssistantEntry, Entry, Spelled, ToolCall, ToolEntry

PAUSED = "paused"
"""Whose the last word is where an answer is to be gone on with."""


class AnthropicSpelling(Struct, frozen=True):
    """How one service of Anthropic's kind is told a conversation; a Spell.

    Args:
        of: which service and model; see `spelling.service`.
    """

    of: str = ""

    def __call__(self, before: Spelled, entries: Sequence[Entry]) -> Spelled:
        """More of a conversation behind its beginning."""
        told, ids, pending = _Told(before.body, before.role), before.ids, list(before.pending)
        for position, entry in enumerate(map(as_marked, entries), start=before.entries):
            if isinstance(entry, AssistantEntry) and entry.calls:
                ids = call_ids(entry, self.of, position)
            content = self._content(entry, ids) if isinstance(entry, AssistantEntry) else None
            if content is None or not isinstance(entry, AssistantEntry):
                role = "assistant" if isinstance(entry, AssistantEntry) else "user"
                told.say("assistant", settled(pending))
                told.say(role, self._blocks(entry, ids))
                pending = []
                continue
            begun, paused = pending + content, not entry.calls
            at = open_at(begun) if paused else len(begun)
            told.say(PAUSED if paused else "assistant", settled(begun[:at]))
            pending = begun[at:]
        return Spelled(told.body, before.entries + len(entries), told.role, ids, tuple(pending))

    def ended(self, spelled: Spelled) -> Spelled:
        """The last word is the user's, or of an answer that paused."""
        told = _Told(spelled.body, spelled.role)
        told.say(PAUSED, spelled.pending)
        if told.role not in ("user", PAUSED):
            told.say("user", [text_block(GO_ON)])
        return replace(spelled, body=told.body, role=told.role, pending=())

    def _content(self, entry: AssistantEntry, ids: Mapping[str, str]) -> list[Block] | None:
        """All that the service gave, where it is its answer and is told as it came; else None."""
        own = kept(entry, self.of) or {}
        if "content" not in own:
            return None
        calls = {call.id: call for call in entry.calls}
        return [
            _call(calls[block["id"]], ids) if block["type"] == "tool_use" else block
            for block in own["content"]
        ]

    def _blocks(self, entry: Entry, ids: Mapping[str, str]) -> list[dict[str, Any]]:
        if isinstance(entry, ToolEntry):
            result = {"type": "tool_result", "tool_use_id": ids.get(entry.call, entry.call)}
            result["content"] = entry.text
            return [result | {"is_error": True} if entry.failed else result]
        blocks = [text_block(entry.text)] if entry.text.strip() else []  # the API refuses blank text
        if isinstance(entry, AssistantEntry) and entry.calls:
            blocks = [*(kept(entry, self.of) or {}).get("thinking", ()), *blocks]
            blocks += [_call(call, ids) for call in entry.calls]
        return blocks


class _Told:
    """What is told while it grows: blocks, under roles that alternate.

    Attributes:
        role: whose the last message is; PAUSED is the assistant, who is to go on.
    """

    def __init__(self, body: bytes, role: str) -> None:
        self._pieces = [body]
        self.role = role

    @property
    def body(self) -> bytes:
        return b"".join(self._pieces)

    def say(self, role: str, blocks: Sequence[Block]) -> None:
        """Tell blocks of this role."""
        side = _side(role)
        if blocks and not self.role and side == "assistant":
            self.say("user", [text_block(LEFT_OUT)])
        for block in blocks:
            begin = b"," if side == _side(self.role) else _begin(side, first=not self.role)
            self._pieces += (begin, msgspec.json.encode(block))
            self.role = role


def _side(role: str) -> str:
    return "assistant" if role == PAUSED else role


def _call(call: ToolCall, ids: Mapping[str, str]) -> dict[str, Any]:
    return {
        "type": "tool_use",
        "id": ids[call.id],
        "name": call_name(call.name),
        "input": arguments_object(call.arguments) or {},
    }


def _begin(role: str, *, first: bool) -> bytes:
    """The end of the message before, and the beginning of the next."""
    return b'%b{"role":"%b","content":[' % (b"" if first else b"]},", role.encode())


def text_block(text: str) -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": text}
