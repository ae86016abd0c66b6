"""Two gateways of one process on one PostgreSQL database are one gateway, by the real clock."""

from __future__ import annotations

import psycopg
import pytest
import trio

from hermes_trio import open_gateway
from hermes_trio.testing import MemoryPlatform
from tests.store.shared_postgres import a_schema

WAIT_S = 30.0


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
