"""Looking at a store: also read-only, while no daemon runs."""

from __future__ import annotations

from typing import Any, get_args

from hermes_trio.store.promises import processes
from hermes_trio.store.promises.node_views import nodes
from hermes_trio.store.promises.operator_rows import view_of
from hermes_trio.store.tx import IS_OPEN, PENDING, Tx, known_key, read_key, reads, text_of, writer_of
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import OutcomeName
from hermes_trio.values.stored import StatusView
from hermes_trio.values.views import LedgerRow, ReplyState, SessionView, TurnView


def ledger(tx: Tx, chat: str | None = None, limit: int = 1000) -> list[LedgerRow]:
    """The newest inbound rows, oldest first."""
    where, args = ("where chat = ?", (chat,)) if chat is not None else ("", ())
    found = tx.named(
        "select id, account, native, key, chat, body, kind, at as received_at, length, state, outcome,"
        f" reason, turn, settled_at as at, {_SAID_FOR_IT} as reply"
        f" from inbound {where} order by id desc limit ?",
        *args,
        limit,
    )
    return [_ledger_row(row) for row in reversed(found)]


_FOR_GOOD = "said not in ('preview', 'progress', 'sign')"
_REPLIES: tuple[ReplyState, ...] = ("none", "said", "maybe", "failed", "owed")
"""The states of a reply; that of its worst part is its own."""
_WORST = (
    "max(case state when 'owed' then 4 when 'sending' then 4 when 'held' then 4"
    " when 'failed' then 3 when 'unknown' then 2 when 'sent' then 1 else 0 end)"
)
_SAID_FOR_IT = (
    f"(select {_WORST} from ("
    f"select state from outbound where turn = inbound.turn and {_FOR_GOOD}"
    " union select state from outbound where answers = inbound.id) parts)"
)


_OUTCOMES = get_args(OutcomeName)


def _ledger_row(row: dict[str, Any]) -> LedgerRow:
    if row["outcome"] not in (None, *_OUTCOMES):
        row["outcome"] = "failed"
    row["user"] = writer_of(row.pop("body")) or ""
    return view_of(LedgerRow, **row | {"key": known_key(row["key"]), "reply": _REPLIES[row["reply"] or 0]})


_SESSION = "select id, key, opened_at, ended_at, interrupted, coalesce(why, '') as why from session"


def sessions(
    tx: Tx, key: ConversationKey | None = None, limit: int = 200, ended: bool = False
) -> list[SessionView]:
    """Open sessions, newest first; with a key only that one's; with `ended` also those that are not."""
    if key is not None:
        found = tx.named(f"{_SESSION} where ended_at is null and key = ?", text_of(key))
    elif ended:
        found = tx.named(f"{_SESSION} order by id desc limit ?", limit)
    else:
        found = tx.named(f"{_SESSION} where ended_at is null order by id desc limit ?", limit)
    return [_session(tx, row) for row in found if reads(read_key, row["key"])]


def session(tx: Tx, id: int) -> SessionView | None:
    """One session, open or ended."""
    found = tx.named(f"{_SESSION} where id = ?", id)
    return _session(tx, found[0]) if found and reads(read_key, found[0]["key"]) else None


def _session(tx: Tx, row: dict[str, Any]) -> SessionView:
    id, key, is_open = row["id"], row["key"], row["ended_at"] is None
    (turns,) = tx.one("select count(*) from turn where session = ?", id)
    running = tx.named(f"{_TURN} where session = ? and state = 'running'", id)
    # What waits and what runs in the background is the key's: it is shown with the session that is open.
    (waiting,) = tx.one(f"select count(*) from inbound where key = ? and {PENDING}", key) if is_open else (0,)
    of = read_key(key)
    more = {
        "key": of,
        "waiting": waiting,
        "turns": turns,
        "running": _turn(tx, running[0], of) if running else None,
        "processes": processes.running(tx, key) if is_open else (),
    }
    return view_of(SessionView, **row | more)


_TURN = (
    "select id, session, key, state, opened_at, paused_at is not null as paused,"
    " coalesce((select node from boot where boot.id = turn.boot), '') as node from turn"
)


def _turn(tx: Tx, row: dict[str, Any], of: ConversationKey | None = None) -> TurnView:
    (steps,) = tx.one("select count(*) from step where turn = ?", row["id"])
    last = tx.one("select name from step where turn = ? order by at desc, n desc limit 1", row["id"])
    more = {"key": known_key(row["key"]) or of, "steps": steps, "step": last[0] if last else ""}
    return view_of(TurnView, **row | more | {"paused": bool(row["paused"])})


def turn(tx: Tx, id: int) -> TurnView | None:
    """One turn; None if there is none of this number whose key can be read."""
    found = tx.named(f"{_TURN} where id = ?", id)
    return _turn(tx, found[0]) if found and reads(read_key, found[0]["key"]) else None


def status(tx: Tx) -> StatusView:
    """Counts, and the turns running."""
    boot = tx.boot or tx.one("select max(id) from boot")[0] or 0
    (waiting,) = tx.one("select count(*) from inbound where outcome is null and state = 'waiting'")
    (deferred,) = tx.one("select count(*) from inbound where state = 'deferred' and outcome is null")
    (owed,) = tx.one(f"select count(*) from outbound where {IS_OPEN} and state <> 'live'")
    (count,) = tx.one("select count(*) from session where ended_at is null")
    running = tx.named(f"{_TURN} indexed by turn_running where state = 'running' order by id")
    (paused,) = tx.one(
        "select count(*) from turn indexed by turn_running where state = 'running' and paused_at is not null"
    )
    return StatusView(
        boot=boot,
        waiting=waiting,
        deferred=deferred,
        paused=paused,
        running=tuple(_turn(tx, row) for row in running[:200] if reads(read_key, row["key"])),
        owed=owed,
        processes=tuple(processes.all_running(tx)),
        sessions=count,
        nodes=tuple(nodes(tx)),
    )
