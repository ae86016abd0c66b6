"""What an endpoint refuses of a request is left out, there and nowhere else."""

from __future__ import annotations

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Invariant


class LeftOutOnceAndForAll(Invariant):
    """What an endpoint was found to refuse it is not asked with again."""

    name = "refused part"

    def happened(self, event: Event) -> None:
        """By what it refuses."""
        if (event.who, event.what) == ("model", "refuses a part"):
            part, model = event.fields["part"], event.fields["model"]
            self.check(not event.fields["again"], f"{model} is asked with {part}, and has refused that")


class OfThatModelAlone(Invariant):
    """A part that an endpoint takes is not left out of what it is asked."""

    name = "taken part"

    def happened(self, event: Event) -> None:
        """By what it misses."""
        if event.who == "model" and event.what == "answered":
            self.made += 1
        if (event.who, event.what) == ("model", "misses parts"):
            self.check(False, f"{event.fields['model']} is asked without {event.fields['parts']}")
