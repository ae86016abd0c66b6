"""What all spellings of a conversation share: whose ids and names stand in it, and what fills gaps.

A service is given back what it gave itself, letter by letter. What another gave is spelled in what all take.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, Protocol

from hermes_trio.text.message_notes import from_us
from hermes_trio.values.transcript import AssistantEntry, Entry, Spelled

LEFT_OUT = from_us("earlier messages are left out")
"""Where a conversation would begin with an answer."""

GO_ON = from_us("go on")
"""Where it would end with one."""

INTERRUPTED = from_us("interrupted")
"""What the assistant says where somebody spoke to it before it could say anything of its tools' results."""

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
NO_NAME = re.compile(r"[^a-zA-Z0-9_-]")


class Spelling(Protocol):
    """How one service is told a conversation; a Spell."""

    @property
    def of(self) -> str:
        """Which service and model; see `service`."""
        ...

    def __call__(self, before: Spelled, entries: Sequence[Entry], /) -> Spelled:
        """More of a conversation behind its beginning."""
        ...


def service(url: str, name: str) -> str:
    """Which service and model one is, in a word; what one gave is shown to no other."""
    return blake2b(f"{url} {name}".encode(), digest_size=6).hexdigest()


def kept(entry: AssistantEntry, of: str) -> Mapping[str, Any] | None:
    """What the service wants to see again with its answer; None if the answer is another's."""
    return entry.keepsake.data if entry.keepsake is not None and entry.keepsake.of == of else None


def call_ids(entry: AssistantEntry, of: str, position: int) -> dict[str, str]:
    """How the service is told the ids of the answer's calls.

    Its own as it gave them; another's as nine letters and digits, as the narrowest wants them (Mistral), and
    no two alike in a conversation (Anthropic).

    Args:
        position: of the entry in the conversation.
    """
    if kept(entry, of) is not None:
        return {call.id: call.id for call in entry.calls}
    return {call.id: _nine(f"{position} {call.id}") for call in entry.calls}


def _nine(text: str) -> str:
    return blake2b(text.encode("utf-8", "replace"), digest_size=5).hexdigest()[:9]


def call_name(name: str) -> str:
    """A name that services take. Models make up others, and then even the refusal could not be told."""
    return name if NAME.fullmatch(name) else NO_NAME.sub("_", name)[:64] or "_"
