"""What commands do, and operators: a command is settled with its effect, once."""

from __future__ import annotations

import msgspec

from hermes_trio.errors import StaleCommand, StaleSession
from hermes_trio.store.promises import live_rows, processes, turn_end
from hermes_trio.store.promises.holders import calls
from hermes_trio.store.promises.intake import wait
from hermes_trio.store.promises.outbound import update
from hermes_trio.store.promises.questions import offer
from hermes_trio.store.promises.sessions import succeed
from hermes_trio.store.promises.unreadable import place
from hermes_trio.store.tx import (
    PENDING,
    Tx,
    known_key,
    read_address,
    read_key,
    read_message,
    readable,
    reads,
    text_of,
    to_json,
)
from hermes_trio.text.notices import sentence
from hermes_trio.values.actions import Prompt
from hermes_trio.values.consequences import RestartAsked, WakeKey
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import Message, OutcomeName
from hermes_trio.values.notices import NoSuchSession, Plain, SessionReset, SessionResumed
from hermes_trio.values.stored import AcceptRules, PendingCommand, Reply, Stopped


def next_command(tx: Tx, key: ConversationKey) -> PendingCommand | None:
    """The oldest unsettled command of the key."""
    row = tx.one(
        "select id, body from inbound where key = ? and outcome is null and kind = 'command'"
        " order by id limit 1",
        text_of(key),
    )
    return PendingCommand(row[0], read_message(row[1])) if row else None


def _called(tx: Tx, command: int) -> tuple[ConversationKey, Message]:
    """A command without an outcome. One that has its outcome takes no effect: its caller was told already."""
    row = tx.one("select key, body from inbound where id = ? and outcome is null", command)
    if row is None:
        raise StaleCommand(f"command {command}")
    return read_key(row[0]), read_message(row[1])


def settle_command(tx: Tx, command: int, outcome: OutcomeName, reason: str) -> Message:
    """Settle the command; messages behind it may run now. StaleCommand if it is settled already."""
    key, message = _called(tx, command)
    tx.settle_inbound("id = ?", (command,), outcome, reason)
    offer(tx, key, command)
    tx.then(WakeKey(key, tx.session_of(text_of(key))))
    return message


def settle(tx: Tx, command: int, outcome: OutcomeName, reason: str, reply: Reply | None) -> None:
    """A command took effect and is answered."""
    settle_command(tx, command, outcome, reason)
    if reply is not None:
        tx.owe(reply, None, answers=command)


def prompt(tx: Tx, command: int, prompt: Prompt, rules: AcceptRules) -> None:
    """A command becomes the waiting message it asks for, in its place."""
    key, called = _called(tx, command)
    message = msgspec.structs.replace(called, text=prompt.text)
    kind = {"alone": "alone", "steer": "steer", "plain": "message"}[prompt.how]
    tx.run(
        "update inbound set kind = ?, body = ?, length = ? where id = ?",
        (kind, to_json(message), len(prompt.text), command),
    )
    if prompt.how != "plain":
        # A message that is queued or that steers interrupts nothing.
        rules = msgspec.structs.replace(rules, busy="steer" if prompt.how == "steer" else "queue")
    if not wait(tx, key, command, message, rules):
        # The command held back what is behind it, also if the message that it asked for is refused.
        tx.then(WakeKey(key, tx.session_of(text_of(key))))
    offer(tx, key, command)


def restart(tx: Tx, command: int, says: str) -> None:
    """A command asks for a restart: its chat is told now, and once more by the next boot."""
    message = settle_command(tx, command, "answered", "restart")
    tx.answer(message, command, says)
    _hold_for_next_boot(tx, message)
    tx.then(RestartAsked())


_HOLD_BACK = update("held back", "coalesce(reply, id) = :reply")


def _hold_for_next_boot(tx: Tx, message: Message) -> None:
    """Hold back what the next boot says first: one such notice for each chat and thread."""
    held = "select 1 from outbound where state = 'held' and lane = ?"
    if tx.one(held, text_of(message.address.lane)) is None:
        row = tx.answer(message, None, sentence("back"), "notice")
        tx.run(_HOLD_BACK, {"reply": row})
        calls(tx, row)  # the next boot of this node is back


def open_session(tx: Tx, of: ConversationKey | int) -> tuple[ConversationKey, int]:
    """A key with its open session; or this session with its key, StaleSession if it is not open."""
    if isinstance(of, ConversationKey):
        return of, tx.session_of(text_of(of))
    row = tx.one("select key from session where id = ? and ended_at is null", of)
    if row is None or not reads(read_key, row[0]):
        raise StaleSession(f"session {of}")
    return read_key(row[0]), of


def stop(
    tx: Tx, of: ConversationKey | int, command: int | None, why: str, *, everything: bool = False
) -> Stopped:
    """The running turn is stopped with its messages; what waits stays and is counted.

    Background work goes on and is listed; with `everything` it is ended too.
    """
    key, session = open_session(tx, of)
    name, turn = text_of(key), tx.running_turn(session)
    if turn is not None:
        turn_end.cut_turn(tx, turn, key, "stopped", why)
    (waiting,) = tx.one(f"select count(*) from inbound where key = ? and {PENDING}", name)
    work = processes.end_all(tx, name) if everything else processes.running(tx, name)
    stopped = Stopped(key, turn, waiting, work, everything)
    if command is not None:
        message = settle_command(tx, command, "answered", why)
        tx.answer(message, command, sentence(stopped))
    elif turn is not None:
        _tell_of_operator(tx, key, turn, "operator_stopped")
    tx.then(WakeKey(key, session))
    return stopped


def reset(
    tx: Tx, of: ConversationKey | int, command: int | None, why: str, *, turn: int | None = None
) -> int:
    """The session ends and the next one opens. If nobody in the chat asked for it, its chat is told."""
    who = "operator"
    if turn is not None:
        tx.fence(turn)
        who = f"turn {turn}"
    key, old = open_session(tx, of)
    called = _cut(tx, key, command, old, why, told=turn is None)
    kept = processes.end_with_session(tx, old, why)
    if called is not None:
        who = called.address.user or ""
        tx.answer(called, command, sentence(SessionReset(kept)))
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
            tx.answer(called, command, sentence(again))
        return None
    why, who = f"resumed {again}", "operator"
    asked = _cut(tx, key, command, old, why)
    kept = processes.end_with_session(tx, old, why)
    if asked is not None:
        who = asked.address.user or ""
        tx.answer(asked, command, sentence(SessionResumed(again, kept)))
    succeed(tx, key, old, why, who, again=again)
    return old


def _tell_of_operator(tx: Tx, key: ConversationKey, turn: int, what: Plain) -> None:
    """Whoever waits for the turn is told that somebody outside the chat has ended it."""
    (address,) = tx.one("select address from turn where id = ?", turn)
    where = readable(read_address, address) or place(key)
    tx.tell(where, sentence(what), turn)


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


def _cut(
    tx: Tx, key: ConversationKey, command: int | None, old: int, why: str, *, told: bool = True
) -> Message | None:
    """End what runs in the session and what waited before the command. Returns the command, settled now.

    Without a command the chat is told of it, if it is to be.
    """
    turn = tx.running_turn(old)
    if turn is not None:
        turn_end.cut_turn(tx, turn, key, "reset", why)
        if command is None and told:
            _tell_of_operator(tx, key, turn, "operator_ended")
    if command is None:
        return None
    _supersede(tx, text_of(key), command, why)
    return settle_command(tx, command, "answered", why)


def _supersede(tx: Tx, key: str, command: int, why: str) -> None:
    before = tx.all(f"select id, body from inbound where key = ? and id < ? and {PENDING}", key, command)
    if before:
        lane = text_of(read_message(before[-1][1]).address.lane)
        live_rows.hide_waiting(tx, lane, [row[0] for row in before])
    tx.settle_inbound(f"key = ? and id < ? and {PENDING}", (key, command), "superseded", why)
