"""`hermes-trio move`: a daemon's conversations go on in a database, and back in its file."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio

from tests.fakes.model_script import Item
from tests.store.shared_postgres import a_schema

ADA = 42


@pytest.fixture
def url(running):
    return a_schema(running)


@asynccontextmanager
async def a_life(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        yield daemon


async def is_killed_while_the_model_works(place, text):
    place.model.push(Item(text="never", hold=0))
    async with a_life(place) as daemon:
        place.bot.push(ADA, text)
        await place.model.until_held()
        await daemon.kill()


async def test_a_daemon_that_was_killed_goes_on_in_the_database_and_back_in_its_file(place, url):
    await is_killed_while_the_model_works(place, "one")
    there = await place.hermes("move", "--store", url)
    assert there.returncode == 0, there.stderr
    assert "inbound: 1 rows, the same on both sides" in there.stderr
    lines = there.stdout.partition("needs these lines:\n\n")[2]
    assert lines == f'[store]\nurl = "{url}"\n'
    async with place.daemon() as daemon:
        assert await daemon.ends() == 78
        assert "it was moved to PostgreSQL" in daemon.text
    place.configure(lines + "lease_s = 6.0\n")
    async with a_life(place) as daemon:
        assert await place.bot.wait_sent(ADA, within_s=20) == ["you said: one"]
        assert await daemon.stop() == 0
    await is_killed_while_the_model_works(place, "two")
    early = await place.hermes("move", "--store", "sqlite")
    assert early.returncode == 78
    assert "uses this store: stop it first" in early.stderr
    (place.state_dir / "hermes.db").rename(place.home / "before.db")
    with trio.fail_after(20):
        while (back := await place.hermes("move", "--store", "sqlite")).returncode == 78:
            assert "uses this store" in back.stderr
    assert back.returncode == 0, back.stderr
    assert 'Take url = "..." out of [store] in ' in back.stdout
    place.configure()
    async with a_life(place):
        assert (await place.bot.wait_sent(ADA, 2, within_s=20))[1:] == ["you said: two"]
        place.bot.push(ADA, "three")
        assert (await place.bot.wait_sent(ADA, 3, within_s=20))[2:] == ["you said: three"]


async def test_while_a_daemon_runs_nothing_is_moved_and_it_is_named(place, url):
    async with a_life(place) as daemon:
        done = await place.hermes("move", "--store", url)
        assert done.returncode == 75
        assert f"in use by another hermes-trio: pid {daemon.pid}" in done.stderr
        assert await daemon.stop() == 0


@pytest.mark.parametrize(
    ("to", "code", "why"),
    [
        ("sqlite", 78, "there is no database to move back from: name it as [store] url"),
        ("postgresql://ada:secret@127.0.0.1:1/x", 78, "--store holds a password"),
        ("env:NOWHERE", 78, "--store the environment variable NOWHERE is not set"),
        ("mysql://x", 78, "--store must be a url like"),
        ("postgresql://127.0.0.1:1/x", 1, "PostgreSQL cannot be reached"),
    ],
)
async def test_what_cannot_be_is_told_in_one_line(place, to, code, why):
    async with a_life(place) as daemon:
        assert await daemon.stop() == 0
    done = await place.hermes("move", "--store", to)
    assert done.returncode == code
    assert why in done.stderr
    assert "secret" not in done.stderr
    assert len(done.stderr.splitlines()) == 1
