"""A conversation as messages of Anthropic's: blocks, under roles that alternate, the first the user's.

What the gateway tells the model (a NoteEntry) goes as user text in brackets. The last message is left open:
what follows may be of the same role.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from hermes_trio.models.providers.answer import arguments_object
from hermes_trio.models.providers.spelling import GO_ON, LEFT_OUT, call_ids, call_name, kept
from hermes_trio.transcript.assembly import as_marked
from hermes_trio.values.transcript import AssistantEntry, Entry, Spelled, ToolEntry, UserEntry


class AnthropicSpelling(Struct, frozen=True):
    """How one service of Anthropic's kind is told a conversation; a Spell.

    Args:
        of: which service and model; see `spelling.service`.
    """

    of: str = ""

    def __call__(self, before: Spelled, entries: Sequence[Entry]) -> Spelled:
        """More of a conversation behind its beginning."""
        pieces, last, ids = [before.body], before.role, before.ids
        for position, entry in enumerate(map(as_marked, entries), start=before.entries):
            role = "assistant" if isinstance(entry, AssistantEntry) else "user"
            if isinstance(entry, AssistantEntry) and entry.calls:
                ids = call_ids(entry, self.of, position)
            blocks = self._blocks(entry, ids)
            if blocks and not last and role == "assistant":
                pieces.append(_begin("user", first=True) + msgspec.json.encode(text_block(LEFT_OUT)))
                last = "user"
            for block in blocks:
                pieces += (b"," if role == last else _begin(role, first=not last), msgspec.json.encode(block))
                last = role
        return Spelled(b"".join(pieces), before.entries + len(entries), last, ids)

    def ended(self, spelled: Spelled) -> Spelled:
        """The last word is the user's."""
        return spelled if spelled.role == "user" else self(spelled, (UserEntry(text=GO_ON),))

    def _blocks(self, entry: Entry, ids: Mapping[str, str]) -> list[dict[str, Any]]:
        if isinstance(entry, ToolEntry):
            result = {"type": "tool_result", "tool_use_id": ids.get(entry.call, entry.call)}
            result["content"] = entry.text
            return [result | {"is_error": True} if entry.failed else result]
        blocks = [text_block(entry.text)] if entry.text.strip() else []  # the API refuses blank text
        if isinstance(entry, AssistantEntry) and entry.calls:
            blocks = [*(kept(entry, self.of) or {}).get("thinking", ()), *blocks]
            blocks += [
                {
                    "type": "tool_use",
                    "id": ids[call.id],
                    "name": call_name(call.name),
                    "input": arguments_object(call.arguments),
                }
                for call in entry.calls
            ]
        return blocks


def _begin(role: str, *, first: bool) -> bytes:
    """The end of the message before, and the beginning of the next."""
    return b'%b{"role":"%b","content":[' % (b"" if first else b"]},", role.encode())


def text_block(text: str) -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": text}
