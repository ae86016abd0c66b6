"""What is kept in memory of conversations between their turns: their beginnings, as they were sent to models.

So a turn of a long conversation reads, decodes and encodes only what is new. It is a copy of what the store
has: losing it costs time and nothing else.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from msgspec import Struct

from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.stored import Mark
from hermes_trio.values.transcript import Spell, Spelled

OVERHEAD_BYTES = 1024


class Kept(Struct, frozen=True):
    """A conversation up to a mark.

    Args:
        size: in characters, as `size` in `transcript/compaction.py` counts.
        earlier: the conversation in each spelling that may be asked for.
    """

    mark: Mark
    size: int
    earlier: Mapping[Spell, Spelled]


class Memory:
    """The conversations that were used last, at most so many bytes of them. One of each key.

    Args:
        bytes_max: 0 keeps nothing.

    Attributes:
        bytes: kept now.
    """

    def __init__(self, bytes_max: int) -> None:
        self._max = bytes_max
        self._kept: OrderedDict[ConversationKey, Kept] = OrderedDict()
        self.bytes = 0

    def of(self, key: ConversationKey) -> Kept | None:
        """What is kept of the key's conversation."""
        return self._kept.get(key)

    def keep(self, key: ConversationKey, kept: Kept) -> None:
        """Keep this in the place of what was kept of the key, and forget what was not used for longest."""
        self.forget(key)
        size = _bytes_of(kept)
        if not OVERHEAD_BYTES < size <= self._max:
            return  # there is nothing to know yet, or too much
        self._kept[key] = kept
        self.bytes += size
        while self.bytes > self._max:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= _bytes_of(oldest)

    def forget(self, key: ConversationKey) -> None:
        """Its conversation has ended."""
        kept = self._kept.pop(key, None)
        if kept is not None:
            self.bytes -= _bytes_of(kept)


def _bytes_of(kept: Kept) -> int:
    return OVERHEAD_BYTES + sum(len(spelled.body) for spelled in kept.earlier.values())
