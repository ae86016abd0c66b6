"""The promise about a moved chat: its conversations go on, and what is owed is sent to its new id."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hermes_trio.runtime.moved_chats import Moves
from hermes_trio.store.promises.outbound import update
from hermes_trio.store.tx import IS_OPEN, Tx, read_lane, to_json
from hermes_trio.values.consequences import HasMoved, WakeLane

MovedChat = tuple[str, str, str]
"""The account, an id that a chat had, and the one it had after that."""

_ASK_ANEW = update("asked anew", "turn = :turn and said = 'prompt'")
_FOLLOW = update("moved", f"lane >= :begin and lane < :end and {IS_OPEN}", "reply_to = null")
_MOVES = "select account, chat, becomes from moved"


def chat_moved(tx: Tx, account: str, chat: str, becomes: str) -> None:
    """Remember the move, and owe anew what only the old chat shows: nobody can change it there any more.

    A message's id holds only in the chat where it was given. So no edit, reply or sign uses an older id.
    """
    known = Moves()
    known.remember(_moves(tx.all(f"{_MOVES} where account = ? order by at", account)))
    if not known.is_news(account, chat, becomes):
        return
    ids = known.ids(account, chat)
    tx.run(
        "insert into moved(account, chat, becomes, at) values(?, ?, ?, ?)",
        (account, ids[-1], becomes, tx.now),
    )
    tx.then(HasMoved(account, ids[-1], becomes))
    for one in ids:
        _follow(tx, *_range(account, one))


def _follow(tx: Tx, begin: str, end: str) -> None:
    """Owe anew to the chat, under its new id, what the old one was shown."""
    questions = tx.all("select distinct turn from step where asked >= ? and asked < ?", begin, end)
    for (turn,) in questions:
        tx.run(_ASK_ANEW, {"turn": turn, "now": tx.now})
    lanes = tx.run(f"{_FOLLOW} returning lane", {"begin": begin, "end": end}).fetchall()
    for lane in sorted({lane for (lane,) in lanes}):
        tx.then(WakeLane(read_lane(lane)))


def moves(tx: Tx) -> tuple[MovedChat, ...]:
    """Every chat that has another id now, in the order it was heard."""
    return _moves(tx.all(f"{_MOVES} order by at"))


def _moves(rows: Sequence[Any]) -> tuple[MovedChat, ...]:
    return tuple(one for one in rows if all(isinstance(name, str) for name in one))


def _range(account: str, chat: str) -> tuple[str, str]:
    """From where to where the texts of keys and lanes in this chat stand in their order."""
    platform, _, name = account.partition("/")
    begin = to_json([platform, name, chat]).decode()[:-1]
    return f"{begin},", f"{begin}-"
