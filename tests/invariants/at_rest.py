"""What is true of every World at rest, whatever happened to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from hermes_trio.text import sentences


def check(world, effects: Iterable[str] = ()) -> None:
    """Fail unless the World keeps what the gateway promises.

    Args:
        effects: the op id of each time a tool that is not idempotent took effect.
    """
    rows = world.db.execute
    open_rows = rows("select id, kind, state, turn, body from inbound where outcome is null").fetchall()
    assert not open_rows, f"I1 without outcome: {open_rows}\n{world.timeline()}"
    finals = rows(
        "select turn, count(*) from outbound where said = 'final' and reply is null group by turn"
        " having count(*) > 1"
    ).fetchall()
    assert not finals, f"I2 more than one final: {finals}\n{world.timeline()}"
    _sent_once(world)
    busy = rows(
        "select session from turn where state = 'running' group by session having count(*) > 1"
    ).fetchall()
    assert not busy, f"I3 two turns of a session: {busy}\n{world.timeline()}"
    _in_order(world)
    twice = [op for op, n in Counter(effects).items() if n > 1]
    assert not twice, f"I5 ran twice: {twice}\n{world.timeline()}"
    left = rows("select id, state from turn where state = 'running'").fetchall()
    assert not left, f"turns never ended: {left}\n{world.timeline()}"
    gateway = world.gateway
    assert not gateway.wiring.sessions.live, f"sessions never rested\n{world.timeline()}"
    assert not gateway.wiring.commands.live, f"commands never rested\n{world.timeline()}"
    assert not gateway.wiring.lanes.live, f"lanes never rested\n{world.timeline()}"
    assert gateway.wiring.turns.limiter.held == 0, f"a place was never given back\n{world.timeline()}"


def _sent_once(world) -> None:
    shown: dict[str, list[str]] = {}
    for call in world.platform.calls:
        if call.shown and call.delivery.op == "send" and call.delivery.part is not None:
            shown.setdefault(call.delivery.key, []).append(call.delivery.part.text)
    for key, seen in shown.items():
        assert len(seen) <= 2, f"I2 part {key} shown {len(seen)} times\n{world.timeline()}"
        if len(seen) == 2:
            assert seen[1].endswith(sentences.MARK), f"I2 an unmarked repeat: {seen}\n{world.timeline()}"


def _in_order(world) -> None:
    """Messages of a key are worked on in order of arrival; a steered one may overtake."""
    newest: dict[str, int] = {}
    for key, id, turn in world.db.execute(
        "select key, id, turn from inbound where turn is not null and step is null"
        " and kind in ('message', 'alone') order by id"
    ):
        assert turn >= newest.get(key, 0), f"I4 message {id} of {key} overtook\n{world.timeline()}"
        newest[key] = turn
