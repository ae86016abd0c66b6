"""A seed draws its plan. Times are drawn so that things collide: the same tick, half a millisecond, a day."""

from __future__ import annotations

import msgspec

from hermes_trio.testing.simulation.chances import (
    BESIDE,
    PLACES,
)
from hermes_trio.testing.simulation.draw_endings import Endings
from hermes_trio.testing.simulation.draw_nodes import draw_nodes
from hermes_trio.testing.simulation.draw_rules import Dice, draw_rules, with_refusals
from hermes_trio.testing.simulation.plan import (
    Fault,
    Plan,
)


def draw(seed: int, nodes: int = 1) -> Plan:
    """The plan of a seed: the same in every process.

    Args:
        nodes: so many gateways share the store.
    """
    if nodes > 1:
        return draw_nodes(seed, nodes)
    dice = Dice(f"hermes-trio simulation {seed}")
    plan = _plan(dice, seed)
    if dice.random() >= BESIDE:
        return plan
    # They have one clock, and a process is frozen with all that is in it.
    turns_max = dice.choice((1, 1000))
    here, there = (_unfrozen(one, turns_max) for one in (plan, _plan(dice, seed)))
    return msgspec.structs.replace(here, beside=there)


def _plan(dice: Dice, seed: int) -> Plan:
    rules = draw_rules(dice)
    places = tuple(dice.sample(PLACES, dice.one(((1, 5), (2, 3), (3, 1)))))
    happenings = Endings(dice, rules, places).all_told()
    return Plan(seed=seed, rules=with_refusals(rules, seed), places=places, happenings=happenings)


def _unfrozen(plan: Plan, turns_max: int) -> Plan:
    kept = tuple(one for one in plan.happenings if not (isinstance(one, Fault) and one.name == "freezes"))
    rules = msgspec.structs.replace(plan.rules, turns_max=turns_max)
    return msgspec.structs.replace(plan, rules=rules, happenings=kept)
