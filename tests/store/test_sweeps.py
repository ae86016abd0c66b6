"""What nothing meets is looked for page by page: nobody's commit waits for all of it."""

from __future__ import annotations

from contextlib import closing

import pytest

from hermes_trio.store.promises.sweep import PAGE, look_through
from hermes_trio.store.promises.unreadable import clear_the_way
from hermes_trio.store.sqlite.tx import SqliteTx
from hermes_trio.testing import open_world
from hermes_trio.testing.disk import empty_disk
from hermes_trio.testing.spoilt_values import SPOILT, columns, spoil
from hermes_trio.values.stored import Place
from tests.store.kit import a_store
from tests.store.spoilt import agent, busy

with closing(empty_disk()) as disk:
    CELLS = [(table, column, how) for table, column in columns(disk) for how in SPOILT]


def pages(tx):
    """What each page says, to the last."""
    place = Place()
    while place is not None:
        found, place = look_through(tx, place)
        yield found


async def test_it_finds_what_would_be_cleared_and_nothing_else(autojump_clock):
    """Of a gateway in the middle of everything, value for value."""
    async with open_world(agent) as world:
        await busy(world)
        differs = []
        for table, column, how in CELLS[::3]:
            world.db.execute("savepoint spoilt")
            tx = SqliteTx(world.db, 1, world.clock.now())
            if spoil(world.db, table, column, how) and any(pages(tx)) != bool(clear_the_way(tx)):
                differs.append((table, column, how))
            world.db.execute("rollback to spoilt")
            world.db.execute("release spoilt")
        assert differs == []


async def wait(kit, messages: int) -> None:
    """So many messages wait, ten of each of many people."""
    for n in range(0, messages, 10):
        await kit.accept(*(f"message {m}" for m in range(n, n + 10)), user=f"user {n}")


async def steps_of_pages(messages: int) -> list[int]:
    """What each page costs where so many messages wait, in hundreds of SQLite's own steps."""
    async with a_store() as kit:
        await wait(kit, messages)
        cost = []
        kit.db.set_progress_handler(lambda: cost.append(1) or 0, 100)
        costs = []
        for found in pages(SqliteTx(kit.db, 1, kit.clock.now())):
            assert not found
            costs.append(len(cost))
            cost.clear()
        return costs


async def test_a_page_costs_the_same_however_many_messages_wait(autojump_clock):
    few, many = await steps_of_pages(10 * PAGE), await steps_of_pages(30 * PAGE)
    # A page of messages for each two hundred, and one of conversations for each two hundred.
    assert len(many) == len(few) + 20 + 2
    assert max(many) <= max(few) + 1


async def test_where_little_is_to_be_looked_at_one_page_has_it_all(autojump_clock):
    async with a_store() as kit:
        await wait(kit, 10)
        assert list(pages(SqliteTx(kit.db, 1, kit.clock.now()))) == [False]


@pytest.mark.parametrize("nth", [1, PAGE, PAGE + 1, 5 * PAGE])
async def test_a_row_is_found_on_whatever_page_it_stands(autojump_clock, nth):
    async with a_store() as kit:
        await wait(kit, 5 * PAGE)
        kit.db.execute("update inbound set body = 'rubbish' where id = ?", (nth,))
        place, found = Place(), False
        while place is not None and not found:
            found, place = await kit.store.look_through(place)
        assert found
        assert await kit.store.clear_the_way() == [f"message {nth}"]
        assert not any(pages(SqliteTx(kit.db, 1, kit.clock.now())))
