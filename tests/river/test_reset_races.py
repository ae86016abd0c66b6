"""A reset in the same tick as the last credential is refused: whatever the order, the slot is free.

`make races` runs 2,000 seeds; here is a slice of them. See races.py for what is checked.
"""

from __future__ import annotations

import os
import threading
from collections import Counter

import pytest
import trio

from hermes_trio import Policy
from hermes_trio.errors import NoCredentials, StaleTurn
from hermes_trio.options import Gateway as GatewayOptions
from hermes_trio.options import Session as SessionOptions
from hermes_trio.testing import MemoryPlatform, fails, open_world, rounds, text, tool
from hermes_trio.testing.scheduling import seeded_scheduling
from hermes_trio.tools.process import tool as process
from hermes_trio.tools.terminal import tool as terminal

from .invariants import check
from .races import COMMANDS, LATES, ONE, POOLS, SOURCES, Chat, Provider, before, must_end, races

SEEDS = int(os.environ.get("HERMES_TRIO_RACE_SEEDS", "84"))


def test_whatever_ends_a_conversation_while_its_last_key_is_refused_the_next_message_is_answered():
    became = races(range(SEEDS))
    assert became.total() == SEEDS * len(SOURCES)
    # Each source came too late sometimes, and in time sometimes, or the rounds do not reach.
    for source in SOURCES:
        assert min(became[source, "refused"], became[source, "superseded"]) >= SEEDS // 8, became


@pytest.mark.parametrize("pool", POOLS)
async def test_the_rounds_reach_from_before_a_turn_to_behind_its_last_word(autojump_clock, pool):
    chats: dict[str, Chat] = {}

    async def agent(turn):
        return await chats[turn.address.chat].agent(turn)

    with seeded_scheduling(0):
        async with open_world(agent, commands=COMMANDS) as world:
            chats["new"] = Chat(world, "new", POOLS[pool])
            await before(world, list(chats.values()), pool)
            chats["new"].push("one")
            opened = closed = count = 0
            while world.gateway.river.lanes.live or not closed:
                await rounds(1)
                count += 1
                opened = opened or (count if "new" in str(world.lines("turn opened")[2:]) else 0)
                closed = closed or (count if len(world.lines("turn closed")) == 2 else 0)
            assert world.now == 1.0
            assert 0 < opened < closed < count <= LATES[-1]


# --- the check bites ------------------------------------------------------------------------------


class Naive:
    """Hermes before #28686: busy is a flag, a reset is a number, and whose number is old skips the release.

    What a session that is busy is told waits for the end of a turn, which hands it on with the flag.
    """

    def __init__(self, nursery: trio.Nursery, model: Provider) -> None:
        self.nursery = nursery
        self.model = model
        self.busy = False
        self.generation = 0
        self.outcomes: dict[str, str | None] = {}

    def say(self, text: str) -> None:
        self.outcomes[text] = None
        if text == "/new":
            self.generation += 1
            self.outcomes[text] = "answered"
        elif not self.busy:
            self.busy = True
            self.nursery.start_soon(self.turn, text, self.generation)

    async def turn(self, text: str, generation: int) -> None:
        try:
            await rounds(5)
            self.outcomes[text] = "refused" if self.model.refuses else "answered"
        finally:
            if generation == self.generation:
                self.busy = False


async def test_a_slot_that_is_a_flag_with_a_number_is_wedged_by_the_same_race(autojump_clock):
    fates = []
    for late in range(10):
        async with trio.open_nursery() as nursery:
            model = Provider()
            model.refuses = False
            naive = Naive(nursery, model)
            naive.say("hello")
            await trio.sleep(1)
            model.refuses = True
            naive.say("one")
            await rounds(late)
            naive.say("/new")
            naive.say("still there?")
            await trio.sleep(1)
            naive.say("anybody?")
            await trio.sleep(600)
            model.refuses = False
            naive.say("and now?")
        try:
            must_end(list(naive.outcomes.values()), by_command=True)
        except AssertionError:
            fates.append("wedged")
        else:
            fates.append("well")
    assert fates[:4] == ["wedged"] * 4
    assert fates[8:] == ["well"] * 2


# --- what does not leave in time ------------------------------------------------------------------


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
    assert world.gateway.river.turns.places.held == 0


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
            await world.gateway.river.sessions.empty()
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
        chats: dict[str, Chat] = {}

        async def agent(turn, chats=chats):
            return await chats[turn.address.chat].agent(turn)

        async with open_world(agent, seed=late, commands=COMMANDS) as world:
            chat = chats["new"] = Chat(world, "new", POOLS[ONE])
            chats["bob"] = Chat(world, "bob", POOLS[ONE])
            await before(world, [chat], ONE)
            world.platform.fault("hang")
            await chat.command(late)
            chats["bob"].push("hello")
            await world.until(seconds=1.4)
            assert not [key for key in world.gateway.river.sessions.live if key.thread is None]
            assert [row.outcome for row in await world.ledger() if row.chat == "bob"] == ["answered"]
            chat.push("anybody?")
            await world.until(minutes=11)
            chat.model.heal()
            chat.push("and now?")
            await world.settle()
            mine = [row.outcome for row in await world.ledger() if row.chat == "new" and not row.key.thread]
            must_end(mine, by_command=True)
            assert world.shown("new")[-1].text == "you said: and now?"
            check(world)


# --- on_exhausted = "defer" -----------------------------------------------------------------------


async def deferred(seed: int) -> str:
    """Messages are kept until a key may be used; a reset in the same tick ends or keeps each."""
    pool = list(POOLS)[seed % len(POOLS)]
    late = seed // len(POOLS) * 5 % LATES[-1]
    with seeded_scheduling(seed):
        async with open_world(seed=seed, keys=POOLS[pool], on_exhausted="defer", commands=COMMANDS) as world:

            def push(chat, *texts):
                for one in texts:
                    world.platform.push(world.platform.message(chat, one))

            push("new", "hello")
            push("task", "hello")
            await world.settle()
            numbers = {view.key.chat: view.id for view in await world.gateway.session_views()}
            world.model.refuse(*POOLS[pool], line=fails("quota"))
            await world.until(seconds=1)
            push("new", "one")
            push("task", "one")
            await rounds(late)
            push("new", "/new", "still there?")
            assert await world.gateway.reset(numbers["task"]) is not None
            push("task", "still there?")
            await world.until(seconds=2)
            assert world.gateway.river.turns.places.held == 0, world.timeline()
            world.model.heal()
            await world.until(minutes=12)
            await world.settle()
            outcomes = {
                name: [row.outcome for row in await world.ledger() if row.chat == name]
                for name in ("new", "task")
            }
            assert outcomes["new"] == ["answered", "superseded", "answered", "answered"], world.timeline()
            assert outcomes["task"][::2] == ["answered", "answered"], world.timeline()
            assert outcomes["task"][1] in ("answered", "superseded"), world.timeline()
            for name in ("new", "task"):
                assert world.shown(name)[-1].text == "you said: still there?", world.timeline()
            for request in world.model.requests[-2:]:
                assert "hello" not in [getattr(entry, "text", "") for entry in request.entries]
            check(world)
            return str(outcomes["task"][1])


async def test_a_message_that_is_kept_for_a_key_is_ended_by_a_reset_or_answered_and_never_lost(
    autojump_clock,
):
    became = Counter([await deferred(seed) for seed in range(42)])
    assert set(became) == {"answered", "superseded"}, became


# --- the reset policy ------------------------------------------------------------------------------


async def by_policy(seed: int) -> None:
    """A message that comes as the last key is refused finds its conversation ended by the idle rule."""
    pool = list(POOLS)[seed % len(POOLS)]
    late = LATES[seed // len(POOLS) * 11 % len(LATES)]
    chats: dict[str, Chat] = {}

    async def agent(turn):
        return await chats[turn.address.chat].agent(turn)

    policy = SessionOptions(reset="idle", idle_after_s=0.15)
    with seeded_scheduling(seed):
        async with open_world(agent, seed=seed, commands=COMMANDS, session=policy) as world:
            chat = chats["task"] = Chat(world, "task", POOLS[pool])
            await before(world, [chat], pool)
            chat.model.held = chat.keys[-1]
            chat.push("one")
            await world.until(seconds=1.3)
            assert len(world.lines("reset")) == 1  # "one" came a second after "hello"
            chat.model.ponders = max(0, -late)
            chat.model.go.set()
            await rounds(max(0, late))
            chat.push("still there?")
            await world.until(seconds=1.4)
            assert [key.thread for key in world.gateway.river.sessions.live] == ["topic"], world.timeline()
            chat.push("anybody?")
            await world.until(minutes=11)
            chat.model.heal()
            chat.push("and now?")
            await world.settle()
            outcomes = [row.outcome for row in await world.ledger() if not row.key.thread]
            assert outcomes == ["answered", "refused", "refused", "refused", "answered"], world.timeline()
            assert [entry.text for entry in chat.model.requests[-1].entries] == ["and now?"]
            assert world.shown("task")[-1].text == "you said: and now?"
            assert [seen.text for seen in world.shown("task", "topic")] == ["the topic's answer"]
            resets = [line for line in world.lines("reset") if line["key"].endswith("/task")]
            assert {(line["who"], line["why"]) for line in resets} == {("policy", "idle")}, world.timeline()
            # Each message came at least 0.15 s after the one before it, but the third.
            assert len(resets) == 3, world.timeline()
            check(world)


async def test_a_policy_that_ends_the_conversation_in_the_same_tick_wedges_nothing(autojump_clock):
    for seed in range(42):
        await by_policy(seed)


# --- a child that ignores TERM ---------------------------------------------------------------------


@pytest.mark.parametrize("where", ["behind the turn", "in the turn"])
async def test_a_child_that_ignores_term_holds_up_nobody_and_is_dead_two_seconds_later(autojump_clock, where):
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
            [child] = world.processes.started
            await rounds(late)
            for one in ("/new", "still there?"):
                world.platform.push(world.platform.message("ada", one))
            await world.until(seconds=1.4)
            first, one, *rest = await world.outcomes()
            assert one in ("refused", "superseded")
            assert [first, *rest] == ["answered", "answered", "refused"], world.timeline()
            assert world.gateway.river.turns.places.held == 0
            await world.until(seconds=3)
            assert child.signals == ["term", "kill"], world.timeline()
            assert world.processes.alive == []
            world.model.heal()
            await world.until(minutes=11)
            await world.say("ada", "and now?")
            await world.settle()
            assert world.shown("ada")[-1].text == "you said: and now?"
            check(world)
