"""I11: whatever becomes of a message, the ledger has its outcome and reason, and the log exactly one line.

'The bot swallowed my message and the log shows nothing': nothing here is absorbed without a word.
"""

from __future__ import annotations

import re
from collections import Counter

import trio

from hermes_trio import NoCredentials, Policy, Undecodable
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.testing import MemoryPlatform, open_world
from tests.invariants.at_rest import check


async def agent(turn):
    """Answers, works, fails, or has no key, as it is asked to."""
    match turn.text.split()[0]:
        case "work":
            await trio.sleep(5)
        case "fail":
            raise ValueError("no")
        case "keyless":
            raise NoCredentials(None, "quota")
    return f"re: {turn.text}"


PEOPLE = [f"u{n}" for n in range(5)]


async def test_fifty_messages_idle_busy_draining_unauthorised_duplicate_and_oversize(autojump_clock):
    platform = MemoryPlatform(policy=Policy(allow_users=tuple(PEOPLE)))
    options = GatewayOptions(queue_max=2, drain_timeout_s=3.0)
    async with open_world(agent, platform=platform, options=options) as world:
        texts = ["one", "work", "two", "/new", "fail", "keyless", "x" * 20_000, "/nonsense"]
        for name in PEOPLE:
            for text in texts:
                platform.push(platform.message(name, text))
        for n in range(5):
            platform.push(platform.message(f"stranger{n}", "let me in"))
        twice = platform.message("u0", "said twice")
        platform.push(twice)
        platform.push(twice)
        platform.push(Undecodable(native="odd", why="no json", raw=b"\xff"))
        await world.until(seconds=60)
        await world.say("u1", "work at the end")
        await world.until(seconds=61)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(world.stop)
            await world.until(seconds=62)
            await world.say("u1", "while it drains")
            await world.say("u2", "while it drains too")
        await world.start()
        await world.settle()
        rows = await world.gateway.ledger(limit=1000)
        assert len(rows) == 50 == len({row.native for row in rows})
        assert all(row.outcome for row in rows)
        assert all(row.reason for row in rows if row.outcome not in ("answered",))
        _one_line_each(world, rows)
        check(world)


def _one_line_each(world, rows) -> None:
    """What was accepted has its line; what ended otherwise than answered or stopped has one that says so."""
    accepted = Counter(line["native"] for line in world.lines("message accepted"))
    assert set(accepted.values()) == {1}
    ended = Counter(
        (line["native"], line["event"].removeprefix("message "))
        for line in world.log
        if re.fullmatch("message (dropped|refused|superseded|failed|expired)", line["event"])
    )
    silent = ("answered", "stopped")
    assert ended == Counter((row.native, row.outcome) for row in rows if row.outcome not in silent)
    named = set(accepted) | {native for native, _ in ended}
    assert named == {row.native for row in rows}
    turns = {id for (id,) in world.db.execute("select id from turn")}
    assert {line["turn"] for line in world.lines("turn opened")} == turns
    assert {line["turn"] for line in world.lines("turn closed")} == turns
