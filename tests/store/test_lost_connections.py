"""A connection to PostgreSQL that is lost, before and inside each statement of a commit, or is never had."""

from __future__ import annotations

from functools import partial
from time import monotonic

import psycopg
import pytest
import trio

from hermes_trio.errors import StoreLocked
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.store.postgres.errors import translated
from hermes_trio.store.postgres.store import open_postgres_store
from tests.store.kit import RULES, a_message
from tests.store.shared import ACCOUNT
from tests.store.shared_postgres import a_schema
from tests.store.two_connections import TwoConnections


async def accepts(store):
    return len(await store.accept(ACCOUNT, [a_message("hello")], "7", RULES))


async def test_a_commit_whose_connection_is_lost_at_any_statement_has_happened_whole_or_not_at_all(running):
    url = a_schema(running)
    async with TwoConnections(url) as both:
        node, count = both.one, "select count(*) from inbound"
        await node.store.hold_account(ACCOUNT)
        both.keep()
        node.gate.after(1000)
        await node.run(accepts)
        statements = node.gate.passed
        for held in range(statements):
            both.put_back()
            node.gate.after(held)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(node.run, accepts)
                await node.gate.stopped.wait()
                both.db.execute("select pg_terminate_backend(?, 5000)", (node.pid,))
                node.gate.open()
            assert "StoreFailed" in node.became[0], f"lost after {held} statements"
            assert both.db.execute(count).fetchone() == (0,)
            assert await accepts(node.store) == 1
            assert both.db.execute(count).fetchone() == (1,)


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
def test_who_had_to_make_way_for_another_may_come_again(running, state):
    with psycopg.connect(running) as db, pytest.raises(psycopg.Error) as refused:
        db.execute(f"do $$ begin raise sqlstate '{state}'; end $$".encode())
    assert isinstance(translated(refused.value), StoreLocked)


async def silent(_):
    """A server that takes a connection and says nothing."""
    await trio.sleep_forever()


async def test_who_is_cancelled_while_it_connects_leaves_at_once():
    async with trio.open_nursery() as nursery:
        [listener] = await nursery.start(partial(trio.serve_tcp, silent, 0, host="127.0.0.1"))
        port = listener.socket.getsockname()[1]
        began = monotonic()
        with trio.move_on_after(0.2) as scope:
            async with open_postgres_store(f"postgresql://h@127.0.0.1:{port}/h", SystemClock()):
                raise AssertionError
        assert scope.cancelled_caught
        assert monotonic() - began < 1
        nursery.cancel_scope.cancel()
