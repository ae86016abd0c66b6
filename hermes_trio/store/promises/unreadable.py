"""What becomes of rows that cannot be read: each ends alone, with a log line and a sentence to its chat.

Called at a start, before anything else is looked at, and by the writer when a promise met such a row. That
promise then runs once more, with the row out of its way. So no promise has to know what a disk can do to a
row. What is left of the row stays in the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hermes_trio.store.promises import columns, live_rows, processes, turn_end
from hermes_trio.store.promises.alive import is_over
from hermes_trio.store.promises.columns import Row, row_is, unreadable
from hermes_trio.store.promises.delivery import ANSWERS
from hermes_trio.store.promises.entry_repair import put_back, strays
from hermes_trio.store.promises.outbound import update
from hermes_trio.store.promises.questions import end_question
from hermes_trio.store.tx import (
    Tx,
    read_address,
    read_key,
    read_lane,
    read_message,
    readable,
    reads,
    text_of,
    to_json,
)
from hermes_trio.text.notices import sentence
from hermes_trio.values.consequences import CancelTurn, GivenUp, WakeCommands, WakeKey, WakeLane
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import Address, ConversationKey, Lane
from hermes_trio.values.message import FROM_GATEWAY
from hermes_trio.values.notices import Plain

UNREADABLE = "unreadable"
LOST_TEXT = Part("…")
"""The text of a live message whose own was lost, until it gets another one or is closed."""


def clear_the_way(tx: Tx) -> list[str]:
    """Rows that are still to be acted on and cannot be read end as failed, or are put right.

    Returns which rows they were.
    """
    with tx.whole_bytes():
        found = [*_put_right(tx), *_forget(tx), *_give_up_parts(tx)]
        lost = _lost_turns(tx)
        told = [id for turn in sorted(lost) for id in _lose_turn(tx, turn)]
        messages = [id for id in _lose_messages(tx) if id not in told]
        _close_questions(tx)
        put_back(tx, stray := strays(tx))
    return [
        *(f"turn {turn}" for turn in sorted(lost)),
        *(f"message {id}" for id in sorted(messages)),
        *(f"entry {id}" for id in stray),
        *found,
    ]


# --- rows that can be put right, or done without


def _put_right(tx: Tx) -> Iterator[str]:
    for row, bad in unreadable(tx, columns.BOOTS):
        right = {"started_at": 0.0, "ended_at": None, "clean": 0, "node": None, "until": None}
        right |= {"buried_at": tx.now, "draining_at": tx.now}
        yield _set(tx, "boot", row["id"], {name: right[name] for name in bad})
    for (session,) in tx.all(f"{columns.SESSIONS.sql} and not ({columns.SESSION_IS_SOUND})"):
        yield _set(tx, "session", session, {"opened_at": tx.now, "interrupted": 0, "wakes": 0})
    for row, bad in unreadable(tx, columns.PROCESSES):
        right = {name: _PROCESS[name](row) for name in bad if name in _PROCESS}
        if {"key", "address"} & set(bad) and row["notify"]:
            right["notify"] = 0  # nobody is known who could be told
        if right:
            yield _set(tx, "process", row["id"], right)
    for mark, place in tx.all("select mark, place from mark"):
        if not (isinstance(mark, str) and isinstance(place, str | None)):
            tx.run("update mark set mark = lower(hex(randomblob(8))), place = null")
            yield "mark"


_PROCESS: dict[str, Any] = {
    **dict.fromkeys(("session", "turn", "boot", "matches"), lambda _: 0),
    **dict.fromkeys(("foreground", "keep", "notify", "consumed", "muted"), lambda _: 0),
    **dict.fromkeys(("pid", "started", "code", "told"), lambda _: None),
    "command": lambda _: "?",
    "output": lambda _: "",
    "at": lambda _: 0.0,
}
"""Values in the place of lost ones of a process's row. A process whose pid is lost is ended by its mark."""


def _set(tx: Tx, table: str, id: int, right: dict[str, Any]) -> str:
    tx.run(
        f"update {table} set {', '.join(f'{name} = ?' for name in right)} where id = ?", (*right.values(), id)
    )
    return f"{table} {id}"


def _forget(tx: Tx) -> Iterator[str]:
    """Delete rows that make themselves anew: a cursor, a penalty, a cooldown, a chat's new id."""
    for of in (columns.CURSORS, columns.PENALTIES, columns.COOLDOWNS, columns.MOVES):
        for row, _ in unreadable(tx, of):
            named = [row[key] for key in of.keys]
            tx.run(f"delete from {of.table} where {row_is(of.keys)}", named)
            yield f"{of.table} {' '.join(map(str, named))}"


# --- what is to be said


_WAS_OVER = update("was over", "id = :row")
_UNREADABLE = update("unreadable", "id = :row", "why = 'undeliverable'")


def _give_up_parts(tx: Tx) -> Iterator[str]:
    for of in (columns.PARTS, columns.HELD, columns.ODD):
        for row, bad in unreadable(tx, of):
            if of is columns.ODD and row["sent_at"] is not None:
                tx.run(_WAS_OVER, {"row": row["id"]})
            elif row["state"] == "live" and bad == ["part"]:
                tx.run("update outbound set part = ? where id = ?", (to_json(LOST_TEXT), row["id"]))
            else:
                _tell_of(tx, row)
                give_up(tx, row["id"])
            yield f"part {row['id']}"


def _tell_of(tx: Tx, row: Row) -> None:
    """Tell the chat that an answer may be missing, if the chat is known."""
    lane: Lane | None = readable(read_lane, row["lane"])
    if lane is not None:
        to: Address | None = Address(lane.platform, lane.account, lane.chat, lane.thread)
    else:
        to = readable(read_address, row["address"])
    if to is None:
        return
    if row["said"] in ANSWERS:
        tx.tell(to, sentence("could_not_be_said"))
    tx.then(WakeLane(to.lane))


def give_up(tx: Tx, part: int) -> None:
    """End a part that cannot be said. If it is a part of a question, the question ends too."""
    (lane,) = tx.run(f"{_UNREADABLE} returning lane", {"row": part, "now": tx.now}).fetchone()
    tx.then(GivenUp(part, readable(read_lane, lane), UNREADABLE))
    end_question(tx, part)


# --- turns and messages


def _lost_turns(tx: Tx) -> set[int]:
    """Turns that cannot go on: their row, a step of theirs, or a message they were given cannot be read."""
    running: dict[int, int] = dict(
        tx.all("select id, boot from turn indexed by turn_running where state = 'running'")
    )
    lost = {row["id"] for row, _ in unreadable(tx, columns.TURNS)}
    lost |= {turn for (turn,) in tx.all(_NOBODYS)}
    for of in (columns.STEPS, columns.QUESTIONS):
        lost |= {row["turn"] for row, _ in unreadable(tx, of)}
    lost |= {turn for (turn,) in tx.all(_ASKS_ANOTHER)}
    # A turn whose boot lives has its messages already, so one that cannot be read does not end it.
    left = {turn for turn, boot in running.items() if is_over(tx, boot)}
    bad = [(row["id"], row["turn"]) for row, _ in unreadable(tx, columns.MESSAGES)]
    for id, turn in [*bad, *((id, turn) for id, turn, _ in tx.all(_LEFT_BEHIND))]:
        claimed = tx.one("select turn from entry where inbound = ?", id)
        lost |= {turn, claimed and claimed[0]} & left
    return lost & set(running)


_NOBODYS = (
    "select turn.id from turn indexed by turn_running left join session on session.id = turn.session"
    " where state = 'running' and (session.key is not turn.key or session.ended_at is not null)"
)
_ASKS_ANOTHER = (
    "select turn from step indexed by step_asked join turn on turn.id = step.turn"
    " where asked is not null and asked <> turn.key"
)


def _lose_turn(tx: Tx, turn: int) -> list[int]:
    """It ends as failed, with its messages and what it shows. Returns the messages."""
    key, address, of_session = tx.one(
        "select turn.key, address, session.key from turn"
        " left join session on session.id = turn.session where turn.id = ?",
        turn,
    )
    tx.run(
        "update turn set state = 'failed', closed_at = ?, reason = ? where id = ?", (tx.now, UNREADABLE, turn)
    )
    tx.run("update step set asked = null where turn = ? and asked is not null", (turn,))
    live_rows.retire_live(tx, turn)
    known = {read_key(text) for text in (key, of_session) if reads(read_key, text)}
    for one in known:
        tx.then(CancelTurn(one, turn, UNREADABLE))
    return _lose(tx, "indexed by inbound_open where turn = ?", turn, address)


def _lose_messages(tx: Tx) -> list[int]:
    """Settle messages and commands that cannot be read, and those whose turn does not run any more."""
    lost = []
    held: dict[int, int] = dict(
        tx.all("select id, boot from turn indexed by turn_running where state = 'running'")
    )
    for row, _ in unreadable(tx, columns.MESSAGES):
        if row["turn"] not in held:
            lost += _lose_alone(tx, row["id"])
    for id, turn, state in tx.all(_LEFT_BEHIND):
        if state in turn_end.OUTCOME_OF:
            tx.settle_inbound("id = ?", (id,), turn_end.OUTCOME_OF[state], UNREADABLE)
            lost.append(id)
        elif turn not in held:
            lost += _lose_alone(tx, id)
    return lost


def _lose_alone(tx: Tx, id: int) -> list[int]:
    """A message that no turn holds fails, and is taken out of its conversation."""
    lost = _lose(tx, "where id = ?", id)
    tx.unsay(lost)
    return lost


_LEFT_BEHIND = (
    "select inbound.id, inbound.turn, turn.state from inbound indexed by inbound_open"
    " left join turn on turn.id = inbound.turn"
    " where outcome is null and inbound.state = 'running' and turn.state is not 'running'"
)


def _lose(tx: Tx, where: str, value: object, address: object = None) -> list[int]:
    """The unsettled messages and commands of `where` fail. Their chats are told, where these are known.

    Args:
        address: where it is said if a message's own address cannot be read.
    """
    found = tx.all(f"select id, key, kind, body from inbound {where} and outcome is null order by id", value)
    for id, key, kind, body in found:
        _hide(tx, key, body, id)
        tx.settle_inbound("id = ?", (id,), "failed", UNREADABLE)
        if kind in FROM_GATEWAY:
            processes.tell_plainly(tx, id)
        else:
            what: Plain = "command_failed" if kind == "command" else "message_failed"
            if (to := _whereto(key, body, address)) is not None:
                tx.tell(to, sentence(what), answers=id)
        whose: ConversationKey | None = readable(read_key, key)
        if whose is not None:
            tx.then(WakeCommands(whose))
            tx.then(WakeKey(whose, tx.session_of(text_of(whose))))
    return [id for id, *_ in found]


def _hide(tx: Tx, key: Any, body: Any, id: int) -> None:
    if (to := _whereto(key, body, None)) is not None:
        live_rows.hide_waiting(tx, text_of(to.lane), [id])


def _whereto(key: Any, body: Any, address: Any) -> Address | None:
    message, whose = readable(read_message, body), readable(read_key, key)
    if message is not None:
        return message.address
    return readable(read_address, address) or (None if whose is None else place(whose))


def place(key: ConversationKey) -> Address:
    """The address that a key still names: at least its chat."""
    return Address(key.platform, key.account, key.chat, key.thread, key.user)


def _close_questions(tx: Tx) -> None:
    """Close the questions of turns that do not run any more."""
    tx.run(
        "update step set asked = null where asked is not null"
        " and turn not in (select id from turn where state = 'running')"
    )
