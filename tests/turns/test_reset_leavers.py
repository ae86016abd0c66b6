"""A reset beside the last refusal, of what does not end: it is left behind, and holds up nobody."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
import trio

from hermes_trio import Policy
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import NoCredentials, StaleTurn
from hermes_trio.testing import MemoryPlatform, fails, open_world, rounds, text, tool
from hermes_trio.tools.process import tool as process
from hermes_trio.tools.terminal import tool as terminal
from tests.invariants.at_rest import check
from tests.invariants.race_chats import COMMANDS, RACE_AT, Cell, ready_to_race
from tests.invariants.race_checks import must_end


class Late:
    """An agent whose last key is refused, and which then does not leave: what it does later must not count.

    Attributes:
        met: what its verbs met after the turn had ended.
    """

    def __init__(self) -> None:
        self.met: list[type] = []
        self.refuses = True

    async def __call__(self, turn):
        if turn.text != "one":
            if self.refuses:
                raise NoCredentials(None, "quota")
            return "you said: " + turn.text
        try:
            await self.linger(turn)
            raise NoCredentials(None, "quota")
        finally:
            with trio.CancelScope(shield=True):
                await self.too_late(turn)

    async def linger(self, turn) -> None:
        """Be slow to leave."""

    async def too_late(self, turn) -> None:
        for verb in (lambda: turn.step("late", effect), lambda: turn.say("late"), lambda: turn.sleep(0)):
            try:
                await verb()
            except StaleTurn as fence:
                self.met.append(type(fence))


async def effect():
    return "late"


class SlowToLeave(Late):
    async def linger(self, turn):
        with trio.CancelScope(shield=True):
            await trio.sleep(30)


class BlocksAThread(Late):
    """Calls what blocks, in a thread that cannot be abandoned, or can."""

    def __init__(self, abandon: bool) -> None:
        super().__init__()
        self.release = threading.Event()
        self.abandon = abandon
        self.returned = threading.Event()

    async def linger(self, turn):
        await trio.to_thread.run_sync(self.block, abandon_on_cancel=self.abandon)

    def block(self):
        self.release.wait()
        self.returned.set()


async def raced(world, agent, late: int) -> None:
    """One, a reset so many rounds later in the tenth second, and the next messages."""
    world.platform.push(world.platform.message("bob", "hello"))
    world.platform.push(world.platform.message("ada", "one"))
    await world.until(seconds=10)
    await rounds(late)
    for one in ("/new", "still there?"):
        world.platform.push(world.platform.message("ada", one))
    await world.until(seconds=13)
    agent.refuses = False
    await world.say("ada", "and now?")
    await world.until(seconds=16)
    outcomes = [row.outcome for row in await world.ledger() if row.chat == "ada"]
    assert outcomes == ["superseded", "answered", "refused", "answered"], world.timeline()
    assert world.shown("ada")[-1].text == "you said: and now?"
    assert world.gateway.wiring.turns.limiter.held == 0


@pytest.mark.parametrize("make", [SlowToLeave, lambda: BlocksAThread(False), lambda: BlocksAThread(True)])
async def test_a_turn_that_does_not_leave_is_left_and_writes_nothing_later(autojump_clock, make):
    for late in range(0, 36, 5):
        agent = make()
        async with open_world(agent, seed=late, options=GatewayOptions(turns_max=2)) as world:
            try:
                await raced(world, agent, late)
                left = world.lines("left behind")
                stays = not getattr(agent, "abandon", False)
                assert [(line["key"], line["t"]) for line in left] == [("memory/main/ada", 12.0)] * stays
            finally:
                if isinstance(agent, BlocksAThread):
                    agent.release.set()
            await world.gateway.wiring.sessions.empty()
            assert agent.met == [StaleTurn] * 3
            assert "late" not in "\n".join(world.platform.texts("ada"))
            assert world.db.execute("select count(*) from step where name in ('late', 'say')").fetchone() == (
                0,
            )
            assert Counter(line["turn"] for line in world.lines("turn closed")).total() == len(
                world.lines("turn opened")
            )
            check(world)


async def test_a_send_that_hangs_holds_its_lane_for_a_minute_and_no_turn(autojump_clock):
    for late in range(0, 36, 2):
        async with ready_to_race(Cell("new", late=late), Cell("cc"), seed=late) as (world, [chat, other]):
            other.model.heal()
            world.platform.fault("hang")
            await chat.race()
            other.push("hello again")
            await world.until(seconds=RACE_AT + 0.4)
            assert not [key for key in world.gateway.wiring.sessions.live if key.thread is None]
            assert [row.outcome for row in await world.ledger() if row.chat == "cc"][-1] == "answered"
            chat.model.heal()
            await world.until(minutes=11)
            chat.push("and now?")
            await world.settle()
            mine = [row.outcome for row in await world.ledger() if row.chat == "new" and not row.key.thread]
            must_end(chat.cell, mine)
            assert world.shown("new")[-1].text == "you said: and now?"
            check(world)


@pytest.mark.parametrize("where", ["behind the turn", "in the turn"])
async def test_a_process_that_ignores_term_holds_up_nobody_and_is_dead_two_seconds_later(
    autojump_clock, where
):
    policy = Policy(allow_users=("*",), admins=("ada",))
    for late in range(0, 36, 3):
        async with open_world(
            seed=late,
            keys=["a"],
            commands=COMMANDS,
            tools=[terminal, process],
            platform=MemoryPlatform(policy=policy),
        ) as world:
            world.processes.script("stubborn", ends_s=None, ignores_term=True)
            if where == "behind the turn":
                world.model.script(tool("process", action="start", command="stubborn"), text("started"))
                await world.say("ada", "start it")
                await world.until(seconds=1)
                world.model.refuse("a", line=fails("quota"))
                await world.say("ada", "one")
            else:
                await world.say("ada", "hello")
                await world.until(seconds=0.5)
                world.model.script(tool("terminal", command="stubborn"))
                await world.say("ada", "one")
                await world.until(seconds=1)
                world.model.refuse("a", line=fails("quota"))
            [started] = world.processes.started
            await rounds(late)
            for one in ("/new", "still there?"):
                world.platform.push(world.platform.message("ada", one))
            await world.until(seconds=1.4)
            first, one, *rest = await world.outcomes()
            assert one in ("refused", "superseded")
            assert [first, *rest] == ["answered", "answered", "refused"], world.timeline()
            assert world.gateway.wiring.turns.limiter.held == 0
            await world.until(seconds=3)
            assert started.signals == ["term", "kill"], world.timeline()
            assert world.processes.alive == []
            world.model.heal()
            await world.until(minutes=11)
            await world.say("ada", "and now?")
            await world.settle()
            assert world.shown("ada")[-1].text == "you said: and now?"
            check(world)
