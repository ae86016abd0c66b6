"""Five ways to end a daemon are one drain: what works may finish, and is answered before the end."""

from __future__ import annotations

import signal

import pytest

from tests.fakes.model_script import Item

ADA, BOB = 42, 43


async def by_sigterm(place, daemon):
    daemon.signal(signal.SIGTERM)


async def by_sigint(place, daemon):
    daemon.signal(signal.SIGINT)


async def by_chat(place, daemon):
    place.bot.push(BOB, "/restart")


async def by_operator(place, daemon):
    assert (await place.hermes("restart")).returncode == 0


# The fifth, leaving `open_gateway`, is each of these from the inside: tests/gateway/test_three_ways_out.py.
@pytest.mark.parametrize(("way", "code"), [(by_sigterm, 0), (by_sigint, 0), (by_chat, 75), (by_operator, 75)])
async def test_what_works_finishes_and_is_answered_before_the_end(place, way, code):
    place.configure(f"admins = [{BOB}]\n")
    place.model.push(Item(text="done at last", hold=0))
    async with place.daemon(HERMES_TRIO_SUPERVISED="1") as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await place.model.until_held()
        await way(place, daemon)
        checkpoint = await daemon.until_said("checkpoint")
        assert checkpoint["turns"] == "1"
        assert place.bot.texts(ADA) == []
        place.model.release()
        assert await daemon.ends() == code
    assert place.bot.texts(ADA) == ["done at last"]
    async with place.daemon() as daemon:
        await daemon.ready()
        assert [line["verdict"] for line in daemon.said("resume verdict")] == ["clean"]
        assert await daemon.stop() == 0
    assert len(place.model.calls) == 1
