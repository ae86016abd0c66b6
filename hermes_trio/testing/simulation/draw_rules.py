"""A seed draws how the gateway is configured, and what surrounds it."""

from __future__ import annotations

import random
from typing import TypeVar

import msgspec

from hermes_trio.testing.simulation.chances import CALM_AFTER, PICKY
from hermes_trio.testing.simulation.plan import Rules
from hermes_trio.testing.simulation.refusing_endpoint import PARTS

T = TypeVar("T")


class Dice(random.Random):
    """Chance, with weights."""

    def one(self, choices: tuple[tuple[T, float], ...]) -> T:
        """One of (value, weight)."""
        return self.choices([value for value, _ in choices], [weight for _, weight in choices])[0]


def with_refusals(rules: Rules, seed: int) -> Rules:
    """The same, perhaps with an endpoint that refuses parts of requests. It has dice of its own, and so moves
    nobody else's chances."""
    dice = Dice(f"hermes-trio refusals {seed}")
    if rules.agent != "model" or dice.random() > PICKY:
        return rules
    return msgspec.structs.replace(rules, refuses=tuple(dice.sample(sorted(PARTS), dice.randint(1, 3))))


def draw_rules(dice: Dice) -> Rules:
    """The options of a plan, and what its platforms can do."""
    edits = dice.random() < 0.6
    return Rules(
        agent=dice.one((("model", 3), ("library", 2))),
        scope=dice.choice(("user", "chat")),
        busy=dice.choice(("queue", "steer", "interrupt")),
        queue_max=dice.one(((100, 4), (2, 1), (1, 1))),
        turns_max=dice.one(((1000, 4), (1, 2))),
        reset=dice.one((("none", 4), ("idle", 1), ("daily", 1), ("both", 1))),
        idle_after_s=dice.choice((60.0, 3600.0, 86400.0)),
        on_exhausted=dice.choice(("wait", "tell", "defer")),
        keys=dice.one(((0, 3), (1, 2), (3, 1))),
        fallbacks=dice.one(((0, 4), (1, 1))),
        deadline_s=dice.one(((1800.0, 0.4), (10.0, 2), (60.0, 3))),
        progress_s=dice.one(((20.0, 3), (1.0, 1), (0.0, 1))),
        stuck_after=dice.one(((3, 3), (2, 1), (100, 1))),
        commit_s=dice.one(((0.0, 2), (0.001, 3), (0.02, 1), (0.1, 0.7))),
        think_s=dice.choice((0.0, 0.005, 0.3, 2.0)),
        call_s=dice.one(((0.0, 3), (0.002, 1), (0.4, 1))),
        drain_s=dice.choice((20.0, 0.5)),
        heal_after_s=dice.one(CALM_AFTER),
        text_max=dice.one(((4096, 2), (200, 1))),
        edits=edits,
        deletes=edits and dice.random() < 0.7,
        reacts=dice.random() < 0.5,
        types=dice.random() < 0.8,
        takes_key=dice.random() < 0.3,
        lingers=dice.random() < 0.2,
    )
