"""The outbox: the only caller of a platform's `deliver`.

A lane's task records that a delivery begins, makes the call, and records how it ended.

One task serves a lane, so what is said in it is said in one order, and an edit ends before the next begins.
A penalty (the platform asks for silence) holds for its chat until its end; a long one is also kept as a row.
A penalty of more than five seconds also stops typing, previews and progress in the whole account.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from math import inf
from typing import Literal, TypeVar

import trio
from msgspec import structs

from hermes_trio.delivery.lane_workers import LaneWorker
from hermes_trio.errors import ChatMoved, NotSent, SendRefused, StoreFailed
from hermes_trio.ports.platform import Platform
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Chance, Log, WallClock
from hermes_trio.runtime.ages import Ages
from hermes_trio.runtime.allowance import Allowance, Allowances
from hermes_trio.runtime.backoff import backoff_s
from hermes_trio.runtime.moved_chats import Moves
from hermes_trio.runtime.outage import OneAsks
from hermes_trio.runtime.redacting_store import safe_delivery
from hermes_trio.runtime.retry import uncut, until_stored
from hermes_trio.runtime.supervise import attempt
from hermes_trio.runtime.tracebacks import WhereCut, beginning_of, traceback_of
from hermes_trio.text.chunking import units
from hermes_trio.text.foreign_errors import told_in_short
from hermes_trio.text.links import write_out
from hermes_trio.text.sanitize import clean
from hermes_trio.values.delivery import Capabilities, Delivery, Part, Receipt
from hermes_trio.values.identity import Address, Lane
from hermes_trio.values.outbound_states import DeliveryFailure
from hermes_trio.values.stored import Begun, GaveUp, InDoubt

T = TypeVar("T")
DELIVER_S = 60.0
LIVE_S = 10.0
"""How long the call of a live row may take: the reply to a command may wait behind it."""
TYPING_S = 5.0
TYPING_AT_ONCE = 20
TELL_S = 10.0
LONG_PENALTY_S = 10.0
LIVE_PENALTY_S = 5.0
LONGEST_PENALTY_S = 86400.0
"""A platform that names a longer silence is at fault. It is asked again after a day, not never."""
SHORTEST_PENALTY_S = 0.25
"""A shorter time counts as none: then our own backoff is used. No platform is called without a pause."""
Then = Literal["look", "rest", "leave"]
"""What the lane does after a call: look at its rows, try the same row again after a while, or leave."""


class Outbox:
    """Serves lanes over the platforms of a gateway.

    Args:
        platforms: by account id.
        ages: how old a part is.
        give_up_after_s: how long a part is tried, in seconds.
        hears: whether an account receives at the moment. If not, a call would hardly arrive.
        moves: the moved chats. They are spoken to under their new ids.
        allowances: end the time that a platform is given for a call.
        disk: says when a disk that refused takes a write again.
        may_act: called right before each call of a platform; returns if the boot may still act.
        redact: replaces secrets in what is shown, and in what an adapter says of its failures.
    """

    def __init__(
        self,
        store: Store,
        platforms: Mapping[str, Platform],
        clock: WallClock,
        ages: Ages,
        chance: Chance,
        log: Log,
        give_up_after_s: float,
        redact: Callable[[str], str],
        hears: Callable[[str], bool],
        moves: Moves,
        allowances: Allowances,
        disk: OneAsks,
        may_act: Callable[[], Awaitable[None]],
    ) -> None:
        self._store = store
        self._platforms = platforms
        self._clock = clock
        self._ages = ages
        self._chance = chance
        self._log = log
        self._give_up_after_s = give_up_after_s
        self._redact = redact
        self._hears = hears
        self._moves = moves
        self._allowances = allowances
        self._disk = disk
        self._may_act = may_act
        self._silent_until: dict[tuple[str, str], float] = {}
        self._typing = 0
        self._live_until: dict[str, float] = {}

    def remember(self, account: str, chat: str, until: float) -> None:
        """Keep to a penalty that an older boot was given."""
        self._silence(account, chat, _penalty_s(until - self._clock.now()))

    def is_free(self, lane: Lane) -> bool:
        """Whether something could be said in the lane at once, if nothing else is to be said in it."""
        place = lane.account_id, lane.chat
        return lane.account_id in self._platforms and place not in self._silent_until

    async def work(self, lane: Lane, worker: LaneWorker) -> None:
        """Say what the lane has to say."""
        platform = self._platforms.get(lane.account_id)
        if platform is None:
            return
        failures, late = 0, False
        while True:
            begun = worker.in_hand() or await self._begin(lane, platform.capabilities, late)
            if begun is None:
                return
            if isinstance(begun, InDoubt):
                # The one repeat is not spent while the account is down. Its lanes are woken when it is up.
                left_s = self._give_up_after_s - self._ages.age_s(begun.created_at)
                late = left_s <= 0
                await worker.rest(max(0.0, left_s))
                continue
            late = False
            if isinstance(begun, GaveUp):
                self._log.warning(
                    "send given up", lane=str(lane), row=begun.row, attempts=None, why=begun.why
                )
                continue
            then = await self._deliver(platform, lane, begun)
            if then == "leave" and not worker.dirty:
                return
            failures = failures + 1 if then == "rest" else 0
            if then == "rest":
                await worker.rest(backoff_s(failures - 1, self._chance.random()))

    async def _begin(
        self, lane: Lane, capabilities: Capabilities, late: bool
    ) -> Begun | InDoubt | GaveUp | None:
        """Begin what its rows say, when nobody has to be silent in it any more."""
        await self._silence_over(lane)
        return await self._store.begin_delivery(
            lane,
            takes_key=capabilities.takes_key,
            live=not self._is_live_off(lane.account_id),
            can_delete=capabilities.can_delete,
            can_edit=capabilities.can_edit,
            repeats=late or self._hears(lane.account_id),
        )

    async def fail_first(self, lane: Lane, _: LaneWorker) -> str | None:
        """Give up the part that the lane cannot get past."""
        return await self._store.fail_part(lane, live=not self._is_live_off(lane.account_id))

    async def _deliver(self, platform: Platform, lane: Lane, begun: Begun) -> Then:
        """One call and its record."""
        if not begun.live and self._ages.age_s(begun.created_at) >= self._give_up_after_s:
            return await self._fail(lane, begun, "failed", "undeliverable", final=True)
        if (why := self._unsayable(lane)) is not None:
            await self._kept(lambda: self._store.fail_delivery(begun.row, "not_sent", why))
            return "look"
        id, error = None, None
        moved = self._moves.of(begun.delivery)
        if moved is not begun.delivery and moved.op in ("react", "unreact"):
            # The message that it marks is in the old chat. In the new chat its id is another message's.
            await self._kept(lambda: self._store.record_delivery(begun.row, None))
            return "look"
        plain = _plain(moved, platform.capabilities) if begun.plain else moved
        delivery = safe_delivery(plain, self._redact)
        within_s = LIVE_S if begun.live else DELIVER_S
        time = Allowance(self._allowances, within_s)
        with time, WhereCut() as cut:
            id, error = await attempt(lambda: self._message_id(platform, lane, begun, delivery))
        is_late = time.passed
        if is_late:
            self._log.warning(
                "send late", lane=str(lane), row=begun.row, for_s=within_s, traceback=cut.places
            )
        if error is None and not is_late:
            more = await self._kept(lambda: self._store.record_delivery(begun.row, id))
            return "look" if more else "leave"
        return await self._failed(lane, begun, only(error), moved.address.chat)

    def _unsayable(self, lane: Lane) -> str | None:
        """Why a call that has begun is not made: the platform certainly has it not, and it is owed again."""
        if self._is_silent(lane):
            return "the chat is silent"  # another lane of it was told to be while this one began
        return "cut before its call" if trio.current_effective_deadline() == -inf else None

    async def _failed(self, lane: Lane, begun: Begun, error: BaseException | None, chat: str) -> Then:
        """What becomes of a part that its platform did not take."""
        why = "no answer in time" if error is None else self._redact(told_in_short(error))
        edits_for_good = begun.delivery.op == "edit" and not begun.live
        match error:
            case ChatMoved(becomes=becomes) if self._moves.is_news(lane.account_id, lane.chat, becomes):
                await self._kept(lambda: self._store.chat_moved(lane.account_id, lane.chat, becomes))
                return await self._fail(lane, begun, "not_sent", why)
            case ChatMoved() if self._moves.of(begun.delivery).address.chat != chat:
                # Where it is now was heard while the call was on its way.
                return await self._fail(lane, begun, "not_sent", why)
            case ChatMoved():
                return await self._fail(lane, begun, "failed", why, final=True)
            case NotSent(retry_after_s=said_s):
                wait_s = _penalty_s(said_s)
                if wait_s:
                    await self._penalty(lane, wait_s)
                return await self._fail(lane, begun, "not_sent", why, again=not wait_s)
            case SendRefused(kind="markup" | "other") if _formatted(begun):
                return await self._fail(lane, begun, "plain", why)
            case SendRefused(kind="markup" | "other") if begun.delivery.op == "react":
                return await self._fail(lane, begun, "line", why)
            case SendRefused(kind="lost") if begun.delivery.op == "edit":
                return await self._fail(lane, begun, "lost", why)
            case SendRefused(kind="markup" | "other") if edits_for_good:
                # An answer that may not take its preview's place still has to be said.
                return await self._fail(lane, begun, "refused", why)
            case SendRefused():
                return await self._fail(lane, begun, "failed", why, final=True)
            case _:
                if error is not None and (trace := traceback_of(error)) is not None:
                    self._log.error(
                        "adapter failed", lane=str(lane), row=begun.row, error=why, traceback=trace
                    )
                return await self._fail(lane, begun, "unknown", why, again=True)

    async def _fail(
        self,
        lane: Lane,
        begun: Begun,
        how: DeliveryFailure,
        why: str,
        *,
        final: bool = False,
        again: bool = False,
    ) -> Then:
        gave_up = await self._kept(lambda: self._store.fail_delivery(begun.row, how, why))
        place, row, attempts = str(lane), begun.row, begun.attempts
        if final or gave_up:
            self._log.warning("send given up", lane=place, row=row, attempts=attempts, why=why)
        else:
            self._log.warning("send retried", lane=place, row=row, attempts=attempts, why=why)
        return "rest" if again else "look"

    async def _kept(self, write: Callable[[], Awaitable[T]]) -> T:
        """Record what is certain, however long the disk refuses. Forgotten, it would count as unknown."""
        return await until_stored(uncut(write), wait=self._disk.again)

    # -- budgets

    async def _penalty(self, lane: Lane, wait_s: float) -> None:
        """The platform told us to be silent: no call to this chat before the time."""
        self._silence(lane.account_id, lane.chat, wait_s)
        if wait_s > LONG_PENALTY_S:
            try:
                await self._store.penalty(lane.account_id, lane.chat, self._clock.now() + wait_s)
            except StoreFailed as error:
                # It is forgotten only by a restart, and then the platform will ask for silence again.
                self._log.warning("penalty not kept", lane=str(lane), why=str(error))

    def _silence(self, account: str, chat: str, wait_s: float) -> None:
        until = trio.current_time() + wait_s
        self._silent_until[account, chat] = max(until, self._silent_until.get((account, chat), until))
        if wait_s > LIVE_PENALTY_S:
            self._live_until[account] = max(until, self._live_until.get(account, until))

    async def _silence_over(self, lane: Lane) -> None:
        place = lane.account_id, lane.chat
        if (until := self._silent_until.get(place)) is not None:
            # At most as long as a part is tried, so that one that is too old is given up in time.
            await trio.sleep_until(min(until, trio.current_time() + self._give_up_after_s))
            if trio.current_time() >= until and self._silent_until.get(place) == until:
                del self._silent_until[place]

    def _is_silent(self, lane: Lane) -> bool:
        return trio.current_time() < self._silent_until.get((lane.account_id, lane.chat), 0.0)

    def _is_live_off(self, account: str) -> bool:
        return trio.current_time() < self._live_until.get(account, 0.0)

    async def tell(self, address: Address, text: str) -> None:
        """Say a sentence without the store, because it cannot write: once, or not at all."""
        platform = self._platforms.get(address.account_id)
        if platform is None or self._is_silent(address.lane):
            return
        delivery = self._moves.of(Delivery(op="send", address=address, part=Part(text), said="notice"))
        with trio.move_on_after(TELL_S):
            safe = safe_delivery(delivery, self._redact)
            _, error = await attempt(lambda: self._call(platform, safe))
            if error is not None:
                self._log.warning("send given up", lane=str(address.lane), why=type(error).__name__)

    async def typing(self, address: Address) -> None:
        """Show the typing sign once. Skipped in a penalty; never queued, never an error."""
        account, platform = address.account_id, self._platforms.get(address.account_id)
        if platform is None or self._is_silent(address.lane) or self._is_live_off(account):
            return
        if self._typing >= TYPING_AT_ONCE:
            return
        error: Exception | None = None
        self._typing += 1
        try:
            with trio.move_on_after(TYPING_S):
                delivery = self._moves.of(Delivery(op="typing", address=address))
                _, error = await attempt(lambda: self._call(platform, delivery))
        finally:
            self._typing -= 1
        told = only(error)
        if isinstance(told, NotSent) and (wait_s := _penalty_s(told.retry_after_s)):
            await self._penalty(address.lane, wait_s)

    async def _call(self, platform: Platform, delivery: Delivery) -> Receipt:
        await self._may_act()
        return await platform.deliver(delivery)

    async def _message_id(
        self, platform: Platform, lane: Lane, begun: Begun, delivery: Delivery
    ) -> str | None:
        """Make the call; returns the id of the message that it made or changed.

        Raises:
            AttributeError: the adapter returned something else than a receipt.
        """
        receipt: Receipt | None = await self._call(platform, delivery)
        if receipt is None:
            # A `return` was forgotten behind a call that went well: said again, it would be there twice.
            self._log.error(
                "adapter failed",
                lane=str(lane),
                row=begun.row,
                error="deliver returned None, not a Receipt",
                traceback=str(beginning_of(platform.deliver) or ""),
            )
            return None
        return None if receipt.message_id is None else clean(str(receipt.message_id))


def _penalty_s(said_s: float | None) -> float:
    """How long we are silent because a platform said so, in seconds."""
    if said_s is None or said_s < SHORTEST_PENALTY_S:
        return 0.0
    return min(said_s, LONGEST_PENALTY_S)


def _formatted(begun: Begun) -> bool:
    """Whether formatting may be why it is refused: then it is tried once without."""
    return not begun.plain and begun.delivery.part is not None and bool(begun.delivery.part.spans)


def _plain(delivery: Delivery, capabilities: Capabilities) -> Delivery:
    """The same without formatting; what its links lead to stands in the text, as far as there is room."""
    if delivery.part is None:
        return delivery
    room = capabilities.text_max - units(delivery.part.text, capabilities.unit)
    spelt = write_out(delivery.part, lambda span: False, room=room, unit=capabilities.unit)
    return structs.replace(delivery, part=Part(spelt.text))


def only(error: BaseException | None) -> BaseException | None:
    """The one exception of a group that holds no other: an adapter's nursery wraps what it raises."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
