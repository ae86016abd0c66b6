"""What a commit causes on another node: a row of the same transaction, for the boot that it concerns.

A signal is taken by its deletion, and goes the way of a consequence again, since the rows may say other than
they did: so what was sent to a boot that is over, or that has given a key away, finds whom it concerns now.
Performed twice or late it does no harm. Lines of the log stay where the commit was.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from msgspec.json import Decoder

from hermes_trio.store.promises.alive import IS_OF_THE_LIVING, living
from hermes_trio.store.promises.holders import holder_of
from hermes_trio.store.promises.key_tasks import worker_of
from hermes_trio.store.tx import Tx, readable, text_of, to_json
from hermes_trio.values.consequences import (
    CancelTurn,
    Consequence,
    Deferred,
    Elsewhere,
    EndProcesses,
    HasMoved,
    LookAround,
    ReplaceKey,
    Signal,
    Signalled,
    WakeAsk,
    WakeCommands,
    WakeKey,
    WakeLane,
)
from hermes_trio.values.homes import home_among
from hermes_trio.values.nodes import Node

DEFERRED = "deferred"
"""What the boot is home to that tries deferred messages again."""
_read_signal = Decoder(Signal).decode


def take_signals(tx: Tx) -> int:
    """Take the signals to this boot, and those to boots that are over. Returns how many there were."""
    rows = tx.all(
        f"delete from signal where boot = ? or not ({IS_OF_THE_LIVING}) returning id, body", tx.boot
    )
    for _, body in sorted(rows):
        if (what := readable(_read_signal, body)) is not None:
            tx.then(Signalled(what))
    return len(rows)


def route(tx: Tx) -> int:
    """Leave to this boot what it is to do. What is another's becomes a signal; returns how many do."""
    if not tx.consequences:
        return 0
    signals = 0
    places, mine = _Places(tx), list[Consequence]()
    for what in tx.consequences:
        if what == Signalled(LookAround()):
            mine.append(what)
            continue
        inner = what.what if isinstance(what, Signalled) else what
        for boot, part in places.of(inner):
            if boot is None or boot == tx.boot:
                mine.append(Signalled(part) if inner is not what else part)  # type: ignore[arg-type]
                continue
            signals += 1
            tx.run("insert into signal(boot, body, at) values(?, ?, ?)", (boot, to_json(part), tx.now))
            if isinstance(what, ReplaceKey | HasMoved):
                mine.append(Elsewhere(what))
    tx.consequences = mine
    return signals


class _Places:
    """Where consequences are to be performed."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    @cached_property
    def _nodes(self) -> tuple[Node, ...]:
        return living(self._tx)

    def of(self, what: Consequence) -> Iterator[tuple[int | None, Consequence]]:
        """Which boot does what of it; None: nobody in particular."""
        tx = self._tx
        match what:
            case WakeKey(key=key) | ReplaceKey(key=key) | CancelTurn(key=key) | WakeAsk(key=key):
                yield self._of_key(text_of(key), key.account_id), what
            case WakeCommands(key=key):
                yield self._of_key(text_of(key), key.account_id), what
            case WakeLane(lane=lane):
                yield holder_of(tx, lane.account_id), what
            case HasMoved(account=account):
                yield holder_of(tx, account), what
            case Deferred():
                yield home_among(self._nodes, DEFERRED), what
            case EndProcesses(processes=processes):
                alive = {one.boot for one in self._nodes}
                for process in processes:
                    (boot,) = tx.one("select boot from process where id = ?", process)
                    yield boot if boot in alive else None, EndProcesses((process,))
            case LookAround():
                for one in self._nodes:
                    if one.boot != tx.boot:
                        yield one.boot, what
            case _:
                yield None, what

    def _of_key(self, key: str, account: str) -> int | None:
        return worker_of(self._tx, key) or home_among(self._nodes, key, account)
