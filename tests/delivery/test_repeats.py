"""A send that may have arrived: once more, marked; never where the platform takes a key; then given up."""

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import SendUnknown
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.text.sentences import MAY_BE_MISSING
from hermes_trio.values.actions import Silence
from tests.delivery.chats import Tripwire, calls, capabilities, crash_in_call, outbound

ANSWER = "you said: hi"
SAID_SO = ("notice", "sent", 0, 0)


async def replies(world):
    """What the ledger says became of each reply."""
    return [row.reply for row in await world.ledger()]


async def asks(turn):
    return f"You said {await turn.ask('Which?', timeout_s=3600)}."


async def says_nothing(turn):
    return Silence("nobody asked")


class InPieces(MemoryPlatform):
    """It reads what the service answers piece by piece."""

    async def deliver(self, delivery):
        receipt = await super().deliver(delivery)
        for _ in range(5):
            await trio.lowlevel.checkpoint()
        return receipt


@pytest.mark.parametrize("asleep_s", [9, 90, 9000])
async def test_an_answer_that_came_while_the_process_was_frozen_is_read(autojump_clock, asleep_s):
    """Time in which nobody could read is not the platform's: nothing is said twice."""
    async with open_world(platform=InPieces(delay_s=3)) as world:
        await world.say("u1", "hi")
        await world.until(seconds=2)
        world.fault("freezes", for_s=asleep_s)
        await world.settle()
        assert world.platform.texts("u1") == [ANSWER]
        assert outbound(world) == [("final", "sent", 1, 0, 0)]
        assert world.lines("send retried") == []


@pytest.mark.parametrize("asleep_s", [9, 90, 9000])
async def test_a_platform_that_does_not_answer_has_its_minute_whatever_was_slept(autojump_clock, asleep_s):
    async with open_world() as world:
        world.fault("platform_hangs")
        await world.say("u1", "hi")
        await world.until(seconds=2)
        world.fault("freezes", for_s=asleep_s)
        await world.until(seconds=58 + asleep_s)
        assert world.lines("send retried") == []
        await world.until(seconds=61 + asleep_s)
        assert [line["why"] for line in world.lines("send retried")] == ["no answer in time"]


@pytest.mark.world(platform=Tripwire())
async def test_a_crash_between_begin_and_call_sends_one_marked_message(world):
    await world.say("u1", "hi")
    await crash_in_call(world)
    await world.settle()
    assert world.platform.texts("u1") == [f"{ANSWER} ↻"]
    assert outbound(world) == [("final", "sent", 2, 1, 1)]
    assert await world.outcomes() == ["answered"]


@pytest.mark.world(platform=Tripwire(after=True))
async def test_a_crash_between_call_and_record_makes_one_extra_that_is_marked_and_recorded(world):
    await world.say("u1", "hi")
    await crash_in_call(world)
    await world.settle()
    assert world.platform.texts("u1") == [ANSWER, f"{ANSWER} ↻"]
    assert outbound(world) == [("final", "sent", 2, 1, 1)]
    assert len(world.model.requests) == 1


@pytest.mark.world(platform=Tripwire(after=True))
async def test_a_repeat_that_is_cut_off_before_its_call_too_is_recorded_and_is_not_there(world):
    await world.say("u1", "hi")
    world.platform.trip = world.crash
    await world.platform.tripped.wait()
    world.platform.connected = False  # so that the second life is up before its repeat is
    await world.start()
    world.platform.after, world.platform.tripped, world.platform.connected = False, trio.Event(), True
    await crash_in_call(world)
    await world.settle()
    assert world.platform.texts("u1") == [ANSWER, MAY_BE_MISSING]
    assert outbound(world, "said, state, unknown, marked") == [("final", "unknown", 2, 1), SAID_SO]
    assert [line["why"] for line in world.lines("send given up")] == ["it may have arrived twice already"]


@pytest.mark.parametrize("after", [False, True])
async def test_no_extra_and_no_mark_where_the_platform_takes_a_key(autojump_clock, after):
    async with open_world(platform=Tripwire(after=after, capabilities=capabilities(takes_key=True))) as world:
        await world.say("u1", "hi")
        await crash_in_call(world)
        await world.settle()
        assert world.platform.texts("u1") == [ANSWER]
        keys = {c.delivery.key for c in world.platform.calls if c.delivery.op == "send"}
        assert len(keys) == 1
        assert "" not in keys


async def test_a_crash_at_any_moment_costs_at_most_one_extra_and_that_one_is_marked(autojump_clock):
    """K6, K7, K8 and everything between: the crash is moved through the whole life of an answer."""
    seen = set()
    for step in range(90):
        async with open_world(seed=step, commit_s=0.1, platform=MemoryPlatform(delay_s=0.1)) as world:
            began = world.now
            await world.say("u1", "hi")
            await world.until(seconds=began + step * 0.01)
            world.crash()
            await world.start()
            await world.settle()
            shown = world.platform.texts("u1")
            seen.add(tuple(shown))
            assert await world.outcomes() == ["answered"]
            [(_, state, _, unknown, marked)] = outbound(world)
            assert (state, marked) == ("sent", unknown)
    assert seen == {(ANSWER,), (f"{ANSWER} ↻",), (ANSWER, f"{ANSWER} ↻")}


async def three_parts(turn):
    return "aaaaaaaa\n\nbbbbbbbb\n\ncccccccc"


@pytest.mark.parametrize("after", [False, True])
async def test_an_answer_of_parts_goes_on_at_its_first_unconfirmed_part(autojump_clock, after):
    second = Tripwire(
        when=lambda d: d.part is not None and d.part.text.startswith("b"),
        after=after,
        capabilities=capabilities(text_max=14),
    )
    async with open_world(agent=three_parts, platform=second) as world:
        await world.say("u1", "hi")
        await crash_in_call(world)
        await world.settle()
        again = ["bbbbbbbb\n\n"] if after else []
        assert world.platform.texts("u1") == ["aaaaaaaa\n\n", *again, "bbbbbbbb ↻", "cccccccc"]
        assert [row[1:3] for row in outbound(world)] == [("sent", 1), ("sent", 2), ("sent", 1)]


async def streams(turn):
    turn.stream("half")
    await trio.sleep(2)
    return "half and whole"


@pytest.mark.parametrize("after", [False, True])
async def test_an_edit_that_a_crash_met_is_repeated_without_a_mark(autojump_clock, after):
    edit = Tripwire(when=lambda d: d.op == "edit", after=after)
    async with open_world(agent=streams, platform=edit) as world:
        await world.say("u1", "hi")
        await crash_in_call(world)
        await world.settle()
        assert world.platform.texts("u1") == ["half and whole"]
        assert [row[-1] for row in outbound(world)] == [0]


async def test_unknown_twice_is_given_up_as_unknown(world):
    world.platform.fault("lost_answer", "lost_answer")
    await world.say("u1", "hi")
    await world.settle()
    assert world.platform.texts("u1") == [ANSWER, f"{ANSWER} ↻", MAY_BE_MISSING]
    assert outbound(world, "said, state, unknown, marked") == [("final", "unknown", 2, 1), SAID_SO]
    assert [line["why"] for line in world.lines("send given up")] == ["it may have arrived twice already"]
    assert await replies(world) == ["maybe"]


async def test_what_is_given_up_and_that_it_is_told_are_one_commit(autojump_clock):
    """The power goes at every moment of the second send, and of what follows it."""
    found = set()
    for step in range(60):
        async with open_world(seed=step, commit_s=0.1, platform=MemoryPlatform(delay_s=0.1)) as world:
            world.platform.fault("lost_answer", "lost_answer")
            await world.say("u1", "hi")
            await world.until(seconds=0.6 + step * 0.03)
            world.crash()
            left = outbound(world, "said")
            assert (outbound(world, "state")[:1] == [("unknown",)]) == (left == [("final",), ("notice",)])
            found.add(len(left))
            await world.start()
            await world.settle()
            assert outbound(world, "said, state") == [("final", "unknown"), ("notice", "sent")]
            assert await replies(world) == ["maybe"]
    assert found >= {1, 2}


@pytest.mark.world(agent=asks)
async def test_a_question_that_may_not_have_arrived_is_told_of_and_stays_open(world):
    world.platform.fault("lost_answer", "lost_answer")
    await world.say("u1", "hi")
    await world.until(minutes=5)
    assert world.platform.texts("u1") == ["Which?", "Which? ↻", MAY_BE_MISSING]
    await world.say("u1", "this one")
    await world.settle()
    assert world.platform.texts("u1")[-1] == "You said this one."


@pytest.mark.parametrize("command", ["/status", "/new", "/stop", "/resume", "/nonsense"])
async def test_a_reply_to_a_command_that_may_not_have_arrived_is_told_of(world, command):
    world.platform.fault("lost_answer", "lost_answer")
    await world.say("u1", command)
    await world.settle()
    assert world.platform.texts("u1")[2:] == [MAY_BE_MISSING]
    assert await replies(world) == ["maybe"]


async def test_that_an_answer_may_be_missing_is_said_at_most_twice_and_nothing_is_said_of_that(world):
    world.platform.fault(*["lost_answer"] * 4)
    await world.say("u1", "hi")
    await world.settle()
    assert world.platform.texts("u1") == [ANSWER, f"{ANSWER} ↻", MAY_BE_MISSING, f"{MAY_BE_MISSING} ↻"]
    assert [line["why"] for line in world.lines("send given up")] == ["it may have arrived twice already"] * 2


async def test_in_a_group_it_stands_at_the_message_whose_answer_may_be_missing(world):
    world.platform.fault("lost_answer", "lost_answer")
    message = await world.say("u1", "hi", chat="group", group=True)
    await world.settle()
    assert outbound(world, "part, reply_to")[-1][1] == message.message_id


async def test_the_ledger_says_what_became_of_each_reply(world):
    async def reply_to(text):
        await world.say("u1", text)
        await world.settle()
        return (await replies(world))[-1]

    assert await reply_to("hi") == "said"
    world.platform.fault("gone")
    assert await reply_to("again") == "failed"
    world.platform.fault("gone")
    assert await reply_to("/status") == "failed"
    assert await reply_to("/status") == "said"
    world.platform.connected = False
    await world.say("u1", "and now?")
    await world.until(seconds=world.now + 1)
    assert (await replies(world))[-1] == "owed"
    world.platform.connected = True
    await world.settle()
    assert await replies(world) == ["said", "failed", "failed", "said", "said"]


@pytest.mark.world(agent=says_nothing)
async def test_where_nothing_is_to_be_said_the_ledger_says_that(world):
    await world.say("u1", "hi")
    await world.settle()
    assert await replies(world) == ["none"]


async def test_after_one_that_was_given_up_the_next_goes_out(world):
    world.platform.fault("lost_answer", "lost_answer")
    await world.say("u1", "hi")
    await world.settle()
    await world.say("u1", "again")
    await world.settle()
    assert world.platform.texts("u1")[-1] == "you said: again"


async def test_a_call_without_an_answer_for_a_minute_is_unknown(world):
    world.platform.fault("hang")
    await world.say("u1", "hi")
    await world.settle()
    first, second = calls(world, op="send")
    assert second[3] == f"{ANSWER} ↻"
    assert 60 <= second[0] - first[0] < 61


class Swallows(MemoryPlatform):
    """While it is cut off what is sent gets lost without an answer, as behind a proxy that hangs up."""

    tries = 0

    async def deliver(self, delivery):
        if self._receiving:
            return await super().deliver(delivery)
        self.tries += delivery.op == "send"
        await trio.lowlevel.checkpoint()
        raise SendUnknown("no answer")

    def disconnect(self):
        super().disconnect()
        self.connected = True


async def cut_off_in_a_turn(turn):
    await trio.sleep(1)
    return "done"


@pytest.mark.parametrize("for_s", [1, 60, 3 * 3600])
async def test_the_one_repeat_is_not_said_into_a_line_that_is_down(autojump_clock, for_s):
    async with open_world(cut_off_in_a_turn, platform=Swallows()) as world:
        await world.say("u1", "hi")
        await world.until(seconds=0.5)
        world.platform.disconnect()
        await world.until(seconds=1.5 + for_s)
        assert world.platform.tries == 1
        world.platform.connect()
        await world.settle()
        assert world.platform.texts("u1") == ["done ↻"]
        assert outbound(world) == [("final", "sent", 2, 1, 1)]


async def test_nor_after_a_start_before_it_is_heard_again(autojump_clock):
    async with open_world(cut_off_in_a_turn, platform=Swallows()) as world:
        await world.say("u1", "hi")
        await world.until(seconds=0.5)
        world.platform.disconnect()
        await world.until(seconds=10)
        await world.stop()
        await world.start()
        await world.until(seconds=600)
        assert world.platform.tries == 1
        world.platform.connect()
        await world.settle()
        assert world.platform.texts("u1") == ["done ↻"]


async def test_and_not_for_ever(autojump_clock):
    options = GatewayOptions(give_up_after_s=3600.0)
    async with open_world(cut_off_in_a_turn, platform=Swallows(), options=options) as world:
        await world.say("u1", "hi")
        await world.until(seconds=0.5)
        world.platform.disconnect()
        await world.until(hours=3)
        assert world.platform.tries == 1
        assert outbound(world)[0][:2] == ("final", "failed")
        await world.say("u1", "hello?")
        world.platform.connect()
        await world.settle()
        assert world.platform.texts("u1")[-1] == "done"


async def test_a_part_in_doubt_that_is_too_old_already_is_given_up_and_breaks_nothing(world):
    """Found by seed 32154: the wall clock had gone past its day while its account did not receive."""
    world.platform.fault("hang")
    await world.say("ada", "one")
    await world.until(seconds=1)
    world.crash()
    world.platform.disconnect()
    world.fault("clock_jumps", by_s=100_000.0)
    await world.start()
    await world.until(minutes=2)
    assert world.lines("worker failed") == []
    world.platform.connect()
    await world.say("ada", "two")
    await world.settle()
    assert world.texts("ada")[-1] == "you said: two"
