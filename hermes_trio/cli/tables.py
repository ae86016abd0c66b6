"""What the command line prints: tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from hermes_trio.daemon.control.requests import AccountStatus, Status
from hermes_trio.text.sanitize import visible
from hermes_trio.text.sentences import span
from hermes_trio.values.stored import StatusView
from hermes_trio.values.views import KeyView, LedgerRow, NodeView, SessionView, TurnView

if TYPE_CHECKING:
    from rich.table import Table

WIDTH = 200
"""Of what goes to no terminal, so that nothing is folded there."""

DOWN = "not running"


def print_json(value: object) -> None:
    """One JSON value, on lines that people can read too."""
    sys.stdout.write(visible(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()) + "\n")


# --- as data: keys and field names that programs may rely on --------------------------------------


def status_data(status: Status | None, store: StatusView | None) -> dict[str, Any]:
    """A status as data; without a daemon only what the store knows."""
    data: dict[str, Any] = {"daemon": "up" if status else "down"}
    if status is not None:
        data |= {
            "pid": status.pid,
            "uptime_s": round(status.uptime_s, 3),
            "draining": status.draining,
            "model": status.model,
            "accounts": [msgspec.structs.asdict(account) for account in status.accounts],
            "unavailable": dict(status.unavailable),
            "failing": [msgspec.structs.asdict(model) for model in status.failing],
        }
    if store is None:
        return data | {"store": "does not answer"}
    data |= {"store": "ok", "boot": store.boot, "waiting": store.waiting, "owed": store.owed}
    data |= {"deferred": store.deferred, "paused": store.paused}
    data |= {"processes": [msgspec.structs.asdict(process) for process in store.processes]}
    data |= {"nodes": [node_data(node) for node in store.nodes]}
    return data | {"sessions": store.sessions, "running": [turn_data(turn) for turn in store.running]}


def turn_data(turn: TurnView) -> dict[str, Any]:
    """A turn as data."""
    return msgspec.structs.asdict(turn) | {"key": str(turn.key)}


def ledger_data(row: LedgerRow) -> dict[str, Any]:
    """A ledger row as data."""
    return msgspec.structs.asdict(row) | {"key": None if row.key is None else str(row.key)}


def session_data(row: SessionView) -> dict[str, Any]:
    """A session as data."""
    running = None if row.running is None else turn_data(row.running)
    return msgspec.structs.asdict(row) | {"key": str(row.key), "running": running}


def key_data(row: KeyView) -> dict[str, Any]:
    """A key's row as data."""
    return msgspec.structs.asdict(row)


def node_data(row: NodeView) -> dict[str, Any]:
    """A node's row as data."""
    return msgspec.structs.asdict(row)


# --- as tables ------------------------------------------------------------------------------------


def print_status(status: Status | None, store: StatusView | None, *, now: float) -> None:
    """A status for people."""
    table = _table()
    for name, value in _status_lines(status, store, now):
        table.add_row(_shown(name), _shown(value))
    _print(table)


def _status_lines(status: Status | None, store: StatusView | None, now: float) -> Iterable[tuple[str, str]]:
    if status is None:
        yield "daemon", DOWN
    else:
        stops = ", draining: no new turns" if status.draining else ""
        yield "daemon", f"pid {status.pid}, up {span(status.uptime_s)}{stops}"
        yield "model", status.model
        for model in status.failing:
            yield f"model {model.name}", f"failed {span(model.s_ago)} ago: {model.kind}: {model.why}"
        for account in status.accounts:
            yield account.name, _account(account)
        for name, why in status.unavailable.items():
            yield name, f"unavailable: {why}"
    if store is None:
        yield "store", "does not answer"
        return
    yield "boot", str(store.boot)
    yield "sessions", f"{store.sessions} open"
    yield "waiting", f"{store.waiting} messages"
    if store.deferred:
        yield "deferred", f"{store.deferred} messages, until a key to a model may be used"
    if store.paused:
        until = "until somebody writes to them, or a start that serves their account has lived a minute"
        yield "paused", f"{store.paused} turns, {until}"
    yield "owed", f"{store.owed} parts of answers"
    for node in store.nodes:
        held = ", ".join(node.accounts) or "no account"
        yield f"node {node.name}", f"boot {node.boot}, {held}, {node.turns} turns; lease: {_lease(node)}"
    for turn in store.running:
        how_long = span(max(0.0, now - turn.opened_at))
        at = f", step {turn.steps}: {turn.step}" if turn.steps else ""
        yield f"turn {turn.id}", f"{turn.key}, session {turn.session}{_on(turn.node)}, for {how_long}{at}"
    for process in store.processes:
        how_long = span(max(0.0, now - process.began_at))
        keep = ", kept" if process.keep else ""
        where = f"session {process.session}{_on(process.node)}, for {how_long}"
        yield f"process {process.id}", f"{where}{keep}: {process.command}"


def _on(node: str) -> str:
    return f", on {node}" if node else ""


def _account(account: AccountStatus) -> str:
    text = "receiving" if account.receiving else f"degraded: {account.why or 'nothing received yet'}"
    if account.received_s_ago is not None:
        text += f", last {span(account.received_s_ago)} ago"
    return f"{text}. ANYBODY may speak to it" if account.anybody else text


def print_ledger(rows: Sequence[LedgerRow]) -> None:
    """The ledger for people."""
    columns: dict[str, Callable[[LedgerRow], object]] = {
        "id": lambda row: row.id,
        "received": lambda row: local_time(row.received_at),
        "from": _from,
        "kind": lambda row: row.kind,
        "length": lambda row: row.length,
        "outcome": lambda row: row.outcome or row.state,
        "reason": lambda row: row.reason,
        "turn": lambda row: row.turn,
        "reply": lambda row: "" if row.reply == "none" else row.reply,
        "settled": lambda row: "" if row.at is None else local_time(row.at),
    }
    _print_rows(rows, columns)


def _from(row: LedgerRow) -> str:
    """Where a message came from, and who wrote it, also where the conversation is the whole chat's."""
    place = str(row.key or f"{row.account}/{row.chat}")
    return place if not row.user or row.user in place.split("/") else f"{place} by {row.user}"


def print_sessions(rows: Sequence[SessionView]) -> None:
    """The sessions for people."""
    columns: dict[str, Callable[[SessionView], object]] = {
        "session": lambda row: row.id,
        "key": lambda row: row.key,
        "opened": lambda row: local_time(row.opened_at),
        "turns": lambda row: row.turns,
        "waiting": lambda row: row.waiting,
        "running": lambda row: "" if row.running is None else f"turn {row.running.id}{_on(row.running.node)}",
        "background": lambda row: len(row.processes) or "",
        "interrupted": lambda row: row.interrupted or "",
    }
    if any(row.ended_at is not None for row in rows):
        columns["ended"] = lambda row: "" if row.ended_at is None else local_time(row.ended_at)
        columns["why"] = lambda row: row.why
    _print_rows(rows, columns)


def print_keys(rows: Sequence[KeyView]) -> None:
    """The keys for people."""
    columns: dict[str, Callable[[KeyView], object]] = {
        "pool": lambda row: row.pool,
        "key": lambda row: row.key,
        "model": lambda row: row.model,
        "state": lambda row: row.state,
        "until": lambda row: "" if row.until is None or row.state == "ready" else local_time(row.until),
        "refused for": lambda row: row.kind,
        "used": lambda row: "" if row.used_at is None else local_time(row.used_at),
    }
    _print_rows(rows, columns)


def print_nodes(rows: Sequence[NodeView]) -> None:
    """The nodes for people."""
    columns: dict[str, Callable[[NodeView], object]] = {
        "node": lambda row: row.name,
        "boot": lambda row: row.boot,
        "since": lambda row: local_time(row.since),
        "renewed": lambda row: local_time(row.renewed_at),
        "lease": _lease,
        "accounts": lambda row: ", ".join(row.accounts),
        "turns": lambda row: row.turns,
        "processes": lambda row: row.processes,
    }
    _print_rows(rows, columns)


def _lease(row: NodeView) -> str:
    left = f"{row.lease_left_s:.0f} s left" if row.lease_left_s > 0 else "over"
    return f"{left}, draining" if row.draining else left


def _print_rows(rows: Sequence[Any], columns: dict[str, Callable[[Any], object]]) -> None:
    table = _table(*columns)
    for row in rows:
        table.add_row(*(_shown(column(row)) for column in columns.values()))
    _print(table)


def _table(*columns: str) -> Table:
    from rich.table import Table

    return Table(*columns, box=None, show_header=bool(columns), pad_edge=False)


def _print(table: Table) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False).print(table)


def _shown(value: object) -> Any:
    """As text without markup, and nothing in it steers the terminal: names and ids come from outside."""
    from rich.text import Text

    return Text("" if value is None else visible(str(value), keep=""))


def local_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
