"""I9: no secret the gateway holds is said, stored or logged, whoever let it slip."""

import pytest
import trio

from hermes_trio.testing import open_world

SECRET = "sk-test-0123456789abcdef"


def redact(text):
    return text.replace(SECRET, "***")


async def slips(turn):
    async def tell():
        return {"env": SECRET}

    value = await turn.step("tell", tell)
    assert value == {"env": "***"}
    turn.stream(f"streamed {SECRET} ")
    await turn.sleep(5)
    await turn.say(f"said {SECRET}")
    return f"answer {SECRET}"


async def spells(turn):
    turn.stream("the key is ")
    for n in range(0, len(SECRET), 4):
        turn.stream(SECRET[n : n + 4])
        await trio.sleep(2)
    turn.stream(" as you know")
    await trio.sleep(2)


@pytest.mark.world(agent=spells, redact=redact)
async def test_a_secret_that_comes_in_pieces_is_not_shown_in_pieces(world):
    await world.say("u1", "tell me")
    await world.settle()
    texts = [call.delivery.part.text for call in world.platform.calls if call.delivery.said == "preview"]
    assert texts[0] == f"the key is {SECRET[:4]}"
    assert texts[-1] == "the key is *** as you know"
    # Seven characters are the beginning of many words.
    assert not [text for text in texts if SECRET[:8] in text]


async def fails(turn):
    async def tell():
        raise ValueError(f"with {SECRET}")

    await turn.step("tell", tell)


@pytest.mark.parametrize("agent", [slips, fails])
async def test_a_secret_that_an_agent_lets_slip_reaches_no_chat_no_store_and_no_log(autojump_clock, agent):
    async with open_world(agent, redact=redact) as world:
        await world.say("u1", "tell me")
        await world.settle()
        said = [call.delivery.part.text for call in world.platform.calls if call.delivery.part]
        assert said
        assert not [text for text in said if SECRET in text]
        stored = "\n".join(world.db.iterdump())
        assert SECRET not in stored
        assert SECRET.encode().hex() not in stored.lower()
        assert SECRET not in str(world.log)
