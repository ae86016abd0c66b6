"""What a promise locks in a store into which others write meanwhile: the chats whose rows it reads or writes.

A conversation and what is said in it belong to one chat, so promises of one chat follow one another. What
looks at the rows of many chats has the whole store for itself. What writes only rows of its own boot, and
what is only shown, locks nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from hermes_trio.values.identity import Address, ConversationKey, Lane
from hermes_trio.values.message import Decided, Message
from hermes_trio.values.process import NewProcess
from hermes_trio.values.stored import Closing, Reply

Table = Literal["turn", "session", "inbound", "process", "outbound"]
"""Whose rows say which chat they belong to, once and for all."""

_chat_of = msgspec.json.Encoder().encode


class Locks(NamedTuple):
    """What is locked: names, and the chats of rows, or everything."""

    names: tuple[bytes, ...] = ()
    rows: tuple[tuple[Table, int], ...] = ()
    everything: bool = False


Locked = Callable[..., Locks]
"""What a promise locks, by its arguments."""

NOTHING = Locks()
_EVERYTHING = Locks(everything=True)


def nothing(*_: object, **__: object) -> Locks:
    """It reads, or writes rows of its own boot."""
    return NOTHING


def everything(*_: object, **__: object) -> Locks:
    """It looks at the rows of many chats."""
    return _EVERYTHING


def by_itself(*_: object, **__: object) -> Locks:
    """It has a transaction of its own, without its boot's fence, and locks what it needs."""
    return NOTHING


def name(of: ConversationKey | Lane | Address) -> bytes:
    """The chat's name."""
    return _chat_of((of.platform, of.account, of.chat))


def of_account(account: str, *_: object) -> Locks:
    """Who holds an account."""
    return Locks((account.encode(),))


def of_batch(account: str, decided: Sequence[Decided], *_: object) -> Locks:
    """The chats of what an account has received."""
    names = [name(one.key) for one in decided if one.key is not None]
    names += [name(one.update.address) for one in decided if isinstance(one.update, Message)]
    return Locks(tuple(names))


def of_key(key: ConversationKey | int, *_: object, **__: object) -> Locks:
    """A key's chat, or a session's."""
    return Locks(rows=(("session", key),)) if isinstance(key, int) else Locks((name(key),))


def of_lane(lane: Lane, *_: object, **__: object) -> Locks:
    """A lane's chat."""
    return Locks((name(lane),))


def of_turn(turn: int, *args: object, **more: object) -> Locks:
    """A turn's chat, and where it speaks."""
    said = [one.reply if isinstance(one, Closing) else one for one in (*args, *more.values())]
    return Locks(tuple(name(one.address) for one in said if isinstance(one, Reply)), (("turn", turn),))


def of_born(born: NewProcess) -> Locks:
    """The chat of the turn that starts a process."""
    return of_turn(born.turn)


def of_command(command: int, *args: object, **__: object) -> Locks:
    """A command's chat, and where it is answered."""
    return Locks(tuple(name(one.address) for one in args if isinstance(one, Reply)), (("inbound", command),))


def of_messages(messages: Sequence[int], *_: object) -> Locks:
    """The chats of messages."""
    return Locks(rows=tuple(("inbound", one) for one in messages))


def of_part(row: int, *_: object) -> Locks:
    """The chat of a part of a reply."""
    return Locks(rows=(("outbound", row),))


def of_process(process: int, *_: Any, **__: Any) -> Locks:
    """A process's chat."""
    return Locks(rows=(("process", process),))
