"""The promise that a chat with a new id is followed: its conversations go on, what is owed is said there."""

from __future__ import annotations

from hermes_trio.consequences import HasMoved, WakeLane
from hermes_trio.stores.tx import IS_OPEN, Tx, read_lane, to_json

Move = tuple[str, str, str]
"""The account, the id a chat's conversations began with, and the one it has now."""


def chat_moved(tx: Tx, account: str, chat: str, becomes: str) -> None:
    """Remember it, and owe anew what was shown where nobody can change it any more.

    Ids of messages hold in the chat they were given in only: no edit, reply or sign goes by one of before.
    """
    known = tx.one("select chat from moved where account = ? and becomes = ?", account, chat)
    first = known[0] if known else chat
    if becomes == first or tx.one(
        "select 1 from moved where account = ? and chat = ? and becomes = ?", account, first, becomes
    ):
        return
    tx.run(
        "insert or replace into moved(account, chat, becomes, at) values(?, ?, ?, ?)",
        (account, first, becomes, tx.now),
    )
    tx.then(HasMoved(account, first, becomes))
    begin, end = _range(account, first)
    questions = tx.all("select distinct turn from step where asked >= ? and asked < ?", begin, end)
    for (turn,) in questions:
        tx.run(
            "update outbound set state = 'owed', owed_at = ?, sent_at = null"
            " where turn = ? and said = 'prompt' and state = 'sent'",
            (tx.now, turn),
        )
    tx.run(
        f"update outbound set state = 'dropped' where lane >= ? and lane < ? and {IS_OPEN} and op <> 'send'",
        (begin, end),
    )
    lanes = tx.run(
        "update outbound set message_id = null, reply_to = null, dirty = dirty or state = 'live'"
        f" where lane >= ? and lane < ? and {IS_OPEN} returning lane",
        (begin, end),
    ).fetchall()
    for lane in sorted({lane for (lane,) in lanes}):
        tx.then(WakeLane(read_lane(lane)))


def moves(tx: Tx) -> tuple[Move, ...]:
    """Every chat that has another id now, in the order it was heard."""
    found = tx.all("select account, chat, becomes from moved order by at")
    return tuple(one for one in found if all(isinstance(name, str) for name in one))


def _range(account: str, chat: str) -> tuple[str, str]:
    """From where to where the texts of keys and lanes in this chat stand in their order."""
    platform, _, name = account.partition("/")
    begin = to_json([platform, name, chat]).decode()[:-1]
    return f"{begin},", f"{begin}-"
