"""A command takes effect once, wherever the process dies and whatever the disk does."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import hangs, open_world
from hermes_trio.values.actions import Reset
from tests.invariants.at_rest import check

# --- exactly once, across crashes
from tests.scenes import slow


@pytest.mark.parametrize("command", ["/new", "/stop", "/queue later", "/status"])
async def test_a_command_takes_effect_once_wherever_the_process_dies(autojump_clock, command):
    for step in range(24):
        async with open_world(slow, commit_s=0.002, seed=step) as world:
            await world.say("ada", "work")
            await world.until(seconds=1)
            await world.say("ada", command)
            await world.until(seconds=1 + step * 0.0005)
            world.crash()
            await world.start()
            await world.until(seconds=60)
            check(world)
            rows = await world.ledger()
            assert rows[1].outcome == "answered", world.timeline()
            said = [seen for seen in world.shown("ada") if seen.said == "reply"]
            assert len(said) <= 2, world.timeline()
            expected = {"/new": ("superseded",), "/stop": ("stopped",)}.get(command, ("answered",))
            assert rows[0].outcome in expected, world.timeline()


async def test_unsettled_commands_run_at_boot_before_any_resume(autojump_clock):
    async with open_world(slow) as world:
        await world.say("ada", "work")
        await world.until(seconds=1)
        world.crash()
        world.platform.push(world.platform.message("ada", "/stop"))
        await leave_unsettled(world)
        await world.start()
        await world.settle()
        assert await world.outcomes() == ["stopped", "answered"]
        assert world.texts("ada", "final") == []
        assert len(world.lines("turn opened")) == 1
        check(world)


async def test_a_command_at_boot_that_ends_nothing_does_not_resume_before_the_verdict(autojump_clock):
    async with open_world(slow) as world:
        await world.say("ada", "work")
        await world.until(seconds=1)
        world.crash()
        world.platform.push(world.platform.message("ada", "/status"))
        await leave_unsettled(world)
        await world.start(resume=False)
        await world.settle()
        assert await world.outcomes() == ["failed", "answered"]
        assert len(world.lines("turn opened")) == 1
        check(world)


async def leave_unsettled(world) -> None:
    """What a crash leaves: the update is durable and confirmed, its command is not settled."""
    from hermes_trio.intake.routing import decide
    from hermes_trio.store.promises import intake
    from hermes_trio.store.sqlite.tx import SqliteTx
    from hermes_trio.values.stored import AcceptRules

    platform = world.platform
    for message in platform._updates[platform._confirmed :]:
        decided = decide(message, platform.policy, "user", platform.capabilities)
        intake.accept(SqliteTx(world.db, 1, world.clock.now()), "memory/main", [decided], None, AcceptRules())
    platform._confirmed = len(platform._updates)


class FillsTheDisk:
    """The moment it is decided that the session ends, nothing can be written any more."""

    names = ("cc",)
    help = "a reset of a test"
    role = "user"

    def __init__(self, how):
        self.how = how
        self.world = None
        self.calls = 0

    async def run(self, call):
        self.calls += 1
        if self.calls == 1:
            if self.how == "fails":
                self.world.disk.full = True
            else:
                self.world.life.store.commit_s = 60.0
        return Reset("asked")


# --- a store that cannot commit


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_a_reset_that_cannot_be_committed_in_two_seconds_cancels_the_turn_and_follows_later(
    autojump_clock, how
):
    cut = []

    async def agent(turn):
        if turn.text != "work":
            return f"re: {turn.text}"
        try:
            await trio.sleep_forever()
        finally:
            cut.append(trio.current_time())

    fills = FillsTheDisk(how)
    async with open_world(
        agent, commands=[fills], options=GatewayOptions(progress_every_s=0), seed=3
    ) as world:
        fills.world = world
        await world.say("ada", "work")
        await world.until(seconds=10)
        began = trio.current_time()
        await world.say("ada", "/cc")
        await world.until(seconds=13)
        assert cut == [pytest.approx(began + 2.0, abs=0.01)]
        assert world.texts("ada") == [
            "I stopped what was running. The new session follows as soon as my storage works again."
        ]
        assert world.db.execute("select state from turn").fetchall() == [("running",)]
        await world.until(seconds=20)
        world.disk.full = False
        world.life.store.commit_s = 0.0
        await world.until(seconds=300)
        await world.say("ada", "hello")
        await world.settle()
        assert await world.outcomes() == ["superseded", "answered", "answered"]
        assert world.texts("ada")[1:] == ["New session.", "re: hello"]
        assert fills.calls == 1
        assert len(cut) == 1
        check(world)


async def test_a_reset_that_is_committed_in_time_says_nothing_more(world):
    world.model.script(hangs())
    await world.say("ada", "work")
    await world.until(seconds=1)
    await world.say("ada", "/new")
    await world.until(seconds=30)
    assert world.texts("ada", "reply") == ["New session."]
    assert len(world.shown("ada")) == 1
