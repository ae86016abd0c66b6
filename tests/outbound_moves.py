"""One move of the table of an outbound row's life, looked up as the statements that are made of it do."""

from __future__ import annotations

from collections.abc import Sequence

from hermes_trio.values.outbound_states import TABLE, Condition, Event, Move, State


def move_of(state: State, event: Event, holds: Sequence[Condition] = ()) -> Move | None:
    """The move of a row in this state, of which these conditions hold; None if the event is refused."""
    fits = (move for move in TABLE.get((state, event), ()) if move.when is None or move.when in holds)
    return next(fits, None)
