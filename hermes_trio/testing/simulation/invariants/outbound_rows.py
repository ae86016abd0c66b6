"""What becomes of an outbound row is what the table of its life says."""

from __future__ import annotations

from hermes_trio.testing.simulation.facts import Invariant
from hermes_trio.testing.simulation.mirror import Row
from hermes_trio.values.outbound_states import BORN, TABLE, Move

LOOKED_AT = ("state", "begun", "unknown")
BEGINS = (*BORN, "held")


class ByTheTable(Invariant):
    """Each change of an outbound row is a move of the table, with what follows from it for its calls."""

    name = "moves"

    def committed(self) -> None:
        """Of each statement of the commit, the rows that it changed."""
        for change in self.facts.batch:
            was, now = change.old, change.new
            if change.table != "outbound" or now is None:
                continue
            if was is None:
                self.check(now["state"] in BEGINS, f"part {change.id} begins as {now['state']}")
            elif any(was[name] != now[name] for name in LOOKED_AT):
                told = [f"{name} {was[name]} became {now[name]}" for name in LOOKED_AT]
                self.check(
                    any(is_made(move, was, now) for move in moves_of(was["state"])),
                    f"part {change.id}: no move of the table: {', '.join(told)}",
                )


def moves_of(state: str) -> list[Move]:
    """Every move of a row in this state."""
    return [move for (of, _), moves in TABLE.items() if of == state for move in moves]


def is_made(move: Move, was: Row, now: Row) -> bool:
    """Whether this move makes the one row of the other, as far as it is looked at."""
    begun, unknown = was["begun"], was["unknown"]
    for follow in move.then:
        match follow:
            case "call begins":
                begun = 1
            case "call over":
                begun = 0
            case "doubt":
                unknown += 1
            case "doubt once":
                unknown = min(unknown, 1)
            case "certain":
                unknown = 0
    return (now["state"], now["begun"], now["unknown"]) == (move.to, begun, unknown)
