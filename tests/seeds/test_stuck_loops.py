"""Hermes #7536 and #9941: "It keeps trying to resume the previous task every time I reboot."

Each test quotes the sentence of behaviour it answers. The naive gateway counts in a file that a stop writes
and a boot deletes, as Hermes' did; it fails the checks that the gateway passes.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio

from hermes_trio.commands.new import command as new
from hermes_trio.commands.resume import command as resume
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import World, open_world
from tests.invariants.at_rest import check

COMMANDS = [new, resume]
STUCK_AFTER = 3
LIFE_S = 31.0


class Naive:
    """Counts, per session, the boots at which it was active; three suspend it.

    Args:
        deletes: a boot deletes the file when it has read it.
    """

    def __init__(self, *, deletes: bool) -> None:
        self.deletes = deletes
        self.file: dict[str, int] = {}
        self.count = 0
        self.resumed = 0

    def boot(self) -> None:
        self.count = self.file.get("ada", 0)
        if self.deletes:
            self.file.clear()
        if self.count < STUCK_AFTER:
            self.resumed += 1

    def ends(self, how: str) -> None:
        """Only a stop that is waited for writes."""
        if how == "stop":
            self.file["ada"] = (0 if self.deletes else self.count) + 1


def ends_some_time(resumed: int, lives: int) -> bool:
    """It is gone on with twice at most, however often the process is started again."""
    return resumed <= STUCK_AFTER - 1 < lives


async def wedges(turn):
    """One kind of message that no life survives."""
    if turn.text == "poison":
        await trio.sleep_forever()
    return f"re: {turn.text}"


async def end(world: World, how: str) -> None:
    await world.until(seconds=world.now + LIFE_S)
    if how == "stop":
        await world.stop()
    else:
        world.crash()


def resumed(world: World) -> int:
    return sum(line["verdict"] == "resume" for line in world.lines("resume verdict"))


@pytest.mark.parametrize(
    ("ends", "naive"),
    [
        (["kill"] * 5, Naive(deletes=False)),
        (["stop"] * 5, Naive(deletes=True)),
        (["stop", "kill", "stop", "kill", "kill"], Naive(deletes=False)),
    ],
)
async def test_it_is_gone_on_with_twice_at_most_and_others_are_answered_in_every_life(
    autojump_clock, ends: Sequence[str], naive: Naive
):
    """ "Attempt number committed before each resume; limit 2": whatever ended the process."""
    for how in ends:
        naive.ends(how)
        naive.boot()
    assert not ends_some_time(naive.resumed, len(ends))

    options = GatewayOptions(stuck_after=STUCK_AFTER, drain_timeout_s=1)
    async with open_world(wedges, options=options, commands=COMMANDS) as world:
        await world.say("ada", "poison")
        for life, how in enumerate(ends):
            await world.say("bob", f"hello {life}")
            await end(world, how)
            await world.start()
        await world.settle()
        assert ends_some_time(resumed(world), len(ends))
        assert world.texts("bob", "final") == [f"re: hello {life}" for life in range(len(ends))]
        assert [seen.said for seen in world.shown("ada")] == ["notice"]
        check(world)


async def test_the_count_is_there_before_what_it_counts_can_do_harm(autojump_clock):
    """ "The counter is written only on graceful stop, so SIGKILL never counts": here it is written first."""
    naive = Naive(deletes=False)
    naive.boot()
    assert naive.file == {}

    async with open_world(wedges, commands=COMMANDS) as world:
        await world.say("ada", "poison")
        for life in (1, 2):
            await end(world, "kill")
            await world.start()
            assert world.db.execute("select interrupted from session").fetchall() == [(life,)]
            assert world.lines("turn opened")[-1]["attempt"] == life + 1


async def test_what_is_set_aside_is_not_lost_and_not_in_the_way(autojump_clock):
    """ "The next message starts fresh, the old conversation kept and reachable." """
    async with open_world(wedges, commands=COMMANDS) as world:
        await world.say("ada", "hello")
        await world.settle()
        await world.say("ada", "poison")
        for _ in range(STUCK_AFTER):
            await end(world, "kill")
            await world.start()
        await world.say("ada", "anybody there?")
        await world.settle()
        assert world.texts("ada", "final") == ["re: hello", "re: anybody there?"]
        await world.say("ada", "/resume 1")
        await world.say("ada", "and now?")
        await world.settle()
        assert world.texts("ada", "final")[-1] == "re: and now?"
        turns = world.db.execute("select session, state from turn order by id").fetchall()
        assert turns == [(1, "finished"), (1, "abandoned"), (2, "finished"), (1, "finished")]
        check(world)


@pytest.mark.parametrize("how", ["no resume", "/new"])
async def test_there_is_always_a_way_out(autojump_clock, how):
    """ "`run --no-resume` and `/new` always work." """
    async with open_world(wedges, commands=COMMANDS) as world:
        await world.say("ada", "poison")
        await end(world, "kill")
        if how == "/new":
            await world.say("ada", "/new")
        await world.start(resume=how != "no resume")
        await world.say("ada", "hello")
        await world.settle()
        assert world.texts("ada", "final") == ["re: hello"]
        check(world)
