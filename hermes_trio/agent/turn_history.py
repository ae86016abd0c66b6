"""The entries that a turn shows its model: those before the turn, and the turn's own.

The entries before the turn may be in memory only as they were spelled for models (`transcript/cache.py`).
They are read from the store when somebody has to look at them: when a conversation is shortened or was
refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hermes_trio.transcript import compaction
from hermes_trio.transcript.assembly import assemble
from hermes_trio.transcript.cache import Kept
from hermes_trio.turns.turn import Turn, run_of
from hermes_trio.values.transcript import Entry, ModelRequest, Spell, Spelled, SummaryEntry, ToolSpec


class TurnHistory:
    """What one turn shows.

    Args:
        spells: how the models that may answer want a conversation; none: as entries.

    Attributes:
        entries: the entries that are known; before `open`, perhaps only the turn's own.
        own: where in `entries` the turn's own begin.
        size: characters of all that is shown.
    """

    def __init__(self, turn: Turn, spells: Sequence[Spell]) -> None:
        self._turn = turn
        self._spells = spells
        self._earlier: Mapping[Spell, Spelled] | None = None
        self._open = True
        self.entries: list[Entry] = []
        self.own = self.size = 0

    async def begin(self) -> None:
        """Take up the conversation where it is known from the turn before. Cancelled: nothing has changed."""
        turn, before = self._turn, run_of(self._turn).before
        memory = run_of(turn).around.memory
        known, kept = before.known, memory.of(turn.key)
        if known is not None and kept is not None and kept.mark == known:
            self._open = False
            self.size = kept.size + compaction.size(before.entries)
            going_on = any(spelled.entries for spelled in kept.earlier.values())
            more = assemble(before.entries, going_on=going_on)
            self._earlier = {spell: spell(kept.earlier[spell], more) for spell in self._spells}
        else:
            self._take_up(await turn.history())
        if before.mark is not None and self._spells:
            memory.keep(turn.key, Kept(before.mark, self.size, self._spelled_earlier()))

    def _take_up(self, before: Sequence[Entry]) -> None:
        self.entries = [*before, *self.entries]
        self.own = len(before)
        self.size = compaction.size(self.entries)

    async def open(self) -> None:
        """Make all entries known. Cancelled: nothing has changed."""
        if not self._open:
            self._take_up(await self._turn.history())
            self._open = True

    def add(self, entries: Sequence[Entry]) -> None:
        """Show this from now on."""
        self.entries += entries
        self.size += compaction.size(entries)

    def put(self, without: SummaryEntry) -> None:
        """Leave this out from now on. Only where all entries are known."""
        self.own = compaction.moved(without, self.own, len(self.entries))
        compaction.put(self.entries, without)
        self.size = compaction.size(self.entries)
        self._earlier = None

    def without(self, without: SummaryEntry | None) -> list[Entry]:
        """All entries but these. Only where all are known, or for None."""
        shown = list(self.entries)
        if without is not None:
            compaction.put(shown, without)
        return shown

    def request(
        self, prompt: str, tools: tuple[ToolSpec, ...], op: str, without: SummaryEntry | None
    ) -> ModelRequest:
        """What a model is asked."""
        shown = self.without(without)
        if not self._spells:
            return ModelRequest(prompt=prompt, entries=assemble(shown), tools=tools, op=op)
        if without is None:
            own, earlier = self.own, self._spelled_earlier()
        else:
            own = compaction.moved(without, self.own, len(self.entries))
            earlier = self._spelled(shown[:own])
        going_on = any(spelled.entries for spelled in earlier.values())
        entries = assemble(shown[own:], going_on=going_on)
        return ModelRequest(prompt=prompt, entries=entries, tools=tools, op=op, earlier=earlier)

    def _spelled_earlier(self) -> Mapping[Spell, Spelled]:
        if self._earlier is None:
            self._earlier = self._spelled(self.entries[: self.own])
        return self._earlier

    def _spelled(self, before: Sequence[Entry]) -> Mapping[Spell, Spelled]:
        assembled = assemble(before)
        return {spell: spell(Spelled(), assembled) for spell in self._spells}
