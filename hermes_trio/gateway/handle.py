"""What a host may ask of a running gateway."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

import trio

from hermes_trio.errors import StaleSession
from hermes_trio.gateway.wiring import Wiring
from hermes_trio.intake.receiver import Health
from hermes_trio.ports.platform import Platform
from hermes_trio.values.recording import After, RecordingHead, RecordingPart, RecordingRows
from hermes_trio.values.stored import StatusView
from hermes_trio.values.views import FailingModel, KeyView, LedgerRow, NodeView, SessionView, TurnPage

LOOKED_AT = 200
"""Newest messages of a chat that are looked at for one that is not settled."""


class Gateway:
    """A running gateway: what a host may ask of it. Made by `open_gateway`.

    A method that needs the store raises `StoreFailed` when the store cannot read or write, and `StoreClosed`
    after the gateway was left. Cancelled, a `stop`, `reset` or `resume` has taken effect wholly or not at
    all; a method that waits or looks has changed nothing.

    Attributes:
        wiring: the gateway's parts. Not for hosts: they may change in any version.
    """

    def __init__(self, wiring: Wiring) -> None:
        self.wiring = wiring

    async def _in_some_boot(self, wait: Callable[[Wiring], Awaitable[None]]) -> None:
        """Return when this has come true of a boot that lives. One whose lease ends says nothing."""
        while True:
            wiring = self.wiring
            with wiring.until_followed():
                await wait(wiring)
                return

    @property
    def accounts(self) -> Mapping[str, Platform]:
        """The platforms it serves, by account id."""
        return self.wiring.accounts

    @property
    def model(self) -> str:
        """The name of the agent's model; "" for a function of one's own."""
        return self.wiring.model

    def failing(self) -> Sequence[FailingModel]:
        """The models whose last call failed, and why; a model that answers again is not among them."""
        return self.wiring.failing()

    @property
    def draining(self) -> bool:
        """Whether it is on its way down: no turn is opened any more."""
        return self.wiring.draining

    @property
    def shares(self) -> bool:
        """Whether other gateways may share its store."""
        return self.wiring.store.shared

    @property
    def elsewhere(self) -> Sequence[str]:
        """Those of its accounts that another gateway receives, which shares its store."""
        return self.wiring.receivers.elsewhere

    async def ready(self) -> None:
        """Return when each account has received, or has reported that it cannot."""
        await self._in_some_boot(lambda wiring: wiring.receivers.ready())

    async def finished(self) -> None:
        """Return when every platform's input has ended and every message has its outcome and its answer."""
        await self._in_some_boot(lambda wiring: wiring.receivers.ended())
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
        """Return when no task works for the chat, and none of its messages waits for a key to a model.

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
        """Stop the session's running turn. Returns when that is durable; the turn may not have left by then.

        Args:
            session: its number, as in `session_views`.
            why: for the log, who asked.
            everything: stop its background work too.

        False if there is no such open session, or nothing ran that could be stopped.
        """
        try:
            stopped = await self.wiring.store.stop(session, None, why, everything=everything)
        except StaleSession:
            return False
        self.wiring.log.info("stop", key=str(stopped.key), turn=stopped.turn, who=why)
        return stopped.turn is not None or (everything and bool(stopped.processes))

    async def reset(self, session: int, why: str = "operator") -> int | None:
        """End the session and open the next. Returns the number of the next; None: no such open session.

        The running turn is cancelled, and its messages are superseded. Messages that wait go on in the next
        session. Durable when it returns.
        """
        try:
            return await self.wiring.store.reset(session, None, why)
        except StaleSession:
            return None

    async def resume(self, session: int) -> int | None:
        """Open an ended session again. Returns the session that ended in its place; None: it is no ended one.

        A session that was set aside because it was interrupted too often can be opened again too.
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
        """The open sessions, newest first; with `ended` the ended ones too. At most 200."""
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
        self, head: RecordingHead, part: RecordingPart, after: After = (0, 0)
    ) -> RecordingRows:
        """A page of one list of a recording. The words of users stand in it as they wrote them.

        Args:
            after: where the page before said that the list goes on; (0, 0): its beginning.
        """
        return await self.wiring.store.recording_rows(head, part, after)

    def keys(self) -> Sequence[KeyView]:
        """The keys to models: their positions and states, never a key itself."""
        return self.wiring.cooldowns.views()

    async def status(self) -> StatusView:
        """Counts, and the turns running; of all gateways that share the store."""
        return await self.wiring.store.status()

    async def nodes(self) -> Sequence[NodeView]:
        """The gateways that share the store, and what each holds; none where it is not shared."""
        return await self.wiring.store.nodes()

    def health(self) -> Mapping[str, Health]:
        """Per account whether it receives."""
        return self.wiring.receivers.health()

    def hurry(self, seconds: float = 0.0) -> None:
        """End the drain, running or to come, in so many seconds from now at the latest. Makes none longer."""
        until = self.wiring.drain_deadline
        until.deadline = min(until.deadline, trio.current_time() + seconds)
