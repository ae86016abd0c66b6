"""A store under trial: opened, in its first boot, with what its users write and what follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import msgspec
import trio

from hermes_trio.ports.store import Store
from hermes_trio.ports.system import WallClock
from hermes_trio.testing.conformance.clauses import Unlike, expect
from hermes_trio.values.consequences import Consequence
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import Address, ConversationKey, Lane
from hermes_trio.values.message import Decided, Message
from hermes_trio.values.stored import AcceptRules, Begun, GaveUp, InDoubt, Opened, Reply

START = 1_800_000_000.0
ACCOUNT = "memory/main"
RULES = AcceptRules()
C = TypeVar("C")

MakeStore = Callable[[str, WallClock], AbstractAsyncContextManager[Store]]
"""Opens the store of this name and serves it. The same name again is the same store, if it keeps anything."""


class Calendar:
    """Wall time that a check moves."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> float:
        """Seconds since 1970."""
        return self.time


def address(user: str) -> Address:
    """A private chat with this user."""
    return Address("memory", "main", user, None, user)


def key(user: str) -> ConversationKey:
    """Whose conversation that is."""
    return ConversationKey("memory", "main", user)


def lane(user: str) -> Lane:
    """What is said there is said in one order."""
    return address(user).lane


def decided(text: str, user: str = "ada", **more: Any) -> Decided:
    """A message, or with a slash a command, as the inbox decides it. Its native id is user and text."""
    native = more.pop("native", f"{user}: {text}")
    kind = more.pop("kind", "command" if text.startswith("/") else "message")
    message = Message(native=native, address=address(user), text=text)
    return Decided(update=message, kind=kind, key=key(user), **more)


def reply(text: str = "done", user: str = "ada", **more: Any) -> Reply:
    """Something to be said, in one part."""
    return Reply(address=address(user), parts=(Part(text),), **more)


def texts(opened: Opened) -> list[str]:
    """What the messages of a turn say."""
    return [claimed.message.text for claimed in opened.messages]


class StoreTrial:
    """What a clause of the Store port is looked at with.

    Attributes:
        store: served, in its first boot.
        followed: the consequences that were performed, in order.
        clock: the wall clock it writes by.
        name, make: open it again.
        keeps: it keeps what it was given when it is closed.
    """

    def __init__(self, store: Store, make: MakeStore, name: str, clock: Calendar, keeps: bool) -> None:
        self.store, self.make, self.name, self.clock, self.keeps = store, make, name, clock, keeps
        self.followed: list[Consequence] = []
        store.perform = self.followed.extend

    async def accept(self, *written: str, user: str = "ada", rules: AcceptRules = RULES) -> Sequence[Decided]:
        """These come in, in one batch; returns what was new."""
        return await self.store.accept(ACCOUNT, [decided(text, user) for text in written], None, rules)

    async def session(self, user: str = "ada") -> int:
        """The user's open session."""
        [view] = await self.store.sessions(key(user))
        return view.id

    async def next(self, user: str = "ada", session: int | None = None, **more: Any) -> Opened:
        """The next turn of the user's session, which has to be one."""
        opened = await self.store.next_turn(key(user), session or await self.session(user), **more)
        if not isinstance(opened, Opened):
            raise Unlike(f"a turn of {user}", opened)
        return opened

    async def turn(self, *written: str, user: str = "ada") -> Opened:
        """These come in, and a turn is opened with them."""
        await self.accept(*(written or ("hello",)), user=user)
        return await self.next(user)

    async def command(self, text: str, user: str = "ada") -> int:
        """A command comes in; returns its number."""
        await self.accept(text, user=user)
        pending = await self.store.next_command(key(user))
        if pending is None:
            raise Unlike("the command is pending", pending)
        return pending.id

    async def outcomes(self) -> list[str | None]:
        """The outcomes of all messages, in the order in which they came."""
        return [row.outcome for row in await self.store.ledger()]

    async def begin(self, user: str = "ada", **able: bool) -> Begun | GaveUp | InDoubt | None:
        """Begin the next delivery of the user's chat."""
        can = {"takes_key": False, "live": True, "can_delete": True, "can_edit": True} | able
        return await self.store.begin_delivery(lane(user), **can)

    async def begun(self, user: str = "ada", **able: bool) -> Begun:
        """Begin a delivery, which has to be there."""
        begun = await self.begin(user, **able)
        if not isinstance(begun, Begun):
            raise Unlike(f"something is to be said to {user}", begun)
        return begun

    async def say(self, user: str = "ada") -> list[tuple[str, str]]:
        """Deliver everything that is owed there: what it is, and its text."""
        said: list[tuple[str, str]] = []
        while isinstance(begun := await self.begin(user), Begun):
            part = begun.delivery.part
            said.append((begun.delivery.said, part.text if part else ""))
            await self.store.record_delivery(begun.row, f"m{begun.row}")
        return said

    def follows(self, kind: type[C]) -> list[C]:
        """The consequences of this kind since `forget`."""
        return [one for one in self.followed if isinstance(one, kind)]

    def forget(self) -> None:
        """Look at what follows from here."""
        self.followed.clear()

    async def everything(self) -> bytes:
        """All that the store shows, to be compared."""
        store = self.store
        sessions = await store.sessions()
        histories = [await store.history(view.id, 100_000) for view in sessions]
        found = (await store.ledger(), sessions, histories, await store.status())
        return msgspec.json.encode(found)


async def raises(kind: type[Exception], write: Callable[[], Any], what: str) -> None:
    """Raise Unlike unless the write is refused with this error."""
    try:
        result = await write()
    except kind:
        return
    raise Unlike(f"{what} is refused with {kind.__name__}", result)


def same(saw: object, wanted: object, what: str) -> None:
    """Raise Unlike unless both are equal."""
    expect(saw == wanted, f"{what}: {wanted}", saw)


async def together(*calls: Callable[[], Any]) -> None:
    """Run these at once, each in a task; each is begun in this order, and their errors are theirs."""
    async with trio.open_nursery() as nursery:
        for call in calls:
            nursery.start_soon(call)
