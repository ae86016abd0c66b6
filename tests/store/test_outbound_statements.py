"""Each statement about an outbound row does what its line of the table says; none, nothing."""

from __future__ import annotations

import sqlite3
from itertools import combinations
from typing import get_args

import pytest

from hermes_trio.store.promises.delivery import key_of
from hermes_trio.store.promises.outbound import update
from hermes_trio.store.sqlite.schema import connect
from hermes_trio.values.outbound_states import EVENTS, STATES, TABLE, Condition
from tests.outbound_moves import move_of

CONDITIONS = get_args(Condition)
NOW = 2000.0
SETS = {"another text": {"dirty": 1}, "in doubt": {"unknown": 3}, "no send": {"op": "retire"}}
CHANGES = {
    "call begins": {"begun": 1, "attempts": 5, "begun_at": NOW},
    "call over": {"begun": 0},
    "seen": {"sent_at": NOW},
    "over": {"sent_at": NOW},
    "not over": {"sent_at": None},
    "due": {"owed_at": NOW},
    "doubt": lambda row: {"unknown": row["unknown"] + 1},
    "doubt once": lambda row: {"unknown": min(1, row["unknown"])},
    "certain": {"unknown": 0},
    "stale": {"dirty": 1},
    "fresh": {"dirty": 0},
    "plain text": {"plain": 1},
    "new key": {"at": NOW},
    "no message": {"message_id": None},
    "as a line": {"op": "send"},
}


@pytest.fixture(scope="module")
def db():
    db = connect(":memory:")
    db.row_factory = sqlite3.Row
    yield db
    db.close()


def a_row(db, state, holds):
    """A row in this state, of which exactly these of the conditions hold that can be chosen."""
    row = {"state": state, "dirty": 0, "unknown": 0, "op": "send", "message_id": None, "begun": 2}
    for condition in holds:
        row |= SETS.get(condition, {})
    if "named" in holds:
        row["message_id"] = "m1"
    row |= {"lane": "l", "address": "a", "said": "final", "part": b"p", "rank": 1, "attempts": 4}
    row |= {"at": 1000.0, "sent_at": 1001.0, "owed_at": 1002.0}
    names = ", ".join(row)
    db.execute("delete from outbound")
    db.execute(f"insert into outbound({names}) values({', '.join(':' + one for one in row)})", row)
    return the_row(db)


def the_row(db):
    return dict(db.execute("select * from outbound").fetchone())


def after(row, move, seen_as):
    if move is None:
        return row
    expected = dict(row)
    for follow in move.then:
        changes = CHANGES[follow]
        expected |= changes(row) if callable(changes) else changes
        if follow == "seen" and seen_as is not None:
            expected["message_id"] = seen_as
    return expected | ({"state": move.to} if move.to != "odd" else {})


def held_by(row, seen_as):
    nameless = row["op"] == "send" and seen_as is None and row["message_id"] is None
    facts = {"another text": row["dirty"], "nameless": nameless, "in doubt": row["unknown"]}
    facts |= {"no send": row["op"] != "send", "named": row["message_id"] is not None}
    return [condition for condition in CONDITIONS if facts[condition]]


CHOSEN = ("another text", "in doubt", "no send", "named")
HOLDS = [one for length in range(len(CHOSEN) + 1) for one in combinations(CHOSEN, length)]


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("state", STATES)
def test_a_statement_does_what_its_line_says(db, state, event):
    statement = update(event, "lane = :lane")
    met = set()
    for holds in HOLDS:
        for seen_as in ("m2", None):
            row = a_row(db, "nonsense" if state == "odd" else state, holds)
            move = move_of(state, event, held_by(row, seen_as))
            met.add(move)
            db.execute(statement, {"lane": "l", "id": seen_as, "now": NOW})
            assert the_row(db) == after(row, move, seen_as), (holds, seen_as, move)
    assert met == {*TABLE.get((state, event), (None,))}


@pytest.mark.parametrize("now", [1000.0, 999.0])
def test_a_new_key_is_another_where_no_time_has_passed_or_the_clock_was_set_back(db, now):
    row = a_row(db, "sending", ["named"])
    db.execute(update("lost", "lane = :lane"), {"lane": "l", "id": None, "now": now})
    assert key_of(row["id"], the_row(db)["at"]) != key_of(row["id"], row["at"])
