"""Promises of intake: a batch with its cursor, and what becomes of each message of it.

Here a message becomes a row. It is durable when the writer has committed the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hermes_trio.store.promises import claims, live_rows, strangers, turn_end
from hermes_trio.store.promises.holders import must_hold
from hermes_trio.store.promises.questions import is_answer
from hermes_trio.store.tx import PENDING, Tx, read_message, reads, text_of, to_json
from hermes_trio.text.notices import sentence
from hermes_trio.values.consequences import Settled, WakeCommands, WakeKey
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import Decided, Message, Undecodable
from hermes_trio.values.notices import QueueFull
from hermes_trio.values.stored import AcceptRules

FORWARDS_S = 1.0
"""A forward that comes so soon after its sender's message belongs to it."""
_KEEP_CURSOR = (
    "insert into cursor(account, value) values(?, ?)"
    " on conflict(account) do update set value = excluded.value"
)


def accept(
    tx: Tx, account: str, decided: Sequence[Decided], cursor: str | None, rules: AcceptRules
) -> list[Decided]:
    """Write a whole batch and the cursor, at once. The unique key refuses updates that have a row already.

    Of updates that are turned away past the budget of `strangers`, only the cursor and a count are kept.

    Returns the new ones. A refused one has its outcome by then; one has its notice only if that was said.
    """
    must_hold(tx, account)
    strangers.forget(tx, account)
    new = [kept for one in decided if (kept := _admit(tx, account, one, rules)) is not None]
    if cursor is not None:
        tx.run(_KEEP_CURSOR, (account, cursor))
    return new


def cursor(tx: Tx, account: str) -> str | None:
    """The account's committed position."""
    row = tx.one("select value from cursor where account = ?", account)
    return row[0] if row else None


def _admit(tx: Tx, account: str, decided: Decided, rules: AcceptRules) -> Decided | None:
    update = decided.update
    if decided.outcome is not None or isinstance(update, Undecodable):
        return _turn_away(tx, account, decided)
    body = to_json(msgspec.structs.replace(update, raw=b""))
    id = _insert(tx, account, decided, update.address.chat, body, update.raw)
    if id is None:
        return None
    unsaid = msgspec.structs.replace(decided, notice="") if decided.notice else decided
    if decided.key is None:
        return unsaid
    if decided.kind == "command":
        tx.then(WakeCommands(decided.key))
    elif not is_answer(tx, decided.key, id, update, tx.now):
        if not wait(tx, decided.key, id, update, rules):
            return msgspec.structs.replace(unsaid, outcome="refused", reason="queue_full")
        if decided.notice:
            tx.answer(update, None, decided.notice, "notice")
            return decided
    return unsaid


def _turn_away(tx: Tx, account: str, decided: Decided) -> Decided | None:
    """Keep that somebody who may not speak has written, but not what: it was not meant for the bot. An update
    that cannot be read is kept as it came, as far as there is room."""
    if not strangers.has_room(tx, account, decided):
        return None
    update = decided.update
    unread = isinstance(update, Undecodable)
    chat = "" if isinstance(update, Undecodable) else update.address.chat
    raw = update.raw[: strangers.UNDECODED_MAX] if unread else b""
    return decided if _insert(tx, account, decided, chat, None, raw) is not None else None


def _insert(tx: Tx, account: str, decided: Decided, chat: str, body: bytes | None, raw: bytes) -> int | None:
    update, settled = decided.update, decided.outcome is not None
    id = tx.insert(
        "insert into inbound(account, native, key, chat, kind, body, raw, at, length, wait_s,"
        " state, outcome, reason, settled_at) values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " on conflict do nothing",
        (
            account,
            update.native,
            None if decided.key is None else text_of(decided.key),
            chat,
            decided.kind,
            body,
            raw or None,
            tx.now,
            len(update.text) if isinstance(update, Message) else len(update.raw),
            decided.wait_s,
            None if settled else "waiting",
            decided.outcome,
            decided.reason,
            tx.now if settled else None,
        ),
    )
    if id is None:
        return None
    if decided.outcome is not None:
        user = update.address.user if isinstance(update, Message) else None
        tx.then(Settled(account, update.native, decided.key, decided.outcome, decided.reason, user))
    return id


def wait(tx: Tx, key: ConversationKey, id: int, message: Message, rules: AcceptRules) -> bool:
    """Let a message wait for its turn, or interrupt one. False: it is refused, and its chat is told."""
    name = text_of(key)
    (ahead,) = tx.one(f"select count(*) from inbound where key = ? and id < ? and {PENDING}", name, id)
    if ahead >= rules.queue_max:
        tx.settle_inbound("id = ?", (id,), "refused", "queue_full")
        tx.answer(message, id, sentence(QueueFull(rules.queue_max)), "refusal")
        return False
    session, turn = tx.at_work(name)
    # A paused turn goes on with the message. A message behind an unsettled command interrupts nothing: the
    # command may stop or reset the turn that runs, or end a question.
    if turn is not None and not turn_end.release(tx, turn):
        interrupts = rules.busy == "interrupt" or _belongs(tx, turn, name, message)
        if interrupts and id < claims.barrier(tx, name):
            turn_end.give_back(tx, turn, key, "interrupted by a message")
        elif rules.busy == "queue":
            live_rows.show_waiting(tx, turn, id, message, rules, ahead)
    tx.then(WakeKey(key, session))
    return True


def _belongs(tx: Tx, turn: int, key: str, message: Message) -> bool:
    """Whether this is a forward whose sender wrote a comment just before it: the two belong together.

    While the first step of the comment's turn has no result, that turn is begun anew with both.
    """
    if message.forwarded is None or tx.one("select 1 from step where turn = ? and state <> 'intent'", turn):
        return False
    row = tx.one(
        "select body, at from inbound where key = ? and turn = ? and outcome is null"
        " order by id desc limit 1",
        key,
        turn,
    )
    if row is None or not 0 <= tx.now - row[1] <= FORWARDS_S or not reads(read_message, row[0]):
        return False
    return read_message(row[0]).address.user == message.address.user
