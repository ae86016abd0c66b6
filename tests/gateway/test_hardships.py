"""What goes wrong beside a turn costs no answer, no order, and no other chat."""

import msgspec
import pytest
import trio

from hermes_trio import GatewayOptions, LimitReached, SendRefused
from hermes_trio.testing import MemoryPlatform, open_world
from tests.scenes import echo


async def slow_to_leave(turn):
    try:
        await trio.sleep(10)
    finally:
        with trio.move_on_after(0.5, shield=True):
            await trio.sleep(1)
    return await echo(turn)


async def streams(turn):
    turn.stream("**half** of")
    await trio.sleep(2)
    return "the **whole** answer"


class NoPreviews(MemoryPlatform):
    """Refuses each preview, slowly, with this kind."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    async def deliver(self, delivery):
        if delivery.said == "preview":
            await trio.sleep(3)
            raise SendRefused("no previews here", self.kind)
        return await super().deliver(delivery)


class Strict(MemoryPlatform):
    """Refuses what is longer than it says."""

    async def deliver(self, delivery):
        if delivery.part is not None and len(delivery.part.text) > self.capabilities.text_max:
            raise SendRefused("too long")
        return await super().deliver(delivery)


class NoPrompts(MemoryPlatform):
    """Refuses questions."""

    async def deliver(self, delivery):
        if delivery.said == "prompt":
            raise SendRefused("bad keyboard")
        return await super().deliver(delivery)


class DiskFailsAfterSend(MemoryPlatform):
    """From the moment the answer is visible the store can write nothing."""

    disk = None

    async def deliver(self, delivery):
        receipt = await super().deliver(delivery)
        if delivery.said == "final" and self.disk is not None:
            self.disk.full = True
        return receipt


@pytest.mark.parametrize("kind", ["other", "markup", "gone"])
async def test_a_preview_refused_while_the_turn_ends_costs_neither_answer_nor_format(autojump_clock, kind):
    async with open_world(streams, platform=NoPreviews(kind)) as world:
        await world.say("ada", "one")
        await world.settle()
        assert world.texts("ada", "final") == ["the whole answer"]
        assert world.platform.calls[-1].delivery.part.spans


@pytest.mark.world(agent=echo, platform=DiskFailsAfterSend())
async def test_a_known_receipt_is_kept_until_the_disk_takes_it_so_the_answer_comes_once(world):
    world.platform.disk = world.disk
    await world.say("ada", "one")
    await world.until(seconds=60)
    world.platform.disk = None
    world.disk.full = False
    await world.until(minutes=5)
    assert world.texts("ada", "final") == ["re: one"]
    assert world.db.execute("select state, marked from outbound").fetchall() == [("sent", 0)]


@pytest.mark.world(agent=echo)
async def test_what_was_certainly_not_sent_is_sent_after_a_failing_disk_too(world):
    world.platform.connected = False
    await world.say("ada", "one")
    await world.until(seconds=5)
    for second in range(10, 60, 10):
        world.disk.full = True
        await world.until(seconds=second + 4)
        world.disk.full = False
        await world.until(seconds=second + 10)
    world.platform.connected = True
    await world.until(minutes=10)
    assert world.platform.texts("ada") == ["re: one"]


@pytest.mark.world(agent=echo, options=GatewayOptions(queue_max=1), start=False)
async def test_a_message_behind_a_queue_command_is_answered_whatever_becomes_of_the_command(world):
    await world.say("ada", "/queue two")
    await world.say("ada", "three")
    await world.start()
    await world.settle()
    assert None not in await world.outcomes()


@pytest.mark.world(agent=slow_to_leave, options=GatewayOptions(busy="interrupt"))
async def test_a_message_in_one_batch_behind_stop_does_not_undo_the_stop(world):
    await world.say("ada", "one")
    await world.until(seconds=1)
    for text in ("/stop", "two"):
        world.platform.push(world.platform.message("ada", text))
    await world.settle()
    assert await world.outcomes() == ["stopped", "answered", "answered"]


@pytest.mark.world(agent=echo)
async def test_a_message_of_a_wrong_type_is_failed_and_its_author_is_told_the_field(world):
    message = world.platform.message("ada", "one")
    world.platform.push(msgspec.structs.replace(message, message_id=5))
    await world.say("ada", "two")
    await world.settle()
    assert await world.outcomes() == ["failed", "answered"]
    wrong = "Message.message_id is str, not an int: write str(...)"
    assert (await world.ledger())[0].reason == f"decode: {wrong}"
    [line] = world.lines("update unsound")
    assert (line["account"], line["error"]) == ("memory/main", wrong)


async def asks_numbers(turn):
    if turn.text == "one":
        return "you chose " + await turn.ask("which?", choices=[1, 2, 3])
    return await echo(turn)


@pytest.mark.world(agent=asks_numbers)
async def test_choices_that_are_no_text_fail_their_turn_and_nothing_else(world):
    await world.say("ada", "one")
    await world.settle()
    await world.say("ada", "2")
    await world.say("bob", "hello")
    await world.settle()
    assert await world.outcomes() == ["failed", "answered", "answered"]
    assert world.texts("ada", "final") == ["re: 2"]
    assert world.texts("bob", "final") == ["re: hello"]


@pytest.mark.world(agent=echo, options=GatewayOptions(give_up_after_s=3600.0))
async def test_a_penalty_longer_than_an_answer_is_worth_gives_the_answer_up_in_time(world):
    world.platform.fault("wait", wait_s=1e9)
    await world.say("ada", "one")
    await world.until(hours=1, seconds=10)
    assert world.db.execute("select state, why from outbound").fetchall() == [("failed", "undeliverable")]
    assert len(world.platform.calls) == 1


async def says_too_much(turn):
    turn.stream("half of " * 600)
    await trio.sleep(5)
    raise LimitReached("x" * 5000)


@pytest.mark.world(agent=says_too_much, platform=Strict())
async def test_a_failure_is_told_below_a_long_preview_however_long_its_reason(world):
    await world.say("ada", "one")
    await world.settle()
    assert any("I stopped" in text for text in world.platform.texts("ada"))


async def asks(turn):
    return await turn.ask("sure?", choices=["yes"])


@pytest.mark.world(agent=asks, platform=NoPrompts())
async def test_a_question_that_cannot_be_shown_ends_at_once_and_says_so(world):
    await world.say("ada", "one")
    assert await world.reply("ada") == "I stopped: my question was not answered."
    assert world.now < 1
    assert await world.outcomes() == ["failed"]


async def waits(turn):
    await trio.sleep(60)
    return "late"


@pytest.mark.world(agent=waits)
async def test_each_message_that_a_reset_supersedes_has_one_line_and_what_comes_later_none(world):
    first = await world.say("ada", "one")
    await world.until(seconds=1)
    second = await world.say("ada", "two")
    await world.until(seconds=2)
    await world.say("ada", "/new")
    await world.say("ada", "three")
    await world.settle()
    said = [(line["native"], line["why"]) for line in world.lines("message superseded")]
    assert said == [(first.native, "/new"), (second.native, "/new")]
    assert await world.outcomes() == ["superseded", "superseded", "answered", "answered"]
