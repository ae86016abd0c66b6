"""Makes a plan that breaks something shorter, as long as it breaks the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from hermes_trio.testing.simulation.plan import (
    Crash,
    CutOff,
    Freeze,
    Happening,
    Plan,
    Rules,
    Say,
    Stop,
    simplest,
)

PLAYS_MAX = 600


class Shrinking:
    """One search. Deterministic: the same plan ends as the same plan.

    Args:
        breaks: plays a plan, and says what it breaks, "" for nothing.

    Attributes:
        plan: the shortest so far.
    """

    def __init__(self, plan: Plan, breaks: Callable[[Plan], str]) -> None:
        self.plan = plan
        self._breaks = breaks
        self._broken = breaks(plan)
        self._left = PLAYS_MAX

    def run(self) -> Plan:
        """Drop happenings, then simplify what is left and the rules, until nothing more can go."""
        before: Plan | None = None
        while self._left > 0 and self._broken and self.plan != before:
            before = self.plan
            self._drop_happenings()
            for simpler in (
                self._one_gateway,
                self._fewer_nodes,
                self._simpler_happenings,
                self._simpler_rules,
                self._fewer_places,
                self._closer,
            ):
                self._take_all(simpler)
        return self.plan

    def _try(self, plan: Plan) -> bool:
        if self._left <= 0 or plan == self.plan:
            return False
        self._left -= 1
        if self._breaks(plan) != self._broken:
            return False
        self.plan = plan
        return True

    def _drop_happenings(self) -> None:
        size = max(1, len(self.plan.happenings) // 2)
        while size:
            at = 0
            while at < len(self.plan.happenings):
                kept = self.plan.happenings[:at] + self.plan.happenings[at + size :]
                if not self._try(msgspec.structs.replace(self.plan, happenings=kept)):
                    at += size
            size //= 2

    def _take_all(self, simpler: Callable[[], Iterator[Plan]]) -> None:
        while any(self._try(plan) for plan in simpler()):
            pass

    def _one_gateway(self) -> Iterator[Plan]:
        if self.plan.beside is not None:
            yield msgspec.structs.replace(self.plan, beside=None)
            yield self.plan.beside

    def _fewer_nodes(self) -> Iterator[Plan]:
        if self.plan.nodes > 2:
            yield msgspec.structs.replace(self.plan, nodes=self.plan.nodes - 1)

    def _simpler_happenings(self) -> Iterator[Plan]:
        for at, happening in enumerate(self.plan.happenings):
            for other in _simpler(happening):
                happenings = (*self.plan.happenings[:at], other, *self.plan.happenings[at + 1 :])
                yield msgspec.structs.replace(self.plan, happenings=happenings)

    def _simpler_rules(self) -> Iterator[Plan]:
        for field in Rules.__struct_fields__:
            wanted = simplest(field)
            if getattr(self.plan.rules, field) != wanted:
                rules = msgspec.structs.replace(self.plan.rules, **{field: wanted})
                yield msgspec.structs.replace(self.plan, rules=rules)

    def _closer(self) -> Iterator[Plan]:
        """Without the time between two happenings."""
        before = 0.0
        for at, happening in enumerate(self.plan.happenings):
            gap = happening.at - before
            before = happening.at
            if gap > 0:
                later = [
                    msgspec.structs.replace(one, at=round(one.at - gap, 4))
                    for one in self.plan.happenings[at:]
                ]
                happenings = (*self.plan.happenings[:at], *later)
                yield msgspec.structs.replace(self.plan, happenings=happenings)

    def _fewer_places(self) -> Iterator[Plan]:
        """Without those that nothing happens in: they are only asked at the end."""
        used = {getattr(happening, "place", -1) for happening in self.plan.happenings}
        last = len(self.plan.places) - 1
        if last > 0 and last not in used:
            yield msgspec.structs.replace(self.plan, places=self.plan.places[:last])


def _simpler(happening: Happening) -> Iterator[Happening]:
    replace = msgspec.structs.replace
    match happening:
        case Say(words=words):
            for at in range(len(words)):
                yield replace(happening, words=words[:at] + words[at + 1 :])
            yield replace(happening, before="", album=None, long=False)
        case Crash():
            yield replace(happening, when="now")
            yield replace(happening, down_s=0.0)
            yield replace(happening, resume=True)
        case Stop():
            yield replace(happening, drain_s=20.0)
            yield replace(happening, down_s=0.0)
        case Freeze():
            yield replace(happening, when="now")
        case CutOff(done=True):
            yield replace(happening, done=False)
