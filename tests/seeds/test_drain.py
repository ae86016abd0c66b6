"""Hermes #27856 and #28576: a stop that is killed, and a bot that has forgotten, or resumes the wrong things.

Each test quotes the sentence of behaviour it answers. The naive gateway marks and guesses as Hermes did; it
fails the check that the gateway passes.
"""

from __future__ import annotations

from collections.abc import Collection

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import World, open_world, rounds
from tests.invariants.at_rest import check

RUNNING, IDLE = ("r1", "r2", "r3"), ("i1", "i2", "i3", "i4", "i5")
DRAIN_S = 5.0


def right(running: Collection[str], resumed: Collection[str], forgotten: Collection[str]) -> None:
    """What ran when the process died goes on, nothing else does, and nothing is forgotten."""
    assert sorted(resumed) == sorted(running)
    assert sorted(forgotten) == []


class Naive:
    """Marks what runs, in files, at a stop; at a boot without a marker of a clean end it guesses by time.

    Args:
        touched: when each session was last written to, in seconds.
        running: the sessions with a turn.
        setting_up: of those the ones whose agent does not exist yet.
    """

    def __init__(self, touched: dict[str, float], running: Collection[str], setting_up: Collection[str] = ()):
        self.touched = touched
        self.running = set(running)
        self.setting_up = set(setting_up)
        self.marked: set[str] = set()
        self.clean = False

    def stop(self, *, ends: Collection[str] = (), killed: str = "") -> None:
        """Notices, marks, drain, marker; killed in one of them, or after it ran out of time."""
        if killed == "notices":
            return
        self.marked = self.running - self.setting_up
        self.running -= set(ends)
        if killed == "drain":
            return
        if not self.running:
            self.marked.clear()
            self.clean = True

    def boot(self, now: float) -> tuple[set[str], set[str]]:
        """(what it goes on with, what it has forgotten)."""
        if self.clean:
            return set(), set()
        recent = {name for name, at in self.touched.items() if now - at < 120}
        resumed = self.marked or recent
        return resumed, recent - resumed


async def agent(turn):
    """Remembers what it was told; works for ten minutes where it is asked to, or a second."""
    said = [entry.text for entry in await turn.history()]
    if turn.text == "work":
        await trio.sleep(600)
    if turn.text == "a second":
        await trio.sleep(1)
    return f"{turn.text}: {'I remember' if 'hello' in said else 'I have forgotten'}"


async def to_the_stop(world: World, *, quiet_s: float = 300.0) -> None:
    """Eight conversations whose last word is three hours old; in three of them a turn has run for a while."""
    for name in (*RUNNING, *IDLE):
        world.platform.push(world.platform.message(name, "hello"))
    await world.settle()
    await world.until(hours=3)
    for name in RUNNING:
        world.platform.push(world.platform.message(name, "work"))
    await world.until(hours=3, seconds=quiet_s)


def resumed(world: World) -> set[str]:
    """The chats whose turns the newest start went on with."""
    return {line["key"].split("/")[2] for line in world.lines("turn opened") if line["attempt"] > 1}


async def forgotten(world: World, names: Collection[str]) -> set[str]:
    """The chats in which the bot does not know what was said three hours ago."""
    for name in names:
        world.platform.push(world.platform.message(name, "and now?"))
    await world.settle()
    last = {name: world.shown(name)[-1].text for name in names}
    assert all(text.startswith("and now?: ") for text in last.values()), world.timeline()
    return {name for name, text in last.items() if "forgotten" in text}


OPTIONS = GatewayOptions(drain_timeout_s=DRAIN_S)


@pytest.mark.parametrize("point", range(20))
async def test_killed_at_any_point_of_its_drain_it_has_forgotten_nothing_and_goes_on_with_what_ran(
    autojump_clock, point
):
    """'After an update the bot has forgotten the conversation.'

    'The marker that says "clean" or "resume me" is written after the drain; systemd kills before it; next
    boot treats recent sessions as crashed and resets them.'
    """
    async with open_world(agent, options=OPTIONS, commit_s=0.001, seed=point) as world:
        await to_the_stop(world)
        world.life.stop.set()
        # Half of the points lie within the first rounds, the others in the five seconds that it waits.
        await rounds(point) if point < 10 else await trio.sleep(0.55 * (point - 9))
        if world.lives.now is not None:
            world.crash()
        await world.start()
        await world.until(hours=4)
        right(RUNNING, resumed(world), await forgotten(world, (*RUNNING, *IDLE)))
        assert world.texts("r1")[1] == "work: I remember"
        check(world)


def test_marks_written_at_a_stop_are_not_there_when_it_is_killed_before():
    """'notify (unbounded network) before durable mark ... killed in between: nothing marked'."""
    naive = Naive({**dict.fromkeys(RUNNING, 10_800.0), **dict.fromkeys(IDLE, 0.0)}, RUNNING)
    naive.stop(killed="notices")
    with pytest.raises(AssertionError):
        right(RUNNING, *naive.boot(now=11_100.0))


async def test_sends_that_hang_during_a_stop_cost_nothing_that_was_promised(autojump_clock):
    """'notify (unbounded network) before durable mark ... killed in between: nothing marked'."""
    async with open_world(agent, options=OPTIONS) as world:
        await to_the_stop(world)
        world.platform.fault(*["hang"] * 20)
        for name in IDLE:
            world.platform.push(world.platform.message(name, "are you there?"))
        await trio.lowlevel.checkpoint()
        world.life.stop.set()
        await trio.sleep(3)
        world.crash()
        world.platform._faults.clear()
        await world.start()
        await world.until(hours=4)
        assert set(RUNNING) <= resumed(world)
        assert await forgotten(world, (*RUNNING, *IDLE)) == set()


def test_a_turn_that_is_being_set_up_has_no_mark():
    """'sentinels skipped by the mark ... message in set-up lost at shutdown'."""
    naive = Naive(dict.fromkeys(RUNNING, 10_800.0), RUNNING, setting_up=["r1"])
    naive.stop(killed="drain")
    with pytest.raises(AssertionError):
        right(RUNNING, *naive.boot(now=11_100.0))


@pytest.mark.parametrize("late", range(0, 24, 2))
async def test_a_message_that_comes_in_the_moment_of_the_stop_is_answered_after_it(autojump_clock, late):
    """'sentinels skipped by the mark ... message in set-up lost at shutdown'."""
    async with open_world(agent, options=OPTIONS, seed=late) as world:
        await world.say("ada", "hello")
        await world.settle()
        world.platform.push(world.platform.message("ada", "work"))
        await rounds(late)
        world.life.stop.set()
        await rounds(3)
        world.crash()
        await world.start()
        await world.until(hours=1)
        assert world.texts("ada", "final")[-1] == "work: I remember"
        assert await world.outcomes() == ["answered", "answered"]
        check(world)


def test_what_runs_is_guessed_wrong_by_the_time_of_the_last_write():
    """'"in flight" guessed from updated_at: turn quiet >2 min is not resumed; an idle chat touched <2 min ago
    gets a needless "restored" turn'."""
    naive = Naive({"quiet": 0.0, "idle": 590.0}, ["quiet"])
    naive.stop(killed="notices")
    with pytest.raises(AssertionError):
        right(["quiet"], *naive.boot(now=600.0))


async def test_what_runs_is_known_however_long_it_has_been_quiet_and_an_idle_chat_is_left_alone(
    autojump_clock,
):
    """'"in flight" guessed from updated_at: turn quiet >2 min is not resumed; an idle chat touched <2 min ago
    gets a needless "restored" turn'."""
    async with open_world(agent, options=OPTIONS) as world:
        await to_the_stop(world, quiet_s=590)
        await world.say("i1", "a second")
        await world.until(hours=3, seconds=595)
        world.crash()
        await world.start()
        await world.until(hours=4)
        assert len(world.shown("i1")) == 2
        right(RUNNING, resumed(world), await forgotten(world, (*RUNNING, *IDLE)))


def test_marks_stay_on_what_has_finished_when_something_else_has_not():
    """'pre-drain marks cleared only when nothing timed out: one slow session leaves finished ones marked'."""
    naive = Naive(dict.fromkeys(("slow", "fast"), 0.0), ["slow", "fast"])
    naive.stop(ends=["fast"])
    with pytest.raises(AssertionError):
        right(["slow"], *naive.boot(now=10.0))


async def test_what_finishes_within_the_drain_is_finished_though_another_is_not(autojump_clock):
    """'pre-drain marks cleared only when nothing timed out: one slow session leaves finished ones marked'."""
    async with open_world(agent, options=OPTIONS) as world:
        for name, text in (("slow", "work"), ("fast", "a second")):
            world.platform.push(world.platform.message(name, text))
        await world.until(seconds=0.1)
        await world.stop()
        assert world.texts("fast") == ["a second: I have forgotten"]
        await world.start()
        await world.until(hours=1)
        right(["slow"], resumed(world), ())
        assert len(world.shown("fast")) == 1
        assert await world.outcomes() == ["answered", "answered"]
        check(world)


async def test_after_a_clean_stop_nothing_is_resumed_and_nothing_is_said(autojump_clock):
    """'next boot treats recent sessions as crashed': a life that ended as asked leaves nothing to guess."""
    async with open_world(agent, options=OPTIONS) as world:
        await world.say("ada", "hello")
        await world.settle()
        await world.stop()
        said = len(world.platform.calls)
        await world.start()
        await world.until(minutes=10)
        assert len(world.platform.calls) == said
        assert resumed(world) == set()
        assert [line["verdict"] for line in world.lines("resume verdict")] == ["clean"]
