"""The receiver: decide what becomes of each update (pure), then write all of them in one commit.

The commit wakes the tasks of commands and sessions (`Wiring.perform`); nothing here does. Nothing is
confirmed to a platform before its row is durable: `accept` returns after the commit, and the cursor is part
of it. A receiver that cannot commit confirms nothing, reports its account as failing, and tries again.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec
import trio

from hermes_trio.errors import IntakeClosed, LeaseOver, NotHolder, StoreClosed
from hermes_trio.intake.routing import Scope, decide
from hermes_trio.intake.soundness import check_use, looked_at
from hermes_trio.ports.platform import Platform
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.runtime.moved_chats import Moves
from hermes_trio.runtime.retry import until_stored
from hermes_trio.runtime.tracebacks import places_of_stack
from hermes_trio.text import sentences
from hermes_trio.text.sanitize import clean
from hermes_trio.text.whole_words import whole_words
from hermes_trio.values.identity import Lane
from hermes_trio.values.message import Decided, Message, Moved, Undecodable
from hermes_trio.values.stored import AcceptRules

T = TypeVar("T")
WHY_MAX = 1000
"""How many characters are kept of the reason why an account fails: a service's own words have no bound."""


class Health(msgspec.Struct):
    """What is known of an account's receiving side.

    Args:
        receiving: a receive cycle completed, and none failed since.
        why: the newest failure.
        received_at: `trio.current_time()` of the last completed receive cycle.
        reported: it has received, or reported its failure, at least once.
    """

    receiving: bool = False
    why: str = ""
    received_at: float | None = None
    reported: bool = False


class Receiver:
    """An account's Intake: see the port.

    Args:
        rules: what its messages do to a busy session.
        scope: whose conversation a group's messages belong to.
        reported: called when the account's health is known for the first time, or is good again.
        reached: called with the account and a chat of it that can be reached again.
        draining: asked for each batch; while it says yes each chat gets one notice.
        moves: chats that have another id.
        may_act: called right before what is durable is confirmed; returns if the boot may still act.
        over: asked before each try of a write; once it says yes, nothing is accepted any more.
    """

    def __init__(
        self,
        platform: Platform,
        store: Store,
        *,
        cursor: str | None,
        rules: AcceptRules,
        scope: Scope,
        log: Log,
        reported: Callable[[str], None],
        reached: Callable[[str, str], None],
        draining: Callable[[], bool],
        over: Callable[[], bool],
        moves: Moves,
        may_act: Callable[[], Awaitable[None]],
    ) -> None:
        self.cursor = cursor
        self.account = f"{platform.name}/{platform.account}"
        self.health = Health()
        self._platform = platform
        self._store = store
        self._rules = rules
        self._scope: Scope = scope
        self._log = log
        self._reported = reported
        self._reached = reached
        self._draining = draining
        self._over = over
        self._moves = moves
        self._may_act = may_act
        self._told: set[Lane] = set()

    async def accept(
        self, updates: Sequence[Message | Undecodable | Moved], *, cursor: str | None = None
    ) -> None:
        """See the port."""
        check_use(updates, cursor)
        platform, home = self._platform, self._moves.home
        for moved in updates:
            if isinstance(moved, Moved):
                await self._tried(partial(self._store.chat_moved, self.account, moved.chat, moved.becomes))
        looked = [looked_at(one, self.account) for one in updates if not isinstance(one, Moved)]
        decided = [
            decide(one, platform.policy, self._scope, platform.capabilities, home) for one, _ in looked
        ]
        wrong = {one.native: wrong for one, wrong in looked if wrong}
        if self._draining():
            decided = self._with_notices(decided)
        new = await self._tried(partial(self._store.accept, self.account, decided, cursor, self._rules))
        if cursor is not None:
            self.cursor = cursor
        for one in new:
            self._write_line(one)
            if (why := wrong.get(one.update.native)) is not None:
                self._tell_author(why)
            if one.notice and isinstance(one.update, Message):
                self._told.add(one.update.address.lane)
        try:
            await self._may_act()
        except LeaseOver:
            raise _closed() from None

    async def _tried(self, write: Callable[[], Awaitable[T]]) -> T:
        async def once() -> T:
            if self._over():
                raise StoreClosed
            return await write()

        try:
            return await until_stored(once, lambda error: self.failed(f"store: {error}"))
        except (StoreClosed, LeaseOver, NotHolder):
            await trio.lowlevel.checkpoint()
            raise _closed() from None

    def _with_notices(self, decided: Sequence[Decided]) -> list[Decided]:
        """Add the notice of the drain, once per chat. The store says it only where the message waits."""
        told, made = set(self._told), []
        for one in decided:
            if isinstance(one.update, Message) and one.outcome is None and one.kind in ("message", "alone"):
                lane = one.update.address.lane
                if lane not in told:
                    told.add(lane)
                    one = msgspec.structs.replace(one, notice=sentences.DRAINING)
            made.append(one)
        return made

    def _write_line(self, decided: Decided) -> None:
        """A line for each that is taken. One that ended at once has its line from its commit."""
        update = decided.update
        if isinstance(update, Message) and decided.outcome is None:
            self._log.info(
                "message accepted",
                native=update.native,
                key=str(decided.key),
                user=update.address.user,
                kind=decided.kind,
                length=len(update.text),
            )

    def _tell_author(self, why: str) -> None:
        """What is wrong with an update as its adapter made it, with the adapter's own lines."""
        here = sys._getframe()
        self._log.error("update unsound", account=self.account, error=why, traceback=places_of_stack(here))

    def received(self) -> None:
        """See the port."""
        health = self.health
        was_receiving = health.receiving
        health.receiving, health.why = True, ""
        health.received_at = trio.current_time()
        if not was_receiving:
            health.reported = True
            self._log.info("account up", account=self.account)
            self._reported(self.account)

    def reachable(self, chat: str) -> None:
        """See the port."""
        self._reached(self.account, chat)

    def failed(self, why: str) -> None:
        """See the port."""
        why = whole_words(clean(str(why)), WHY_MAX)
        if self.health.receiving or not self.health.reported:
            self._log.warning("account down", account=self.account, why=why)
        self.health.receiving, self.health.why = False, why
        if not self.health.reported:
            self.health.reported = True
            self._reported(self.account)


def _closed() -> IntakeClosed:
    return IntakeClosed("the gateway goes down, and takes nothing any more")
