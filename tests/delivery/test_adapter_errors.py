"""An adapter may fail in any way it likes: no other lane, account or turn is harmed by it."""

import pytest
import trio

from hermes_trio.errors import NotSent, SendRefused
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.delivery import Receipt
from tests.delivery.chats import outbound

ANSWER = "you said: hi"


class Breaks(MemoryPlatform):
    """Each call of one chat ends in `error`; None hangs for ever."""

    def __init__(self, error, op=("send", "edit"), chat="bad", **more):
        super().__init__(**more)
        self.error, self.op, self.chat = error, op, chat

    async def deliver(self, delivery):
        if delivery.address.chat == self.chat and delivery.op in self.op:
            if self.error is None:
                await trio.sleep_forever()
            raise self.error
        return await super().deliver(delivery)


BREAKS = [
    ValueError("inner"),
    ExceptionGroup("two", [ValueError("a"), NotSent("b")]),
    AssertionError(),
    TimeoutError(),
    None,
]


@pytest.mark.parametrize("error", BREAKS, ids=repr)
async def test_a_send_that_fails_in_any_way_is_unknown_and_harms_no_other_chat(autojump_clock, error):
    async with open_world(platform=Breaks(error)) as world:
        await world.say("bad", "hi")
        await world.say("good", "hi")
        assert await world.reply("good") == ANSWER
        assert world.now == 0
        await world.settle()
        # The answer, and that it may be missing.
        assert outbound(world, "state, unknown", "address like '%bad%'") == [("unknown", 2)] * 2
        world.platform.error = NotSent("x")
        world.platform.chat = ""
        await world.say("bad", "hi")
        await world.settle()
        assert world.platform.texts("bad") == [ANSWER]


async def test_a_group_of_one_means_what_it_holds(autojump_clock):
    gone = ExceptionGroup("nursery", [ExceptionGroup("nursery", [SendRefused("kicked", "gone")])])
    async with open_world(platform=Breaks(gone)) as world:
        await world.say("bad", "hi")
        await world.settle()
        assert outbound(world, "state, attempts") == [("failed", 1)]


async def works(turn):
    for _ in range(10):
        turn.stream("x ")
        await trio.sleep(2)
    return "done"


@pytest.mark.parametrize("error", BREAKS, ids=repr)
async def test_typing_that_fails_in_any_way_harms_no_turn(autojump_clock, error):
    async with open_world(agent=works, platform=Breaks(error, op=("typing",))) as world:
        await world.say("bad", "hi")
        await world.settle()
        assert world.platform.texts("bad") == ["done"]
        assert world.now == 20
        assert await world.outcomes() == ["answered"]


@pytest.mark.parametrize("error", BREAKS, ids=repr)
async def test_an_edit_that_always_fails_does_not_hold_an_answer_for_ever(autojump_clock, error):
    async with open_world(agent=works, platform=Breaks(error, op=("edit",))) as world:
        await world.say("bad", "hi")
        await world.settle()
        assert world.platform.texts("bad") == ["x", "done ↻"]
        assert world.now < 20 + 6 * 120


class CannotSplit(MemoryPlatform):
    """Its rendering fails on what is half finished."""

    def split(self, text):
        if "half" in text:
            raise IndexError("unbalanced")
        return super().split(text)


async def half_then_whole(turn):
    turn.stream("half")
    await trio.sleep(3)
    return "whole"


async def test_a_preview_that_cannot_be_rendered_harms_no_turn(autojump_clock):
    async with open_world(agent=half_then_whole, platform=CannotSplit()) as world:
        await world.say("u1", "hi")
        await world.settle()
        assert world.platform.texts("u1") == ["whole"]
        assert await world.outcomes() == ["answered"]


async def test_what_an_adapter_says_of_its_failures_is_stored_and_logged_without_secrets(autojump_clock):
    def redact(text):
        return text.replace("hunter2", "***")

    broken = Breaks(ValueError("https://api/bothunter2/send"))
    async with open_world(platform=broken, redact=redact) as world:
        await world.say("bad", "hi")
        await world.settle()
        assert world.lines("send retried")[0]["why"] == "ValueError: https://api/bot***/send"
        dump = "\n".join(world.db.iterdump())
        assert "hunter2" not in dump
        assert "hunter2" not in world.timeline()


async def test_of_a_failure_that_says_much_the_first_words_are_stored_and_logged(autojump_clock):
    async with open_world(platform=Breaks(ValueError("much too long " * 100_000))) as world:
        await world.say("bad", "hi")
        await world.settle()
        whys = [line["why"] for line in world.lines("send retried")]
        kept = [why for (why,) in outbound(world, "why")]
        assert all(why.startswith("ValueError: much too long") for why in whys)
        assert max(map(len, whys + kept)) <= 2_000


class Mistaken(MemoryPlatform):
    """Returns something else than a receipt for the first calls."""

    def __init__(self, *returns):
        super().__init__()
        self.returns = list(returns)

    async def deliver(self, delivery):
        receipt = await super().deliver(delivery)
        return self.returns.pop(0) if self.returns else receipt


@pytest.mark.parametrize("wrong", ["ok", {"message_id": 1}, 7, True], ids=repr)
async def test_what_is_no_receipt_is_the_adapters_fault_and_is_said_once_more(autojump_clock, wrong):
    async with open_world(platform=Mistaken(wrong)) as world:
        await world.say("ada", "hi")
        await world.settle()
        assert world.platform.texts("ada") == [ANSWER, f"{ANSWER} ↻"]
        [line] = world.lines("adapter failed")
        assert line["error"].startswith("AttributeError")
        assert world.lines("worker failed") == []


@pytest.mark.parametrize("id", [7, "\ud800", "a\0b", b"\xff"], ids=repr)
async def test_an_odd_id_of_a_message_costs_nothing(autojump_clock, id):
    async with open_world(platform=Mistaken(Receipt(id))) as world:
        await world.say("ada", "hi")
        await world.settle()
        assert world.platform.texts("ada") == [ANSWER]
        assert outbound(world, "state") == [("sent",)]
        assert world.lines("worker failed") == []


class HalfDeaf(MemoryPlatform):
    """Hands over what is there, and then says why it hears no more."""

    async def serve(self, intake):
        intake.received()
        await trio.sleep(1)
        intake.failed("ConnectError: https://api/bothunter2")
        await intake.accept(self._updates)
        await trio.sleep_forever()


async def test_nothing_an_adapter_says_reaches_a_chat(autojump_clock):
    async with open_world(platform=HalfDeaf()) as world:
        world.platform.push(world.platform.message("u1", "/status"))
        answer = await world.reply("u1")
        assert "hunter2" not in answer
        assert "degraded" in answer


async def test_one_that_hangs_is_told_with_the_line_where_it_waits(autojump_clock):
    async with open_world(platform=Breaks(None)) as world:
        await world.say("bad", "hi")
        await world.until(minutes=2)
        first = world.lines("send late")[0]
        assert (first["lane"], first["for_s"]) == ("memory/main/bad", 60)
        assert f"{__file__}:" in first["traceback"]
        assert "await trio.sleep_forever()" in first["traceback"]


class ForgetsToReturn(MemoryPlatform):
    async def deliver(self, delivery):
        await super().deliver(delivery)


async def test_one_that_returns_nothing_is_told_and_says_nothing_twice(autojump_clock):
    async with open_world(platform=ForgetsToReturn()) as world:
        await world.say("ada", "hi")
        await world.settle()
        assert world.platform.texts("ada") == [ANSWER]
        [line] = world.lines("adapter failed")
        assert line["error"] == "deliver returned None, not a Receipt"


@pytest.mark.parametrize(
    ("said", "seconds"), [("5", 5.0), (5, 5.0), ("soon", None), ([], None), ("nan", None), (None, None)]
)
def test_a_time_to_wait_is_a_number_of_seconds_or_says_nothing(said, seconds):
    assert NotSent("busy", retry_after_s=said).retry_after_s == seconds
