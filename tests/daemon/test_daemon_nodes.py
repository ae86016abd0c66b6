"""Two daemons on one database are one gateway: what an operator sees of each, and how one leaves."""

from __future__ import annotations

import json

import pytest
import trio

from tests.daemon.conftest import Place
from tests.fakes.botapi import FakeBotApi
from tests.fakes.model_script import Item
from tests.fakes.openai_server import OpenAIFake
from tests.store.shared_postgres import a_schema

ADA = 42
LEASE_S = 6
LOCAL = '[gateway]\nstate_dir = "state"\n[model]\nprovider = "echo"\n'
STORE = "[store]\nurl = '{url}'\nnode = '{node}'\nlease_s = {lease_s}\n"


@pytest.fixture
def url(running):
    return a_schema(running)


@pytest.fixture
async def places(tmp_path, nursery, url):
    """Two folders, each with a daemon's configuration for one bot and one database."""
    bot, model = FakeBotApi(), OpenAIFake()
    bot_url, model_url = await nursery.start(bot.serve), await nursery.start(model.serve)

    def place(node):
        (home := tmp_path / node).mkdir()
        made = Place(home, bot, model, bot_url, model_url)
        made.configure(STORE.format(url=url, node=node, lease_s=LEASE_S))
        return made

    return [place("one"), place("two")]


async def asked(place, *words):
    done = await place.hermes(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


async def test_each_shows_both_and_what_each_holds(places):
    one, two = places
    async with one.daemon() as first:
        assert (await first.ready())["receiving"] == "telegram/main"
        async with two.daemon() as second:
            ready = await second.ready()
            assert (ready["receiving"], ready["elsewhere"]) == ("", "telegram/main")
            for place in places:
                [mine, other] = await asked(place, "nodes")
                assert (mine["name"], other["name"]) == ("one", "two")
                assert (mine["accounts"], other["accounts"]) == (["telegram/main"], [])
                assert 0 < other["lease_left_s"] <= LEASE_S
                assert other["since"] <= other["renewed_at"]
                assert not other["draining"]
                status = await asked(place, "status")
                assert [node["name"] for node in status["nodes"]] == ["one", "two"]
            assert [(await asked(place, "status"))["boot"] for place in places] == [1, 2]
            assert "node two" in (await one.hermes("status")).stdout


async def test_a_turn_is_shown_and_stopped_from_each_wherever_it_runs(places):
    one, two = places
    one.model.push(Item(text="never said", hold=0))
    async with one.daemon() as first:
        await first.ready()
        async with two.daemon() as second:
            await second.ready()
            one.bot.push(ADA, "hello")
            status = {"running": []}
            with trio.fail_after(10):
                while not status["running"]:
                    status = await asked(two, "status")
            [turn] = status["running"]
            assert turn["node"] in ("one", "two")
            other = one if turn["node"] == "two" else two
            [session] = await asked(other, "sessions")
            assert session["running"]["node"] == turn["node"]
            done = await other.hermes("stop", str(session["id"]))
            assert done.stdout == f"session {session['id']}: stopped\n"
            assert (await other.hermes("turn", str(turn["id"]))).returncode == 0


async def test_what_was_there_is_read_from_the_database_when_no_daemon_runs(places):
    one, two = places
    async with one.daemon() as first:
        await first.ready()
        one.bot.push(ADA, "hello")
        await one.bot.wait_sent(ADA)
        assert await first.stop() == 0
    for place in places:
        [row] = await asked(place, "ledger")
        assert (row["outcome"], row["reply"]) == ("answered", "said")
        assert len(await asked(place, "sessions")) == 1
        assert await asked(place, "nodes") == []
        assert (await asked(place, "status"))["daemon"] == "down"
        assert "hello" in (await place.hermes("export", "1")).stdout
    [node] = await after_a_kill(one, two)
    assert node["name"] == "one"


async def after_a_kill(one, two):
    """What the other's folder shows of a daemon that was killed, while its lease lasts."""
    async with one.daemon() as first:
        await first.ready()
        await first.kill()
    return await asked(two, "nodes")


async def test_who_is_stopped_gives_its_account_away_at_once_and_ends_with_0(places):
    one, two = places
    async with one.daemon() as first:
        await first.ready()
        async with two.daemon() as second:
            await second.ready()
            first.signal()
            stopping = await first.until_said("stopping")
            taken = await second.until_said("account up")
            assert float(taken["ts"]) - float(stopping["ts"]) < 1
            assert await first.ends() == 0
            two.bot.push(ADA, "hello")
            assert await two.bot.wait_sent(ADA) == ["you said: hello"]
            assert await second.stop() == 0
    for place in places:
        [row] = await asked(place, "ledger")
        assert row["outcome"] == "answered"


async def test_the_terminals_of_two_nodes_are_two_accounts(places, url):
    only_local(places, url)
    async with trio.open_nursery() as nursery:
        for place in places:
            nursery.start_soon(answers, place, f"hi from {place.home.name}")
    froms = {row["account"]: row["outcome"] for row in await asked(places[0], "ledger")}
    assert froms == {"terminal/main@one": "answered", "terminal/main@two": "answered"}


def only_local(places, url, more=""):
    """The same, with accounts of their machine alone."""
    for place in places:
        place.write(LOCAL + STORE.format(url=url, node=place.home.name, lease_s=LEASE_S) + more)
    return places


async def answers(place, line):
    done = await place.hermes("chat", stdin=f"{line}\n".encode())
    assert (done.returncode, done.stdout) == (0, f"you said: {line}\n"), done.stderr


async def test_a_chat_attaches_to_the_websocket_of_the_daemon_of_its_folder(places, url):
    one, two = only_local(places, url, "[platforms.websocket]\n")
    async with one.daemon() as first:
        assert (await first.ready())["receiving"] == "websocket/main@one"
        async with two.daemon() as second:
            assert (await second.ready())["receiving"] == "websocket/main@two"
            for place in places:
                await answers(place, "hello")
    assert {row["account"] for row in await asked(one, "ledger")} == {
        "websocket/main@one",
        "websocket/main@two",
    }


async def test_of_two_under_one_name_the_newer_ends_and_says_what_each_needs(places, url):
    one, two = places
    two.configure(STORE.format(url=url, node="one", lease_s=LEASE_S))
    async with one.daemon() as first:
        await first.ready()
        async with two.daemon() as second:
            await second.ready()
            assert await second.ends(within_s=3 * LEASE_S) == 78
            [taken] = second.said("node name taken")
            assert (taken["node"], taken["boot"]) == ("one", "1")
            assert "[store] node" in taken["why"]
        assert not first.said("node name taken")
        assert await first.stop() == 0


async def test_who_was_killed_and_is_started_again_keeps_its_name(places):
    one, _ = places
    async with one.daemon() as first:
        await first.ready()
        await first.kill()
    async with one.daemon() as again:
        await again.ready()
        await again.until_said("account up", within_s=2 * LEASE_S)
        with trio.move_on_after(LEASE_S + 2):
            await again.process.wait()
        assert again.process.returncode is None
        assert await again.stop() == 0
