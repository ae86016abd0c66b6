"""How often a preview is shown and how much of it, and what becomes of one that a platform does not take."""

import itertools
import time

import pytest
import trio

from hermes_trio import Receipt, SendRefused
from hermes_trio.runtime.redaction import certain
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.turns.activity import PREVIEW_CHARS
from tests.delivery.chats import calls, capabilities, made, outbound
from tests.scenes import streams


async def streams_for_ever(turn):
    turn.stream("half")
    await trio.sleep_forever()


@pytest.mark.world(agent=streams_for_ever)
async def test_a_preview_whose_call_hangs_holds_its_lane_ten_seconds(world):
    world.platform.fault("hang")
    await world.say("u1", "hi")
    await world.until(seconds=2)
    await world.say("u1", "/status")
    while len(world.shown("u1")) == 0:
        await world.platform.changed()
    # 0.8: the preview's call began.
    assert world.now == 10.8


async def quick(turn):
    turn.stream("half")
    await trio.sleep(0.49)
    return "whole"


@pytest.mark.world(agent=quick)
async def test_a_quick_turn_costs_one_call(world):
    await world.say("u1", "hi")
    await world.settle()
    assert calls(world) == [(0.49, "send", "final", "whole")]


async def many_pieces(turn):
    for _ in range(100):
        turn.stream("x ")
        await trio.sleep(0.1)
    return "done"


@pytest.mark.world(agent=many_pieces, platform=MemoryPlatform(capabilities=capabilities(live_every_s=2.0)))
async def test_a_preview_is_edited_at_most_once_per_its_time_with_the_newest_text(world):
    await world.say("u1", "hi")
    await world.settle()
    shown = [c for c in calls(world) if c[2] == "preview"]
    assert all(round(b[0] - a[0], 3) >= 2.0 for a, b in itertools.pairwise(shown))
    assert len(shown) == 5
    assert [len(c[3]) for c in shown] == sorted(len(c[3]) for c in shown)


async def repeats_itself(turn):
    for _ in range(8):
        turn.stream("long text " * 3)
        await trio.sleep(1.5)
    return "done"


@pytest.mark.world(agent=repeats_itself, platform=MemoryPlatform(capabilities=capabilities(text_max=40)))
async def test_a_preview_that_would_not_change_is_not_edited(world):
    await world.say("u1", "hi")
    await world.settle()
    shown = [c[3] for c in calls(world) if c[2] == "preview"]
    assert len(shown) == len(set(shown))


async def long_answer(turn):
    turn.stream("aaaaaaaa ")
    await trio.sleep(2)
    return "aaaaaaaa\n\nbbbbbbbb\n\ncccccccc"


@pytest.mark.world(agent=long_answer, platform=MemoryPlatform(capabilities=capabilities(text_max=14)))
async def test_a_final_of_several_parts_edits_the_preview_and_sends_the_rest(world):
    await world.say("u1", "hi")
    await world.settle()
    assert [call[:2] for call in made(world)] == [
        ("send", "preview"),
        ("edit", "final"),
        ("send", "final"),
        ("send", "final"),
    ]
    assert [t.strip() for t in world.platform.texts("u1")] == ["aaaaaaaa", "bbbbbbbb", "cccccccc"]
    assert outbound(world, "said, state, last") == [
        ("final", "sent", 0),
        ("final", "sent", 0),
        ("final", "sent", 1),
    ]
    first, *rest = outbound(world, "id, reply")
    assert {row[1] for row in rest} == {first[0]}


async def spells_a_word(turn):
    turn.stream("Here it is:\n")
    await trio.sleep(0.6)
    for _ in range(600):
        turn.stream("x" * 100)
        await trio.sleep(0.1)
    for _ in range(100):
        turn.stream(" and more")
        await trio.sleep(0.1)
    return "done"


@pytest.mark.world(agent=spells_a_word, platform=MemoryPlatform(capabilities=capabilities(text_max=100_000)))
async def test_a_word_that_grows_for_a_minute_holds_nobody_up(world):
    began = time.process_time()
    await world.say("u1", "hi")
    await world.settle()
    assert time.process_time() - began < 2  # it was 15 s for one preview of 60,000 characters
    assert [shown for _, said, shown in made(world) if said == "preview"] == ["Here it is:"]
    assert made(world, chat="u1")[-1] == ("edit", "final", "done")


async def writes_a_book(turn):
    for _ in range(2000):
        turn.stream("- an item with **bold** words and `code`\n")
        await trio.sleep(0.05)
    return "done"


@pytest.mark.world(agent=writes_a_book, platform=MemoryPlatform(capabilities=capabilities(text_max=100_000)))
async def test_what_is_longer_than_a_preview_shows_costs_no_preview_more(world):
    began = time.process_time()
    await world.say("u1", "hi")
    await world.settle()
    assert time.process_time() - began < 5
    shown = [call for call in calls(world) if call[2] == "preview"]
    assert 0.8 * PREVIEW_CHARS < max(len(text) for *_, text in shown) <= PREVIEW_CHARS
    assert shown[-1][0] < 20  # of 100 seconds


def test_the_last_word_is_held_back_if_it_is_long_where_nobody_knows_what_a_secret_is():
    assert certain(str, "ends with a word") == "ends with a word"
    assert certain(str, "ends with sk_live_1234") == "ends with "
    assert certain(str, "sk_live_1234") == ""
    assert certain(str, "") == ""


async def test_a_preview_that_cannot_be_sent_does_not_spin(autojump_clock):
    async with open_world(agent=many_pieces) as world:
        world.platform.connected = False
        await world.say("u1", "hi")
        with trio.fail_after(30):
            await world.until(seconds=9)
        [(tries,)] = outbound(world, "attempts")
        assert 2 < tries < 30


class EditsNothing(MemoryPlatform):
    """Refuses every edit."""

    async def deliver(self, delivery):
        if delivery.op == "edit":
            self.refused = getattr(self, "refused", 0) + 1
            raise SendRefused("messages of this kind cannot be edited")
        return await super().deliver(delivery)


async def test_a_preview_that_cannot_be_edited_is_not_shown_again_as_another(autojump_clock):
    async with open_world(agent=many_pieces, platform=EditsNothing()) as world:
        await world.say("u1", "hi")
        await world.settle()
        assert [said for op, said, _ in made(world) if op == "send"] == ["preview", "final"]
        assert world.platform.texts("u1")[-1] == "done"


async def test_an_answer_whose_edit_is_refused_goes_as_a_new_message(autojump_clock):
    async with open_world(agent=streams, platform=EditsNothing()) as world:
        await world.say("u1", "hi")
        await world.settle()
        assert world.platform.texts("u1") == ["half", "half and whole"]


class NoIds(MemoryPlatform):
    """Gives no id of what it sent."""

    async def deliver(self, delivery):
        await super().deliver(delivery)
        return Receipt()


async def test_a_preview_without_an_id_is_not_sent_again(autojump_clock):
    async with open_world(agent=many_pieces, platform=NoIds()) as world:
        await world.say("u1", "hi")
        await world.settle()
        assert [said for _, said, _ in made(world)] == ["preview", "final"]


async def test_no_preview_where_nothing_can_be_edited(autojump_clock):
    async with open_world(
        agent=many_pieces, platform=MemoryPlatform(capabilities=capabilities(can_edit=False))
    ) as world:
        await world.say("u1", "hi")
        await world.settle()
        assert made(world) == [("send", "final", "done")]
