"""How the command line looks at a gateway: it asks the daemon; if none runs, it reads the store."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from msgspec import Struct

from hermes_trio.daemon.control.requests import (
    Answer,
    AskKeys,
    AskLedger,
    AskSessions,
    AskStatus,
    AskTurn,
    Keys,
    Ledger,
    NobodyAnswers,
    OneTurn,
    Sessions,
    ask,
    no_turn,
    silence,
)
from hermes_trio.daemon.state_dir.folder import STORE
from hermes_trio.daemon.state_dir.lock import holder, nobody_holds
from hermes_trio.errors import StoreRefused
from hermes_trio.values.stored import StatusView
from hermes_trio.values.views import LedgerRow, SessionView, TurnPage

Look = AskStatus | AskLedger | AskSessions | AskKeys | AskTurn


class Seen(Struct, frozen=True):
    """What was seen.

    Args:
        answer: the daemon's. Without a daemon a StatusView for a status.
        up: a daemon runs.
    """

    answer: Answer | StatusView
    up: bool


def look_at(state_dir: Path, request: Look) -> Seen:
    """Ask the daemon; read the store if there is no daemon.

    Raises:
        NobodyAnswers: a daemon holds the state_dir and does not answer.
        StoreRefused: the store is corrupt, newer, or not ours.
    """
    try:
        return Seen(ask(state_dir, request), up=True)
    except NobodyAnswers:
        with nobody_holds(state_dir) as free:
            if free:
                return Seen(_read(state_dir / STORE, request), up=False)
    raise NobodyAnswers(f"{state_dir} is in use ({holder(state_dir)}), and {silence(state_dir)}")


def _read(path: Path, request: Look) -> Answer | StatusView:
    if not path.exists():
        return _nothing(request)
    import sqlite3

    from hermes_trio.models.cooldowns import key_view
    from hermes_trio.runtime.clock import SystemClock
    from hermes_trio.store.promises import views
    from hermes_trio.store.promises.deferral import key_cooldowns
    from hermes_trio.store.promises.turn_page import turn_page
    from hermes_trio.store.promises.views import look
    from hermes_trio.store.sqlite.schema import connect_read_only
    from hermes_trio.values.key_state import KeyCooldown

    now = SystemClock().now()
    db = connect_read_only(path)
    try:
        see = look(db)
        match request:
            case AskLedger(chat=chat, limit=limit):
                return Ledger(rows=tuple(cast("list[LedgerRow]", see(views.ledger, chat, limit))))
            case AskSessions(ended=ended):
                rows = cast("list[SessionView]", see(views.sessions, None, 200, ended))
                return Sessions(rows=tuple(rows))
            case AskKeys():
                cooldowns = cast("tuple[KeyCooldown, ...]", see(key_cooldowns))
                return Keys(
                    rows=tuple(key_view(one, now, used_at=one.cooldown.tried_at) for one in cooldowns)
                )
            case AskTurn(turn=turn):
                page = cast("TurnPage | None", see(turn_page, turn))
                return no_turn(turn) if page is None else OneTurn(page=page)
            case _:
                return cast(StatusView, see(views.status))
    except sqlite3.DatabaseError as error:
        raise StoreRefused(f"{path}: {error}") from error
    finally:
        db.close()


def _nothing(request: Look) -> Answer | StatusView:
    match request:
        case AskLedger():
            return Ledger(rows=())
        case AskSessions():
            return Sessions(rows=())
        case AskKeys():
            return Keys(rows=())
        case AskTurn(turn=turn):
            return no_turn(turn)
        case _:
            return StatusView(boot=0, waiting=0, running=(), owed=0, sessions=0)
