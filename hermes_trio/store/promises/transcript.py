"""What a turn is shown of its conversation: all that fits, or only what is newer than what it knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from hermes_trio.store.promises.entry_repair import NOTHING, gone_from, mend_entries, put_back
from hermes_trio.store.tx import UNREADABLE, Tx, read_entry, reads, to_json
from hermes_trio.transcript.compaction import CALLED, became, fold, outcomes, size
from hermes_trio.values.consequences import OutOfTheWay
from hermes_trio.values.stored import History, Mark
from hermes_trio.values.transcript import Entry, NoteEntry, SummaryEntry


class Wanted(NamedTuple):
    """How many characters a turn wants to know, and the mark up to which they are known already."""

    limit: int
    known: Mark | None = None


def history(tx: Tx, session: int, limit: int, before_turn: int | None = None) -> list[Entry]:
    """The newest entries, oldest first, at most `limit` characters, none of `before_turn` itself."""
    return list(read_for(tx, session, before_turn, Wanted(limit)).entries)


def read_for(tx: Tx, session: int, turn: int | None, wanted: Wanted) -> History:
    """What was said before `turn`. What is known up to a mark that still holds is not read again.

    A note of a turn that was cut short is told once: only to the turn that owns the note. Of the entries of
    `turn` only such notes are given. Each summary stands in the place of what it covers. Entries before a
    summary of everything are not read.
    """
    row = tx.one("select rewritten from session where id = ?", session)
    if row is None:
        return History()
    known, history, met = wanted.known, None, _Met()
    if known is not None and (known.session, known.rewritten) == (session, row[0]):
        met.oldest = known.entry
        newer = tx.run(f"{_ROWS} and id > ? order by id", (session, known.entry))
        history = _newer(met.read(newer), turn, known, wanted.limit)
    if history is None:
        rows = tx.run(f"{_ROWS} order by id desc", (session,))
        history = _whole(met.read(rows), turn, wanted.limit, Mark(session, 0, 0, row[0]))
    if stray := {*met.strays, *gone_from(tx, session, met.oldest)}:
        put_back(tx, sorted(stray))
        tx.then(OutOfTheWay(tuple(f"entry {id}" for id in sorted(stray))))
    if stray or (met.unreadable and mend_entries(tx, sorted(met.unreadable))):
        return read_for(tx, session, turn, wanted)
    return history


def others_spoke(tx: Tx, session: int, admins: Sequence[str]) -> bool:
    """Whether anybody but these persons has said something in the conversation, or was quoted there.

    Also what was set aside, or taken back, counts: somebody may have answered it.
    """
    theirs = f"source = 'admin' and who in ({', '.join('?' * len(admins))})" if admins else "false"
    (others,) = tx.one(
        f"select exists(select 1 from spoken where session = ? and not ({theirs}))", session, *admins
    )
    return bool(others)


STRAY = (
    "select 1 from turn where turn.id = entry.turn and turn.session is not entry.session and"
    " (inbound is null or turn.key is not (select key from session where session.id = entry.session))"
)
"""That an `entry` stands in another conversation than its turn's."""
_ROWS = f"select id, body, size, entry.turn, ({STRAY}) from entry where session = ?"
_Row = tuple[int, Entry, int, int | None]
_TOLD = NoteEntry(text="")


class _Met:
    """Which entries were met on the way.

    Attributes:
        oldest: the oldest, of those that are known already too.
        unreadable: those that cannot be read.
        strays: those that another conversation's turn made.
    """

    def __init__(self) -> None:
        self.oldest = 0
        self.unreadable: set[int] = set()
        self.strays: set[int] = set()

    def read(self, rows: Iterable[tuple[int, bytes, int, int | None, int | None]]) -> Iterator[_Row]:
        """The rows with their entries, without those that cannot be read and those that stray."""
        for id, body, length, owner, strays in rows:
            self.oldest = min(self.oldest or id, id)
            if strays:
                self.strays.add(id)
                continue
            try:
                entry, size = read_entry(body), length + 0
            except UNREADABLE:
                self.unreadable.add(id)
            else:
                yield id, entry, size, owner


def _newer(rows: Iterable[_Row], turn: int | None, known: Mark, limit: int) -> History | None:
    """What follows a mark. None if that cannot be told without reading what lies before the mark."""
    entries: list[Entry] = []
    size, last, own = known.size, known.entry, False
    for id, entry, length, owner in rows:
        told_once = _is_told_once(entry)
        if owner == turn and not told_once:
            own = True
            continue
        size += length
        if own or size > limit or isinstance(entry, SummaryEntry) or (told_once and owner == turn):
            return None
        last = id
        if not told_once:
            entries.append(entry)
    return History(tuple(entries), known, replace(known, entry=last, size=size), known.unseen)


def _whole(rows: Iterable[_Row], turn: int | None, limit: int, mark: Mark) -> History:
    """The newest entries that fit. There is no mark if the next turn will not see the same entries."""
    found: list[Entry] = []
    size, wanted, last, lasts, unseen = 0, 1 << 62, 0, True, 0
    for id, entry, length, owner in rows:
        told_once = _is_told_once(entry)
        if turn is not None and owner == turn and not told_once:
            lasts = lasts and not last
            continue
        if not wanted:
            break
        if size + length > limit:
            unseen = id if limit else 0  # an agent without a limit here asks for its history itself
            break
        size += length
        last = last or id
        lasts = lasts and not (told_once and owner == turn)
        # A summary counts the entries that were shown when it was written, notes that are told once included.
        found.append(_TOLD if told_once and turn is not None and owner != turn else entry)
        wanted -= 1
        if isinstance(entry, SummaryEntry):
            wanted = entry.kept if entry.covers is None else wanted + entry.covers
    found.reverse()
    shown = tuple(entry for entry in fold(found) if entry is not _TOLD)
    kept = replace(mark, entry=last, size=size, unseen=unseen) if lasts else None
    return History(shown, mark=kept, unseen=unseen)


def _is_told_once(entry: Entry) -> bool:
    return isinstance(entry, NoteEntry) and entry.about == "cut_short"


def leave_unseen(tx: Tx, session: int, unseen: int, inbound: Sequence[int]) -> bool:
    """If the entry of one of these messages does not fit, tell all of them anew, in order. Returns whether.

    The calls made for them already are told before them. Their old entries keep their places, because a
    summary counts what lies behind it.
    """
    theirs = f"session = {session:d} and inbound in ({', '.join('?' * len(inbound))})"
    found = tx.one(f"select min(id), max(turn) from entry where {theirs}", *inbound) if unseen else None
    if found is None or found[0] is None or found[0] > unseen:
        return False
    first, turn = found
    work = tx.all("select id, body from entry where session = ? and id > ? order by id", session, first)
    told = tx.all(
        "select id, body from entry where session = ? and id < ? order by id desc limit 1", session, first
    )
    entries = [(id, read_entry(body)) for id, body in (*told, *work) if reads(read_entry, body)]
    notes = [id for id, entry in entries if isinstance(entry, SummaryEntry) and entry.covers == 0]
    calls = outcomes([entry for id, entry in entries if id > first or id in notes])
    gone = f"({theirs}) or id in ({', '.join(map(str, [0, *notes]))})"
    tx.run(
        f"update entry set inbound = null, size = ?, body = ? where {gone}",
        (size((NOTHING,)), to_json(NOTHING), *inbound),
    )
    if calls:
        tx.add_entry(session, turn, SummaryEntry(text=f"{CALLED} {became(calls)}", covers=0, calls=calls))
    return True
