"""What a boot began is taken up by others when that boot is over, and not before."""

import pytest

from hermes_trio.errors import StaleTurn
from hermes_trio.store.sqlite.schema import connect
from hermes_trio.store.sqlite.store import SqliteStore
from tests.store.kit import KEY, RULES, Calendar, Held, a_message, a_store


async def test_a_boot_buries_those_before_it_where_nobody_shares_the_store(tmp_path):
    path = tmp_path / "hermes.db"
    for _ in range(2):
        async with a_store(path):
            pass
    async with a_store(path) as kit:
        await kit.store.end_boot()
    async with a_store(path) as kit:
        assert kit.rows("select id, ended_at is not null, buried_at is not null from boot") == [
            (1, 0, 1),
            (2, 0, 1),
            (3, 1, 0),
            (4, 0, 0),
        ]


async def test_a_turn_whose_boot_lives_is_nobody_elses():
    db, clock = connect(":memory:"), Calendar()
    one, two = (SqliteStore(db, clock, Held(), shared=True) for _ in range(2))
    async with one.serve(), two.serve():
        await one.begin_boot()
        await two.begin_boot()
        await one.accept("memory/main", [a_message("hello")], None, RULES)
        opened = await one.next_turn(KEY, 1)
        assert await two.next_turn(KEY, 1) is None
        with pytest.raises(StaleTurn):
            await two.abandon(opened.turn, "why")

        db.execute("update boot set buried_at = 1 where id = 1")
        adopted = await two.next_turn(KEY, 1)
        assert (adopted.turn, adopted.attempt) == (opened.turn, 2)
    db.close()
