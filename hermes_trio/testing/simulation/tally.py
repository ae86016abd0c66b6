"""How much of what there was in a play."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts
from hermes_trio.testing.simulation.setting import CROWD

OF_THE_WORLD = {"crash": "crashes", "start": "starts", "fault": "faults"}
MET = (
    "a second bot",
    "a fallback's answer",
    "a crowd",
    "a full machine",
    "what comes while it goes down",
    "another gateway beside it",
    "an answer cut by its limit",
    "a bad end",
    "a stop that gave its disk up",
    "a kept message that cannot be read",
    "a part of a request that is refused",
)
"""What is drawn, and only worth something if it comes to pass."""
OUTCOMES = ("answered", "refused", "superseded", "stopped", "expired", "failed")


def tally(facts: Facts, events: Iterable[Event]) -> Counter[str]:
    """By name: see `report.py`."""
    counted = Counter(facts.met)
    counted["happenings"] = len(facts.plan.happenings)
    counted["messages"] = len(facts.spoken)
    counted["met a second bot"] = sum(account != "memory/main" for account, _ in facts.spoken)
    counted["met a crowd"] = sum(one.message.address.user in CROWD for one in facts.spoken.values())
    down = False
    for event in events:
        match event.who, event.what:
            case "world", what if what in OF_THE_WORLD:
                counted[OF_THE_WORLD[what]] += 1
            case "model", "asked":
                counted["model calls"] += 1
            case "store", "commit":
                counted["commits"] += 1
            case "model", "answered" if event.fields["model"].startswith("fallback"):
                counted["met a fallback's answer"] += 1
            case "model", "answered" if event.fields["finish"] == "unfinished":
                counted["met an answer cut by its limit"] += 1
            case "model", "answered" if event.fields["finish"] in ("length", "partial"):
                counted["met a bad end"] += 1
            case "model", "refuses a part":
                counted["met a part of a request that is refused"] += 1
            case "machine", "full":
                counted["met a full machine"] += 1
            case "world", "stop" | "stopped" | "crash":
                down = event.what == "stop"
            case "log", "checkpoint failed" if down:
                counted["met a stop that gave its disk up"] += 1
            case "platform", "confirmed" if down and facts.plan.rules.lingers:
                counted["met what comes while it goes down"] += event.fields["count"]
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
    met["met a kept message that cannot be read"] = sum(
        row["reason"] == "unreadable" and row["turn"] is None for row in mirror.inbound.values()
    )
    met.update(f"turn {row['state']}" for row in mirror.turn.values())
    met.update(f"part {row['said']} {row['state']}" for row in mirror.outbound.values())
    met.update(f"process {row['state']}" for row in mirror.process.values())
    return met


def _kind(kind: str) -> str:
    return {"command": "order", "wake": "note", "match": "note"}.get(kind, "message")
