"""What becomes of interrupted turns: at a boot, or where nodes share a store as each is taken up.

A turn that is resumed stays `running` under its older boot. The task of its session adopts it before it does
anything else (`next_turn`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import trio
from msgspec import Struct

from hermes_trio.errors import StaleTurn
from hermes_trio.ports.platform import Platform
from hermes_trio.ports.store import Store
from hermes_trio.ports.store.boots import CALM_S
from hermes_trio.ports.system import Log
from hermes_trio.runtime.outage import Outage
from hermes_trio.runtime.retry import until_stored
from hermes_trio.runtime.splitting import Split
from hermes_trio.runtime.supervise import attempt
from hermes_trio.text import sentences
from hermes_trio.turns.verdict import Verdict, is_answer, verdict
from hermes_trio.values.identity import Address
from hermes_trio.values.stored import Booted, Interrupted
from hermes_trio.values.transcript import AssistantEntry

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


class Recovery:
    """Gives verdicts.

    Args:
        platform: of an account; None: this boot does not serve it.
        split: splits an answer for its platform.
        outage: is outlasted by what has to be written first.
    """

    def __init__(
        self,
        policy: RecoveryPolicy,
        store: Store,
        platform: Callable[[str], Platform | None],
        split: Split,
        log: Log,
        outage: Outage,
    ) -> None:
        self._policy, self._store, self._platform = policy, store, platform
        self._split, self._log, self._outage = split, log, outage
        self._held = set[int]()

    async def turn_away(self, booted: Booted) -> None:
        """Drop waiting messages and commands of people who may no longer speak, before any takes effect.

        Where a turn goes on for other people, such a message is dropped from it too. A turn that has recorded
        its answer does not go on: its answer is given to all whom it answers. Messages of an account that
        this boot does not serve wait for a boot that serves it.
        """
        shared = [one for turn in booted.interrupted for one in self._shared(turn)]
        await self._drop_strangers((*booted.unclaimed, *shared))

    async def recover(self, booted: Booted) -> int:
        """Give each interrupted turn its verdict, and close those that are not resumed. Returns how many are.

        Unsettled commands run before this. A turn that one of them ended needs no verdict any more.
        """
        resumed = paused = 0
        self.say_if_clean(booted)
        for nth, turn in enumerate(booted.interrupted, 1):
            if nth % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()  # ten thousand verdicts must not hold the loop
            found = await self._judge(turn, booted.guarded)
            resumed += found == "resume"
            paused += found == "paused"
        if booted.guarded:
            self._log.warning("turns paused", turns=paused, for_s=CALM_S)
        return resumed

    def say_if_clean(self, booted: Booted) -> None:
        """The boot before has left nothing running."""
        if booted.clean and not booted.first:
            self._log.info("resume verdict", turn=None, key=None, verdict="clean", age_s=None)

    async def take_up(self, turn: Interrupted, *, guarded: bool) -> bool:
        """Look at a turn of another boot that is over, as at a start. Whether it goes on here.

        Args:
            guarded: this boot has not lasted yet. It pauses a turn once: whoever speaks to it then lets it go
                on.
        """
        await self._drop_strangers(self._shared(turn))
        found = await self._judge(turn, guarded and turn.turn not in self._held)
        if found == "paused":
            self._held.add(turn.turn)
            self._log.warning("turns paused", turns=1, for_s=CALM_S)
        return found == "resume"

    async def _drop_strangers(self, said: Iterable[tuple[int, Address]]) -> None:
        strangers = [
            id
            for id, address in said
            if self._platform(address.account_id) is not None and not self._policy.allowed(address)
        ]
        if strangers:
            await self._outage.outlast(lambda: self._store.drop(strangers, "allow_users"))

    def _shared(self, turn: Interrupted) -> Sequence[tuple[int, Address]]:
        """The messages of a turn that goes on."""
        return turn.said if self._may_go_on(turn) and not is_answer(turn.tail) else ()

    async def _judge(self, turn: Interrupted, guarded: bool) -> Verdict:
        """Give an interrupted turn its verdict, and close it if it is not resumed."""
        found = self._verdict(turn, guarded)
        age_s = max(0.0, turn.age_s)
        self._log.info("resume verdict", turn=turn.turn, key=str(turn.key), verdict=found, age_s=age_s)
        if found != "resume":
            try:
                await self._outage.outlast(partial(self._close, turn, found, age_s))
            except StaleTurn:
                self._log.info("fenced", key=str(turn.key), session=turn.session, why="ended by a command")
        return found

    def _may_go_on(self, turn: Interrupted) -> bool:
        """Whether there is somebody left whom it may answer."""
        return any(map(self._policy.allowed, [address for _, address in turn.said] or [turn.address]))

    def _verdict(self, turn: Interrupted, guarded: bool) -> Verdict:
        return verdict(
            tail=turn.tail,
            age_s=turn.age_s,
            interruptions=turn.interruptions,
            waits=turn.waits,
            served=self._platform(turn.address.account_id) is not None,
            allowed=self._may_go_on(turn),
            resume=self._policy.resume,
            guarded=guarded,
            freshness_s=self._policy.freshness_s,
            stuck_after=self._policy.stuck_after,
        )

    async def _close(self, turn: Interrupted, found: Verdict, age_s: float) -> None:
        store = self._store
        if found == "answered":
            await self._conclude(turn)
        elif found == "absent":
            await store.pause(turn.turn, "")
        elif found == "paused":
            await store.pause(turn.turn, sentences.paused(CALM_S))
        elif found == "stuck":
            notice = sentences.stuck(turn.interruptions, turn.session)
            await store.abandon(turn.turn, found, notice, suspend=True)
        else:
            await store.abandon(turn.turn, found, sentences.abandoned(age_s / 60))

    async def _conclude(self, turn: Interrupted) -> None:
        assert isinstance(turn.tail, AssistantEntry)
        answer, speaks = turn.tail.text, self._platform(turn.address.account_id)
        parts = None
        if speaks is not None:
            parts, _ = await attempt(lambda: self._split(speaks, answer))
        if parts:
            await self._store.conclude(turn.turn, parts)
        else:
            # The adapter cannot show it: it ends as it would have ended then.
            await self._store.abandon(turn.turn, "answered", sentences.failed(turn.turn))


async def release(store: Store, log: Log) -> None:
    """Wait until this boot has lasted CALM_S seconds. Then let the paused turns go on."""
    await trio.sleep(CALM_S)
    log.info("turns released", turns=await until_stored(store.release))
