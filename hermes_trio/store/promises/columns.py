"""What each column may hold in a row that is still to be acted on. Anything else counts as unreadable.

A disk may give back other bits than were written, and SQLite keeps any value in any column. So what a column
may hold is said here once, for all promises, and `unreadable` finds the rows that hold something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isfinite
from typing import Any, get_args

import msgspec

from hermes_trio.store.promises.entry_repair import NOWHERE
from hermes_trio.store.promises.operator_rows import AGES_S
from hermes_trio.store.promises.questions import read_question
from hermes_trio.store.tx import (
    IS_ODD,
    IS_OPEN,
    Tx,
    read_address,
    read_choices,
    read_key,
    read_lane,
    read_message,
    read_part,
    reads,
)
from hermes_trio.values.delivery import DeliveryKind
from hermes_trio.values.message import KINDS

Holds = Callable[[Any], bool]
Row = Mapping[str, Any]
COUNTED = 1 << 53


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return type(value) in (int, float) and isfinite(value)


def _moment(value: Any) -> bool:
    return _number(value) and abs(value) < AGES_S


def _count(value: Any) -> bool:
    return type(value) is int and abs(value) < COUNTED


def _flag(value: Any) -> bool:
    return value in (0, 1)


def _maybe(holds: Holds) -> Holds:
    return lambda value: value is None or holds(value)


def _one_of(*words: str) -> Holds:
    return lambda value: value in words


def _json(read: Callable[[Any], object]) -> Holds:
    return lambda value: value is not None and reads(read, value)


class Live:
    """The rows of a table that are still to be acted on.

    Args:
        where: which rows, with the index that finds them.
        keys: the columns that name one.
        columns: what the others hold.
    """

    def __init__(self, table: str, where: str, keys: str, **columns: Holds) -> None:
        self.table, self.where, self.keys, self.columns = table, where, keys.split(), columns
        self.names = list(dict.fromkeys([*self.keys, *columns]))
        self.sql = f"select {', '.join(self.names)} from {table} {where}"


BOOTS = Live(
    "boot",
    "where id in (select id from boot where ended_at is null and buried_at is null"
    " union select id from boot where id > (select max(id) - 3 from boot))",
    "id",
    started_at=_moment,
    ended_at=_maybe(_moment),
    clean=_flag,
    node=_maybe(_text),
    until=_maybe(_moment),
    buried_at=_maybe(_moment),
    draining_at=_maybe(_moment),
)
MARKS = Live("mark", "where true", "mark", mark=_text, place=_maybe(_text))
SESSIONS = Live("session", "indexed by session_live where ended_at is null", "id")
SESSION_IS_SOUND = (
    "opened_at = cast(opened_at as double precision) and abs(opened_at) < 1e11"
    " and interrupted = cast(interrupted as bigint) and interrupted between 0 and 1000000"
    " and wakes = cast(wakes as bigint) and wakes between 0 and 1000000"
)
"""There is a row for each conversation that there ever was, so SQLite itself checks them."""
MESSAGES = Live(
    "inbound",
    "indexed by inbound_open where outcome is null",
    "id",
    account=_text,
    native=_text,
    key=_json(read_key),
    chat=_text,
    kind=_one_of(*KINDS),
    body=_json(read_message),
    at=_moment,
    length=_count,
    wait_s=_number,
    state=_one_of("waiting", "running", "deferred"),
    reason=_text,
    turn=_maybe(_count),
    step=_maybe(_text),
    due=_maybe(_moment),
    told=_flag,
)
TURNS = Live(
    "turn",
    "indexed by turn_running where state = 'running'",
    "id",
    session=_count,
    key=_json(read_key),
    boot=_count,
    attempt=_count,
    address=_json(read_address),
    anchor=_maybe(_text),
    opened_at=_moment,
    reason=_text,
    paused_at=_maybe(_moment),
    checkpoint_at=_maybe(_moment),
    checkpoint_why=_maybe(_text),
)
STEPS = Live(
    "step",
    "where turn in (select id from turn where state = 'running')",
    "turn name n",
    state=_one_of("intent", "done", "failed"),
    digest=_text,
    op=_text,
    value=lambda value: value == b"" or reads(msgspec.json.decode, value),
    wake_at=_maybe(_number),
    at=_moment,
    begun_at=_maybe(_moment),
    asked=_maybe(_json(read_key)),
    nth=_count,
)
QUESTIONS = Live(
    "step",
    "indexed by step_asked where asked is not null",
    "turn name n",
    value=_json(read_question),
)
PARTS = Live(
    "outbound",
    f"indexed by outbound_open where {IS_OPEN}",
    "id",
    lane=_json(read_lane),
    address=_json(read_address),
    turn=_maybe(_count),
    reply=_maybe(_count),
    said=_one_of(*get_args(DeliveryKind)),
    op=_one_of("send", "react", "retire", "unreact"),
    part=_json(read_part),
    rank=_count,
    state=_text,
    dirty=_flag,
    begun=_flag,
    attempts=_count,
    unknown=_count,
    marked=_flag,
    plain=_flag,
    message_id=_maybe(_text),
    reply_to=_maybe(_text),
    choices=_maybe(_json(read_choices)),
    last=_flag,
    why=_text,
    at=_moment,
    owed_at=_maybe(_moment),
    sent_at=_maybe(_moment),
    begun_at=_maybe(_moment),
    answers=_maybe(_count),
    stands_on=_maybe(_count),
)
HELD = Live("outbound", "indexed by outbound_held where state = 'held'", "id", **PARTS.columns)
ODD = Live(
    "outbound",
    f"indexed by outbound_odd where {IS_ODD}",
    "id",
    **{**PARTS.columns, "state": lambda _: False},
)
"""Rows that go out and whose state is none that we know: what became of them cannot be told any more."""
STRAYS = tuple(Live("entry", f"where {nowhere}", "id", session=lambda _: False) for nowhere in NOWHERE)
"""Entries that stand in no conversation."""
PROCESSES = Live(
    "process",
    "indexed by process_running where state = 'running'",
    "id",
    session=_count,
    turn=_count,
    boot=_count,
    key=_json(read_key),
    address=_json(read_address),
    command=_text,
    pid=_maybe(_count),
    started=_maybe(_count),
    foreground=_flag,
    keep=_flag,
    notify=_flag,
    code=_maybe(_count),
    consumed=_flag,
    told=_maybe(_count),
    matches=_count,
    muted=_flag,
    output=_text,
    at=_moment,
)
PENALTIES = Live(
    "penalty", "where true", "account chat", account=_text, chat=_text, until=_moment, at=_maybe(_moment)
)
MOVES = Live("moved", "where true", "account chat", account=_text, chat=_text, becomes=_text, at=_moment)
CURSORS = Live("cursor", "where true", "account", account=_text, value=_text)
COOLDOWNS = Live(
    "key_cooldown",
    "where true",
    "fingerprint model",
    fingerprint=_text,
    model=_text,
    pool=_text,
    place=_text,
    kind=_text,
    since=_moment,
    until=_moment,
    strikes=_count,
    tried_at=_moment,
    dead=_flag,
    why=_text,
)


def unreadable(tx: Tx, of: Live) -> Iterator[tuple[Row, list[str]]]:
    """Each row with columns that hold something else, and which those are. To be read under `whole_bytes`."""
    for values in tx.all(of.sql):
        row = dict(zip(of.names, values, strict=True))
        if bad := bad_columns(of, row):
            yield row, bad


def bad_columns(of: Live, row: Row) -> list[str]:
    """Which columns of the row hold something else."""
    return [name for name, holds in of.columns.items() if not holds(row[name])]


def row_is(keys: Sequence[str]) -> str:
    """The condition that finds a row by its keys, also where they are no text any more."""
    return " and ".join(f"cast({key} as blob) = cast(? as blob)" for key in keys)
