"""Promises about children: a row before a process, an inbound row for an end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hermes_trio.ports.store import Reply
from hermes_trio.store.promises.shown import shown
from hermes_trio.store.tx import WAKING, Tx, read_address, read_key, read_message, reads, text_of, to_json
from hermes_trio.text import sentences
from hermes_trio.values.consequences import EndChildren, WakeKey
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import Message
from hermes_trio.values.process import ChildBorn, ChildEnd, ChildMark, LeftChildren
from hermes_trio.values.views import ChildView

WAKES_MAX = 3
"""Turns that the gateway makes of itself between two messages of people."""
SHOWN_ENDED = 10
KEPT_S = 86400.0
"""A child that has ended, and its output, is remembered so long."""


def begin_child(tx: Tx, born: ChildBorn) -> ChildMark:
    """The intent, before there is a process."""
    session, _, _, _ = tx.fence(born.turn)
    _forget(tx)
    child = tx.run(
        "insert into child(session, turn, boot, key, address, command, foreground, keep, notify, at)"
        " values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session,
            born.turn,
            tx.boot,
            text_of(born.key),
            text_of(born.address),
            born.command,
            born.foreground,
            born.keep,
            born.notify,
            tx.now,
        ),
    ).lastrowid
    assert child is not None
    return ChildMark(read_mark(tx), tx.boot, child)


def read_mark(tx: Tx) -> str:
    """What names this store in the environment of its children."""
    return str(tx.one("select mark from mark")[0])


def child_runs(tx: Tx, child: int, pid: int, started: int) -> bool:
    """The process that the intent was for."""
    changed = tx.run(
        "update child set pid = ?, started = ? where id = ? and state = 'running' and boot = ?",
        (pid, started, child, tx.boot),
    )
    return changed.rowcount > 0


def end_child(tx: Tx, child: int, end: ChildEnd, code: int | None, output: str, told: str) -> None:
    """Once only; whoever ended it before (a reset, a stop) has the last word."""
    if tx.one("select 1 from child where id = ? and state = 'running' and boot = ?", child, tx.boot):
        _end(tx, child, end, code, output, told)


def _end(tx: Tx, child: int, end: ChildEnd, code: int | None, output: str, told: str) -> None:
    tx.run(
        "update child set state = ?, code = ?, output = ?, ended_at = ? where id = ?",
        (end, code, output, tx.now, child),
    )
    notify, consumed, keep = tx.one("select notify, consumed, keep from child where id = ?", child)
    if not told or not notify or consumed:
        return
    if not _is_stale(tx, child):
        row = _tell(tx, child, "wake", f"child.{child}.exit", told)
        tx.run("update child set told = ? where id = ?", (row, child))
    elif keep:
        _notify(tx, child)


def _forget(tx: Tx) -> None:
    """Children that ended long ago, unless their session has yet to be told."""
    tx.run(
        "delete from child indexed by child_ended where state <> 'running' and ended_at < ?"
        " and not exists (select 1 from inbound where id = child.told and outcome is null)",
        (tx.now - KEPT_S,),
    )


def _is_stale(tx: Tx, child: int) -> bool:
    """Whether the session it was born in was reset."""
    sql = "select ended_at from session where id = (select session from child where id = ?)"
    session = tx.one(sql, child)
    return session is None or session[0] is not None


def _notify(tx: Tx, child: int) -> None:
    """A plain notice in its chat, which no model hears of."""
    address, command, state, code = tx.one(
        "select address, command, state, code from child where id = ?", child
    )
    _owe(tx, address, sentences.child_ended(command, state, code))


def tell_plainly(tx: Tx, row: int) -> None:
    """The end of a child that this inbound row can tell no more is told its chat as a notice."""
    child = tx.one("select id, address from child where told = ?", row)
    if child is not None and reads(read_address, child[1]):
        _notify(tx, child[0])


def _owe(tx: Tx, address: str, text: str) -> None:
    tx.owe(Reply(address=read_address(address), parts=(Part(text),), said="notice"), None)


def _tell(tx: Tx, child: int, kind: str, native: str, text: str) -> int | None:
    """An inbound row of the session it was born in; None if it is there already.

    Nobody has written it, so nobody is to be told that it waits.
    """
    session, key, raw_address = tx.one("select session, key, address from child where id = ?", child)
    address = read_address(raw_address)
    message = Message(native=native, address=address, text=text, note=True)
    cursor = tx.run(
        "insert or ignore into inbound(account, native, key, chat, kind, body, at, length, state, told)"
        " values(?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 1)",
        (address.account_id, native, key, address.chat, kind, to_json(message), tx.now, len(text)),
    )
    tx.then(WakeKey(read_key(key), session))
    return cursor.lastrowid if cursor.rowcount else None


def match_child(tx: Tx, child: int, told: str, per_child: int, per_session: int) -> bool:
    """Lines that were watched for. Past a limit the last report says so, and one notice does."""
    row = tx.one(
        "select session, matches, muted, address, command from child"
        " where id = ? and state = 'running' and boot = ?",
        child,
        tx.boot,
    )
    if row is None or row[2] or _is_stale(tx, child):
        return False
    session, matches, _, address, command = row
    tx.run("update child set matches = matches + 1 where id = ?", (child,))
    (total,) = tx.one("select sum(matches) from child where session = ?", session)
    whole = total >= per_session
    last = whole or matches + 1 >= per_child
    if last:
        told = f"{told}\n{sentences.MUTED_NOTE}"
        muted = "session = ?" if whole else "id = ?"
        tx.run(f"update child set muted = 1 where {muted}", (session if whole else child,))
        _owe(tx, address, sentences.child_muted(command))
    _tell(tx, child, "match", f"child.{child}.match.{matches + 1}", told)
    return not last


def may_wake(tx: Tx, session: int, waiting: Sequence[tuple[int, bytes, *tuple[Any, ...]]]) -> bool:
    """Whether what the gateway wrote itself may open a turn now, which counts.

    After `WAKES_MAX` in a row it is put into the transcript, where the next turn finds it, and the chat is
    told once that nothing more is done of itself.
    """
    (wakes,) = tx.one("select wakes from session where id = ?", session)
    tx.run("update session set wakes = ? where id = ?", (min(wakes, WAKES_MAX) + 1, session))
    if wakes < WAKES_MAX:
        return True
    (turn,) = tx.one("select max(id) from turn where session = ?", session)
    for id, body, *_ in waiting:
        tx.add_user_entry(session, turn, id, read_message(body))
        tx.settle_inbound("id = ?", (id,), "expired", "muted")
    if wakes == WAKES_MAX:
        _owe(tx, text_of(read_message(waiting[-1][1]).address), sentences.WAKES_MUTED)
    return False


def consume(tx: Tx, key: str, children: Sequence[int]) -> None:
    """What a turn's step has said of a child's end is told nobody else."""
    for child in children:
        changed = tx.run("update child set consumed = 1 where id = ? and key = ?", (child, key))
        (told,) = tx.one("select told from child where id = ?", child) if changed.rowcount else (None,)
        if told is not None:
            tx.settle_inbound("id = ? and state <> 'running'", (told,), "answered", "consumed")


def end_with_session(tx: Tx, session: int, why: str) -> list[ChildView]:
    """A reset: all but the kept end, and what waits to be told of them. Returns those that go on."""
    (key,) = tx.one("select key from session where id = ?", session)
    for id, body in tx.all(f"select id, body from inbound where key = ? and {WAKING}", key):
        message = read_message(body)
        tx.settle_inbound("id = ?", (id,), "superseded", why)
        kept = tx.one("select id from child where session = ? and told = ? and keep = 1", session, id)
        if kept is not None and message.note:
            _notify(tx, kept[0])
    _kill(tx, "key = ? and state = 'running' and keep = 0", key)
    return running(tx, key)


def end_all(tx: Tx, key: str) -> list[ChildView]:
    """All of the key's background work ends. Returns what that is."""
    ended = running(tx, key)
    _kill(tx, "key = ? and state = 'running' and foreground = 0", key)
    return ended


def _kill(tx: Tx, where: str, key: str) -> None:
    ended = tx.run(
        f"update child set state = 'killed', ended_at = ? where {where} returning id", (tx.now, key)
    ).fetchall()
    if ended:
        tx.then(EndChildren(tuple(id for (id,) in ended)))


_VIEW = "select id, session, command, state, at, ended_at, code, keep from child"


def _view(row: tuple[Any, ...]) -> ChildView:
    id, session, command, state, at, ended_at, code, keep = row
    return shown(
        ChildView,
        id=id,
        session=session,
        command=command,
        state=state,
        began_at=at,
        ended_at=ended_at,
        code=code,
        keep=keep == 1,
    )


def running(tx: Tx, key: str) -> list[ChildView]:
    """The key's background work that runs, oldest first."""
    found = tx.all(f"{_VIEW} where key = ? and state = 'running' and foreground = 0 order by id", key)
    return [_view(row) for row in found]


def all_running(tx: Tx) -> list[ChildView]:
    """All background work that runs, oldest first, each with the session whose stop ends it: the open one."""
    found = tx.all(
        "select child.id, open.id, command, state, at, child.ended_at, code, keep"
        " from child indexed by child_running join session open"
        " on open.key = child.key and open.ended_at is null where state = 'running' and foreground = 0"
    )
    return sorted(map(_view, found), key=lambda child: child.id)


def children(tx: Tx, key: ConversationKey) -> list[ChildView]:
    """All that run, and the newest that have ended in the open session."""
    name = text_of(key)
    ended = tx.all(
        f"{_VIEW} where session = ? and state <> 'running' and foreground = 0 order by id desc limit ?",
        tx.session_of(name),
        SHOWN_ENDED,
    )
    return sorted([*running(tx, name), *map(_view, ended)], key=lambda child: child.id)


def child(tx: Tx, key: ConversationKey, id: int) -> ChildView | None:
    """One child of the key, whichever session it was born in."""
    row = tx.one(f"{_VIEW} where id = ? and key = ? and foreground = 0", id, text_of(key))
    return _view(row) if row else None


def child_output(tx: Tx, key: ConversationKey, id: int) -> str:
    """What was kept of its output when it ended."""
    row = tx.one("select output from child where id = ? and key = ?", id, text_of(key))
    return row[0] if row else ""


def left_children(tx: Tx) -> LeftChildren:
    """Older boots' children are lost: whether they live is found out, and ended, after this."""
    left = tx.all(
        "select id, pid, started, foreground, command from child indexed by child_running"
        " where state = 'running' and boot <> ? order by id",
        tx.boot,
    )
    for id, _, _, foreground, command in left:
        _end(tx, id, "lost", None, "", "" if foreground else sentences.child_lost_note(id, command))
    leaders = tuple((pid, started) for _, pid, started, _, _ in left if pid is not None)
    ever = tx.one("select 1 from child limit 1") is not None
    _forget(tx)
    return LeftChildren(read_mark(tx), tx.boot, leaders, ever)
