"""Entries of a conversation that cannot be read: written anew from what stands elsewhere, or set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hermes_trio.store.tx import NO_SESSION, Tx, read_entry, read_message, reads, to_json
from hermes_trio.transcript.assembly import message_entry
from hermes_trio.transcript.compaction import lost_calls, size
from hermes_trio.values.consequences import OutOfTheWay
from hermes_trio.values.transcript import AssistantEntry, Entry, SummaryEntry

TOOL = "tool "
"""What the name of a step begins with that is a tool's call; a step within a call has a slash in its own."""


def mend_entries(tx: Tx, entries: Sequence[int]) -> bool:
    """Write entries that cannot be read anew, where their content also stands elsewhere; set the rest aside.

    No model is shown what is set aside; it stays in the file. Returns whether any entry was written anew.
    """
    shown = [id for id in entries if _put_right(tx, id)]
    aside = [(id,) for id in entries if id not in shown]
    tx.db.executemany(f"update entry set session = {NO_SESSION} where id = ?", aside)
    tx.then(OutOfTheWay(tuple(f"entry {id}" for id in entries)))
    return bool(shown)


def _put_right(tx: Tx, id: int) -> bool:
    body, inbound, turn, message = tx.one(
        "select entry.body, entry.inbound, entry.turn, inbound.body from entry left join inbound"
        " on inbound.id = entry.inbound and kind <> 'answer' where entry.id = ?",
        id,
    )
    entry: Entry | None = None
    if reads(read_entry, body):
        entry = read_entry(body)
    elif message is not None and reads(read_message, message):
        # Answers were left out above: the entry of one may have been the label of a choice.
        entry = message_entry(read_message(message))
    elif inbound is None and (calls := _calls_that_show_nowhere(tx, turn)):
        entry = lost_calls(calls)
    if entry is None:
        return False
    tx.run("update entry set body = ?, size = ? where id = ?", (to_json(entry), size((entry,)), id))
    return True


def _calls_that_show_nowhere(tx: Tx, turn: object) -> list[str]:
    """The tools that a turn's steps called and that no entry of the turn tells of, once for each such call.

    A model that is not told of a call and is asked the same again would call again.
    """
    called = Counter[str]()
    for (name,) in tx.all("select name from step where turn = ? order by nth", turn):
        if isinstance(name, str) and name.startswith(TOOL) and "/" not in name:
            called[name.removeprefix(TOOL)] += 1
    for (body,) in tx.all("select body from entry where turn = ?", turn) if called else ():
        if reads(read_entry, body):
            called.subtract(_told_of(read_entry(body)))
    return list((+called).elements())


def _told_of(entry: Entry) -> list[str]:
    match entry:
        case AssistantEntry(calls=calls):
            return [call.name for call in calls]
        case SummaryEntry(calls=outcomes):
            return [name for _, name in outcomes]
        case _:
            return []
