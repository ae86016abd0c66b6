"""Looking at a store: also read-only, while no daemon runs."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, get_args

from hermes_trio.ports.store import StatusView
from hermes_trio.store.promises import processes
from hermes_trio.store.promises.shown import shown
from hermes_trio.store.tx import IS_OPEN, PENDING, Tx, known_key, read_key, reads, text_of
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import OutcomeName
from hermes_trio.values.views import LedgerRow, ReplyState, SessionView, TurnView


def ledger(tx: Tx, chat: str | None = None, limit: int = 1000) -> list[LedgerRow]:
    """The newest inbound rows, oldest first."""
    where, args = ("where chat = ?", (chat,)) if chat is not None else ("", ())
    found = tx.all(
        "select id, account, native, key, chat, kind, at, length, state, outcome, reason, turn, settled_at,"
        f" {_SAID_FOR_IT} from inbound {where} order by id desc limit ?",
        *args,
        limit,
    )
    return [_ledger_row(row) for row in reversed(found)]


_FOR_GOOD = "said not in ('preview', 'progress', 'sign')"
_SAID_FOR_IT = (
    "(select group_concat(state) from ("
    f"select state from outbound where turn = inbound.turn and {_FOR_GOOD}"
    " union select state from outbound where answers = inbound.id))"
)


def _reply(states: str | None) -> ReplyState:
    """The state of a reply: the worst state of its parts."""
    found = set(states.split(",")) if isinstance(states, str) else set()
    if found & {"owed", "sending", "held"}:
        return "owed"
    if "failed" in found:
        return "failed"
    if "unknown" in found:
        return "maybe"
    return "said" if "sent" in found else "none"


_OUTCOMES = get_args(OutcomeName)


def _ledger_row(row: tuple[Any, ...]) -> LedgerRow:
    id, account, native, key, chat, kind, at, length, state, outcome, reason, turn, settled_at, states = row
    return shown(
        LedgerRow,
        id=id,
        account=account,
        native=native,
        key=known_key(key),
        chat=chat,
        kind=kind,
        received_at=at,
        length=length,
        state=state,
        outcome=outcome if outcome is None or outcome in _OUTCOMES else "failed",
        reason=reason,
        turn=turn,
        at=settled_at,
        reply=_reply(states),
    )


_SESSION = "select id, key, opened_at, ended_at, interrupted, why from session"


def sessions(
    tx: Tx, key: ConversationKey | None = None, limit: int = 200, ended: bool = False
) -> list[SessionView]:
    """Open sessions, newest first; with a key only that one's; with `ended` also those that are not."""
    if key is not None:
        found = tx.all(f"{_SESSION} where ended_at is null and key = ?", text_of(key))
    elif ended:
        found = tx.all(f"{_SESSION} order by id desc limit ?", limit)
    else:
        found = tx.all(f"{_SESSION} where ended_at is null order by id desc limit ?", limit)
    return [_session(tx, row) for row in found if reads(read_key, row[1])]


def session(tx: Tx, id: int) -> SessionView | None:
    """One session, open or ended."""
    row = tx.one(f"{_SESSION} where id = ?", id)
    return _session(tx, row) if row and reads(read_key, row[1]) else None


def _session(tx: Tx, row: tuple[int, str, float, float | None, int, str | None]) -> SessionView:
    id, key, opened_at, ended_at, interrupted, why = row
    is_open = ended_at is None
    (turns,) = tx.one("select count(*) from turn where session = ?", id)
    running = tx.one(f"{_TURN} where session = ? and state = 'running'", id)
    # What waits and what runs in the background is the key's: it is shown with the session that is open.
    (waiting,) = tx.one(f"select count(*) from inbound where key = ? and {PENDING}", key) if is_open else (0,)
    return shown(
        SessionView,
        id=id,
        key=read_key(key),
        opened_at=opened_at,
        ended_at=ended_at,
        waiting=waiting,
        turns=turns,
        interrupted=interrupted,
        running=_turn(tx, running, read_key(key)) if running else None,
        processes=tuple(processes.running(tx, key)) if is_open else (),
        why=why or "",
    )


_TURN = "select id, session, key, state, opened_at, paused_at is not null from turn"


def _turn(tx: Tx, row: tuple[int, int, str, Any, float, int], of: ConversationKey | None = None) -> TurnView:
    id, session, key, state, opened_at, paused = row
    (steps,) = tx.one("select count(*) from step where turn = ?", id)
    last = tx.one("select name from step where turn = ? order by at desc, n desc limit 1", id)
    return shown(
        TurnView,
        id=id,
        session=session,
        key=known_key(key) or of,
        state=state,
        opened_at=opened_at,
        steps=steps,
        step=last[0] if last else "",
        paused=bool(paused),
    )


def status(tx: Tx) -> StatusView:
    """Counts, and the turns running."""
    boot = tx.one("select max(id) from boot")[0] or 0
    (waiting,) = tx.one("select count(*) from inbound where outcome is null and state = 'waiting'")
    (deferred,) = tx.one("select count(*) from inbound where state = 'deferred' and outcome is null")
    (owed,) = tx.one(f"select count(*) from outbound where {IS_OPEN} and state <> 'live'")
    (count,) = tx.one("select count(*) from session where ended_at is null")
    running = tx.all(f"{_TURN} indexed by turn_running where state = 'running'")
    (paused,) = tx.one(
        "select count(*) from turn indexed by turn_running where state = 'running' and paused_at is not null"
    )
    return StatusView(
        boot=boot,
        waiting=waiting,
        deferred=deferred,
        paused=paused,
        running=tuple(_turn(tx, row) for row in sorted(running)[:200] if reads(read_key, row[2])),
        owed=owed,
        processes=tuple(processes.all_running(tx)),
        sessions=count,
    )


def look(db: sqlite3.Connection, now: float = 0.0) -> Callable[..., object]:
    """Run a view on a read-only connection: `look(db)(views.ledger, None, 100)`. `now` is wall time."""
    tx = Tx(db, 0, now)
    return lambda view, *args: view(tx, *args)
