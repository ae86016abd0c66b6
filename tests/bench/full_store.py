"""A store as it is after years: many sessions, all at rest, through the real schema."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from hermes_trio.store.sqlite.schema import connect
from hermes_trio.store.tx import text_of, to_json
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import Address, ConversationKey, Lane
from hermes_trio.values.message import Message
from hermes_trio.values.transcript import AssistantEntry, UserEntry

AT = 1.7e9
CHAT = "1000000"
ASKED = "What is the answer to the ultimate question of life, the universe and everything?"
ANSWERED = "Forty-two. It took a while to find out, and nobody is quite sure what the question was."

# n is the number of a turn, s that of its session: in the order of time the sessions take turns.
EACH = """
with recursive counting(n) as (select 1 union all select n + 1 from counting where n < :turns * :sessions),
each(n, s) as materialized (select n, (n - 1) % :sessions + 1 from counting)
"""
ROWS = (
    "insert into session(key, opened_at) select {key}, :at from each where n <= :sessions",
    "insert into inbound(account, native, key, chat, kind, body, at, length, outcome, turn, settled_at)"
    " select 'telegram/main', 900000000 + n, {key}, 1000000 + s, 'message', :message, :at + n,"
    " length(:message), 'answered', n, :at + n from each",
    "insert into turn(session, key, boot, state, address, anchor, opened_at, closed_at)"
    " select s, {key}, 1, 'finished', {address}, n, :at + n, :at + n from each",
    "insert into step(turn, name, n, state, digest, op, value, at)"
    " select n, 'model', 1, 'done', '', '', '{{}}', :at + n from each",
    "insert into entry(session, turn, inbound, size, source, body, at)"
    " select s, n, n, length(:asked), 'user', :asked, :at + n from each"
    " union all select s, n, null, length(:answered), 'model', :answered, :at + n from each",
    "insert into outbound(lane, address, turn, said, part, rank, state, attempts, message_id, at, sent_at)"
    " select {lane}, {address}, n, 'final', :part, 1, 'sent', 1, n, :at + n, :at + n from each",
)


def fill(path: Path, *, sessions: int, turns: int) -> None:
    """Make a store with so many sessions, each with `turns` answered turns of two entries each."""
    db = connect(path)
    try:
        db.execute("pragma journal_mode = off")  # what a power cut would spoil is made again
        db.execute("pragma synchronous = off")
        db.execute("pragma cache_size = -200000")
        db.execute("begin")
        _fill(db, sessions, turns)
        db.execute("commit")
        db.execute("pragma journal_mode = wal")
    finally:
        db.close()


def _fill(db: sqlite3.Connection, sessions: int, turns: int) -> None:
    db.execute("insert into boot(started_at, ended_at, clean) values(?, ?, 1)", (AT, AT))
    db.execute("insert into cursor values('telegram/main', '1')")
    address = Address("telegram", "main", CHAT, None, CHAT)
    texts = {
        "key": _sql(text_of(ConversationKey("telegram", "main", CHAT))),
        "lane": _sql(text_of(Lane("telegram", "main", CHAT))),
        "address": _sql(text_of(address)),
    }
    values = {
        "sessions": sessions,
        "turns": turns,
        "at": AT,
        "message": to_json(Message(native="1", address=address, text=ASKED, message_id="1", sender="User")),
        "asked": to_json(UserEntry(text=ASKED)),
        "answered": to_json(AssistantEntry(text=ANSWERED)),
        "part": to_json(Part(ANSWERED)),
    }
    for insert in ROWS:
        sql = EACH + insert.format(**texts)
        db.execute(sql, {name: value for name, value in values.items() if f":{name}" in sql})


def _sql(text: str) -> str:
    """The text with the number of each session's chat in it, as SQL."""
    return " || ".join(f"'{piece}'" for piece in text.split(CHAT)).replace(" || ", " || (1000000 + s) || ")
