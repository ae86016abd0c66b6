"""How much of what there was in a play."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts

OF_THE_WORLD = {"crash": "crashes", "start": "starts", "fault": "faults"}
OUTCOMES = ("answered", "refused", "superseded", "stopped", "expired", "failed")


def tally(facts: Facts, events: Iterable[Event]) -> Counter[str]:
    """By name: see `report.py`."""
    counted = Counter(facts.met)
    counted["happenings"] = len(facts.plan.happenings)
    counted["messages"] = len(facts.spoken)
    for event in events:
        match event.who, event.what:
            case "world", what if what in OF_THE_WORLD:
                counted[OF_THE_WORLD[what]] += 1
            case "model", "asked":
                counted["model calls"] += 1
            case "store", "commit":
                counted["commits"] += 1
            case "log", "resume verdict":
                counted[f"verdict {event.fields['verdict']}"] += 1
        counted["events"] += 1
    ends = _ends(facts)
    came = [outcome for outcome in OUTCOMES if ends[f"message {outcome}"]]
    together = Counter(f"{what} × {outcome}" for what in facts.met for outcome in came)
    return counted + ends + together


def _ends(facts: Facts) -> Counter[str]:
    mirror = facts.mirror
    met = Counter(f"{_kind(row['kind'])} {row['outcome']}" for row in mirror.inbound.values())
    met.update(f"turn {row['state']}" for row in mirror.turn.values())
    met.update(f"part {row['said']} {row['state']}" for row in mirror.outbound.values())
    met.update(f"child {row['state']}" for row in mirror.child.values())
    return met


def _kind(kind: str) -> str:
    return {"command": "order", "wake": "note", "match": "note"}.get(kind, "message")
