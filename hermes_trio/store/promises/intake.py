"""Promises of the inbox: a batch with its cursor, and what commands do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from hermes_trio.errors import StaleCommand, StaleSession
from hermes_trio.ports.store import AcceptRules, PendingCommand, Reply, Stopped
from hermes_trio.store.promises import processes, rows, strangers
from hermes_trio.store.tx import NEWEST_STEP, PENDING, Tx, read_key, read_message, reads, text_of, to_json
from hermes_trio.text.notices import sentence
from hermes_trio.values.actions import Prompt
from hermes_trio.values.consequences import RestartAsked, Settled, WakeAsk, WakeCommands, WakeKey
from hermes_trio.values.delivery import Choice, DeliveryKind
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import Decided, Message, OutcomeName, Undecodable
from hermes_trio.values.notices import QueueFull
from hermes_trio.values.stored import Answered
from hermes_trio.values.transcript import AssistantEntry, UserEntry

FORWARDS_S = 1.0
"""A forward that comes so soon after its sender's message belongs to it."""


class Question(msgspec.Struct, frozen=True):
    """What an open `ask` keeps in its step's value."""

    text: str
    user: str | None
    prompt: int
    choices: tuple[Choice, ...] = ()


read_question = msgspec.json.Decoder(Question).decode


def accept(
    tx: Tx, account: str, decided: Sequence[Decided], cursor: str | None, rules: AcceptRules
) -> list[Decided]:
    """A whole batch and the cursor, at once; redelivered rows are refused by the unique key.

    Of what is turned away past the budget of `strangers` only the cursor and a count are kept.

    Returns the new ones: with the outcome of those refused, with the notice only where it was said.
    """
    strangers.forget(tx, account)
    new = [kept for one in decided if (kept := _admit(tx, account, one, rules)) is not None]
    if cursor is not None:
        tx.run("insert or replace into cursor(account, value) values(?, ?)", (account, cursor))
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
    elif not _answers(tx, decided.key, id, update, tx.now):
        if not wait(tx, decided.key, id, update, rules):
            return msgspec.structs.replace(unsaid, outcome="refused", reason="queue_full")
        if decided.notice:
            answer(tx, update, None, decided.notice, "notice")
            return decided
    return unsaid


def _turn_away(tx: Tx, account: str, decided: Decided) -> Decided | None:
    """Keep that somebody who may not speak has written, but not what: people near a bot do not speak to it.
    An update that cannot be read is kept as it came, as far as there is room."""
    if not strangers.has_room(tx, account, decided):
        return None
    update = decided.update
    unread = isinstance(update, Undecodable)
    chat = "" if isinstance(update, Undecodable) else update.address.chat
    raw = update.raw[: strangers.UNDECODED_MAX] if unread else b""
    return decided if _insert(tx, account, decided, chat, None, raw) is not None else None


def _insert(tx: Tx, account: str, decided: Decided, chat: str, body: bytes | None, raw: bytes) -> int | None:
    update, settled = decided.update, decided.outcome is not None
    cursor = tx.run(
        "insert or ignore into inbound(account, native, key, chat, kind, body, raw, at, length, wait_s,"
        " state, outcome, reason, settled_at) values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
    if not cursor.rowcount:
        return None
    if decided.outcome is not None:
        tx.then(Settled(account, update.native, decided.key, decided.outcome, decided.reason))
    return cursor.lastrowid


def wait(tx: Tx, key: ConversationKey, id: int, message: Message, rules: AcceptRules) -> bool:
    """A message waits for its turn, or interrupts one. False: it is refused, and its chat is told."""
    name = text_of(key)
    (ahead,) = tx.one(f"select count(*) from inbound where key = ? and id < ? and {PENDING}", name, id)
    if ahead >= rules.queue_max:
        tx.settle_inbound("id = ?", (id,), "refused", "queue_full")
        answer(tx, message, id, sentence(QueueFull(rules.queue_max)), "refusal")
        return False
    session, turn = tx.at_work(name)
    # A paused turn goes on with the message. A message behind a command interrupts nothing: the command may
    # stop or reset the turn that runs, or end a question.
    if turn is not None and not rows.release(tx, turn):
        interrupts = rules.busy == "interrupt" or _belongs(tx, turn, name, message)
        if interrupts and id < rows.barrier(tx, name):
            rows.give_back(tx, turn, key, "interrupted by a message")
        elif rules.busy == "queue":
            rows.show_waiting(tx, turn, id, message, rules, ahead)
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


def answer(tx: Tx, message: Message, row: int | None, text: str, said: DeliveryKind = "reply") -> None:
    """Say something to a message without a turn; in a group it replies to it."""
    tx.tell(message.address, text, said=said, anchor=_anchor(message), answers=row)


def _anchor(message: Message) -> str | None:
    return None if message.private else message.message_id


def _answers(tx: Tx, key: ConversationKey, id: int, message: Message, at: float) -> bool:
    """Take the message as the answer to an open question. A press that answers none is settled."""
    key_text = text_of(key)
    asked = [
        _Open(turn, name, n, read_question(value))
        for turn, name, n, value in tx.all(
            "select turn, name, n, value from step where asked = ? and at <= ? order by at, nth", key_text, at
        )
    ]
    if not asked and message.choice is None:
        return False
    if id > rows.barrier(tx, key_text):
        # A command before the message may end the question. The message is offered when that is settled.
        return False
    if (meant := _meant(tx, asked, message)) is not None:
        _take_answer(tx, key, id, *meant)
        return True
    if message.choice is None:
        return False
    if _is_open(tx, message.choice):
        tx.settle_inbound("id = ?", (id,), "refused", "not_asked")
        answer(tx, message, id, sentence("question_of_another"))
    else:
        tx.settle_inbound("id = ?", (id,), "expired", "no_open_question")
        answer(tx, message, id, sentence("question_closed"))
    return True


class _Open(NamedTuple):
    turn: int
    name: str
    n: int
    question: Question


def _take_answer(tx: Tx, key: ConversationKey, id: int, asked: _Open, answer: str) -> None:
    turn, name, n, question = asked
    session, of = tx.one("select session, key from turn where id = ?", turn)
    tx.run(
        f"update step set state = 'done', asked = null, value = ?, at = ?, nth = {NEWEST_STEP}"
        " where turn = ? and name = ? and n = ?",
        (to_json(Answered(question.text, answer)), tx.now, turn, turn, name, n),
    )
    tx.run("update inbound set kind = 'answer', state = 'running', turn = ? where id = ?", (turn, id))
    rows.release(tx, turn)
    tx.add_entry(session, turn, AssistantEntry(text=question.text, interim=True))
    tx.add_entry(session, turn, UserEntry(text=answer), id)
    tx.then(WakeAsk(key, turn))
    tx.then(WakeKey(read_key(of), session))


def _is_open(tx: Tx, token: str) -> bool:
    """Whether the pressed choice is one of an open question, whoever was asked."""
    turn = token.partition(".")[0]
    if not (turn.isdecimal() and len(turn) < 19):
        return False
    found = tx.all("select value from step where turn = ? and asked is not null", int(turn))
    return any(choice.token == token for (value,) in found for choice in read_question(value).choices)


def _offer(tx: Tx, key: ConversationKey, behind: int) -> None:
    """A message that waited behind a command may answer a question that is still open, or be a late press."""
    name = text_of(key)
    for id, body, at in tx.all(
        "select id, body, at from inbound where key = ? and id > ? and outcome is null"
        " and kind = 'message' and state = 'waiting' order by id",
        name,
        behind,
    ):
        message = read_message(body)
        if _answers(tx, key, id, message, at):
            rows.hide_waiting(tx, text_of(message.address.lane), [id])


def _meant(tx: Tx, asked: Sequence[_Open], message: Message) -> tuple[_Open, str] | None:
    """Which open question a message answers, and with what text; None if it answers none.

    It answers the question whose button it presses or that it replies to. In a private chat any message
    answers the question that was asked first; but a reply to a closed question answers no open one. A
    question that was asked of one person is answered by nobody else.
    """
    mine = [one for one in asked if one.question.user in (None, message.address.user)]
    if message.choice is not None:
        labels = {c.token: (one, c.label) for one in mine for c in one.question.choices}
        return labels.get(message.choice)
    for one in mine:
        if _replies(tx, one.turn, message, "(id = ? or reply = ?)", one.question.prompt, one.question.prompt):
            return one, message.text
    if not mine or not message.private:
        return None
    closed = any(_replies(tx, turn, message, "said = 'prompt'") for turn in {one.turn for one in mine})
    return None if closed else (mine[0], message.text)


def _replies(tx: Tx, turn: int, message: Message, where: str, *args: int) -> bool:
    """Whether the message replies to one of these parts of what the turn said."""
    if message.replies_to is None:
        return False
    said = f"select 1 from outbound where turn = ? and {where} and message_id = ?"
    return tx.one(said, turn, *args, message.replies_to) is not None


# --- commands -------------------------------------------------------------------------------------


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
    _offer(tx, key, command)
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
    _offer(tx, key, command)


def open_session(tx: Tx, of: ConversationKey | int) -> tuple[ConversationKey, int]:
    """A key with its open session; or this session with its key, StaleSession if it is not open."""
    if isinstance(of, ConversationKey):
        return of, tx.session_of(text_of(of))
    row = tx.one("select key from session where id = ? and ended_at is null", of)
    if row is None or not reads(read_key, row[0]):
        raise StaleSession(f"session {of}")
    return read_key(row[0]), of


def restart(tx: Tx, command: int, says: str) -> None:
    """A command asks for a restart: its chat is told now, and once more by the next boot."""
    message = settle_command(tx, command, "answered", "restart")
    answer(tx, message, command, says)
    rows.hold_for_next_boot(tx, message.address, sentence("back"), _anchor(message))
    tx.then(RestartAsked())


def stop(
    tx: Tx, of: ConversationKey | int, command: int | None, why: str, *, everything: bool = False
) -> Stopped:
    """The running turn is stopped with its messages; what waits stays and is counted.

    Background work goes on and is listed; with `everything` it is ended too.
    """
    key, session = open_session(tx, of)
    name, turn = text_of(key), tx.running_turn(session)
    if turn is not None:
        rows.cut_turn(tx, turn, key, "stopped", why)
    (waiting,) = tx.one(f"select count(*) from inbound where key = ? and {PENDING}", name)
    work = processes.end_all(tx, name) if everything else processes.running(tx, name)
    stopped = Stopped(key, turn, waiting, work, everything)
    if command is not None:
        message = settle_command(tx, command, "answered", why)
        answer(tx, message, command, sentence(stopped))
    tx.then(WakeKey(key, session))
    return stopped
