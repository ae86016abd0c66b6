"""A server of PostgreSQL that was away, or has lost what it had promised."""

import pytest
import trio

from hermes_trio.errors import LeaseOver, StoreFailed
from tests.postgres_server import open_server, programs
from tests.store.shared_postgres import a_schema
from tests.store.test_postgres_leases import LEASE_S, boots, over, rows

RENEWED_S = 0.1


async def back(store):
    """The store has found the server again."""
    while True:
        try:
            return await store.probe()
        except StoreFailed:
            await trio.sleep(0.05)


@pytest.mark.skipif(programs() is None, reason="no PostgreSQL here")
async def test_whose_lease_ended_while_the_server_was_away_lives_and_is_buried_only_later():
    with open_server(programs()) as server:
        url = a_schema(server.url())
        async with boots(url, LEASE_S, LEASE_S, 100) as (dead, slow, quick):
            await quick.store.renew(100)
            server.end()
            await trio.sleep(LEASE_S)
            server.start()
            await back(quick.store)
            assert (await quick.store.renew(100)).lapsed == (1, 2)
            assert not await quick.store.bury(1, LEASE_S)
            await back(slow.store)
            assert (await slow.store.renew(100)).others
            await trio.sleep(LEASE_S)
            assert await quick.store.bury(1, LEASE_S)
            assert not await quick.store.bury(2, LEASE_S)
            with pytest.raises(LeaseOver):
                await back(dead.store)


async def test_whose_lease_ends_long_after_a_start_of_the_server_is_buried_at_once(running):
    url = a_schema(running)
    async with boots(url, LEASE_S, 100) as (_, living):
        await over(url, 1)
        assert await living.store.bury(1, LEASE_S)


async def test_a_boot_whose_commits_the_database_has_lost_is_over(running):
    url = a_schema(running)
    async with boots(url, 100) as (node,):
        for _ in range(3):
            await node.store.renew(100)
        rows(url, "update writer set serial = serial - 1 returning serial")
        with pytest.raises(LeaseOver, match="lost commits"):
            await node.store.renew(100)
        assert rows(url, "select max(serial) from writer") == [(3,)]
