"""How the command line looks at a gateway: it asks the daemon; if none runs, it reads the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from hermes_trio.daemon.control.requests import (
    NAME,
    Answer,
    AskKeys,
    AskLedger,
    AskNodes,
    AskSessions,
    AskStatus,
    AskTurn,
    Keys,
    Ledger,
    NobodyAnswers,
    Nodes,
    OneTurn,
    Sessions,
    ask,
    no_turn,
)
from hermes_trio.daemon.state_dir.lock import holder, nobody_holds
from hermes_trio.daemon.state_dir.place import DaemonPlace
from hermes_trio.errors import StoreRefused
from hermes_trio.values.stored import StatusView

if TYPE_CHECKING:
    from hermes_trio.store.tx import Tx

NOWHERE = Path("/nonexistent")
"""A store that is not there is an empty one."""
Look = AskStatus | AskLedger | AskSessions | AskKeys | AskTurn | AskNodes


class Seen(Struct, frozen=True):
    """What was seen.

    Args:
        answer: the daemon's. Without a daemon a StatusView for a status.
        up: a daemon runs.
        kept: there is a store.
    """

    answer: Answer | StatusView
    up: bool
    kept: bool = True


def look_at(place: DaemonPlace, request: Look) -> Seen:
    """Ask the daemon; read the store if there is no daemon.

    Raises:
        NobodyAnswers: a daemon holds the state_dir and does not answer.
        StoreRefused: the store is corrupt, newer, or not ours.
        StoreFailed: it cannot be read.
        ConfigWrong: where it is cannot be read here.
    """
    try:
        return Seen(ask(place.state_dir, request), up=True)
    except NobodyAnswers:
        with left_store(place) as tx:
            return Seen(_read(tx, request), up=False, kept=tx.shared or place.store.exists())


@contextmanager
def left_store(place: DaemonPlace) -> Iterator[Tx]:
    """The store of a daemon that does not run, for promises that only read, while the body runs.

    A file is opened while no daemon can start. A database may have others at work.

    Raises:
        NobodyAnswers: a daemon runs, and does not answer.
        StoreRefused, StoreFailed, ConfigWrong: as `look_at`.
    """
    with ExitStack() as opened:
        with left_alone(place.state_dir):
            url = place.url()
            tx = opened.enter_context(_database(url.reveal()) if url else store_file(place.store))
        tx.shared = bool(url)
        yield tx


@contextmanager
def _database(url: str) -> Iterator[Tx]:
    from hermes_trio.store.postgres.looking import looked_at

    with looked_at(url) as tx, nullcontext(tx) if tx is not None else store_file(NOWHERE) as found:
        yield found


@contextmanager
def left_alone(state_dir: Path) -> Iterator[None]:
    """No daemon can start while the body runs, so keep that short.

    Raises:
        NobodyAnswers: one runs.
    """
    with nobody_holds(state_dir) as free:
        if free:
            yield
            return
    if (state_dir / NAME).exists():
        why = "the daemon does not answer (yet)"
    else:
        why = f"its {NAME} is not there (yet); if somebody removed it, the next start makes a new one"
    raise NobodyAnswers(f"{state_dir} is in use ({holder(state_dir)}), and {why}")


@contextmanager
def store_file(path: Path) -> Iterator[Tx]:
    """A store's file, for promises that only read, while the body runs. Where there is none, an empty store.

    Raises:
        StoreRefused: it is corrupt, newer, older, or not ours.
    """
    import sqlite3

    from hermes_trio.runtime.clock import SystemClock
    from hermes_trio.store.sqlite.schema import connect, connect_read_only
    from hermes_trio.store.sqlite.tx import SqliteTx

    db = connect_read_only(path) if path.exists() else connect(":memory:")
    try:
        yield SqliteTx(db, 0, SystemClock().now())
    except sqlite3.DatabaseError as error:
        raise StoreRefused(f"{path}: {error}") from error
    finally:
        db.close()


def _read(tx: Tx, request: Look) -> Answer | StatusView:
    from hermes_trio.models.cooldowns import key_view
    from hermes_trio.store.promises import views
    from hermes_trio.store.promises.deferral import key_cooldowns
    from hermes_trio.store.promises.node_views import nodes
    from hermes_trio.store.promises.turn_page import turn_page

    match request:
        case AskLedger(chat=chat, limit=limit):
            return Ledger(rows=tuple(views.ledger(tx, chat, limit)))
        case AskSessions(ended=ended):
            return Sessions(rows=tuple(views.sessions(tx, ended=ended)))
        case AskKeys():
            rows = [key_view(one, tx.now, used_at=one.cooldown.tried_at) for one in key_cooldowns(tx)]
            return Keys(rows=tuple(rows))
        case AskNodes():
            return Nodes(rows=tuple(nodes(tx)), shared=tx.shared)
        case AskTurn(turn=turn):
            page = turn_page(tx, turn)
            return no_turn(turn) if page is None else OneTurn(page=page)
        case _:
            return views.status(tx)
