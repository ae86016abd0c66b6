"""The log lines of a commit: one for each consequence that has a line."""

from __future__ import annotations

from collections.abc import Sequence

from hermes_trio.ports.system import Log
from hermes_trio.values.consequences import (
    Consequence,
    Elsewhere,
    GivenUp,
    HasMoved,
    LeftOut,
    OutOfTheWay,
    ReplaceKey,
    Settled,
)


def write_lines(log: Log, consequences: Sequence[Consequence]) -> None:
    """Write them. Before the gateway runs, and after it, this is all that follows from a commit."""
    for what in consequences:
        match what:
            case Elsewhere(what=inner):
                write_lines(log, [inner])
            case Settled(native=native, outcome=outcome, why=why, user=user):
                where = str(what.key or what.account)
                log.info(f"message {outcome}", native=native, key=where, user=user, why=why)
            case HasMoved(account=account, chat=chat, becomes=becomes):
                log.info("chat moved", account=account, chat=chat, becomes=becomes)
            case OutOfTheWay(what=found):
                for one in found:
                    log.error("out of the way", kind="row", key=None, what=one)
            case LeftOut(key=key, turn=turn, what="summary" | "cut"):
                log.info("conversation shortened", turn=turn, key=str(key), how=what.what)
            case LeftOut(key=key, turn=turn):
                log.warning("set aside", turn=turn, key=str(key), what=what.what)
            case ReplaceKey(key=key, session=session, why=why, who=who):
                log.info("reset", key=str(key), session=session, who=who, why=why)
            case GivenUp(row=row, lane=lane, why=why):
                log.warning("send given up", lane=lane and str(lane), row=row, attempts=None, why=why)
