"""At boot: what was cut short, and what becomes of each. A turn to resume stays `running` under its older
boot, and its key's task adopts it as the first thing it does."""

from __future__ import annotations

from collections.abc import Callable

from hermes_trio.errors import StaleTurn
from hermes_trio.log import Log
from hermes_trio.pure import texts
from hermes_trio.pure.verdict import verdict
from hermes_trio.store_port import Booted, Store
from hermes_trio.values import Address


async def recover(
    booted: Booted,
    store: Store,
    *,
    now: float,
    allowed: Callable[[Address], bool],
    resume: bool,
    freshness_s: float,
    stuck_after: int,
    log: Log,
) -> int:
    """Give each interrupted turn its verdict; close those that are not resumed. Returns how many are.

    Commands run before this: a turn that a pending /stop or /new ended has no verdict any more.
    """
    resumed = 0
    if booted.clean and not booted.first:
        log.info("resume verdict", turn=None, key=None, verdict="clean", age_s=None)
    for turn in booted.interrupted:
        age_s = max(0.0, now - turn.last_at)
        found = verdict(
            age_s=now - turn.last_at,
            interruptions=turn.interruptions,
            waits=turn.waits,
            allowed=allowed(turn.address),
            resume=resume,
            freshness_s=freshness_s,
            stuck_after=stuck_after,
        )
        log.info("resume verdict", turn=turn.turn, key=str(turn.key), verdict=found, age_s=age_s)
        if found == "resume":
            resumed += 1
            continue
        try:
            await store.abandon(turn.turn, found, texts.abandoned(age_s / 60))
        except StaleTurn:
            log.info("fenced", key=str(turn.key), session=turn.session, why="ended by a command")
    return resumed
