"""Leases by the database's clock, and the burial of a boot that stands still amid what it writes."""

from __future__ import annotations

from contextlib import asynccontextmanager
from time import monotonic

import pytest
import trio

from hermes_trio.errors import LeaseOver
from hermes_trio.store.postgres.schema import connect
from hermes_trio.store.postgres.writer_row import HOLD_S
from tests.store.kit import RULES, Calendar, a_message
from tests.store.shared import ACCOUNT, SETUP
from tests.store.shared_postgres import a_schema
from tests.store.two_connections import Node

LEASE_S = 0.5
GROUP = 3
"""BEGIN, the fence, the locks: after these a group has its writer's row."""


@pytest.fixture
def url(running):
    return a_schema(running)


@asynccontextmanager
async def boots(url, *leases):
    """Boots of one database whose time counts, each with a lease of so many seconds."""
    async with trio.open_nursery() as nursery:
        nodes = [Node(url, Calendar(), has_clock=True) for _ in leases]
        for node, lease_s in zip(nodes, leases, strict=True):
            await nursery.start(served, node, lease_s)
        yield nodes
        nursery.cancel_scope.cancel()


async def served(node, lease_s, task_status):
    async with node.store.serve():
        await node.store.join(SETUP, "", lease_s)
        task_status.started()
        await trio.sleep_forever()


def rows(url, sql):
    db = connect(url)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


async def over(url, boot):
    [(left,)] = rows(url, f"select until - extract(epoch from clock_timestamp()) from boot where id = {boot}")
    await trio.sleep(max(0.0, float(left)) + 0.01)


async def accepts(store):
    await store.hold_account(ACCOUNT)
    await store.accept(ACCOUNT, [a_message("hello")], None, RULES)


async def test_the_databases_clock_counts_and_not_the_nodes(url):
    async with boots(url, 100):
        assert rows(url, "select abs(extract(epoch from clock_timestamp()) - started_at) < 60 from boot") == [
            (True,)
        ]
        assert rows(url, "select round(until - started_at) from boot") == [(100,)]


async def test_a_boot_that_stands_still_amid_a_commit_is_buried_and_writes_nothing(url):
    async with boots(url, LEASE_S, 100) as (frozen, living), trio.open_nursery() as nursery:
        frozen.gate.after(GROUP)
        nursery.start_soon(frozen.run, accepts)
        await frozen.gate.stopped.wait()
        await over(url, 1)
        began = monotonic()
        assert await living.store.bury(1, LEASE_S)
        assert HOLD_S <= monotonic() - began < 3
        frozen.gate.open()
        await frozen.ended.wait()
        assert "terminating connection" in frozen.became[0]
        with pytest.raises(LeaseOver):
            await accepts(frozen.store)
    assert rows(url, "select count(*) from account_holder") == [(0,)]


async def test_a_boot_whose_renewal_is_under_way_is_not_buried(url):
    async with boots(url, LEASE_S, 100) as (slow, living), trio.open_nursery() as nursery:
        slow.gate.after(GROUP)
        nursery.start_soon(slow.run, lambda store: store.renew(100))
        await slow.gate.stopped.wait()
        await over(url, 1)
        buried = []

        async def bury():
            buried.append(await living.store.bury(1, LEASE_S))

        living.gate.after(100)
        nursery.start_soon(bury)
        while not rows(url, "select 1 from pg_stat_activity where wait_event_type = 'Lock'"):
            await trio.lowlevel.checkpoint()
        slow.gate.open()
        await slow.ended.wait()
    assert buried == [False]
    assert rows(url, "select buried_at from boot where id = 1") == [(None,)]


async def test_a_boot_that_stands_still_within_its_lease_is_waited_for_and_not_ended(url):
    async with boots(url, 100, 100) as (slow, living), trio.open_nursery() as nursery:
        slow.gate.after(GROUP)
        nursery.start_soon(slow.run, lambda store: store.hold_account(ACCOUNT))
        await slow.gate.stopped.wait()
        assert not await living.store.bury(1, LEASE_S)
        slow.gate.open()
        await slow.ended.wait()
    assert rows(url, "select boot from account_holder") == [(1,)]
