"""The locks of a transaction: PostgreSQL's advisory locks, by the digest of what each is for.

A group takes them in one statement, in their order, so that no two groups wait for each other. The whole
store is a lock as well: shared by who locks chats, and had alone by who locks everything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec

from hermes_trio.store.locks import Locks, Table
from hermes_trio.store.postgres.connection import PostgresConnection

_KNOWN_MAX = 10_000
_OF = {
    "turn": "select id, key from turn",
    "session": "select id, key from session",
    "inbound": "select id, key from inbound",
    "process": "select id, key from process",
    "outbound": "select id, lane from outbound",
}


def _digest(name: bytes) -> int:
    return int.from_bytes(blake2b(name, digest_size=8, person=b"hermes-trio").digest(), "big", signed=True)


STORE = _digest(b"the store")
_EVERYTHING = f"select pg_advisory_xact_lock({STORE})"
_CHATS = (
    f"select cast(case one when 0 then pg_advisory_xact_lock_shared({STORE})"
    " else pg_advisory_xact_lock(one) end as text) from unnest(cast(? as bigint[])) one"
)
_name = msgspec.json.Encoder().encode
_parts = msgspec.json.Decoder(list[str | None]).decode


class ChatLocks:
    """Takes what promises lock. It knows the chats of rows that it has looked up."""

    def __init__(self) -> None:
        self._known: dict[tuple[Table, int], bytes] = {}

    def take(self, db: PostgresConnection, wanted: Sequence[Locks]) -> None:
        """Wait until nobody else holds any of it; held until the transaction ends."""
        if any(one.everything for one in wanted):
            db.execute(_EVERYTHING)
            return
        names = {name for one in wanted for name in one.names}
        names |= self._of_rows(db, {row for one in wanted for row in one.rows})
        if names:
            db.execute(_CHATS, (_array([0, *sorted(map(_digest, names))]),))

    def _of_rows(self, db: PostgresConnection, rows: Iterable[tuple[Table, int]]) -> set[bytes]:
        """The names of their chats. A row that is not there has none, and neither has what does with it."""
        rows = set(rows)
        unknown: dict[Table, list[int]] = {}
        for table, row in rows - self._known.keys():
            unknown.setdefault(table, []).append(row)
        if len(self._known) > _KNOWN_MAX:
            self._known.clear()
        found = {}
        for table, ids in unknown.items():
            where = f"{_OF[table]} where id = any(cast(? as bigint[]))"
            for id, text in db.execute(where, (_array(ids),)):
                found[table, id] = _chat(text)
        self._known |= {row: name for row, name in found.items() if row[0] != "outbound"}
        return {found.get(row) or self._known[row] for row in rows if row in found or row in self._known}


def _array(numbers: Iterable[int]) -> str:
    return f"{{{','.join(map(str, numbers))}}}"


def _chat(text: str | None) -> bytes:
    """The chat's name, as `locks.name` gives it, of the text of a key or a lane."""
    try:
        return _name(_parts(text or "")[:3])
    except msgspec.DecodeError:
        return (text or "").encode()
