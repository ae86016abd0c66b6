"""Asks every invariant after every event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Broken, Facts, Invariant


class Watch:
    """Watches a World's record.

    What it finds is kept and not raised: the gateway would take it for an error of whoever acted.

    Args:
        end: called, synchronously, when something is broken: the play is over.

    Attributes:
        failure: the first that was broken, or the error of a checker.
    """

    def __init__(self, facts: Facts, invariants: Sequence[type[Invariant]], end: Callable[[], None]) -> None:
        self.facts = facts
        self.failure: Exception | None = None
        self._end = end
        self._invariants = [invariant(facts) for invariant in invariants]
        self._changed = [
            one.changed for one in self._invariants if type(one).changed is not Invariant.changed
        ]
        self._committed = [
            one.committed for one in self._invariants if type(one).committed is not Invariant.committed
        ]
        self._happened = [
            one.happened for one in self._invariants if type(one).happened is not Invariant.happened
        ]

    def __call__(self, event: Event) -> None:
        """An event has been recorded."""
        if self.failure is None:
            self._guarded(lambda: self._look(event))

    def at_rest(self) -> None:
        """Everything is over."""
        for invariant in self._invariants:
            if self.failure is None:
                self._guarded(invariant.at_rest)

    def made(self) -> Counter[str]:
        """How often each invariant was checked."""
        return Counter({invariant.name: invariant.made for invariant in self._invariants})

    def fail(self, invariant: str, what: str) -> None:
        """Something is broken that is seen from the play itself."""
        if self.failure is None:
            self.failure = Broken(invariant, what)
            self._end()

    def _look(self, event: Event) -> None:
        self.facts.happened(event)
        if event.who != "store":
            for happened in self._happened:
                happened(event)
        elif event.what == "commit":
            for change in self.facts.commit():
                for changed in self._changed:
                    changed(change)
            for committed in self._committed:
                committed()

    def _guarded(self, look: Callable[[], None]) -> None:
        try:
            look()
        except Exception as error:  # noqa: BLE001 - kept, and raised where the play is judged
            self.failure = error
            self._end()
