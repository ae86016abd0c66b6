"""Who may not speak does not fill the disk, and what nobody reads any more goes from it."""

from __future__ import annotations

import msgspec
import pytest

from hermes_trio.store.promises.strangers import ALL_MAX, EACH_MAX, RAW_S, UNDECODED_MAX
from hermes_trio.testing import MemoryPlatform
from hermes_trio.values.identity import Policy
from hermes_trio.values.message import Undecodable
from tests.scenes import echo


def only_ada():
    platform = MemoryPlatform(policy=Policy(allow_users=("ada",)))
    return pytest.mark.world(agent=echo, platform=platform)


HOUR = 3600


def rows(world, outcome="dropped"):
    (count,) = world.db.execute("select count(*) from inbound where outcome = ?", (outcome,)).fetchone()
    return count


def push(world, user, times):
    for n in range(times):
        world.platform.push(world.platform.message(user, f"let me in, {n}"))


@only_ada()
async def test_of_a_stranger_sixty_rows_an_hour_are_kept_and_the_rest_is_counted(world):
    push(world, "mallory", 75)
    await world.say("ada", "hello")
    await world.until(seconds=HOUR - 1)
    assert world.texts("ada") == ["re: hello"]
    assert rows(world) == EACH_MAX == 60
    assert len(world.lines("message dropped")) == 60
    assert world.db.execute("select value from cursor").fetchone() == ("76",)
    assert world.lines("strangers not kept") == []
    push(world, "mallory", 1)
    await world.until(seconds=HOUR)
    assert rows(world) == 60
    await world.say("ada", "again")
    await world.until(seconds=HOUR + 1)
    assert [(line["account"], line["count"]) for line in world.lines("strangers not kept")] == [
        ("memory/main", 16)
    ]
    push(world, "mallory", 1)
    await world.until(seconds=HOUR + 2)
    assert rows(world) == 61


@only_ada()
async def test_however_many_strangers_come_an_account_keeps_a_thousand_rows_an_hour(world):
    for n in range(1300):
        push(world, f"stranger{n}", 1)
    await world.until(seconds=100)
    assert rows(world) == ALL_MAX == 1000
    (counted,) = world.db.execute("select count(*) from stranger").fetchone()
    assert counted == ALL_MAX + 1
    world.crash()
    await world.start()
    push(world, "one more", 1)
    await world.until(seconds=HOUR - 1)
    assert rows(world) == 1000
    await world.say("ada", "hello")
    await world.until(seconds=2 * HOUR - 1)
    await world.say("ada", "again")
    await world.settle()
    assert [line["count"] for line in world.lines("strangers not kept")] == [301]
    assert world.db.execute("select count(*) from stranger").fetchone() == (0,)
    assert world.texts("ada") == ["re: hello", "re: again"]


@only_ada()
async def test_a_redelivered_message_of_a_stranger_is_not_counted_again(world):
    message = await world.say("mallory", "hello")
    for _ in range(100):
        world.platform.push(message)
    push(world, "mallory", 59)
    await world.until(seconds=10)
    assert rows(world) == 60
    assert world.db.execute("select total(unkept) from stranger").fetchone() == (0,)


@only_ada()
async def test_what_cannot_be_decoded_is_kept_as_far_as_there_is_room(world):
    for n in range(70):
        world.platform.push(Undecodable(native=f"odd{n}", why="no message", raw=b"{" * 100_000))
    await world.say("ada", "hello")
    await world.settle()
    assert rows(world, "failed") == EACH_MAX
    (most,) = world.db.execute("select max(length(raw)) from inbound").fetchone()
    assert most == UNDECODED_MAX == 8192
    assert world.texts("ada") == ["re: hello"]


@only_ada()
async def test_an_update_is_kept_as_it_came_for_a_week_behind_its_messages_end(world):
    world.platform.push(Undecodable(native="odd", why="no message", raw=b"{"))
    message = world.platform.message("ada", "hello")
    world.platform.push(msgspec.structs.replace(message, raw=b"{}"))
    await world.settle()

    def raws():
        return world.db.execute("select count(raw), count(body) from inbound where id <= 2").fetchone()

    assert raws() == (2, 1)
    await world.until(seconds=RAW_S - 1)
    await world.say("ada", "again")
    await world.settle()
    assert raws() == (2, 1)
    await world.until(seconds=RAW_S + 60)
    await world.say("ada", "and again")
    await world.settle()
    assert raws() == (0, 1)
    assert await world.outcomes() == ["failed"] + ["answered"] * 3
