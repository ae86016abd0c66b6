"""A gateway in the middle of everything, of which one value of one row is spoilt, and what is true then."""

from __future__ import annotations

import msgspec
import trio

from hermes_trio.store.promises import recording, views
from hermes_trio.store.sqlite.tx import SqliteTx
from hermes_trio.testing import open_world
from hermes_trio.testing.spoilt_values import spoil
from hermes_trio.text import sentences
from hermes_trio.text.recording import PARTS, written
from hermes_trio.values.recording import Recording

PEOPLE = ("ada", "bob", "dan", "eve")
FLOWS = ("start", "start without resume", "word", "/stop", "/new")
"""What meets the spoilt row first."""


async def _once():
    return 1


async def agent(turn):
    if turn.text.startswith("ask"):
        return "you are " + await turn.ask("Who?", choices=["a", "b"], timeout_s=600)
    if turn.text.startswith("stream"):
        await turn.step("once", _once)
        turn.stream("I begin and go on and ")
        await trio.sleep(100)
        return "streamed"
    return "re: " + turn.text


async def busy(world) -> None:
    """Ada is asked, Bob and Dan watch their answers grow, one more waits behind Dan's.

    One of Eve's is deferred, and she is owed something. A program runs, one has ended; a chat is to be
    silent, and a key cools down.
    """
    for user in PEOPLE:
        await world.say(user, "hello")
    await world.settle()
    for user, text in (("ada", "ask me"), ("bob", "stream"), ("dan", "stream")):
        await world.say(user, text)
    await world.until(seconds=30)
    await world.say("dan", "one more")
    await world.until(seconds=31)
    _runs_programs(world.db)
    _is_owed_and_deferred(world.db)
    world.db.execute("insert into penalty values('memory/main', 'zed', 1800009999, 1800000000)")
    world.db.execute("insert into stranger values('memory/main', 499999, 'all', 1, 2)")
    world.db.execute("insert into stranger values('memory/main', 499999, 'user mallory', 1, 0)")
    world.db.execute(
        "insert into key_cooldown(fingerprint, model, pool, place, kind, since, until, strikes, tried_at)"
        " values('f', 'm', 'p', '1', 'quota', 1800000000, 1800000600, 1, 1800000000)"
    )


_WAITS = (
    "insert into inbound(account, native, key, chat, kind, body, at, length, state, due, told)"
    " values('memory/main', ?, ?, ?, ?, ?, 1800000000, 3, ?, ?, 1)"
)


def _runs_programs(db) -> None:
    key, session, turn, address, body = db.execute(
        "select turn.key, session, turn.id, address, body from turn join inbound on inbound.turn = turn.id"
        " where turn.state = 'running' and inbound.chat = 'bob'"
    ).fetchone()
    for state, ended_at in (("exited", 1800000001.0), ("running", None)):
        db.execute(
            "insert into process(session, turn, boot, key, address, command, foreground, keep, notify, state,"
            " at, ended_at, told) values(?, ?, 1, ?, ?, 'make', 0, 0, 1, ?, 1800000000, ?, 9)",
            (session, turn, key, address, state, ended_at),
        )
    db.execute(_WAITS, ("process.1.match.1", key, "bob", "match", body, "waiting", None))


def _is_owed_and_deferred(db) -> None:
    key, body = db.execute("select key, body from inbound where chat = 'eve'").fetchone()
    db.execute(_WAITS, ("later", key, "eve", "message", body, "deferred", 1800000300))
    for state in ("held", "owed"):
        db.execute(
            "insert into outbound(lane, address, said, part, rank, state, at, owed_at, last)"
            " select lane, address, 'notice', part, 0, ?, at, owed_at, 1 from outbound"
            " where lane like '%eve%' limit 1",
            (state,),
        )


async def meets(table: str, column: str, how: str, flow: str) -> list[str]:
    """What is wrong when `flow` is the first to meet this row; nothing, if all is as it has to be."""
    async with open_world(agent) as world:
        await busy(world)
        if not spoil(world.db, table, column, how):
            return []
        if flow.startswith("start"):
            world.crash()
            await world.start(resume=flow == "start")
        else:
            await _all_say(world, "a word" if flow == "word" else flow, 0)
        await world.until(seconds=world.now + 30)
        await world.say("cyd", "ping")
        await world.until(seconds=world.now + 60)
        wrong = [] if "re: ping" in world.texts("cyd") else ["another chat is not answered within a minute"]
        wrong += _looked_at(world)
        await _all_say(world, "/stop", 10)
        await _all_say(world, "/new", 10)
        await _all_say(world, "again", 60)
        wrong += [f"{user} is not answered" for user in PEOPLE if "re: again" not in world.texts(user)]
        await world.until(seconds=world.now + 1000)
        world.crash()
        await world.start()
        await world.settle()
        return wrong + await _left(world, resumed=flow != "start without resume")


async def _all_say(world, text: str, wait_s: float) -> None:
    for user in PEOPLE:
        await world.say(user, text)
    await world.until(seconds=world.now + wait_s)


def _looked_at(world) -> list[str]:
    """What an operator is shown while no daemon runs shows the rest."""
    now = world.clock.now()
    tx = world.db.tx(now) if hasattr(world.db, "tx") else SqliteTx(world.db, 0, now)
    try:
        with tx.whole_bytes():
            ledger, sessions = views.ledger(tx, None, 100), views.sessions(tx, None, 100, True)
            for one in (views.status(tx), *ledger, *sessions):
                msgspec.json.decode(msgspec.json.encode(one), type=type(one))
            for id in range(1, 6):
                _exported(tx, id)
    except Exception as error:
        return [f"it cannot be looked at: {error!r}"]
    few = len(ledger) < 11 or len(sessions) < 4
    return [f"only {len(ledger)} messages, {len(sessions)} sessions are shown"] if few else []


def _exported(tx, session: int) -> None:
    if (head := recording.head(tx, session)) is None:
        return

    def pages(part):
        after = (0, 0)
        while after is not None:
            page = recording.rows(tx, head, part, after)
            yield page
            after = page.after

    whole = b"".join(written(head, {part: pages(part) for part in PARTS}))
    msgspec.json.decode(whole, type=Recording)


async def _left(world, resumed: bool) -> list[str]:
    """What must not be, at the end."""
    ledger = await world.ledger()
    await world.gateway.status()
    await world.gateway.session_views(ended=True)
    wrong = [f"message {row.id} has no outcome" for row in ledger if row.outcome is None]
    failed = {
        row.chat
        for row in ledger
        if row.outcome == "failed" and (resumed or row.reason == "unreadable") and row.chat in PEOPLE
    }
    if len(failed) > 1:
        wrong.append(f"one row cost {sorted(failed)}")
    wrong += [f"the account restarts: {line['why']}" for line in world.lines("account restarts")]
    wrong += [f"in the way: {line['error']}" for line in world.lines("still in the way")]
    wrong += [
        f"a command of {user} fails" for user in PEOPLE if sentences.COMMAND_FAILED in world.texts(user)
    ]
    return wrong
