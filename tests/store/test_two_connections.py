"""Promises of one chat on two connections become what one of their two orders makes of them."""

from __future__ import annotations

import pytest

from hermes_trio.store.postgres.engine import PostgresEngine
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import Address, Lane
from hermes_trio.values.stored import Closing, Reply, StepRow
from tests.store.kit import KEY, RULES, a_message
from tests.store.shared import ACCOUNT
from tests.store.shared_postgres import a_schema
from tests.store.two_connections import TwoConnections

ADA = Address("memory", "main", "ada", None, "ada")
LANE = Lane("memory", "main", "ada", None)
CAN = {"takes_key": False, "live": True, "can_delete": True, "can_edit": True}
STEP = StepRow(name="say", n=1, digest="d", op="o", state="done", value=b"null")
SAYS = Reply(address=ADA, parts=(Part("said"),), said="say")
ANSWERS = Closing(state="finished", reply=Reply(address=ADA, parts=(Part("answer"),)))


async def waits(two):
    """A message waits; nobody works on it."""
    await two.one.store.hold_account(ACCOUNT)
    await two.one.store.accept(ACCOUNT, [a_message("hello")], None, RULES)


async def runs(two):
    """A turn runs on the second boot, and a message waits behind it."""
    await waits(two)
    await two.two.store.next_turn(KEY, 1)
    await two.one.store.accept(ACCOUNT, [a_message("again")], None, RULES)


async def says(two):
    """A turn runs on the second boot and has said something, which the first is about to send."""
    await runs(two)
    await two.two.store.end_step(1, STEP, reply=SAYS)
    await two.one.store.begin_delivery(LANE, **CAN)


ONE = {
    "more is accepted": lambda store: store.accept(ACCOUNT, [a_message("more")], "7", RULES),
    "a command is accepted": lambda store: store.accept(ACCOUNT, [a_message("/stop")], "7", RULES),
    "a reset": lambda store: store.reset(KEY, None, "operator"),
    "a stop": lambda store: store.stop(KEY, None, "operator"),
    "a call begins": lambda store: store.begin_delivery(LANE, **CAN),
    "a call has arrived": lambda store: store.record_delivery(1, "m"),
}
TWO = {
    "the next turn": lambda store: store.next_turn(KEY, 1),
    "a step says something": lambda store: store.end_step(1, STEP, reply=SAYS),
    "the turn is answered": lambda store: store.close_turn(1, ANSWERS),
    "its task leaves": lambda store: store.leave_key(KEY),
}
PAIRS = [
    (waits, "a reset", "the next turn"),
    (waits, "more is accepted", "the next turn"),
    (waits, "a command is accepted", "the next turn"),
    (waits, "a stop", "the next turn"),
    (runs, "a reset", "a step says something"),
    (runs, "a reset", "the turn is answered"),
    (runs, "a stop", "the turn is answered"),
    (runs, "a reset", "its task leaves"),
    (runs, "more is accepted", "the turn is answered"),
    (runs, "a call begins", "a step says something"),
    (runs, "a call begins", "the turn is answered"),
    (says, "a call has arrived", "the turn is answered"),
    (says, "a call has arrived", "a step says something"),
    (says, "a call begins", "the turn is answered"),
]


async def breaks(running, scene, one, two, engine=PostgresEngine):
    async with TwoConnections(a_schema(running), engine) as both:
        await scene(both)
        both.keep()
        return await both.breaks(ONE[one], TWO[two])


@pytest.mark.parametrize(("scene", "one", "two"), PAIRS)
async def test_they_become_what_one_order_makes_of_them(running, scene, one, two):
    assert await breaks(running, scene, one, two) == []


class Unlocked(PostgresEngine):
    """An engine whose groups lock no chat."""

    def lock(self, wanted):
        pass


@pytest.mark.parametrize(
    ("scene", "one", "two"),
    [(waits, "a reset", "the next turn"), (runs, "a reset", "the turn is answered")],
)
async def test_without_the_locks_they_do_not(running, scene, one, two):
    assert await breaks(running, scene, one, two, Unlocked) != []
