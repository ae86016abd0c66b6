"""Look for rows that cannot be read, a page at a time, so that a sweep does not hold up those who write.

`unreadable.clear_the_way` looks at everything at once, and ends what is found here.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from hermes_trio.store.promises import columns
from hermes_trio.store.promises.columns import Live, bad_columns
from hermes_trio.store.promises.entry_repair import IS_WHOLE
from hermes_trio.store.tx import Tx
from hermes_trio.values.stored import Place

PAGE = 200
LITTLE = PAGE // 10
"""A page that has read no more rows than this goes on with the next table: an idle store is one page."""


class _Walk(Struct, frozen=True):
    """The rows of a table that are still to be acted on, in the order of the index that has them.

    Args:
        of: what they hold.
        by: what the index is ordered by, and what names a row in it.
        sound: what else is true of a row that nothing is wrong with.
        source: where they are; `{page}` is replaced by where the page begins.
        most: how many there are in a page.
    """

    of: Live
    by: str
    sound: str = "1"
    source: str = ""
    most: int = PAGE

    def sql(self, behind: Sequence[object]) -> str:
        """The query for the page behind a place. Rows with a null, which is behind no place, come first."""
        marks = ", ".join("?" * len(behind))
        page = f"and ({self.by}) > ({marks})" if behind else ""
        order = ", ".join(f"{name} nulls first" for name in self.by.split(", "))
        ordered = f"{page} order by {order} limit {self.most}"
        source = self.source or f"{self.of.table} {self.of.where} {{page}}"
        names = ", ".join(self.of.names)
        return f"select {self.by}, {self.sound}, {names} from {source.format(page=ordered)}"


_RUNS = "turn.state = 'running'"
WALKS = (
    _Walk(columns.BOOTS, "id"),
    _Walk(columns.MARKS, "mark"),
    _Walk(columns.CURSORS, "account"),
    _Walk(columns.PENALTIES, "account, chat"),
    _Walk(columns.COOLDOWNS, "fingerprint, model"),
    _Walk(columns.MOVES, "account, chat"),
    _Walk(columns.SESSIONS, "id", columns.SESSION_IS_SOUND),
    *(_Walk(strays, "session, id") for strays in columns.STRAYS),
    _Walk(columns.PROCESSES, "key, id"),
    _Walk(columns.PARTS, "lane, id"),
    _Walk(columns.HELD, "lane, id"),
    _Walk(columns.ODD, "id"),
    _Walk(
        columns.TURNS,
        "session, id",
        "exists (select 1 from session"
        " where session.id = turn.session and session.key is turn.key and ended_at is null)"
        f" and {IS_WHOLE}",
    ),
    _Walk(
        columns.STEPS,
        "of_session, of_turn",
        source=f"(select session as of_session, id as of_turn from turn indexed by turn_running where {_RUNS}"
        " {page}) left join step on step.turn = of_turn",
        most=10,
    ),
    _Walk(
        columns.QUESTIONS,
        "asked, turn, name, n",
        f"exists (select 1 from turn where turn.id = step.turn and turn.key = asked and {_RUNS})",
    ),
    _Walk(
        columns.MESSAGES,
        "key, id",
        "inbound.state is not 'running'"
        f" or exists (select 1 from turn where turn.id = inbound.turn and {_RUNS})",
    ),
)


def look_through(tx: Tx, place: Place) -> tuple[bool, Place | None]:
    """Whether a row of this page cannot be read or belongs to nothing, and where the next page begins.

    Tables with little in them share a page.
    """
    found, read = False, 0
    after: Place | None = place
    while after is not None and not found and read <= LITTLE:
        found, rows, after = _part(tx, after)
        read += rows
    return found, after


def _part(tx: Tx, place: Place) -> tuple[bool, int, Place | None]:
    """Look at the part of a page that lies in one table. Also returns how many rows that were."""
    walk = WALKS[place.walk]
    with tx.whole_bytes():
        rows = tx.all(walk.sql(place.behind), *place.behind)
    by = walk.by.count(",") + 1
    if len(rows) >= walk.most:
        after: Place | None = Place(place.walk, rows[-1][:by])
    else:
        after = Place(place.walk + 1) if place.walk + 1 < len(WALKS) else None
    return any(not row[by] or _is_bad(walk.of, row[by + 1 :]) for row in rows), len(rows), after


def _is_bad(of: Live, values: Sequence[object]) -> bool:
    row = dict(zip(of.names, values, strict=True))
    # A turn without a step gives a row of nulls, so that its page has an end. Such a row is not bad.
    return bool(bad_columns(of, row)) and any(value is not None for value in values)
