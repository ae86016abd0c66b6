"""Promises of a boot: what the one before left, what must be looked at, checkpoint and end."""

from __future__ import annotations

from collections.abc import Sequence

from hermes_trio.store.promises import live_rows, turn_end
from hermes_trio.store.promises.alive import ALIVE, left_running
from hermes_trio.store.promises.deferral import key_cooldowns, wait_again
from hermes_trio.store.promises.delivery import cut_off, penalties
from hermes_trio.store.promises.interrupted import RUNNING, interrupted, is_whole, who_wrote
from hermes_trio.store.promises.moved_chats import moves
from hermes_trio.store.promises.outbound import update
from hermes_trio.store.promises.sessions import succeed
from hermes_trio.store.promises.turns import close_turn
from hermes_trio.store.tx import (
    IS_OPEN,
    NO_SESSION,
    Tx,
    read_address,
    read_key,
    read_lane,
    read_message,
    text_of,
    to_json,
)
from hermes_trio.transcript.assembly import cut_short_note
from hermes_trio.values.consequences import WakeCommands, WakeKey, WakeLane
from hermes_trio.values.delivery import Part
from hermes_trio.values.recording import Setup
from hermes_trio.values.stored import Booted, Closing, Reply
from hermes_trio.values.transcript import NoteEntry

GUARD_BOOTS, GUARD_S = 3, 60.0
"""So many boots without an end, clean or not, in so many seconds hold back what would resume."""

_PAUSED_TURNS = (
    "indexed by turn_running set paused_at = null where state = 'running' and paused_at is not null"
)


_LET_OUT = update("let out", "state = 'held'")


def begin_boot(tx: Tx, setup: Setup | None = None) -> Booted:
    """Begin a boot: deliveries under way become unknown, and each interrupted session counts one more.

    The boots before are over: this is what begins one in a store that is not shared.
    """
    before = tx.all("select clean, started_at, ended_at from boot order by id desc limit ?", GUARD_BOOTS)
    guarded = is_guarded(tx, before)
    tx.run(f"update boot set buried_at = ? where {ALIVE}", (tx.now,))
    kept = None if setup is None else to_json(setup)
    new = tx.insert("insert into boot(started_at, setup) values(?, ?)", (tx.now, kept))
    assert new is not None
    tx.end_writer(None)
    tx.begin_writer(new)
    cut_off(tx)
    tx.run(_LET_OUT, {"now": tx.now})
    running = "select session from turn where state = 'running'"
    tx.run(f"update session set interrupted = 0 where interrupted > 0 and id not in ({running})")
    # A turn that the boot before kept paused was not interrupted by it.
    tx.run(f"update session set interrupted = interrupted + 1 where id in ({running} and paused_at is null)")
    if not guarded:
        tx.run(f"update turn {_PAUSED_TURNS}")
    wait_again(tx)
    return Booted(
        boot=new,
        first=not before,
        clean=not before or bool(before[0][0]),
        guarded=guarded,
        interrupted=tuple(interrupted(tx, row) for row in sorted(tx.all(RUNNING)) if is_whole(row)),
        penalties=penalties(tx),
        moved=moves(tx),
        cooldowns=key_cooldowns(tx),
        unclaimed=who_wrote(tx, "state = 'waiting'"),
    )


def is_guarded(tx: Tx, before: Sequence[tuple[int, float, float | None]]) -> bool:
    """Whether too many boots ended badly in too short a time.

    Args:
        before: of the newest: clean, when it began, when it ended.
    """
    return len(before) == GUARD_BOOTS and all(
        ended is None and tx.now - GUARD_S <= began <= tx.now for _, began, ended in before
    )


def drop(tx: Tx, messages: Sequence[int], why: str) -> None:
    """Drop these messages: no answer, no notice. A turn that has other messages goes on for those; what
    waited behind a command may run."""
    turns = set()
    for id in messages:
        body, turn, kind, key = tx.one("select body, turn, kind, key from inbound where id = ?", id)
        if kind == "command":
            tx.then(WakeKey(read_key(key), tx.session_of(key)))
        live_rows.hide_waiting(tx, text_of(read_message(body).address.lane), [id])
        if tx.settle_inbound("id = ?", (id,), "dropped", why) and turn is not None:
            turns.add(turn)
    for turn in sorted(turns):
        _is_the_others(tx, turn)


def _is_the_others(tx: Tx, turn: int) -> None:
    """The turn answers its last message that is left. If a step took in all of these, it begins with them."""
    (key,) = tx.one("select key from turn where id = ?", turn)
    left = tx.all(
        "select id, body, step from inbound where key = ? and turn = ? and outcome is null"
        " and kind <> 'answer' order by id",
        key,
        turn,
    )
    if not left:
        return
    last = read_message(left[-1][1])
    tx.run(
        "update turn set address = ?, anchor = ? where id = ?",
        (text_of(last.address), last.message_id or None, turn),
    )
    if all(step is not None for _, _, step in left):
        tx.many("update inbound set step = null where id = ?", [(id,) for id, *_ in left])


def abandon(tx: Tx, turn: int, reason: str, text: str = "", *, suspend: bool = False) -> None:
    """A turn of a boot that is over is closed. Its messages are settled, its chat is told once."""
    session, key, address, anchor = left_running(tx, turn)
    if reason == "not_allowed":
        # Nobody may ask for this here any more, so no conversation keeps it.
        mine = "turn = ? or inbound in (select id from inbound where key = ? and turn = ?)"
        unsaid = f"update entry set session = {NO_SESSION} where session = ? and ({mine})"
        tx.run(unsaid, (session, turn, key, turn))
    turn_end.end_turn(tx, turn, key, "abandoned", reason)
    if text:
        unknown = "select name from step where turn = ? and state = 'intent' and wake_at is null order by at"
        note = cut_short_note([name for (name,) in tx.all(unknown, turn)])
        tx.add_entry(session, None, NoteEntry(text=note, about="cut_short"))
    if not live_rows.retire_live(tx, turn, text or live_rows.CUT_SHORT) and text:
        tx.tell(read_address(address), text, turn, anchor=anchor)
    if suspend:
        succeed(tx, read_key(key), session, reason, "gateway")


def pause(tx: Tx, turn: int, text: str) -> None:
    """A turn of a boot that is over is paused. Its chat is told once, however many boots keep it paused.

    Without a text the chat is not told.
    """
    _, _, address, anchor = left_running(tx, turn)
    paused = tx.run("update turn set paused_at = ? where id = ? and paused_at is null", (tx.now, turn))
    if paused.rowcount and text:
        tx.tell(read_address(address), text, turn, anchor=anchor)


def release(tx: Tx) -> int:
    """Paused turns go on. Returns how many."""
    paused = tx.all(
        "select session, key from turn indexed by turn_running"
        " where state = 'running' and paused_at is not null"
    )
    if paused:
        tx.run(f"update turn {_PAUSED_TURNS}")
    for session, key in paused:
        tx.then(WakeKey(read_key(key), session))
    return len(paused)


def conclude(tx: Tx, turn: int, parts: Sequence[Part]) -> None:
    """A turn of a boot that is over had its answer: it is closed with it, as its own boot would."""
    _, _, address, anchor = left_running(tx, turn)
    tx.run("update turn set boot = ? where id = ?", (tx.boot, turn))
    reply = Reply(address=read_address(address), parts=tuple(parts), anchor=anchor)
    close_turn(tx, turn, Closing(state="finished", reply=reply))


def commands_waiting(tx: Tx) -> int:
    """Wake every key with unsettled commands."""
    keys = tx.all("select key, count(*) from inbound where outcome is null and kind = 'command' group by key")
    for key, _ in keys:
        tx.then(WakeCommands(read_key(key)))
    return sum(count for _, count in keys)


def wake_all(tx: Tx) -> None:
    """Wake every key with a turn to adopt or messages waiting, and every lane with something to say."""
    keys = {row[0] for row in tx.all("select key from turn where state = 'running'")}
    keys |= {
        row[0]
        for row in tx.all("select distinct key from inbound where outcome is null and kind <> 'command'")
    }
    for key in sorted(keys):
        tx.then(WakeKey(read_key(key), tx.session_of(key)))
    for (lane,) in tx.all(f"select distinct lane from outbound where {IS_OPEN} order by lane"):
        tx.then(WakeLane(read_lane(lane)))


def checkpoint(tx: Tx, why: str) -> int:
    """Reason and time on every running turn of this boot."""
    return tx.run(
        "update turn set checkpoint_at = ?, checkpoint_why = ? where state = 'running' and boot = ?",
        (tx.now, why, tx.boot),
    ).rowcount


def probe(tx: Tx) -> None:
    """Write a page of the file, and leave its content as it was."""
    tx.run("insert into mark(mark) values ('probe')")
    tx.run("delete from mark where mark = 'probe'")


def end_boot(tx: Tx) -> None:
    """A boot's last commit; clean if it left no turn running."""
    clean = tx.one("select 1 from turn where state = 'running'") is None
    tx.run("update boot set ended_at = ?, clean = ? where id = ?", (tx.now, clean, tx.boot))
