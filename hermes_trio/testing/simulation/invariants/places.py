"""Who is asked, and where it is said: several bots, several models, several gateways."""

from __future__ import annotations

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant, lane_of, place, row_of, shows
from hermes_trio.testing.simulation.mirror import Change
from hermes_trio.testing.simulation.words import answered


class WhereItWasAsked(Invariant):
    """An answer goes to the bot, the chat and the topic that it was asked in."""

    name = "where"

    def happened(self, event: Event) -> None:
        """By its row, and by who asked."""
        if not shows(event):
            return
        here, row = lane_of(event), self.facts.mirror.outbound.get(row_of(event))
        self.check(
            row is None or place(row["lane"]) == here, f"part {row_of(event)} is said in {here}: {row}"
        )
        for n, _ in answered(str(event.fields["text"])) if event.fields["said"] == "final" else ():
            asked = self.facts.by_number[n].message.address
            there = (asked.account, asked.chat, asked.thread)
            self.check(there == here, f"#{n} was asked in {there}, and is answered in {here}")


class FallbackIsAsked(Invariant):
    """No message is refused, or kept, for want of a key while a model that needs none was not asked."""

    name = "fallback"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._opened: dict[int, float] = {}
        self._asked_at = float("-inf")

    def happened(self, event: Event) -> None:
        """When each turn began, and when the fallback was asked last."""
        if event.who == "log" and event.what == "turn opened":
            self._opened[event.fields["turn"]] = event.at
        elif event.who == "model" and event.what == "asked" and event.fields["model"].startswith("fallback"):
            self._asked_at = event.at

    def changed(self, change: Change) -> None:
        """A turn that ends so."""
        new = change.new
        if not self.facts.plan.rules.fallbacks or self.facts.plan.rules.agent != "model":
            return
        if change.table == "turn" and new is not None and change.became("state"):
            wants = new["reason"] in ("no_credentials", "deferred")
            asked = self._asked_at >= self._opened.get(change.id, float("-inf"))
            self.check(asked or not wants, f"turn {change.id} is {new['state']}, and nobody else was asked")
