"""A tool that blocks the loop of every life that goes on with it, a second after the start."""

from __future__ import annotations

import pytest

from tests.crash.stage import CHATS

ADA, BOB = CHATS[:2]


async def wedged(stage, times: int) -> None:
    """Return when so many lives have been wedged; the last one is killed."""
    await stage.effects.until(lambda: len(stage.effects.done) >= times, 20)
    await stage.kill9()


async def test_a_tool_that_wedges_every_life_is_given_up_and_others_are_answered_in_each(stage):
    await stage.start()
    stage.say(ADA, "wedge it")
    for life in range(1, 4):
        stage.say(BOB, f"hello {life}")
        await stage.telegram.wait_sent(BOB, life)
        await wedged(stage, life)
        await stage.start()
    stage.say(ADA, "is anybody there?")
    await stage.answered()
    notice, answer = stage.shown(ADA)
    assert "3 times in a row" in notice
    assert answer == "you said: is anybody there?"
    assert stage.shown(BOB) == [f"you said: hello {life}" for life in range(1, 4)]
    assert await stage.outcomes(ADA) == ["failed", "answered"]
    assert len(stage.effects.done) == 3


@pytest.mark.parametrize("how", ["--no-resume", "/new"])
async def test_there_is_always_a_way_out(stage, how):
    await stage.start()
    stage.say(ADA, "wedge it")
    await wedged(stage, 1)
    if how == "/new":
        stage.say(ADA, "/new")
    await stage.start(*([how] if how == "--no-resume" else []))
    stage.say(ADA, "hello")
    await stage.answered()
    assert stage.shown(ADA)[-1] == "you said: hello"
    outcomes = await stage.outcomes(ADA)
    assert outcomes[0] == ("failed" if how == "--no-resume" else "superseded")
    assert set(outcomes[1:]) == {"answered"}
    assert len(stage.effects.done) == 1
