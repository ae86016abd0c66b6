"""Promises about which session of a key is open: one ends, another follows, an ended one is opened again."""

from __future__ import annotations

from hermes_trio.store.promises import processes, rows
from hermes_trio.store.promises.intake import answer, open_session, settle_command
from hermes_trio.store.tx import PENDING, Tx, known_key, read_message, text_of
from hermes_trio.text.notices import sentence
from hermes_trio.values.consequences import ReplaceKey, WakeKey
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import Message
from hermes_trio.values.notices import NoSuchSession, Plain, SessionReset, SessionResumed


def succeed(tx: Tx, key: ConversationKey, old: int, why: str, who: str, *, again: int | None = None) -> int:
    """The key's session ends and the next one opens, or one that had ended opens again. Returns its id.

    The commit cancels the old session's scope. Messages that wait go to the session that is open then.
    """
    name = text_of(key)
    processes.end_with_session(tx, old, why)
    tx.run("update session set ended_at = ?, why = ? where id = ?", (tx.now, why, old))
    if again is None:
        new = tx.open_session(name)
    else:
        new = again
        tx.run(
            "update session set ended_at = null, why = null, opened_at = ?, interrupted = 0 where id = ?",
            (tx.now, new),
        )
    # Messages that an interrupt put back and that still wait belong to the new session, not to the old one.
    tx.run(
        f"update entry set session = ? where inbound in (select id from inbound where key = ? and {PENDING})",
        (new, name),
    )
    # A wake for the old session may be in the list already: the successor must be the last word.
    tx.consequences = [c for c in tx.consequences if not isinstance(c, WakeKey)]
    tx.then(ReplaceKey(key, new, why, who))
    return new


def reset(
    tx: Tx, of: ConversationKey | int, command: int | None, why: str, *, turn: int | None = None
) -> int:
    """The session ends and the next one opens."""
    who = "operator"
    if turn is not None:
        tx.fence(turn)
        who = f"turn {turn}"
    key, old = open_session(tx, of)
    called = _cut(tx, key, command, old, why)
    kept = processes.end_with_session(tx, old, why)
    if called is not None:
        who = called.address.user or ""
        answer(tx, called, command, sentence(SessionReset(kept)))
    return succeed(tx, key, old, why, who)


def resume(tx: Tx, of: ConversationKey | int, command: int | None, session: int | None = None) -> int | None:
    """An ended session of a key is the open one again; the one that was open ends, as by a reset.

    Returns the id of the one that ended, None if there is nothing such to open.
    """
    if isinstance(of, int):
        session, whose = of, known_key(*tx.one("select max(key) from session where id = ?", of))
    else:
        whose = of
    if whose is None:
        return None
    key, old = open_session(tx, whose)
    again = _ended(tx, text_of(key), old, session)
    if not isinstance(again, int):
        if command is not None:
            called = settle_command(tx, command, "answered", "nothing to resume")
            answer(tx, called, command, sentence(again))
        return None
    why, who = f"resumed {again}", "operator"
    asked = _cut(tx, key, command, old, why)
    kept = processes.end_with_session(tx, old, why)
    if asked is not None:
        who = asked.address.user or ""
        answer(tx, asked, command, sentence(SessionResumed(again, kept)))
    succeed(tx, key, old, why, who, again=again)
    return old


def _ended(tx: Tx, key: str, open_now: int, wanted: int | None) -> int | Plain | NoSuchSession:
    """The session to open again, or why there is none."""
    if wanted is None:
        newest = tx.one(
            "select id from session where key = ? and ended_at is not null"
            " and exists(select 1 from turn where session = session.id)"
            " order by ended_at desc, id desc limit 1",
            key,
        )
        return int(newest[0]) if newest else "nothing_to_resume"
    if wanted == open_now:
        return "in_it_already"
    # Somebody else's conversation and one that does not exist get the same sentence: numbers tell nothing.
    if tx.one("select 1 from session where id = ? and key = ?", wanted, key) is None:
        return NoSuchSession(wanted)
    return wanted


def _cut(tx: Tx, key: ConversationKey, command: int | None, old: int, why: str) -> Message | None:
    """End what runs in the session and what waited before the command. Returns the command, settled now."""
    turn = tx.running_turn(old)
    if turn is not None:
        rows.cut_turn(tx, turn, key, "reset", why)
    if command is None:
        return None
    _supersede(tx, text_of(key), command, why)
    return settle_command(tx, command, "answered", why)


def _supersede(tx: Tx, key: str, command: int, why: str) -> None:
    before = tx.all(f"select id, body from inbound where key = ? and id < ? and {PENDING}", key, command)
    if before:
        lane = text_of(read_message(before[-1][1]).address.lane)
        rows.hide_waiting(tx, lane, [row[0] for row in before])
    tx.settle_inbound(f"key = ? and id < ? and {PENDING}", (key, command), "superseded", why)
