"""Entries that cannot be read, or that stand in another conversation than their turn's.

They are written anew from what stands elsewhere, put back, or set aside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from hermes_trio.store.tx import NO_SESSION, Tx, read_entry, read_message, readable, reads, to_json
from hermes_trio.transcript.assembly import answer_entry, message_entry
from hermes_trio.transcript.compaction import lost_calls, size
from hermes_trio.values.consequences import OutOfTheWay
from hermes_trio.values.stored import Answered
from hermes_trio.values.transcript import AssistantEntry, Entry, SummaryEntry

TOOL = "tool "
"""What the name of a step begins with that is a tool's call; a step within a call has a slash in its own."""

NOTHING = AssistantEntry(text="")
"""An entry that no model is shown and that summaries count."""


def mend_entries(tx: Tx, entries: Sequence[int]) -> bool:
    """Write entries that cannot be read anew, where their content also stands elsewhere; set the rest aside.

    No model is shown what is set aside; it stays in the file. With an answer goes its question: whatever is
    said next would stand there as the answer. Returns whether any entry was written anew.
    """
    shown = [id for id in entries if _put_right(tx, id)]
    aside = [id for id in entries if id not in shown]
    asked = [_before(tx, id) for id in aside if tx.one(_IS_ANSWER, id)]
    tx.many(f"update entry set session = {NO_SESSION} where id = ?", [(id,) for id in aside])
    tx.many(
        "update entry set size = ?, body = ? where id = ?",
        [(size((NOTHING,)), to_json(NOTHING), id) for id in asked],
    )
    tx.then(OutOfTheWay(tuple(f"entry {id}" for id in entries)))
    return bool(shown or asked)


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
        # Answers were left out above: the entry of one may be the label of a choice.
        entry = message_entry(read_message(message))
    elif (half := _half_of_a_question(tx, id, turn)) is not None:
        entry = half
    elif inbound is None and (calls := _calls_that_show_nowhere(tx, turn)):
        entry = lost_calls(calls)
    if entry is None:
        return False
    tx.run("update entry set body = ?, size = ? where id = ?", (to_json(entry), size((entry,)), id))
    return True


def _half_of_a_question(tx: Tx, id: int, turn: object) -> Entry | None:
    """A question or its answer, from the step that asked.

    The two stand beside each other, and the steps are in the order of the answers.
    """
    answers = tx.all(_ANSWERS, turn)
    values = (value for (value,) in tx.all("select value from step where turn = ? order by nth", turn))
    asked = [one for one in (readable(_read_answered, value) for value in values) if one is not None]
    if len(asked) != len(answers):
        return None  # a step of these cannot be read, or another one gave the same: nobody knows which
    for (answer, body), one in zip(answers, asked, strict=True):
        if answer == id:
            message = readable(read_message, body)
            return None if message is None else answer_entry(message, one.answer)
        if id == _before(tx, answer):
            return AssistantEntry(text=one.question, interim=True)
    return None


def _before(tx: Tx, answer: int) -> int | None:
    """The entry of the question that this one answers."""
    found: tuple[int | None] = tx.one(
        "select max(id) from entry where id < ? and turn = (select turn from entry where id = ?)",
        answer,
        answer,
    )
    return found[0]


_IS_ANSWER = (
    "select 1 from entry join inbound on inbound.id = entry.inbound where entry.id = ? and kind = 'answer'"
)
_ANSWERS = (
    "select entry.id, inbound.body from entry join inbound on inbound.id = entry.inbound and kind = 'answer'"
    " where entry.turn = ? order by entry.id"
)
_read_answered = msgspec.json.Decoder(Answered).decode

_BESIDE = "entry.turn = turn.id and entry.session is not turn.session"
_ELSEWHERE = (
    f"entry.session is not {NO_SESSION}"
    " and (entry.inbound is null or"
    " turn.key is not (select key from session where session.id = entry.session))"
)
"""A message that waited when its conversation was reset stands in the next one of its key, under its turn."""
_GONE = (
    "select entry.id from turn indexed by turn_session join entry indexed by entry_turn"
    f" on {_BESIDE} where turn.session = ?"
    f" and turn.id >= (select coalesce(max(turn), 0) from entry where id = ?) and {_ELSEWHERE}"
)
NOWHERE = ("session < 0", "session > (select max(id) from session)")
"""The conditions that an entry stands in no conversation that there ever was, and was not set aside.

Two, because SQLite finds both by an index only one by one. Text and blobs are greater than any number.
"""
IS_WHOLE = f"not exists (select 1 from entry indexed by entry_turn where {_BESIDE} and {_ELSEWHERE})"
"""The condition that no entry of a `turn` stands in another conversation than its own."""
_OF_RUNNING = (
    "select entry.id from turn indexed by turn_running join entry indexed by entry_turn"
    f" on {_BESIDE} where turn.state = 'running' and {_ELSEWHERE}"
)
_WHERE_IT_BELONGS = (
    "select turn.session, turn.id, turn.reason is not 'not_allowed',"
    " case when inbound.id is null then whose.key is null or whose.key is turn.key"
    " else inbound.key is turn.key and coalesce(outcome, '') not in ('dropped', 'refused', 'failed') end"
    f" from entry join turn on {_BESIDE} left join session whose on whose.id = entry.session"
    " left join inbound on inbound.id = entry.inbound where entry.id = ?"
)


def gone_from(tx: Tx, session: int, behind: int) -> list[int]:
    """Entries of this conversation's turns that stand somewhere else.

    Args:
        behind: the entry whose turn is the first that is looked at; 0 looks at each.
    """
    return [id for (id,) in tx.all(_GONE, session, behind)]


def put_back(tx: Tx, entries: Sequence[int]) -> None:
    """Give entries that stand in another conversation than their turn's back to it.

    Where an entry stands in a conversation that somebody else has, nothing says which of the two is its own.
    So it is set aside, as are a message that may have been set aside before and an entry without a turn, and
    the turn's calls that nothing else tells of are told.
    """
    for id in entries:
        home, turn, allowed, ours = tx.one(_WHERE_IT_BELONGS, id) or (NO_SESSION, None, False, False)
        tx.run("update entry set session = ? where id = ?", (home if ours and allowed else NO_SESSION, id))
        if allowed and (calls := _calls_that_show_nowhere(tx, turn)):
            tx.add_entry(home, turn, lost_calls(calls))


def strays(tx: Tx) -> list[int]:
    """Entries that stand in no conversation, and those of running turns that stand in another one.

    Whoever reads a conversation alone would miss them. An entry of an older turn that stands in somebody
    else's conversation is found when one of the two is gone on with.
    """
    nowhere = (f"select id from entry where {where}" for where in NOWHERE)
    return sorted({id for sql in (*nowhere, _OF_RUNNING) for (id,) in tx.all(sql)})


def _calls_that_show_nowhere(tx: Tx, turn: object) -> list[str]:
    """The tools that a turn's steps called and that no entry of the turn tells of, once for each such call.

    A model that is not told of a call and is asked the same again would call again.
    """
    called = Counter[str]()
    for (name,) in tx.all("select name from step where turn = ? order by nth", turn):
        if isinstance(name, str) and name.startswith(TOOL) and "/" not in name:
            called[name.removeprefix(TOOL)] += 1
    told = f"select body from entry where turn = ? and session is not {NO_SESSION}"
    for (body,) in tx.all(told, turn) if called else ():
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
