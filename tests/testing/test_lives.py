"""A gateway that is killed: what was committed stays, what was not is gone, and the dead are silent."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.errors import StoreClosed
from hermes_trio.testing import (
    MemoryPlatform,
    RecordingTool,
    Rounds,
    alive,
    open_world,
    seeded_scheduling,
    text,
    tool,
)
from hermes_trio.tools.process import tool as process
from hermes_trio.values.identity import Policy
from tests.invariants.at_rest import check


async def test_before_a_commit_nothing_of_it_is_there(world):
    world.crash_before_commit()
    await world.say("ada", "hi")
    await world.crashed()
    assert world.db.execute("select count(*) from inbound").fetchone() == (0,)
    await world.start()
    assert await world.reply("ada") == "you said: hi"
    assert len(world.lines("message accepted")) == 1


async def test_after_a_commit_it_is_there_and_nobody_was_told(world):
    world.crash_after_commit()
    await world.say("ada", "hi")
    await world.crashed()
    assert world.db.execute("select count(*) from inbound").fetchone() == (1,)
    assert world.platform.unread == 1
    assert world.lines("message accepted") == []
    await world.start()
    assert await world.reply("ada") == "you said: hi"
    assert await world.outcomes() == ["answered"]


@pytest.mark.parametrize("seed", range(3))
def test_crashed_at_every_round_of_a_turn_it_is_answered_once(seed):
    """Each point that anything can stand at, and the start after it."""

    async def played(at: int | None) -> int:
        pay = RecordingTool("pay")
        async with open_world(tools=[pay], seed=seed, commit_s=0.001) as world:
            world.model.script(tool("pay"), text("paid"))
            if at is not None:
                world.crash_at(round=at)
            with Rounds() as rounds:
                await world.say("ada", "pay")
                await (world.crashed() if at is not None else world.settle())
            whole = rounds.count
            if at is not None:
                await world.start()
            await world.settle()
            assert await world.outcomes() == ["answered"], world.timeline()
            assert len(pay.effects) <= 1, world.timeline()
            check(world, [effect.op for effect in pay.effects])
            return whole

    def run(at: int | None) -> int:
        with seeded_scheduling(seed):
            return trio.run(played, at, clock=trio.testing.MockClock(autojump_threshold=0))

    whole = run(None)
    assert whole > 30
    for at in range(1, whole):
        run(at)


async def test_the_dead_can_neither_write_nor_send_nor_ask_nor_act_nor_log(world, autojump_clock):
    """A cleanup that a crash cannot interrupt runs on beside the next life, and does not count."""
    tried: list[str] = []
    done = trio.Event()

    async def clings(turn):
        life = world.life
        try:
            await trio.sleep_forever()
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(60)
                for name, act in {
                    "say": lambda: turn.say("farewell"),
                    "step": lambda: turn.step("late", trio.lowlevel.checkpoint),
                    "act": trio.lowlevel.checkpoint,
                }.items():
                    try:
                        await act()
                        alive()
                    except StoreClosed:
                        tried.append(name)
                assert life.dead
                done.set()

    world.agent = clings
    await world.stop()
    await world.start()
    await world.say("ada", "hi")
    await world.until(seconds=1)
    world.crash()
    before = len(world.record.events)

    async def answers(turn):
        return "re: " + turn.text

    world.agent = answers
    await world.start()
    assert await world.reply("ada") == "re: hi"
    assert world.now == 1.0
    await done.wait()
    assert tried == ["say", "step", "act"]
    assert "farewell" not in world.timeline()
    assert [event.fields.get("boot") for event in world.record.events[before:] if event.who == "world"] == [3]


async def test_what_a_stubborn_tool_of_the_dead_does_does_not_count(autojump_clock):
    pay = RecordingTool("pay", before_s=60, shielded=True)
    async with open_world(tools=[pay]) as world:
        world.model.script(tool("pay"), text("unknown"))
        await world.say("ada", "pay")
        await world.until(seconds=30)
        world.crash()
        await world.start()
        assert await world.reply("ada") == "unknown"
        await world.until(minutes=5)
        assert pay.effects == []


async def test_one_that_runs_is_not_started_twice_and_one_that_does_not_cannot_crash(world):
    with pytest.raises(RuntimeError, match="stop or crash it first"):
        await world.start()
    world.crash()
    with pytest.raises(RuntimeError, match="no gateway is running"):
        world.crash()
    with pytest.raises(RuntimeError, match="no gateway is running"):
        _ = world.gateway
    await world.stop()


async def test_the_seed_says_how_many_callers_a_commit_serves(autojump_clock):
    """One fsync for eight, or eight for one: both must be right, so both are drawn."""
    commits = set()
    for seed in range(16):
        async with open_world(seed=seed, commit_s=0.01) as world:
            for n in range(8):
                await world.say(f"u{n}", "hi")
            await world.settle()
            commits.add(len(list(world.record.of("store", "commit"))))
            check(world)
    assert len(commits) > 2


async def test_the_record_has_when_a_commit_is_durable_and_when_the_gateway_is_told(autojump_clock):
    async with open_world() as world:
        world.fault("store_slow", for_s=60, delay_s=2.0)
        before = len(list(world.record.of("store")))
        await world.say("ada", "hi")
        await world.reply("ada")
        received, told, *_ = list(world.record.of("store"))[before:]
        accepted = next(world.record.of("log", "message accepted"))
        assert [(one.what, one.at) for one in (received, told, accepted)] == [
            ("commit", 2.0),
            ("told", 4.0),
            ("message accepted", 4.0),
        ]
        assert "  store  " not in world.timeline()


async def test_what_is_killed_before_it_is_told_is_never_told(autojump_clock):
    async with open_world() as world:
        told = len(list(world.record.of("store", "told")))
        world.crash_after_commit()
        await world.say("ada", "hi")
        await world.crashed()
        await world.until(seconds=60)
        assert len(list(world.record.of("store", "told"))) == told
        assert len(list(world.record.of("store", "commit"))) == told + 1


async def test_a_start_that_is_cancelled_leaves_nothing_running_and_can_be_made_again(autojump_clock):
    async with open_world(commit_s=1.0, start=False) as world:
        with trio.move_on_after(0.5):
            await world.start()
        await world.until(seconds=5)
        assert world.lives.now is None
        await world.start()
        await world.say("ada", "hi")
        assert await world.reply("ada") == "you said: hi"


async def test_a_stop_whose_wait_is_cancelled_goes_on(world):
    world.model.script(text("late", after_s=5))
    await world.say("ada", "hi")
    await world.until(seconds=1)
    with trio.move_on_after(0.5):
        await world.stop()
    assert world.lives.now is not None
    await world.until(seconds=10)
    assert world.lives.now is None
    assert world.texts("ada", "final") == ["late"]


def test_the_dead_confirm_nothing_though_it_was_committed():
    """A caller whose commit was told in the round of the kill does not get to say so."""

    async def played(at: int) -> int:
        async with open_world() as world:
            world.crash_at(round=at)
            await world.say("ada", "hi")
            await world.crashed()
            before = world.platform.unread
            await trio.sleep(60)
            assert world.platform.unread == before, (at, world.timeline())
            return before

    runs = [trio.run(played, at, clock=trio.testing.MockClock(autojump_threshold=0)) for at in range(1, 20)]
    assert set(runs) == {0, 1}


async def test_the_dead_end_no_program_that_an_older_life_left(autojump_clock):
    """Killed between TERM and KILL, it leaves the rest to the next."""
    chat = MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",)))
    async with open_world(platform=chat, tools=[process]) as world:
        world.processes.script("serve", ends_s=None, ignores_term=True)
        world.model.script(tool("process", action="start", command="serve"), text("Started."))
        await world.say("ada", "serve")
        await world.reply("ada")
        world.crash()
        await world.start()
        await world.until(seconds=world.now + 0.5)
        [program] = world.processes.alive
        assert program.signals == ["term"]
        world.crash()
        await world.until(minutes=1)
        assert program.signals == ["term"]
        await world.start()
        await world.until(minutes=2)
        assert world.processes.alive == []


async def test_a_connection_of_the_dead_takes_no_news_from_those_who_live(autojump_clock):
    """It comes back from its commit when the next life has begun to wait, and waits beside it."""
    async with open_world(platform=MemoryPlatform(lingers=True)) as world:
        world.fault("store_slow", for_s=1, delay_s=2)
        await world.say("ada", "hi")
        await world.until(seconds=1)
        world.crash()
        await world.start()
        await world.until(seconds=10)
        await world.say("bob", "and I?")
        await world.until(seconds=11)
        assert world.texts("bob") == ["you said: and I?"]
