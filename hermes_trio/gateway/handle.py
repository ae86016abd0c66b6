"""What a host may ask of a running gateway."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import trio

from hermes_trio.errors import StaleSession
from hermes_trio.gateway.wiring import Wiring
from hermes_trio.intake.receiver import Health
from hermes_trio.ports.platform import Platform
from hermes_trio.ports.store import StatusView
from hermes_trio.values.recording import RecordingHead, RecordingPart, RecordingRows
from hermes_trio.values.views import KeyView, LedgerRow, SessionView, TurnPage

LOOKED_AT = 200
"""Newest messages of a chat that are looked at for one that is not settled."""


class Gateway:
    """A running gateway: what a host may ask of it. Made by `open_gateway`.

    What asks the store raises `StoreFailed` when that cannot read or write, `StoreClosed` after the gateway
    was left. Cancelled, a `stop`, `reset` or `resume` has taken effect wholly or not at all,
    and what waits or looks has changed nothing.

    Attributes:
        river: its parts; not for hosts, and without a promise.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    @property
    def accounts(self) -> Mapping[str, Platform]:
        """The platforms it serves, by account id."""
        return self.wiring.accounts

    @property
    def model(self) -> str:
        """The name of the agent's model; "" for a function of one's own."""
        return self.wiring.model

    @property
    def draining(self) -> bool:
        """Whether it is on its way down: no turn is opened any more."""
        return self.wiring.draining

    async def ready(self) -> None:
        """Return when each account has received, or has reported that it cannot."""
        await self.wiring.listening.ready()

    async def finished(self) -> None:
        """Return when every platform's input has ended and every message has its outcome and its answer."""
        await self.wiring.listening.ended()
        await self.at_rest()
        while (await self.wiring.store.status()).deferred:
            await self.wiring.cooldowns.looked()
            await self.at_rest()

    async def at_rest(self) -> None:
        """Return when no key has anything to do and no lane anything to say."""
        while self.wiring.commands.live or self.wiring.sessions.live or self.wiring.lanes.live:
            await self.wiring.commands.empty()
            await self.wiring.sessions.empty()
            await self.wiring.lanes.empty()

    async def chat_at_rest(self, account: str, chat: str) -> None:
        """Return when no task works for the chat, and no message of it waits for a key to a model.

        Args:
            account: `platform/account`.
            chat: its id there.
        """
        wiring = self.wiring
        while True:
            # A key or lane has a task as long as it has something to do.
            busy = (
                worker
                for table in (wiring.commands.live, wiring.sessions.live, wiring.lanes.live)
                for key, worker in table.items()
                if key.chat == chat and f"{key.platform}/{key.account}" == account
            )
            if (worker := next(busy, None)) is not None:
                await worker.left.wait()
            elif await self._waits_for_a_key(account, chat):
                await wiring.cooldowns.looked()
            else:
                return

    async def _waits_for_a_key(self, account: str, chat: str) -> bool:
        rows = await self.ledger(chat, LOOKED_AT) if (await self.status()).deferred else ()
        return any(row.state == "deferred" and row.account == account for row in rows)

    async def stop(self, session: int, why: str = "operator", *, everything: bool = False) -> bool:
        """Stop the session's running turn, and return when that is durable: not when the turn has left.

        Args:
            session: its number, as in `session_views`.
            why: for the log, who asked.
            everything: its background work too.

        False if there is no such open session, or nothing of that ran.
        """
        try:
            stopped = await self.wiring.store.stop(session, None, why, everything=everything)
        except StaleSession:
            return False
        self.wiring.log.info("stop", key=str(stopped.key), turn=stopped.turn, who=why)
        return stopped.turn is not None or (everything and bool(stopped.processes))

    async def reset(self, session: int, why: str = "operator") -> int | None:
        """End the session and open the next; returns its number, None if there is no such open session.

        What runs in it is cancelled and superseded; what waits goes on in the next. Durable when it returns.
        """
        try:
            return await self.wiring.store.reset(session, None, why)
        except StaleSession:
            return None

    async def resume(self, session: int) -> int | None:
        """Open an ended session again. Returns the one that ended for it, None if it is no ended one.

        Also one that was set aside because it was interrupted too often.
        """
        return await self.wiring.store.resume(session, None)

    async def ledger(self, chat: str | None = None, limit: int = 1000) -> Sequence[LedgerRow]:
        """The newest inbound messages with their outcomes, oldest first.

        Args:
            chat: only those of this chat.
            limit: so many at most.
        """
        return await self.wiring.store.ledger(chat, limit)

    async def session_views(self, *, ended: bool = False) -> Sequence[SessionView]:
        """The open sessions, newest first; with `ended` those too that are not open. At most 200."""
        return await self.wiring.store.sessions(ended=ended)

    async def session_view(self, session: int) -> SessionView | None:
        """One session, open or ended; None if there is none of this number."""
        return await self.wiring.store.session(session)

    async def turn_page(self, turn: int) -> TurnPage | None:
        """Everything that is known of a turn, as it was stored; None if there is none of this number."""
        return await self.wiring.store.turn_page(turn)

    async def recording_head(self, session: int) -> RecordingHead | None:
        """What a recording of the session spans; None if there is none of this number."""
        return await self.wiring.store.recording_head(session)

    async def recording_rows(
        self, head: RecordingHead, part: RecordingPart, after: tuple[int, int] = (0, 0)
    ) -> RecordingRows:
        """A page of one list of a recording. What users wrote is in it as they wrote it.

        Args:
            after: what the page before said; (0, 0) is the first page.
        """
        return await self.wiring.store.recording_rows(head, part, after)

    def keys(self) -> Sequence[KeyView]:
        """The keys to models by position and state, never a key."""
        return self.wiring.cooldowns.views()

    async def status(self) -> StatusView:
        """Counts, and the turns running."""
        return await self.wiring.store.status()

    def health(self) -> Mapping[str, Health]:
        """Per account whether it receives."""
        return self.wiring.listening.health()

    def hurry(self, seconds: float = 0.0) -> None:
        """Shorten a drain, running or to come, to so many seconds from now. Never makes one longer."""
        until = self.wiring.drain_deadline
        until.deadline = min(until.deadline, trio.current_time() + seconds)
