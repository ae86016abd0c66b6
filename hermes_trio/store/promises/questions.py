"""Which message answers an open question of a turn, and how a question ends without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from hermes_trio.store.promises import claims, live_rows, turn_end
from hermes_trio.store.tx import NEWEST_STEP, Tx, read_key, read_message, reads, text_of, to_json
from hermes_trio.text.notices import sentence
from hermes_trio.transcript.assembly import answer_entry
from hermes_trio.values.consequences import WakeAsk, WakeKey
from hermes_trio.values.delivery import Choice
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import Message
from hermes_trio.values.stored import Answered
from hermes_trio.values.transcript import AssistantEntry


class Question(msgspec.Struct, frozen=True):
    """What an open `ask` keeps in its step's value."""

    text: str
    user: str | None
    prompt: int
    choices: tuple[Choice, ...] = ()


read_question = msgspec.json.Decoder(Question).decode


class _Open(NamedTuple):
    turn: int
    name: str
    n: int
    question: Question


def is_answer(tx: Tx, key: ConversationKey, id: int, message: Message, at: float) -> bool:
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
    if id > claims.barrier(tx, key_text):
        # A command before the message may end the question. The message is offered when that is settled.
        return False
    if (meant := _meant(tx, asked, message)) is not None:
        _take_answer(tx, key, id, message, *meant)
        return True
    if message.choice is None:
        return False
    if _is_open(tx, message.choice):
        tx.settle_inbound("id = ?", (id,), "refused", "not_asked")
        tx.answer(message, id, sentence("question_of_another"))
    else:
        tx.settle_inbound("id = ?", (id,), "expired", "no_open_question")
        tx.answer(message, id, sentence("question_closed"))
    return True


def _take_answer(tx: Tx, key: ConversationKey, id: int, message: Message, asked: _Open, answer: str) -> None:
    turn, name, n, question = asked
    session, of = tx.one("select session, key from turn where id = ?", turn)
    tx.run(
        f"update step set state = 'done', asked = null, value = ?, at = ?, nth = {NEWEST_STEP}"
        " where turn = ? and name = ? and n = ?",
        (to_json(Answered(question.text, answer)), tx.now, turn, turn, name, n),
    )
    tx.run("update inbound set kind = 'answer', state = 'running', turn = ? where id = ?", (turn, id))
    turn_end.release(tx, turn)
    tx.add_entry(session, turn, AssistantEntry(text=question.text, interim=True))
    tx.add_entry(session, turn, answer_entry(message, answer), id, message)
    tx.then(WakeAsk(key, turn))
    tx.then(WakeKey(read_key(of), session))


def _is_open(tx: Tx, token: str) -> bool:
    """Whether the pressed choice is one of an open question, whoever was asked."""
    turn = token.partition(".")[0]
    if not (turn.isdecimal() and len(turn) < 19):
        return False
    found = tx.all("select value from step where turn = ? and asked is not null", int(turn))
    return any(choice.token == token for (value,) in found for choice in read_question(value).choices)


def offer(tx: Tx, key: ConversationKey, behind: int) -> None:
    """A message that waited behind a command may answer a question that is still open, or be a late press."""
    name = text_of(key)
    for id, body, at in tx.all(
        "select id, body, at from inbound where key = ? and id > ? and outcome is null"
        " and kind = 'message' and state = 'waiting' order by id",
        name,
        behind,
    ):
        message = read_message(body)
        if is_answer(tx, key, id, message, at):
            live_rows.hide_waiting(tx, text_of(message.address.lane), [id])


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


def end_question(tx: Tx, row: int) -> None:
    """If a part of a question cannot be shown, nobody waits for the answer any more."""
    turn = tx.one(
        "select turn, coalesce(reply, id) from outbound"
        " where id = ? and said = 'prompt' and state = 'failed'",
        row,
    )
    if turn is None or turn[0] is None:
        return
    ended = to_json(("AskTimedOut", "the question could not be shown"))
    for name, n, value, key in tx.all(
        "select name, n, value, asked from step where turn = ? and asked is not null", turn[0]
    ):
        if reads(read_question, value) and read_question(value).prompt == turn[1]:
            tx.run(
                f"update step set state = 'failed', asked = null, value = ?, at = ?, nth = {NEWEST_STEP}"
                " where turn = ? and name = ? and n = ?",
                (ended, tx.now, turn[0], turn[0], name, n),
            )
            tx.then(WakeAsk(read_key(key), turn[0]))
