"""What a session does next: an interrupted turn to adopt, waiting messages as a new one, or nothing."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from hermes_trio.errors import StaleSession
from hermes_trio.ports.store.turns import NO_RESET
from hermes_trio.store.promises import claims, processes
from hermes_trio.store.promises.alive import is_over
from hermes_trio.store.promises.interrupted import RUNNING, interrupted, is_whole
from hermes_trio.store.promises.key_tasks import claim_key, give_back_key
from hermes_trio.store.promises.sessions import succeed
from hermes_trio.store.promises.transcript import Wanted, leave_unseen, read_for
from hermes_trio.store.promises.turns import STEP, step_of
from hermes_trio.store.tx import ANY_CLAIMABLE, ANY_PENDING, BARRIER, BY_GATEWAY, Tx, read_message, text_of
from hermes_trio.text.notices import sentence
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import FROM_GATEWAY
from hermes_trio.values.notices import SessionEnded
from hermes_trio.values.reset_policy import ResetPolicy, rule_that_fired
from hermes_trio.values.stored import Claimed, Interrupted, Mark, Opened, WaitForMore

BATCH_MESSAGES = 20
BATCH_CHARS = 16_000
FRAGMENTS_MAX_S = 5.0
_WAITS = f"select 1 from inbound where key = ? and id < {BARRIER} and {ANY_CLAIMABLE} limit 1"
Waiting = tuple[int, bytes, float, float, str, int]
"""Of a waiting message: id, body, at, wait_s, kind, length."""


def next_turn(
    tx: Tx,
    key: ConversationKey,
    session: int,
    *,
    history: int = 0,
    known: Mark | None = None,
    steerable: bool = False,
    policy: ResetPolicy = NO_RESET,
    judged: int | None = None,
) -> Opened | WaitForMore | Interrupted | None:
    """An interrupted turn to adopt, else waiting messages as a new turn, else nothing.

    In a shared store the key is this boot's from now on, unless there is nothing. An interrupted turn that is
    not `judged` is given to be that first.
    """
    if not tx.shared:
        return _next(tx, key, session, Wanted(history, known), steerable, policy)
    if not claim_key(tx, text_of(key)):
        return None
    left = _left(tx, session)
    found: Opened | WaitForMore | Interrupted | None = None
    if left is not None and left[0] != judged and is_whole(left):
        # A command that waits takes effect first, and may end the turn. It wakes the key.
        found = None if _has_command(tx, key) else interrupted(tx, left)
    else:
        found = _next(tx, key, session, Wanted(history, known), steerable, policy)
    if found is None:
        give_back_key(tx, text_of(key))
    return found


def _left(tx: Tx, session: int) -> Any:
    """The row of the session's turn that a boot which is over left running."""
    running = "select id, boot from turn where session = ? and state = 'running' and paused_at is null"
    turn = tx.one(running, session)
    if turn is None or not is_over(tx, turn[1]):
        return None
    return tx.one(f"{RUNNING} and turn.id = ?", turn[0])


def _next(
    tx: Tx, key: ConversationKey, session: int, wanted: Wanted, steerable: bool, policy: ResetPolicy
) -> Opened | WaitForMore | None:
    row = tx.one(
        "select ended_at, (select id from turn where session = session.id and state = 'running'),"
        " exists(select 1 from entry where session = session.id and turn is null)"
        " from session where id = ?",
        session,
    )
    if row is None or row[0] is not None:
        raise StaleSession(f"session {session}")
    _, running, has_entries = row
    if running is not None:
        boot, paused_at = tx.one("select boot, paused_at from turn where id = ?", running)
        if boot == tx.boot:
            # A task of this boot ran the turn and failed while the store was down. An unsettled command may
            # end the turn.
            return None if _has_command(tx, key) else _adopt(tx, running, session, wanted)
        if paused_at is not None or not is_over(tx, boot):
            return None
        _take_in(tx, running, session, text_of(key), steerable)
        return _adopt(tx, running, session, wanted)
    waiting, more = _batch(tx, text_of(key))
    while waiting and waiting[0][4] in FROM_GATEWAY and not processes.may_wake(tx, session, waiting):
        waiting, more = _batch(tx, text_of(key))
    if not waiting:
        return None
    wait = _wait_for_more(tx.now, waiting)
    if wait is not None:
        return wait
    person = waiting[0][4] not in FROM_GATEWAY
    if policy.reset != "none" and person and _is_over(tx, key, session, waiting[0], policy):
        # The next session's task claims these messages. It takes this task's place after the commit.
        return None
    return _open(tx, key, session, waiting, wanted, more, has_entries)


def has_work(tx: Tx, key: ConversationKey, session: int) -> bool:
    """Whether `next_turn` may find something, so that a permit is worth waiting for."""
    going = "select 1 from turn where session = ? and state = 'running' and paused_at is null"
    if tx.one(going, session):
        return True
    name = text_of(key)
    return tx.one(_WAITS, name, name) is not None


def _is_over(tx: Tx, key: ConversationKey, session: int, first: Waiting, policy: ResetPolicy) -> bool:
    """Whether the policy ends the session before this message. Then the next is opened, and the chat told.

    A message that came while a turn ran belongs to the conversation, however long the turn took.
    """
    ran = tx.one("select closed_at from turn where session = ? order by id desc limit 1", session)
    if ran is not None and ran[0] is not None and ran[0] > first[2]:
        return False
    last = tx.one(
        "select case when inbound.at > session.opened_at then inbound.at else session.opened_at end"
        " from entry join inbound on inbound.id = entry.inbound"
        " join session on session.id = entry.session"
        " where entry.session = ? and inbound.id < ? order by entry.id desc limit 1",
        session,
        first[0],
    )
    rule = rule_that_fired(policy, last[0], first[2]) if last else None
    if rule is None:
        return False
    address = read_message(first[1]).address
    kept = processes.end_with_session(tx, session, rule)
    tx.tell(address, sentence(SessionEnded(rule, policy, kept)))
    succeed(tx, key, session, rule, "policy")
    return True


def _has_command(tx: Tx, key: ConversationKey) -> bool:
    return claims.barrier(tx, text_of(key)) < 1 << 62


def _batch(tx: Tx, key: str) -> tuple[list[Waiting], bool]:
    """The messages of the next turn, and whether more may wait behind them.

    Deferred messages are taken only if another one waits too, so that it does not overtake them.
    """
    found = _in_line(tx, key)
    if found and all(row[6] == "deferred" for row in found):
        one_waits = len(found) == BATCH_MESSAGES and tx.one(_WAITS, key, key) is not None
        if not one_waits:
            return [], False
    taken: list[Waiting] = []
    chars = 0
    for row in found:
        chars += row[5]
        alone = row[4] == "alone" or (taken and taken[0][4] == "alone")
        # One turn takes either messages of people or what the gateway wrote itself.
        if taken and (
            alone or chars > BATCH_CHARS or (row[4] in FROM_GATEWAY) != (taken[0][4] in FROM_GATEWAY)
        ):
            break
        taken.append(row[:6])
    return taken, len(found) > len(taken) or len(found) == BATCH_MESSAGES


def _in_line(tx: Tx, key: str) -> list[tuple[Any, ...]]:
    """The first messages that wait: those of people, then those that the gateway wrote itself."""
    line = (
        f"select id, body, at, wait_s, kind, length, state from inbound where key = ? and id < {BARRIER}"
        f" and {ANY_PENDING} order by"
    )
    found = tx.all(f"{line} id limit {BATCH_MESSAGES}", key, key)
    if any(row[4] in FROM_GATEWAY for row in found):
        found = tx.all(f"{line} {BY_GATEWAY}, id limit {BATCH_MESSAGES}", key, key)
    return found


def _wait_for_more(now: float, waiting: Sequence[Waiting]) -> WaitForMore | None:
    """Wait only if the last message may be a fragment. A wall clock that jumped back holds nothing up."""
    _, _, at, wait_s, _, _ = waiting[-1]
    first = next((row[2] for row in waiting if row[3]), at)
    age = now - at
    left = min(wait_s - age, FRAGMENTS_MAX_S - (now - first))
    return WaitForMore(left) if wait_s and age >= 0 and left > 0 else None


def _open(
    tx: Tx,
    key: ConversationKey,
    session: int,
    waiting: Sequence[Waiting],
    history: Wanted,
    more: bool,
    has_entries: bool,
) -> Opened:
    last = read_message(waiting[-1][1])
    turn = tx.insert(
        "insert into turn(session, key, boot, state, address, anchor, opened_at)"
        " values(?, ?, ?, 'running', ?, ?, ?)",
        (session, text_of(key), tx.boot, text_of(last.address), last.message_id or None, tx.now),
    )
    assert turn is not None
    if has_entries:
        tx.run("update entry set turn = ? where session = ? and turn is null", (turn, session))
    before = read_for(tx, session, turn, history)
    taken = {row[0]: (row[4] not in FROM_GATEWAY, *row[:3]) for row in waiting}
    if more:
        taken |= {
            row[0]: (row[3] not in FROM_GATEWAY, *row[:3])
            for row in claims.in_history(tx, session, text_of(key))
        }
    if leave_unseen(tx, session, before.unseen, list(taken)):
        before = read_for(tx, session, turn, history)
    messages = claims.claim(tx, session, turn, [row[1:] for row in sorted(taken.values())])
    return Opened(
        turn=turn,
        session=session,
        attempt=1,
        opened_at=tx.now,
        messages=messages,
        history=before,
        more=more,
    )


def _take_in(tx: Tx, turn: int, session: int, key: str, steerable: bool) -> None:
    """A turn that goes on takes the messages that wait already, so that both make one turn.

    A turn that has begun steps gets them as steered messages of its last step that ended: there each later
    attempt meets them again. That needs an agent that looks for steered messages. A turn with an open
    question and a turn that runs alone take none.
    """
    alone = "select 1 from inbound where key = ? and turn = ? and kind = 'alone' and outcome is null"
    asks = "select 1 from step where turn = ? and asked is not null"
    if tx.one(alone, key, turn) or tx.one(asks, turn):
        return
    ended = tx.one(
        "select name, n from step where turn = ? and state <> 'intent' order by nth desc limit 1", turn
    )
    begun = tx.one("select 1 from step where turn = ? limit 1", turn) is not None
    if begun and (ended is None or not steerable):
        return
    waiting, _ = _batch(tx, key)
    if waiting and _wait_for_more(tx.now, waiting) is not None:
        waiting = list(itertools.takewhile(lambda row: not row[3], waiting))
    if not waiting or waiting[0][4] == "alone":
        return
    claims.claim(tx, session, turn, [row[:3] for row in waiting], ended and f"{ended[0]}#{ended[1]}")
    if not begun:
        last = read_message(waiting[-1][1])
        tx.run(
            "update turn set address = ?, anchor = ? where id = ?",
            (text_of(last.address), last.message_id or None, turn),
        )


def _adopt(tx: Tx, turn: int, session: int, wanted: Wanted) -> Opened:
    """Take up a running turn: the same row, now of this boot, with one attempt more.

    It may be a turn of this boot, whose task failed.
    """
    tx.run("update turn set boot = ?, attempt = attempt + 1 where id = ?", (tx.boot, turn))
    attempt, opened_at, key = tx.one("select attempt, opened_at, key from turn where id = ?", turn)
    history = read_for(tx, session, turn, wanted)
    claimed = tx.all(
        "select id, body, at, step from inbound"
        " where key = ? and turn = ? and outcome is null and kind <> 'answer' order by id",
        key,
        turn,
    )
    return Opened(
        turn=turn,
        session=session,
        attempt=attempt,
        opened_at=opened_at,
        messages=tuple(
            _told(tx, session, turn, history.unseen, Claimed(id, read_message(body), *more))
            for id, body, *more in claimed
        ),
        steps=tuple(step_of(row) for row in tx.all(f"{STEP} where turn = ? order by at", turn)),
        history=history,
    )


def _told(tx: Tx, session: int, turn: int, unseen: int, claimed: Claimed) -> Claimed:
    """Make sure that a message of an adopted turn has its entry. An earlier turn may have written that."""
    tx.add_user_entry(session, turn, claimed.id, claimed.message)
    sql = "select turn is not ? and id > ? from entry where inbound = ?"
    in_history = tx.one(sql, turn, unseen, claimed.id)
    return replace(claimed, in_history=bool(in_history[0]))
