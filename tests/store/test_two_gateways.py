"""Two gateways of one process on one PostgreSQL database are one gateway, by the real clock."""

from __future__ import annotations

from contextlib import asynccontextmanager

import psycopg
import pytest
import trio

from hermes_trio import open_gateway
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.store.postgres.store import open_postgres_store
from hermes_trio.testing import MemoryPlatform
from hermes_trio.values.consequences import CancelTurn, Signalled
from tests.store.kit import KEY, RULES, a_message
from tests.store.shared import ACCOUNT, LEASE_S, SETUP
from tests.store.shared_postgres import a_schema

WAIT_S = 30.0
RENEWS_S = LEASE_S / 3


async def echo(turn):
    return f"you said {turn.text}"


def rows(url, sql):
    with psycopg.connect(url) as db:
        return db.execute(sql).fetchall()


async def said(platform, text):
    with trio.fail_after(WAIT_S):
        while text not in [one.text for one in platform.seen.values()]:
            await platform.changed()


@pytest.fixture
def url(running):
    return a_schema(running)


async def test_both_answer_what_is_said_each_message_once(url):
    one, two = MemoryPlatform(), MemoryPlatform()
    users = [f"u{n}" for n in range(8)]
    async with (
        open_gateway(echo, platforms=[one], store=url),
        open_gateway(echo, platforms=[two], store=url),
    ):
        for user in users:
            one.push(one.message(user, f"hello {user}"))
        for user in users:
            await said(one, f"you said hello {user}")
    assert len(one.seen) == len(users)
    assert not two.seen
    assert rows(url, "select distinct outcome from inbound") == [("answered",)]
    assert rows(url, "select count(*) from turn") == [(len(users),)]
    assert len(rows(url, "select distinct boot from turn")) == 2


async def test_who_leaves_gives_its_account_to_the_other(url):
    one, two = MemoryPlatform(), MemoryPlatform()
    async with open_gateway(echo, platforms=[two], store=url):
        async with open_gateway(echo, platforms=[one], store=url):
            pass
        two.push(two.message("ada", "hello"))
        await said(two, "you said hello")
    assert rows(url, "select count(*) from boot where ended_at is null") == [(0,)]


async def test_who_stops_a_turn_of_the_other_is_heard_at_once_and_not_with_the_next_renewal(url):
    async with shared_store(url) as one, shared_store(url) as two:
        heard = trio.Event()
        await one.hold_account(ACCOUNT)
        await one.accept(ACCOUNT, [a_message("hello")], None, RULES)
        opened = await two.next_turn(KEY, 1)
        two.hinted = heard.set
        two.perform = (followed := []).extend
        await one.stop(KEY, None, "operator")
        with trio.fail_after(RENEWS_S):
            await heard.wait()
        assert await two.take_signals() > 0
        assert Signalled(CancelTurn(KEY, opened.turn, "operator")) in followed


@asynccontextmanager
async def shared_store(url):
    """A store of a boot that has joined and listens."""
    async with open_postgres_store(url, SystemClock()) as store:
        listens = trio.Event()
        store.hinted = listens.set
        await store.join(SETUP, "", LEASE_S)
        await listens.wait()
        yield store
