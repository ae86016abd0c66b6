"""How the table of an outbound row's life is written: one statement for what happens to rows.

The table is `values/outbound_states.py`. A statement is made once, where a module that uses it is imported.
"""

from __future__ import annotations

from hermes_trio.store.tx import IS_ODD, is_none_of, is_one_of
from hermes_trio.values.outbound_states import STATES, TABLE, Condition, Event, Follow, Move, State

_CONDITIONS: dict[Condition, str] = {
    "another text": "dirty <> 0",
    "nameless": "op = 'send' and coalesce(:id, message_id) is null",
    "in doubt": "unknown <> 0",
    "no send": "op <> 'send'",
    "named": "message_id is not null",
}
_FOLLOWS: dict[Follow, dict[str, str]] = {
    "call begins": {
        "begun": "1",
        "attempts": "attempts + 1",
        "begun_at": "coalesce(begun_at, :now)",
    },
    "call over": {"begun": "0"},
    "seen": {"message_id": "coalesce(:id, message_id)", "sent_at": ":now"},
    "over": {"sent_at": ":now"},
    "not over": {"sent_at": "null"},
    "due": {"owed_at": ":now"},
    "doubt": {"unknown": "unknown + 1"},
    "doubt once": {"unknown": "case when unknown > 1 then 1 else unknown end"},
    "certain": {"unknown": "0"},
    "stale": {"dirty": "1"},
    "fresh": {"dirty": "0"},
    "plain text": {"plain": "1"},
    # The key is made of it, in milliseconds: also where no time has passed, or the clock was set back.
    "new key": {"at": "case when :now > at + 0.002 then :now else at + 0.002 end"},
    "no message": {"message_id": "null"},
    "as a line": {"op": "'send'"},
}
_FEW = len(STATES) // 2


def update(event: Event, where: str, also: str = "") -> str:
    """The statement for an event of the rows that `where` names. A row that refuses it stays as it is.

    Args:
        where: with named parameters. Those of the statement itself are `:now` and, for `said`, `:id`.
        also: further columns, of which the table says nothing.
    """
    moves = {state: TABLE[state, event] for state in STATES if (state, event) in TABLE}
    columns = dict.fromkeys(
        ["state", *(name for some in moves.values() for move in some for name in _changes(move))]
    )
    changes = [f"{name} = {_value(name, moves)}" for name in columns]
    return f"update outbound set {', '.join([*changes, *filter(None, [also])])} where {where}{_knows(moves)}"


def _is(state: State) -> str:
    return IS_ODD if state == "odd" else is_one_of([state])


def _knows(moves: dict[State, tuple[Move, ...]]) -> str:
    """The condition that keeps out the states in which the event is refused, as short as it can be."""
    others = [state for state in STATES if state not in moves]
    if not others:
        return ""
    if "odd" in moves and len(others) < _FEW:
        return f" and {is_none_of(others)}"
    return f" and ({' or '.join(_is(state) for state in moves)})"


def _changes(move: Move) -> dict[str, str]:
    return {name: value for follow in move.then for name, value in _FOLLOWS[follow].items()}


def _value(name: str, moves: dict[State, tuple[Move, ...]]) -> str:
    """The expression for a column: one value, or a case for each move that gives it another."""
    cases, every = [], set()
    for state, some in moves.items():
        stays = f"'{state}'" if name == "state" and state != "odd" else name
        becomes = [
            (f"'{move.to}'" if move.to != state else stays)
            if name == "state"
            else _changes(move).get(name, name)
            for move in some
        ]
        every |= {*becomes}
        if any(value != stays for value in becomes):
            for move, value in zip(some, becomes, strict=True):
                condition = f" and {_CONDITIONS[move.when]}" if move.when else ""
                cases.append(f"when {_is(state)}{condition} then {value}")
    return every.pop() if len(every) == 1 else f"case {' '.join(cases)} else {name} end"
