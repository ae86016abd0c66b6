"""A platform in memory: what users wrote goes in, what they would see comes out, faults by name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Literal

import trio

from hermes_trio.errors import ChatMoved, IntakeClosed, PlatformDown, SendRefused, SendUnknown
from hermes_trio.ports.platform import Intake
from hermes_trio.testing.memory_chat import Call as Call
from hermes_trio.testing.memory_chat import Fault as Fault
from hermes_trio.testing.memory_chat import Seen as Seen
from hermes_trio.testing.memory_chat import error_of
from hermes_trio.testing.record import Record
from hermes_trio.text.markdown import split_markdown
from hermes_trio.values.delivery import Capabilities, Delivery, Part, Receipt
from hermes_trio.values.identity import Address, Policy
from hermes_trio.values.message import Message, Moved, Quoted, Undecodable

_connections: ContextVar[trio.Nursery] = ContextVar("connections")
"""Of the life that serves: the connections of one that was killed are not those of the next."""


class MemoryPlatform:
    """A Platform whose service lives in the test. It survives a crash of the gateway; its updates wait.

    Args:
        capabilities: what it can do; by default everything Telegram can.
        policy: by default anybody may speak.
        delay_s: how long a call takes, in virtual seconds.
        lingers: its connections belong to `open`, as a websocket's do: they outlive `serve`, and hand over
            what comes until they are closed, or nothing is taken any more.

    Attributes:
        calls: every call of `deliver`, in order.
        seen: the messages that chats show by their id, edits and deletions applied.
        reactions: what the bot has put below a message, by the message's id.
        connected: False: nothing can be sent; receiving goes on. See `disconnect`.
        record: where it says what happened; a World gives it its own.
    """

    def __init__(
        self,
        name: str = "memory",
        account: str = "main",
        *,
        capabilities: Capabilities | None = None,
        policy: Policy | None = None,
        delay_s: float = 0.0,
        lingers: bool = False,
    ) -> None:
        self.lingers = lingers
        self.name = name
        self.account = account
        self.capabilities = capabilities or Capabilities(
            can_edit=True, can_delete=True, can_react=True, can_type=True
        )
        self.policy = policy or Policy(allow_users=("*",))
        self.delay_s = delay_s
        self.calls: list[Call] = []
        self.seen: dict[str, Seen] = {}
        self.reactions: dict[str, str] = {}
        self.record = Record()
        self.connected = True
        self._receiving = True
        self._updates: list[Message | Undecodable | Moved] = []
        self._confirmed = 0
        self._held: list[Message | Undecodable | Moved] = []
        self._hold = 0
        self._news = trio.Event()
        self._changed = trio.Event()
        self._healed = trio.Event()
        self._faults: list[tuple[Fault, float | None]] = []
        self._count = 0
        self._keys: dict[str, str] = {}
        self._moved: dict[str, str] = {}

    # -- the service's side

    def push(self, message: Message | Undecodable | Moved) -> None:
        """A user's message arrives at the service."""
        self._said(message)
        if self._hold:
            self._hold -= 1
            self._held.append(message)
            if self._hold:
                return
            self._updates += reversed(self._held)
            self._held.clear()
        else:
            self._updates.append(message)
        self._wake()

    def move(self, chat: str, becomes: str, *, told: bool = True) -> None:
        """A chat gets another id: it takes nothing under the old one, and its messages have none in the new.

        Args:
            told: the bot is told of it; else it learns from what it is refused.
        """
        self._moved[chat] = becomes
        if told:
            self.push(Moved(native=f"moved/{chat}/{becomes}", chat=chat, becomes=becomes))

    def message(
        self,
        user: str,
        text: str,
        *,
        chat: str | None = None,
        thread: str | None = None,
        group: bool = False,
        addressed: bool = True,
        choice: str | None = None,
        replies_to: str | None = None,
        album: str | None = None,
        forwarded: str | None = None,
        quoted: Quoted | None = None,
    ) -> Message:
        """A message as the service would hand it over, with ids of its own.

        Args:
            chat: where; by default the private chat with this user.
            thread: the topic in it.
            group: the chat is one of several people.
            addressed: in a group, that the bot is mentioned, replied to or commanded.
            choice: the token of a button that is pressed.
            replies_to: the `message_id` of the message it replies to.
            album: the id of the album it is a part of.
            forwarded: whose words it passes on.
            quoted: what it answers, as the service shows it.
        """
        self._count += 1
        id = f"in{self._count}"
        return Message(
            native=id,
            address=Address(self.name, self.account, chat or user, thread, user),
            text=text,
            message_id=id,
            private=not group,
            addressed=addressed,
            choice=choice,
            replies_to=replies_to,
            album=album,
            forwarded=forwarded,
            quoted=quoted,
            sender=user,
        )

    def fault(self, *faults: Fault, wait_s: float | None = None) -> None:
        """The next sends and edits go wrong, one each.

        "wait" asks for `wait_s` seconds of silence; "lost_answer" and "hang" are shown all the same, and a
        "hang" lasts until `heal`, or until the gateway has enough of it.
        """
        self._faults += [(fault, wait_s) for fault in faults]

    def disconnect(self) -> None:
        """Cut the line, in both directions, until `connect`. What hangs ends without an answer."""
        self.connected = self._receiving = False
        self._healed.set()
        self._healed = trio.Event()
        self._wake()

    def connect(self) -> None:
        """Mend the line."""
        self.connected = self._receiving = True

    def repeat(self, count: int = 1) -> None:
        """Hand over once more the newest `count` updates that were confirmed, as services do."""
        newest = self._updates[max(0, self._confirmed - count) : self._confirmed]
        self._updates[self._confirmed : self._confirmed] = newest
        self._wake()

    def reorder(self, count: int = 2) -> None:
        """Keep the next updates back until there are `count`, then hand them over in the opposite order."""
        self._hold = count

    def heal(self) -> None:
        """All faults end: what hangs ends without an answer, what was kept back is handed over."""
        self._faults.clear()
        self._healed.set()
        self._healed = trio.Event()
        self._updates += reversed(self._held)
        self._held.clear()
        self._hold = 0
        self.connect()
        self._wake()

    @property
    def confirmed(self) -> Sequence[str]:
        """The native ids of what the gateway has confirmed."""
        return [update.native for update in self._updates[: self._confirmed]]

    @property
    def unread(self) -> int:
        """How many updates the gateway has not confirmed."""
        return len(self._updates) - self._confirmed

    def has_unread_of(self, user: str) -> bool:
        """Whether the gateway has not confirmed all that this user wrote or pressed."""
        updates = self._updates[self._confirmed :]
        return any(isinstance(one, Message) and one.address.user == user for one in updates)

    async def changed(self) -> None:
        """Return when an update is confirmed or a chat shows something new. Cancelled: nothing is."""
        await self._changed.wait()

    def _wake(self) -> None:
        """Whoever waits for updates looks again: a connection of before may wait beside the one of now."""
        self._news.set()
        self._news = trio.Event()

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    def texts(self, chat: str, thread: str | None = None) -> list[str]:
        """What the chat shows now, oldest first."""
        return [m.text for m in self.seen.values() if m.chat == chat and m.thread == thread]

    # -- the Platform port

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See the port."""
        if not self.lingers:
            yield
            return
        async with trio.open_nursery() as nursery:
            _connections.set(nursery)
            yield
            nursery.cancel_scope.cancel(reason="the platform is closed")

    async def serve(self, intake: Intake) -> None:
        """Hand over what was pushed, in batches, from the first that was not confirmed. See the port.

        Raises:
            PlatformDown: the line is cut.
        """
        try:
            await self._hand_over(intake)
        except trio.Cancelled:
            if self.lingers:
                _connections.get().start_soon(self._linger, intake, name=f"connections of {self.account}")
            raise

    async def _linger(self, intake: Intake) -> None:
        with suppress(IntakeClosed, PlatformDown):
            await self._hand_over(intake)

    async def _hand_over(self, intake: Intake) -> None:
        while True:
            if not self._receiving:
                raise PlatformDown("not connected")
            intake.received()
            batch = self._updates[self._confirmed :][:100]
            if batch:
                await intake.accept(batch, cursor=str(self._confirmed + len(batch)))
                self._confirmed += len(batch)
                self.record.add("platform", "confirmed", account=self.account, count=len(batch))
                self._change()
            else:
                await self._news.wait()

    async def deliver(self, delivery: Delivery) -> Receipt:
        """See the port."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if not self._can(delivery.op):
            await trio.lowlevel.checkpoint()
            raise SendRefused(f"this platform cannot {delivery.op}")
        becomes = self._moved.get(delivery.address.chat)
        if becomes is not None:
            self._called(delivery, "refuse", shown=False)
            await trio.sleep(self.delay_s)
            raise ChatMoved("the chat has another id", becomes)
        fault: Fault | None = None
        wait_s: float | None = None
        if not self.connected:
            fault = "not_sent"
        elif delivery.op in ("send", "edit") and self._faults:
            fault, wait_s = self._faults.pop(0)
        if fault in ("refuse", "gone", "markup", "not_sent", "wait"):
            self._called(delivery, fault, shown=False)
            await trio.lowlevel.checkpoint()
            raise error_of(fault, wait_s)
        try:
            receipt = self._show(delivery)
        except SendRefused:
            self._called(delivery, "lost", shown=False)
            await trio.lowlevel.checkpoint()
            raise
        self._called(delivery, fault, shown=True)
        self._change()
        if fault == "hang":
            await self._healed.wait()
            raise SendUnknown("no answer came")
        await trio.sleep(self.delay_s)
        if fault == "lost_answer":
            raise SendUnknown("the answer was lost")
        return receipt

    def _said(self, update: Message | Undecodable | Moved) -> None:
        if isinstance(update, Message):
            where = update.address
            said = {"chat": where.chat, "thread": where.thread, "text": update.text}
        elif isinstance(update, Moved):
            self.record.add("platform", "moved", chat=update.chat, becomes=update.becomes)
            return
        else:
            said = {"why": update.why}
        self.record.add("user", "says", native=update.native, **said, account=self.account)

    def _called(self, delivery: Delivery, fault: Fault | Literal["lost"] | None, *, shown: bool) -> None:
        self.calls.append(Call(self.record.now, delivery, shown))
        where, fields = delivery.address, {"key": delivery.key} if delivery.part is not None else {}
        text = delivery.part.text if delivery.part is not None else delivery.message_id
        if fault is not None:
            fields["fault"] = fault
        self.record.add(
            "platform",
            delivery.op,
            chat=where.chat,
            thread=where.thread,
            said=delivery.said,
            text=text or "",
            **fields,
            account=self.account,
        )

    def split(self, text: str) -> Sequence[Part]:
        """See the port."""
        return split_markdown(text, limit=self.capabilities.text_max - 4, unit=self.capabilities.unit)

    def _can(self, op: str) -> bool:
        can = {
            "edit": self.capabilities.can_edit,
            "delete": self.capabilities.can_delete,
            "typing": self.capabilities.can_type,
        }
        return can.get(op, True) and (self.capabilities.can_react or op not in ("react", "unreact"))

    def _show(self, delivery: Delivery) -> Receipt:
        match delivery.op:
            case "send":
                return Receipt(self._send(delivery))
            case "edit":
                seen = self.seen.get(delivery.message_id or "")
                if seen is None or delivery.part is None or seen.chat != delivery.address.chat:
                    raise SendRefused("no such message", "lost")
                seen.text, seen.said = delivery.part.text, delivery.said
                seen.edits += 1
            case "delete":
                self.seen.pop(delivery.message_id or "", None)
            case "react":
                self.reactions[delivery.message_id or ""] = "👀"
            case "unreact":
                self.reactions.pop(delivery.message_id or "", None)
            case "typing":
                pass
        return Receipt(delivery.message_id)

    def _send(self, delivery: Delivery) -> str:
        if self.capabilities.takes_key and delivery.key in self._keys:
            return self._keys[delivery.key]
        self._count += 1
        id = f"out{self._count}"
        self._keys[delivery.key] = id
        assert delivery.part is not None
        self.seen[id] = Seen(
            message_id=id,
            chat=delivery.address.chat,
            thread=delivery.address.thread,
            text=delivery.part.text,
            said=delivery.said,
            at=self.record.now,
            reply_to=delivery.reply_to,
        )
        return id
