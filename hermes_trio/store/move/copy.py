"""The move itself: each table is copied and read back, and only if all is the same is it kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from hermes_trio.errors import StoreRefused
from hermes_trio.store.move.fitting import fitting
from hermes_trio.store.move.side import Side
from hermes_trio.store.move.tables import MovedTable, ReadOtherwise, tables

SAID_EVERY = 100_000
"""So many rows between two lines of progress."""
_encode = msgspec.msgpack.Encoder().encode
_WHOLE = 2**128


class Sum(Struct):
    """What a table holds, in whatever order its rows come.

    Args:
        rows: how many. digest: the sum of what names each row.
    """

    rows: int = 0
    digest: int = 0

    def over(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """These rows, counted in as they pass."""
        for row in rows:
            named = blake2b(_encode(row), digest_size=16).digest()
            self.rows += 1
            self.digest = (self.digest + int.from_bytes(named, "big")) % _WHOLE
            yield row


class MoveReport(Struct, frozen=True, kw_only=True):
    """What a move has done.

    Args:
        rows: by table.
        changed: by table and column: values that PostgreSQL cannot hold, and that are others now.
        before: the rows were there already, by a move that was cut short after it had been kept.
    """

    rows: Mapping[str, int]
    changed: Mapping[str, int]
    before: bool


def move(
    source: Side, target: Side, read: ReadOtherwise, node: str, say: Callable[[str], None]
) -> MoveReport:
    """Move a store. Both sides are in a transaction; the target's is committed first.

    Killed before that: both are as they were. Killed after it: the same move, done again, ends it.

    Args:
        source: left as it is, but marked as moved.
        read: what the target is to be told of some columns.
        node: how this node is called.
        say: told how far it is.

    Raises:
        StoreRefused: the target is not empty, or gave back something else than it was given.
    """
    changed: Counter[str] = Counter()
    before = not target.is_empty()
    if before:
        rows = _there_already(source, target, read, node, changed, say)
    else:
        rows = {one.name: _moved(one, source, target, read, node, changed, say) for one in tables()}
        target.go_on_behind(source.ids())
        if target.ids() != source.ids():
            raise StoreRefused(f"{target.name}: has other ids than {source.name}; nothing was kept")
        target.be(source.mark())
        target.commit()
    source.leave(target.name)
    source.commit()
    return MoveReport(rows=rows, changed=changed, before=before)


def _moved(
    table: MovedTable,
    source: Side,
    target: Side,
    read: ReadOtherwise,
    node: str,
    changed: Counter[str],
    say: Callable[[str], None],
) -> int:
    given, kept = Sum(), Sum()
    target.add(table, _told(table, given.over(fitting(table, source.rows(table, read, node), changed)), say))
    for _ in kept.over(target.rows(table, {}, node)):
        pass
    if kept != given:
        raise StoreRefused(
            f"{target.name}: gave back {kept.rows} rows of {table.name} that are not the {given.rows} it was"
            " given; nothing was kept"
        )
    say(f"{table.name}: {given.rows} rows, the same on both sides")
    return given.rows


def _told(
    table: MovedTable, rows: Iterable[tuple[Any, ...]], say: Callable[[str], None]
) -> Iterator[tuple[Any, ...]]:
    for number, row in enumerate(rows, start=1):
        yield row
        if number % SAID_EVERY == 0:
            say(f"{table.name}: {number} rows so far")


def _there_already(
    source: Side,
    target: Side,
    read: ReadOtherwise,
    node: str,
    changed: Counter[str],
    say: Callable[[str], None],
) -> dict[str, int]:
    """The rows by table, if what is there is what would be moved."""
    is_not = StoreRefused(
        f"{target.name}: is not empty, and what it holds is not what {source.name} holds; left untouched"
    )
    if target.mark() != source.mark() or target.ids() != source.ids():
        raise is_not
    say("the rows are there already: a move was cut short after it had copied them; comparing")
    rows = {}
    for table in tables():
        given, kept = Sum(), Sum()
        for _ in given.over(fitting(table, source.rows(table, read, node), changed)):
            pass
        for _ in kept.over(target.rows(table, {}, node)):
            pass
        if given != kept:
            raise is_not
        rows[table.name] = given.rows
    return rows
