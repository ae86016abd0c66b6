"""A daemon whose store is a PostgreSQL database that others may share: its start, and what it refuses."""

from __future__ import annotations

import pytest

from tests.store.shared_postgres import a_schema

ADA = 42
STORE = "[store]\nurl = '{url}'\nnode = '{node}'\n"


@pytest.fixture
def url(running):
    return a_schema(running)


async def test_it_answers_and_leaves_no_file_for_a_store(place, url):
    place.configure(STORE.format(url=url, node="one"))
    async with place.daemon() as daemon:
        ready = await daemon.ready()
        assert ready["receiving"] == "telegram/main"
        place.bot.push(ADA, "hello")
        assert await place.bot.wait_sent(ADA) == ["you said: hello"]
        assert await daemon.stop() == 0
    assert not (place.state_dir / "hermes.db").exists()


async def test_a_url_may_come_from_the_environment(place, url):
    place.configure(STORE.format(url="env:DATABASE_URL", node=""))
    async with place.daemon(DATABASE_URL=url) as daemon:
        await daemon.ready()
        assert await daemon.stop() == 0


async def test_a_server_that_cannot_be_reached_is_waited_for_and_a_stop_ends_the_wait(place):
    place.configure(STORE.format(url="postgresql://127.0.0.1:1/x", node="one"))
    async with place.daemon() as daemon:
        line = await daemon.until_said("store fails")
        assert "127.0.0.1" in line["why"]
        assert not daemon.said("ready")
        assert await daemon.stop() == 0


async def test_the_doctor_tells_of_a_server_that_cannot_be_reached_once(place):
    place.configure(STORE.format(url="postgresql://127.0.0.1:1/x", node="one"))
    said = await place.hermes("doctor", "--offline", **place.environ)
    assert said.returncode == 1
    [line] = [line for line in said.stdout.splitlines() if "cannot be reached" in line]
    assert line.startswith("WRONG store: PostgreSQL")
    assert "good  daemon: does not run" in said.stdout


@pytest.mark.parametrize(
    ("becomes", "why"),
    [
        (lambda url: url.replace("/postgres?", "/nothere?"), 'database "nothere" does not exist'),
        (lambda url: url.replace("//hermes@", "//nobody@"), 'role "nobody" does not exist'),
        (lambda url: url.split("&")[0] + "&options=-csynchronous_commit%3Doff", "synchronous_commit = off"),
    ],
)
async def test_what_the_database_refuses_ends_the_start_with_its_reason(place, url, becomes, why):
    place.configure(STORE.format(url=becomes(url), node="one"))
    async with place.daemon() as daemon:
        assert await daemon.ends() == 78
    assert why in daemon.text
    assert "cannot be reached" not in daemon.text
    assert "Traceback" not in daemon.text
