"""Which of the values that the gateway can write come about in plays: `python -m tests.sim.met 0..999`.

It prints few seeds that meet all that are met by any of these, and the values that none of them meets.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from typing import get_args, get_type_hints

from hermes_trio.errors import ModelFailure
from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.draw import draw
from hermes_trio.testing.simulation.facts import Facts, Invariant
from hermes_trio.testing.simulation.mirror import Change
from hermes_trio.testing.simulation.play import play
from hermes_trio.turns.verdict import Verdict
from hermes_trio.values.delivery import DeliveryKind
from hermes_trio.values.message import KINDS, OutcomeName, TurnState
from hermes_trio.values.outbound_states import STATES
from hermes_trio.values.process import ProcessEnd
from hermes_trio.values.stored import StepRow

ENDS = ("/new", "/cc", "asked itself", "operator", "resumed")
REASONS = (
    "",
    *ENDS,
    "allow_users",
    "an error",
    "another_bot",
    "asked",
    "bots",
    "command failed",
    "consumed",
    "deadline",
    "decode",
    "interrupted by a message",
    "limit",
    *(f"model: {kind}" for kind in get_args(ModelFailure)),
    "muted",
    "no answer",
    "no restart here",
    "no_credentials",
    "no_open_question",
    "not an admin",
    "not_allowed",
    "not_asked",
    "noted",
    "nothing said",
    "nothing to resume",
    "queue_full",
    "require_mention",
    "restart",
    "silence",
    "stuck",
    "too_old",
    "unknown command",
    "unreadable",
)
"""Of messages and commands. What is settled for another reason than these is one that must be added."""
CAN_BE: dict[str, Iterable[str]] = {
    "outcome": get_args(OutcomeName),
    "reason": REASONS,
    "kind": (*KINDS, "undecodable"),
    "waits": ("waiting", "running", "deferred"),
    "turn": get_args(TurnState),
    "verdict": (*get_args(Verdict), "clean"),
    "step": get_args(get_type_hints(StepRow)["state"]),
    "part": STATES,
    "said": get_args(DeliveryKind),
    "process": (*get_args(ProcessEnd), "running"),
    "session": (*ENDS, "idle", "daily", "stuck"),
}
"""What can be written, by what it is of."""
OPEN = re.compile(r"(decode|resumed|silence|limit)\b.*", re.DOTALL)
"""What begins so goes on with a number or with words."""


def reason_of(written: str) -> str:
    """The reason without what differs from one case to the next."""
    if written[:1].isupper():
        return "an error"  # it is called like its class
    return OPEN.sub(r"\1", written)


class Met(Invariant):
    """Holds always: it only looks on. What was met is kept here, for all plays."""

    name = "met"
    values: set[tuple[str, str]] = set()  # noqa: RUF012 - of all plays

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)

    def changed(self, change: Change) -> None:
        """What a row says now."""
        new = change.new
        if new is None:
            return
        match change.table:
            case "inbound":
                self._meet("kind", new["kind"])
                self._meet("waits", new["state"])
                self._meet("outcome", new["outcome"])
                if new["outcome"] is not None:
                    self._meet("reason", reason_of(new["reason"]))
            case "turn" | "process":
                self._meet(change.table, new["state"])
            case "outbound":
                self._meet("part", new["state"])
                self._meet("said", new["said"])
            case "session":
                self._meet("session", new["why"] and reason_of(new["why"]))

    def happened(self, event: Event) -> None:
        """The verdict on a turn."""
        if (event.who, event.what) == ("log", "resume verdict"):
            self._meet("verdict", event.fields["verdict"])

    def at_rest(self) -> None:
        """The steps that there were."""
        for (state,) in self.facts.db.execute("select distinct state from step"):
            self._meet("step", state)

    def _meet(self, what: str, value: str | None) -> None:
        if value is not None:
            Met.values.add((what, value))


def met_in(seed: int) -> set[tuple[str, str]]:
    """What is met where this seed is played."""
    Met.values = set()
    play(draw(seed), [Met])
    return Met.values


def few(seeds: Iterable[int]) -> Iterator[int]:
    """Few of these that meet what all of them meet."""
    found = {seed: met_in(seed) for seed in seeds}
    left = set[tuple[str, str]]().union(*found.values())
    never = sorted({(what, one) for what, values in CAN_BE.items() for one in values} - left)
    print(f"met by none: {never}", file=sys.stderr)
    while left:
        best = max(found, key=lambda seed: len(found[seed] & left))
        left -= found[best]
        yield best


if __name__ == "__main__":
    first, last = map(int, sys.argv[1].split(".."))
    print(sorted(few(range(first, last + 1))))
