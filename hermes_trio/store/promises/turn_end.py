"""How a turn's rows end, whoever ends it."""

from __future__ import annotations

from typing import Literal, NamedTuple

from hermes_trio.store.promises import live_rows
from hermes_trio.store.tx import CLAIMABLE, LANE_IS, WAKING, Tx, read_message, text_of
from hermes_trio.text.notices import cut_line
from hermes_trio.values.consequences import CancelTurn
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import OutcomeName, TurnState

OUTCOME_OF: dict[TurnState, OutcomeName] = {
    "finished": "answered",
    "stopped": "stopped",
    "reset": "superseded",
    "failed": "failed",
    "abandoned": "failed",
}


def end_turn(
    tx: Tx,
    turn: int,
    key: str,
    state: TurnState,
    reason: str,
    outcome: OutcomeName | None = None,
    lane: str | None = None,
) -> Left:
    """End the turn's row, its messages, its open questions and its foreground processes.

    Args:
        lane: looked at for what is to be said there.
    """
    tx.run("update turn set state = ?, closed_at = ?, reason = ? where id = ?", (state, tx.now, reason, turn))
    tx.settle_inbound("key = ? and turn = ?", (key, turn), outcome or OUTCOME_OF[state], reason)
    asked, runs, told, *left = tx.one(_LEFT_OPEN, turn, turn, key, turn, key, lane)
    if asked:
        tx.run("update step set asked = null where turn = ? and asked is not null", (turn,))
    if runs:
        tx.run(f"update process set state = 'killed', ended_at = ? where {_FOREGROUND}", (tx.now, turn))
    if told:
        _note_matches(tx, turn, key)
    return Left(*map(bool, left))


class Left(NamedTuple):
    """What is left after a turn's end: whether it still shows something live, whether messages wait, and
    whether its lane has something to say."""

    shown: bool
    waiting: bool
    busy: bool


_FOREGROUND = "turn = ? and foreground = 1 and state = 'running'"
_LEFT_OPEN = (
    "select exists(select 1 from step where turn = ? and asked is not null),"
    f" exists(select 1 from process where {_FOREGROUND}),"
    f" exists(select 1 from inbound where key = ? and kind = 'match' and {WAKING}),"
    " exists(select 1 from outbound where turn = ? and state = 'live'),"
    f" exists(select 1 from inbound where key = ? and {CLAIMABLE}),"
    f" exists(select 1 from outbound where {LANE_IS})"
)
"""Whether the turn left questions, processes or lines of processes open, which few turns do; then `Left`."""


def _note_matches(tx: Tx, turn: int, key: str) -> None:
    """Lines of a process that came after the turn's last step go into the transcript; they open no turn."""
    for id, body in tx.all(
        f"select id, body from inbound where key = ? and kind = 'match' and {WAKING}", key
    ):
        (session,) = tx.one("select session from turn where id = ?", turn)
        tx.add_user_entry(session, turn, id, read_message(body))
        tx.settle_inbound("id = ?", (id,), "answered", "noted")


def cut_turn(
    tx: Tx, turn: int, key: ConversationKey, how: Literal["stopped", "reset", "interrupted"], why: str
) -> None:
    """End a turn from outside. The commit of its end cancels its scope."""
    state: TurnState = "reset" if how == "reset" else "stopped"
    line = cut_line(how)
    if end_turn(tx, turn, text_of(key), state, why).shown:
        live_rows.retire_live(tx, turn, line)
    tx.then(CancelTurn(key, turn, why))


def give_back(tx: Tx, turn: int, key: ConversationKey, why: str) -> None:
    """An interrupt: the turn is stopped, its messages wait again in their places.

    An answer to its question stays with the turn: the question may never be asked again.
    """
    tx.run(
        "update inbound set state = 'waiting', turn = null, step = null"
        " where outcome is null and key = ? and turn = ? and kind <> 'answer'",
        (text_of(key), turn),
    )
    cut_turn(tx, turn, key, "interrupted", why)


def release(tx: Tx, turn: int) -> bool:
    """A paused turn goes on, because somebody speaks to it. False if the turn was not paused."""
    return bool(
        tx.run("update turn set paused_at = null where id = ? and paused_at is not null", (turn,)).rowcount
    )
