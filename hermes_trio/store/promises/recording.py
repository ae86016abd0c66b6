"""Reading a conversation out of a store, page by page, as the rows of a recording.

A page reads a bounded number of rows, so that the writer of a live store is held up by none. What came after
the head was read is left out of all pages, so that they fit together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from hermes_trio.store.promises.boot import GUARD_BOOTS
from hermes_trio.store.promises.operator_rows import AGES_S
from hermes_trio.store.promises.transcript import STRAY
from hermes_trio.store.tx import (
    RANKS,
    Tx,
    read_address,
    read_choices,
    read_entry,
    read_key,
    read_message,
    read_part,
    readable,
    reads,
    text_of,
    to_json,
)
from hermes_trio.values.identity import Lane
from hermes_trio.values.recording import (
    After,
    Failure,
    RecordedBoot,
    RecordedEntry,
    RecordedMessage,
    RecordedPart,
    RecordedSession,
    RecordedStep,
    RecordedTurn,
    RecordingHead,
    RecordingPart,
    RecordingRows,
    Setup,
)

RULES = ("idle", "daily")
"""The rules that end a session when the first message of the next one comes."""

PAGE_ROWS = 500
PAGE_BYTES = 256 * 1024
Placed = tuple[After, Struct | None]
"""A row's place in its list, and the row; None for one that does not belong to it."""

_read_setup = msgspec.json.Decoder(Setup).decode
_read_failure = msgspec.json.Decoder(Failure).decode


def head(tx: Tx, session: int, running: bool = True) -> RecordingHead | None:
    """What a recording of the session spans: from its first message to its end, or to now.

    Args:
        running: a daemon runs now.
    """
    row = tx.one("select key, opened_at, ended_at from session where id = ?", session)
    if row is None or not reads(read_key, row[0]):
        return None
    key, opened_at, ended_at = row[0], _time(row[1]), row[2] if row[2] is None else _time(row[2])
    since = _since(tx, session, key, opened_at)
    (last,) = tx.one("select max(at) from entry where session = ?", session)
    until = ended_at or max(tx.now, _time(last))
    (first,) = tx.one(
        "select min(at) from inbound where key = ? and (turn in (select id from turn where session = ?)"
        " or (turn is null and settled_at > ? and settled_at <= ?))",
        key,
        session,
        since,
        until,
    )
    return RecordingHead(
        session=session,
        key=read_key(key),
        since=since,
        began_at=min(opened_at, _time(first) or opened_at),
        until=until,
        running=running or ended_at is not None,
    )


def _since(tx: Tx, session: int, key: str, opened_at: float) -> float:
    """After this a conversation of the key that belongs to no turn belongs to the session."""
    if not tx.one("select 1 from session where key = ? and id < ?", key, session):
        return 0.0
    # One that was gone back to was opened then; when it was opened first its first turn tells.
    turn_at: float | None = tx.one("select min(opened_at) from turn where session = ?", session)[0]
    if turn_at is None or _time(turn_at) >= opened_at:
        return opened_at
    (first,) = tx.one(
        "select min(at) from inbound where key = ? and turn in (select id from turn where session = ?)",
        key,
        session,
    )
    return min(_time(turn_at), _time(first) or _time(turn_at))


def rows(tx: Tx, head: RecordingHead, part: RecordingPart, after: After = (0, 0)) -> RecordingRows:
    """A page of one list of the recording."""
    found: list[Raw] = []
    size = 0
    for read, (place, row) in enumerate(_READ[part](_Reading(tx, head), after), start=1):
        if row is not None and reads(msgspec.json.Decoder(type(row)).decode, body := to_json(row)):
            found.append(Raw(body))
            size += len(found[-1])
        if size > PAGE_BYTES or read == PAGE_ROWS:
            return RecordingRows(rows=tuple(found), after=place)
    return RecordingRows(rows=tuple(found))


class _Reading:
    """One page's look at the rows of a head."""

    def __init__(self, tx: Tx, head: RecordingHead) -> None:
        self.tx = tx
        self.head = head
        self.key = text_of(head.key)
        # Sessions of the key that lie within: one that was left, and gone back to, has others inside it.
        self.sessions = (
            "(select id from session where key = :key and (id = :session"
            " or id > :session and opened_at >= :began and ended_at <= :until))"
        )
        self.turns = f"(select id from turn where session in {self.sessions} and opened_at <= :until)"
        self.args = {
            "key": self.key,
            "session": head.session,
            "began": head.began_at,
            "since": head.since,
            "until": head.until,
            "most": PAGE_ROWS,
        }
        ended_at, why = tx.one("select ended_at, why from session where id = ?", head.session)
        # What is said when a rule ends a session is said to the message that begins the next.
        self.ended_by_rule = ended_at if why in RULES else None
        self.is_open = ended_at is None

    def all(self, sql: str, after: After, **more: Any) -> Iterable[Any]:
        # Read one by one: a page ends when it is large enough.
        return self.tx.run(sql, {**self.args, "after": after[0], **more})

    def since(self, at: float) -> float:
        """A wall time as a recording has it."""
        return round(_time(at) - self.head.began_at, 6)

    def past(self, at: float | None) -> float | None:
        """The same, of what may lie after the recording's end, and is not known then."""
        return None if at is None or _time(at) > self.head.until else self.since(at)


def _boots(of: _Reading, after: After) -> Iterator[Placed]:
    """Those of its time, and so many before that the guard of boots counts as it did."""
    for id, started_at, ended_at, clean, setup in of.all(
        "select id, started_at, ended_at, clean, setup from boot where id > :after and started_at <= :until"
        " and id >= coalesce((select max(id) from boot where started_at <= :began), 0) - :guard"
        " order by id limit :most",
        after,
        guard=GUARD_BOOTS,
    ):
        ended = of.past(ended_at)
        yield (
            (id, 0),
            RecordedBoot(
                id=id,
                started_at=of.since(started_at),
                ended_at=ended,
                clean=bool(clean and ended is not None),
                setup=readable(_read_setup, setup),
            ),
        )


def _sessions(of: _Reading, after: After) -> Iterator[Placed]:
    for id, opened_at, ended_at, why in of.all(
        "select id, opened_at, ended_at, why from session"
        f" where id in {of.sessions} and id > :after order by id limit :most",
        after,
    ):
        row = RecordedSession(id=id, opened_at=of.since(opened_at), ended_at=of.past(ended_at), why=why)
        yield (id, 0), row


def _messages(of: _Reading, after: After) -> Iterator[Placed]:
    """Of the key: those of its turns and of its time. What another session answered was waiting then."""
    for id, body, at, kind, outcome, reason, settled_at, turn, step, heard_at, here, ours in of.all(
        "select id, body, at, kind, outcome, reason, settled_at, turn, step,"
        " (select at from entry where entry.inbound = inbound.id),"
        f" turn is null or turn in {of.turns}, key = :key and body is not null and at <= :until and ("
        f" turn in {of.turns} or turn is not null and at > :since"
        " or settled_at is null and turn is null and (:open or at > :since)"
        " or settled_at <= :until and turn is null and settled_at > :since)"
        " from inbound where chat = :chat and id > :after order by id limit :most",
        after,
        open=of.is_open,
        chat=of.head.key.chat,
    ):
        message = readable(read_message, body) if ours else None
        if message is None:
            yield (id, 0), None
            continue
        settled = of.past(settled_at) if here else None
        yield (
            (id, 0),
            RecordedMessage(
                at=of.since(at),
                message=message,
                kind=kind,
                outcome=outcome if settled is not None else None,
                reason=reason if settled is not None else "",
                settled_at=settled,
                heard_at=of.past(heard_at) if here else None,
                turn=turn if here else None,
                step=step if here else None,
            ),
        )


def _turns(of: _Reading, after: After) -> Iterator[Placed]:
    for id, session, state, opened_at, attempt, boot, closed_at, checkpoint_at, reason, error in of.all(
        "select id, session, state, opened_at, attempt, boot, closed_at, checkpoint_at, reason, error"
        f" from turn where session in {of.sessions} and id > :after and opened_at <= :until"
        " order by id limit :most",
        after,
    ):
        closed = of.past(closed_at)
        yield (
            (id, 0),
            RecordedTurn(
                id=id,
                session=session,
                state=state if closed is not None else "running",
                opened_at=of.since(opened_at),
                attempt=attempt,
                boot=boot,
                closed_at=closed,
                checkpoint_at=of.past(checkpoint_at),
                reason=reason if closed is not None else "",
                error=readable(_read_failure, error) if closed is not None else None,
            ),
        )


def _steps(of: _Reading, after: After) -> Iterator[Placed]:
    for turn, nth, name, n, state, digest, value, wake_at, at, begun_at in _rows_of_steps(of, after):
        if not isinstance(value, bytes | str):
            value = b"null"
        ended = _time(at) <= of.head.until
        if not ended and (begun_at is None or _time(begun_at) > of.head.until):
            yield (turn, nth), None
            continue
        yield (
            (turn, nth),
            RecordedStep(
                turn=turn,
                name=name,
                n=n,
                state=state if ended else "intent",
                digest=digest,
                value=Raw(value if ended and state != "intent" else b"null"),
                at=of.since(at if ended else begun_at),
                begun_at=of.past(begun_at),
                wake_at=None if wake_at is None else of.since(wake_at),
            ),
        )


def _rows_of_steps(of: _Reading, after: After) -> Iterator[Any]:
    """Turn by turn, so that no page has to put all of them in order."""
    turns = f"select id from turn where session in {of.sessions} and id >= :after order by id"
    for (turn,) in of.all(turns, after):
        yield from of.all(
            "select turn, nth, name, n, state, digest, value, wake_at, at, begun_at from step"
            " where turn = :after and nth > :then order by nth",
            (turn, 0),
            then=after[1] if turn == after[0] else -1,
        )


def _entries(of: _Reading, after: After) -> Iterator[Placed]:
    for id, session, turn, body, at in of.all(
        f"select id, session, turn, body, at from entry where session in {of.sessions} and id > :after"
        f" and at <= :until and not exists ({STRAY}) order by id limit :most",
        after,
    ):
        entry = readable(read_entry, body)
        row = entry and RecordedEntry(session=session, turn=turn, entry=entry, at=of.since(at))
        yield (id, 0), row


def _said(of: _Reading, after: After) -> Iterator[Placed]:
    """Of its turns, and what else was said in its chat to whom the key names."""
    key = of.head.key
    after = after if after != (0, 0) else (_first_at(of.tx, of.head.began_at) - 1, 0)
    for id, address, said, part, state, at, turn, begun_at, sent_at, first, ours, *more in of.all(
        "select id, address, said, part, state, at, turn, begun_at, sent_at, reply,"
        f" lane = :lane and (turn is null or turn in {of.turns}), marked, message_id, choices, why"
        " from outbound where id > :after and at <= :until order by id limit :most",
        after,
        lane=text_of(Lane(key.platform, key.account, key.chat, key.thread)),
    ):
        where, text = readable(read_address, address), readable(read_part, part)
        if where is None or text is None:
            yield (id, 0), None
            continue
        others = key.user not in (None, where.user) or _time(at) <= of.head.since or at == of.ended_by_rule
        if not ours or said not in RANKS or (turn is None and others):
            yield (id, 0), None
            continue
        marked, message_id, choices, why = more
        sent = of.past(sent_at)
        is_open = sent_at is not None and sent is None
        yield (
            (id, 0),
            RecordedPart(
                address=where,
                said=said,
                text=text.text,
                state="sending" if is_open else state,
                at=of.since(at),
                turn=turn,
                begun_at=of.past(begun_at),
                sent_at=sent,
                row=id,
                first=first,
                marked=bool(marked),
                message_id=None if is_open else message_id,
                choices=readable(read_choices, choices) or (),
                why=why,
            ),
        )


def _first_at(tx: Tx, at: float) -> int:
    """The first row of the outbound table that is not older; rows grow in order of time."""
    (low, high) = tx.one("select coalesce(min(id), 1), coalesce(max(id), 0) + 1 from outbound")
    while low < high:
        middle = (low + high) // 2
        found = tx.one("select id, at from outbound where id >= ? order by id limit 1", middle)
        if found is None or _time(found[1]) >= at:
            high = middle
        else:
            low = found[0] + 1
    return int(low)


_READ: dict[RecordingPart, Callable[[_Reading, After], Iterator[Placed]]] = {
    "boots": _boots,
    "sessions": _sessions,
    "messages": _messages,
    "turns": _turns,
    "steps": _steps,
    "entries": _entries,
    "said": _said,
}


def _time(value: Any) -> float:
    """A wall time; the beginning of all where it cannot be read."""
    return value if isinstance(value, int | float) and abs(value) < AGES_S else 0.0
