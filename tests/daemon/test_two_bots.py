"""Two bots of one platform in one daemon: each is an account of its own, in all that is its own."""

from __future__ import annotations

import json

import pytest
import trio

from hermes_trio.daemon.control.requests import AwaitRest, ask
from tests.fakes.botapi import FakeBotApi

ADA = 42
OTHER = "234567890:AAothertokenothertokenothertokenothe"


@pytest.fixture
async def second(place, nursery):
    """Another bot, configured as `telegram/second` beside `telegram/main`."""
    bot = FakeBotApi(token=OTHER, username="second_bot")
    url = await nursery.start(bot.serve)
    place.environ["SECOND_TOKEN"] = OTHER
    place.configure(
        f'[platforms.telegram.second]\ntoken = "env:SECOND_TOKEN"\napi_url = "{url}"\nallow_users = [{ADA}]\n'
    )
    return bot


async def test_each_answers_in_its_own_name(place, second):
    async with place.daemon() as daemon:
        assert (await daemon.ready())["receiving"] == "telegram/main,telegram/second"
        place.bot.push(ADA, "to the first")
        second.push(ADA, "to the second")
        assert await place.bot.wait_sent(ADA) == ["you said: to the first"]
        assert await second.wait_sent(ADA) == ["you said: to the second"]
        status = (await place.hermes("status")).stdout
        assert "telegram/main    receiving" in status
        assert "telegram/second  receiving" in status
        ledger = json.loads((await place.hermes("ledger", "--json")).stdout)
        assert sorted(row["account"] for row in ledger) == ["telegram/main", "telegram/second"]
        sessions = (await place.hermes("sessions")).stdout
        assert "telegram/main/42" in sessions
        assert "telegram/second/42" in sessions
        assert await daemon.stop() == 0


async def test_one_that_is_refused_leaves_the_other_alone(place, second):
    second.set_token("1:other")
    async with place.daemon() as daemon:
        ready = await daemon.ready()
        assert (ready["receiving"], ready["failing"]) == ("telegram/main", "telegram/second")
        place.bot.push(ADA, "hello")
        assert await place.bot.wait_sent(ADA) == ["you said: hello"]
        status = (await place.hermes("status")).stdout
        assert "telegram/second  degraded: AccountRefused" in status
        assert OTHER not in status + daemon.text
        assert await daemon.stop() == 0


async def test_one_that_is_gone_leaves_the_other_alone_and_answers_when_it_is_back(place, second):
    async with place.daemon() as daemon:
        await daemon.ready()
        second.go_down()
        await daemon.until_said("account down")
        second.push(ADA, "are you there?")
        place.bot.push(ADA, "hello")
        assert await place.bot.wait_sent(ADA) == ["you said: hello"]
        assert {line["account"] for line in daemon.said("account down")} == {"telegram/second"}
        second.heal()
        assert await second.wait_sent(ADA, within_s=15) == ["you said: are you there?"]
        assert await daemon.stop() == 0


async def test_killed_and_started_again_each_goes_on_where_it_was(place, second):
    async with place.daemon() as daemon:
        await daemon.ready()
        for number in range(3):
            second.push(ADA, f"second {number}")
            await second.wait_sent(ADA, number + 1)
        place.bot.push(ADA, "first")
        await place.bot.wait_sent(ADA)
        offsets = await place.bot.wait_confirmed(), await second.wait_confirmed()
        for account in ("telegram/main", "telegram/second"):
            await trio.to_thread.run_sync(ask, place.state_dir, AwaitRest(account=account, chat=str(ADA)))
        await daemon.kill()
    for bot in (place.bot, second):
        bot.offsets.clear()
    async with place.daemon() as daemon:
        await daemon.ready()
        assert (place.bot.offsets[0], second.offsets[0]) == offsets
        second.push(ADA, "again")
        assert (await second.wait_sent(ADA, 4))[-1] == "you said: again"
        assert len(place.bot.texts(ADA)) == 1
        assert await daemon.stop() == 0


async def test_check_names_both_and_refuses_one_bot_twice(place, second):
    done = await place.hermes("check", **place.environ)
    assert "account: telegram/main: 1 may speak" in done.stdout
    assert "account: telegram/second: 1 may speak" in done.stdout
    place.environ["SECOND_TOKEN"] = place.environ["BOT_TOKEN"]
    done = await place.hermes("check", **place.environ)
    assert done.returncode == 78
    assert "platforms.telegram.second.token: [platforms.telegram] has the same" in done.stderr
    assert place.environ["BOT_TOKEN"] not in done.stderr
