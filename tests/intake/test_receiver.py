"""What comes in: decided before it is written, durable before it is confirmed, one outcome each."""

from __future__ import annotations

import msgspec
import pytest
import trio

from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.identity import Policy
from hermes_trio.values.message import Undecodable
from tests.invariants.at_rest import check
from tests.scenes import echo


def texts(world, chat="ada", thread=None) -> list[str]:
    return world.texts(chat, thread=thread)


# --- durable, then confirmed


async def test_nothing_is_confirmed_before_it_is_durable(autojump_clock):
    async with open_world(echo, commit_s=1.0) as world:
        await world.say("ada", "hello")
        while world.platform.unread:
            assert world.db.execute("select count(*) from inbound").fetchone() in ((0,), (1,))
            await trio.sleep(0.01)
        assert world.db.execute("select count(*) from inbound").fetchone() == (1,)
        assert world.db.execute("select value from cursor").fetchone() == ("1",)


async def test_a_batch_and_its_cursor_are_one_commit(autojump_clock):
    for step in range(20):
        async with open_world(echo, commit_s=0.005, seed=step, commands=[]) as world:
            for n in range(5):
                world.platform.push(world.platform.message("ada", str(n)))
            await trio.sleep(step * 0.0005)
            world.crash()
            count = world.db.execute("select count(*) from inbound").fetchone()
            cursor = world.db.execute("select value from cursor").fetchone()
            assert (count, cursor) in (((0,), None), ((5,), ("5",)))
            await world.start()
            await world.settle()
            check(world)
            assert await world.outcomes() == ["answered"] * 5


@pytest.mark.world(agent=echo)
async def test_a_redelivered_message_is_refused_silently(world):
    message = await world.say("ada", "hello")
    await world.settle()
    world.platform.push(message)
    world.platform.push(message)
    await world.settle()
    assert texts(world) == ["re: hello"]
    assert len(await world.ledger()) == 1
    assert len(world.lines("message accepted")) == 1


# --- what cannot be decoded


@pytest.mark.world(agent=echo)
async def test_an_update_that_cannot_be_decoded_is_a_row_kept_raw_and_the_cursor_passes_it(world):
    world.platform.push(Undecodable(native="bad", why="no message in it", raw=b'{"update_id": 7'))
    await world.say("ada", "hello")
    await world.settle()
    assert [(row.native, row.outcome, row.reason) for row in await world.ledger()] == [
        ("bad", "failed", "decode: no message in it"),
        ("in1", "answered", ""),
    ]
    assert world.db.execute("select raw from inbound where native = 'bad'").fetchone() == (
        b'{"update_id": 7',
    )
    assert world.platform.unread == 0
    assert [line["native"] for line in world.lines("message failed")] == ["bad"]


@pytest.mark.parametrize("field", ["text", "sender"])
async def test_an_update_that_is_no_unicode_is_answered_without_what_is_none(autojump_clock, field):
    async with open_world(echo) as world:
        message = world.platform.message("ada", "hello")
        world.platform.push(msgspec.structs.replace(message, **{field: "lone \ud800", "raw": b"whole"}))
        await world.say("ada", "next")
        await world.settle()
        assert [(row.outcome, row.reason) for row in await world.ledger()] == [
            ("answered", ""),
            ("answered", ""),
        ]
        assert world.db.execute("select raw from inbound order by id").fetchall()[0] == (b"whole",)
        assert world.platform.unread == 0


# --- who may speak


@pytest.mark.world(agent=echo, platform=MemoryPlatform(policy=Policy(allow_users=("ada",))))
async def test_who_may_not_speak_is_dropped_with_a_row_and_without_an_answer(world):
    await world.say("mallory", "hello")
    await world.say("mallory", "/new")
    await world.say("ada", "hello")
    await world.settle()
    assert [(row.outcome, row.reason) for row in await world.ledger()] == [
        ("dropped", "allow_users"),
        ("dropped", "allow_users"),
        ("answered", ""),
    ]
    assert texts(world, "mallory") == []
    assert [line["why"] for line in world.lines("message dropped")] == ["allow_users"] * 2


@pytest.mark.world(agent=echo, platform=MemoryPlatform(policy=Policy()))
async def test_nobody_may_speak_by_default(world):
    await world.say("ada", "hello")
    await world.settle()
    assert await world.outcomes() == ["dropped"]


@pytest.mark.world(agent=echo)
async def test_in_groups_only_when_addressed(world):
    group = {"chat": "group", "group": True}
    await world.say("ada", "just talking", **group, addressed=False)
    await world.say("ada", "@bot hello", **group)
    await world.settle()
    assert texts(world, "group") == ["re: @bot hello"]
    assert [(row.outcome, row.reason) for row in await world.ledger()] == [
        ("dropped", "require_mention"),
        ("answered", ""),
    ]


# --- whose conversation


async def counts(turn):
    return f"{turn.text}, after {len(await turn.history())} entries"


@pytest.mark.parametrize(("scope", "after"), [("user", 0), ("chat", 2)])
async def test_in_a_group_a_session_is_a_users_or_the_chats(autojump_clock, scope, after):
    async with open_world(counts, session=SessionOptions(scope=scope)) as world:
        for user in ("ada", "bob"):
            await world.say(user, user, chat="group", group=True)
            await world.settle()
        assert texts(world, "group") == ["ada, after 0 entries", f"bob, after {after} entries"]


@pytest.mark.parametrize("group", [True, False])
async def test_a_thread_is_a_session_of_its_own_and_its_answers_stay_in_it(autojump_clock, group):
    async with open_world(counts) as world:
        for user, thread in (("ada", "1"), ("bob", "1"), ("ada", "2"), ("ada", None)):
            await world.say(user, user, chat="forum", thread=thread, group=group)
            await world.settle()
        assert texts(world, "forum", "1") == ["ada, after 0 entries", "bob, after 2 entries"]
        assert texts(world, "forum", "2") == ["ada, after 0 entries"]
        assert texts(world, "forum") == ["ada, after 0 entries"]
        assert {str(view.key) for view in await world.gateway.session_views()} >= {
            "memory/main/forum/1",
            "memory/main/forum/2",
        }


# --- a flood


@pytest.mark.world(agent=echo, commit_s=0.01)
async def test_a_thousand_messages_of_many_users_each_get_one_outcome(world):
    for n in range(1000):
        world.platform.push(world.platform.message(f"user{n % 37}", str(n)))
    await world.settle()
    assert await world.outcomes() == ["answered"] * 1000
    check(world)


@pytest.mark.world(platform=MemoryPlatform(policy=Policy(allow_users=("ada",))))
async def test_of_who_may_not_speak_nothing_is_kept_but_that_they_did(world):
    await world.say("mallory", "words " * 1000)
    await world.say("ada", "hello")
    await world.settle()
    rows = world.db.execute("select outcome, reason, length, body, raw from inbound order by id").fetchall()
    assert rows[0] == ("dropped", "allow_users", 6000, None, None)
    assert rows[1][3] is not None
    stored = sum(len(value) for row in rows[:1] for value in row if isinstance(value, str | bytes))
    assert stored < 100
