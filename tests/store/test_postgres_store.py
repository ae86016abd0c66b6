"""The store on PostgreSQL keeps the contract that every store keeps, and what is its own."""

from __future__ import annotations

import subprocess
import sys

import psycopg
import pytest
import trio

from hermes_trio import open_gateway
from hermes_trio.errors import StoreRefused
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.store.postgres.engine import PostgresEngine
from hermes_trio.store.postgres.schema import connect
from hermes_trio.store.postgres.statements import translated
from hermes_trio.store.postgres.store import open_postgres_store
from hermes_trio.testing import MemoryPlatform, check_store
from tests.store.kit import KEY, RULES, a_message
from tests.store.shared_postgres import a_schema


@pytest.fixture
def url(running):
    return a_schema(running)


def alone(url, clock=None):
    """As a store that is not shared: what the contract of every store speaks of."""
    return open_postgres_store(url, clock or SystemClock(), shared=False)


async def test_it_keeps_the_contract(running):
    report = await check_store(lambda name, clock: alone(a_schema(running, f"c_{name}"), clock))
    assert not report.skipped


async def test_what_was_accepted_is_there_when_it_is_opened_again(url):
    async with alone(url) as store:
        await store.begin_boot()
        await store.accept("memory/main", [a_message("hello")], "7", RULES)
        opened = await store.next_turn(KEY, 1)
        assert [one.message.text for one in opened.messages] == ["hello"]
    async with alone(url) as store:
        booted = await store.begin_boot()
        assert [one.turn for one in booted.interrupted] == [opened.turn]
        assert await store.cursor("memory/main") == "7"


def test_a_newer_schema_is_refused_and_so_is_somebody_elses(url, running):
    connect(url).close()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("update hermes_store set version = 99, needs = 99")
    with pytest.raises(StoreRefused, match="version 99"):
        connect(url)
    other = a_schema(running, "somebodys")
    with psycopg.connect(other, autocommit=True) as db:
        db.execute("create table bills(id bigint)")
    with pytest.raises(StoreRefused, match="no hermes-trio store"):
        connect(other)


# --- the answer to a commit that was lost


class Cut:
    """A connection whose backend is ended right before a commit, or right after one."""

    def __init__(self, url, running, when):
        self.db, self.running, self.when = connect(url), running, when
        (self.pid,) = self.db.execute("select pg_backend_pid()").fetchone()

    def script(self, sql):
        if sql == "commit" and self.when == "after":
            self.db.script(sql)
        if sql == "commit":
            with psycopg.connect(self.running, autocommit=True) as other:
                other.execute("select pg_terminate_backend(%s, 5000)", (self.pid,))
        self.db.script("select 1" if sql == "commit" else sql)

    def __getattr__(self, name):
        return getattr(self.db, name)


@pytest.mark.parametrize(("when", "kept"), [("before", 0), ("after", 1)])
def test_whether_a_commit_happened_whose_answer_was_lost_is_read_and_not_guessed(url, running, when, kept):
    opens = iter([Cut(url, running, when)])
    engine = PostgresEngine(lambda: next(opens, None) or connect(url))
    try:
        engine.begin(0)
        engine.tx(0, 0.0, False).run("insert into mark(mark) values('here')")
        if kept:
            engine.commit()
        else:
            with pytest.raises(psycopg.OperationalError):
                engine.commit()
        engine.roll_back()
        engine.begin(0)
        found = engine.tx(0, 0.0, False).one("select count(*) from mark where mark = 'here'")
        engine.roll_back()
        assert found == (kept,)
    finally:
        engine.close()


# --- the dialect


@pytest.mark.parametrize(
    ("said", "becomes", "names"),
    [
        ("a = ? and b is not ?", "a = $1 and b is distinct from $2", ()),
        ("a is not null and b is 'c'", "a is not null and b is not distinct from 'c'", ()),
        ("from t indexed by t_open where x = '?:y is'", "from t where x = '?:y is'", ()),
        ("cast(k as blob) = cast(? as blob)", "k = $1", ()),
        ("a = :now, b = :row, c = :now", "a = $1, b = $2, c = $3", ("now", "row", "now")),
    ],
)
def test_a_statement_in_the_words_of_postgresql(said, becomes, names):
    assert translated(said) == (becomes, names)


# --- a gateway over it


async def a_talk(url, platform, *texts):
    """A gateway's life in which these are said and answered. Returns what the chat shows, and the turns."""
    async with open_gateway(echo, platforms=[platform], store=url) as gateway:
        for count, text in enumerate(texts, start=len(platform.seen) + 1):
            platform.push(platform.message("ada", text))
            with trio.fail_after(20):
                while len(platform.seen) < count:
                    await platform.changed()
        await gateway.at_rest()
        assert {row.outcome for row in await gateway.ledger()} == {"answered"}
        [session] = await gateway.session_views()
    return [seen.text for seen in platform.seen.values()], session.turns


async def echo(turn):
    return f"you said {turn.text}"


async def test_a_gateway_keeps_its_conversations_there(url):
    platform = MemoryPlatform()
    said = ["you said hello", "you said and"]
    assert await a_talk(url, platform, "hello", "and") == (said, 2)
    assert await a_talk(url, platform, "again") == ([*said, "you said again"], 3)


def test_without_the_extra_it_is_said_what_to_install():
    says = (
        "import sys, trio; sys.modules['psycopg'] = None\n"
        "from hermes_trio import open_gateway\n"
        "async def main():\n"
        "    async with open_gateway(print, platforms=[], store='postgresql://nowhere'): pass\n"
        "trio.run(main)\n"
    )
    run = subprocess.run([sys.executable, "-c", says], capture_output=True, text=True, check=False)
    assert (
        "StoreRefused: a store on PostgreSQL needs the extra: pip install 'hermes-trio[postgres]'"
        in run.stderr
    )
