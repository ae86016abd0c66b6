"""At boot: what becomes of interrupted turns.

A turn that is resumed stays `running` under its older boot. The task of its session adopts it before it does
anything else (`next_turn`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import trio
from msgspec import Struct

from hermes_trio.errors import StaleTurn
from hermes_trio.ports.platform import Platform
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.runtime.retry import Refused, until_stored
from hermes_trio.runtime.splitting import Split
from hermes_trio.runtime.supervise import attempt
from hermes_trio.text import sentences
from hermes_trio.turns.verdict import Verdict, is_answer, verdict
from hermes_trio.values.identity import Address
from hermes_trio.values.stored import Booted, Interrupted
from hermes_trio.values.transcript import AssistantEntry

CALM_S = 60.0
AT_ONCE = 50


class RecoveryPolicy(Struct, frozen=True):
    """What a verdict depends on beside the turn.

    Args:
        allowed: whether the person at an address may still speak.
        resume: False for `run --no-resume`.
        freshness_s, stuck_after: see `[gateway]`.
    """

    allowed: Callable[[Address], bool]
    resume: bool
    freshness_s: float
    stuck_after: int


async def turn_away(
    booted: Booted,
    store: Store,
    policy: RecoveryPolicy,
    *,
    platform: Callable[[str], Platform | None],
    waits: Refused,
) -> None:
    """Drop waiting messages and commands of people who may no longer speak, before any of them takes effect.

    Where a turn goes on for other people, such a message is dropped from it too. A turn that has recorded its
    answer does not go on: its answer is given to all whom it answers. Messages of an account that this boot
    does not serve wait for a boot that serves it.
    """
    shared = [
        one
        for turn in booted.interrupted
        if _may_go_on(turn, policy) and not is_answer(turn.tail)
        for one in turn.said
    ]
    strangers = [
        id
        for id, address in (*booted.unclaimed, *shared)
        if platform(address.account_id) is not None and not policy.allowed(address)
    ]
    if strangers:
        await until_stored(lambda: store.drop(strangers, "allow_users"), waits)


async def recover(
    booted: Booted,
    store: Store,
    policy: RecoveryPolicy,
    *,
    now: float,
    platform: Callable[[str], Platform | None],
    split: Split,
    log: Log,
    waits: Refused,
) -> int:
    """Give each interrupted turn its verdict, and close those that are not resumed. Returns how many are.

    Unsettled commands run before this. A turn that one of them ended needs no verdict any more.
    """
    resumed = paused = 0
    if booted.clean and not booted.first:
        log.info("resume verdict", turn=None, key=None, verdict="clean", age_s=None)
    for nth, turn in enumerate(booted.interrupted, 1):
        if nth % AT_ONCE == 0:
            await trio.lowlevel.checkpoint()  # ten thousand verdicts must not hold the loop
        found = await judge(
            turn,
            store,
            policy,
            guarded=booted.guarded,
            now=now,
            platform=platform,
            split=split,
            log=log,
            waits=waits,
        )
        resumed += found == "resume"
        paused += found == "paused"
    if booted.guarded:
        log.warning("turns paused", turns=paused, for_s=CALM_S)
    return resumed


async def judge(
    turn: Interrupted,
    store: Store,
    policy: RecoveryPolicy,
    *,
    guarded: bool,
    now: float,
    platform: Callable[[str], Platform | None],
    split: Split,
    log: Log,
    waits: Refused = lambda error: None,
) -> Verdict:
    """Give an interrupted turn its verdict, and close it if it is not resumed."""
    served = platform(turn.address.account_id) is not None
    found = _verdict(turn, policy, now, guarded, served)
    age_s = max(0.0, now - turn.last_at)
    log.info("resume verdict", turn=turn.turn, key=str(turn.key), verdict=found, age_s=age_s)
    if found != "resume":
        try:
            await until_stored(partial(_close, store, turn, found, age_s, platform, split), waits)
        except StaleTurn:
            log.info("fenced", key=str(turn.key), session=turn.session, why="ended by a command")
    return found


def _may_go_on(turn: Interrupted, policy: RecoveryPolicy) -> bool:
    """Whether there is somebody left whom it may answer."""
    return any(map(policy.allowed, [address for _, address in turn.said] or [turn.address]))


def _verdict(turn: Interrupted, policy: RecoveryPolicy, now: float, guarded: bool, served: bool) -> Verdict:
    return verdict(
        tail=turn.tail,
        age_s=now - turn.last_at,
        interruptions=turn.interruptions,
        waits=turn.waits,
        served=served,
        allowed=_may_go_on(turn, policy),
        resume=policy.resume,
        guarded=guarded,
        freshness_s=policy.freshness_s,
        stuck_after=policy.stuck_after,
    )


async def release(store: Store, log: Log) -> None:
    """Wait until this boot has lasted CALM_S seconds. Then let the paused turns go on."""
    await trio.sleep(CALM_S)
    log.info("turns released", turns=await until_stored(store.release))


async def _close(
    store: Store,
    turn: Interrupted,
    found: Verdict,
    age_s: float,
    platform: Callable[[str], Platform | None],
    split: Split,
) -> None:
    if found == "answered":
        assert isinstance(turn.tail, AssistantEntry)
        answer, speaks = turn.tail.text, platform(turn.address.account_id)
        parts = None
        if speaks is not None:
            parts, _ = await attempt(lambda: split(speaks, answer))
        if parts:
            await store.conclude(turn.turn, parts)
        else:
            # The adapter cannot show it: it ends as it would have ended then.
            await store.abandon(turn.turn, found, sentences.failed(turn.turn))
    elif found == "absent":
        await store.pause(turn.turn, "")
    elif found == "paused":
        await store.pause(turn.turn, sentences.paused(CALM_S))
    elif found == "stuck":
        notice = sentences.stuck(turn.interruptions, turn.session)
        await store.abandon(turn.turn, found, notice, suspend=True)
    else:
        await store.abandon(turn.turn, found, sentences.abandoned(age_s / 60))
