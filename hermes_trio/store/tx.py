"""The words of the tables, and what several promises do to their rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from hermes_trio.errors import StaleTurn
from hermes_trio.store.transaction import Transaction
from hermes_trio.transcript.assembly import message_entry
from hermes_trio.transcript.compaction import size
from hermes_trio.values.consequences import Settled, WakeLane
from hermes_trio.values.delivery import Choice, DeliveryKind, Part
from hermes_trio.values.identity import Address, ConversationKey, Lane
from hermes_trio.values.message import FROM_GATEWAY, Message, OutcomeName
from hermes_trio.values.outbound_states import OPEN, STATES, State
from hermes_trio.values.stored import Reply
from hermes_trio.values.transcript import (
    AssistantEntry,
    Entry,
    NoteEntry,
    SummaryEntry,
    ToolEntry,
    UserEntry,
)

T = TypeVar("T")

_json = msgspec.json.Encoder()
to_json = _json.encode
read_message = msgspec.json.Decoder(Message).decode
read_part = msgspec.json.Decoder(Part).decode
read_key = msgspec.json.Decoder(ConversationKey).decode
read_lane = msgspec.json.Decoder(Lane).decode
read_address = msgspec.json.Decoder(Address).decode
read_entry = msgspec.json.Decoder(Entry).decode
read_choices = msgspec.json.Decoder(tuple[Choice, ...]).decode


UNREADABLE = (msgspec.MsgspecError, TypeError, ValueError, RecursionError)
"""What reading a column raises that holds something else than was written."""


def reads(read: Callable[[Any], object], value: Any) -> bool:
    """Whether a column can be read."""
    try:
        read(value)
    except UNREADABLE:
        return False
    return True


def readable(read: Callable[[Any], T], value: Any) -> T | None:
    """What a column holds; None where it holds nothing, or nothing that can be read."""
    if value is not None:
        with suppress(*UNREADABLE):
            return read(value)
    return None


def writer_of(body: Any) -> str | None:
    """Who wrote a message, by the stable id; None where that cannot be read."""
    message = readable(read_message, body)
    return message.address.user if message is not None else None


def known_key(text: Any) -> ConversationKey | None:
    """The key of a row that is only shown or logged; None if it has none that can be read."""
    return readable(read_key, text)


def text_of(value: ConversationKey | Lane | Address) -> str:
    """The column text of a structured value; equal values give equal texts."""
    return _json.encode(value).decode()


RANKS = {"reply": -1, "prompt": 0, "refusal": 0, "notice": 0, "final": 1, "say": 1}
"""What a person asked for now is said before what a flood is refused with, and that before answers."""


def is_one_of(states: Sequence[State]) -> str:
    """The condition that an outbound row is in one of these states.

    Three in a list would be a table that SQLite fills anew for each row that it looks at.
    """
    return "(" + " or ".join(f"state = '{state}'" for state in states) + ")"


def is_none_of(states: Sequence[State]) -> str:
    """The condition that an outbound row is in none of these states."""
    return " and ".join(f"state <> '{state}'" for state in states)


def is_of_kind(kinds: Sequence[str]) -> str:
    """The condition that an inbound row is of one of these kinds."""
    return "(" + " or ".join(f"kind = '{kind}'" for kind in kinds) + ")"


# The planner takes a partial index only where its condition stands in the query, word for word.
IS_OPEN = is_one_of(OPEN)
IS_ODD = is_none_of([state for state in STATES if state != "odd"])
LANE_IS = f"lane = ? and {IS_OPEN}"
NO_SESSION = 0
"""Where entries stand that belong to no conversation any more."""
SOURCE: Mapping[type[Entry], str] = {
    UserEntry: "user",
    NoteEntry: "gateway",
    AssistantEntry: "model",
    SummaryEntry: "model",
    ToolEntry: "tool",
}
"""Whose words an entry has; that of a message has the `Message.source` of that. What a summary stands for
stays in the store beside it, each with its own."""
OUR_OWN = ("gateway", "model", "tool")
"""The sources of entries by which nobody has spoken in the conversation."""
NEWEST_STEP = "(select coalesce(max(nth), 0) + 1 from step where turn = ?)"
ANY_CLAIMABLE = "kind <> 'command' and state = 'waiting' and outcome is null"
ANY_PENDING = "kind <> 'command' and state in ('waiting', 'deferred') and outcome is null"
BY_GATEWAY = is_of_kind(FROM_GATEWAY)
BY_PERSON = f"not {BY_GATEWAY}"
CLAIMABLE = f"{BY_PERSON} and {ANY_CLAIMABLE}"
PENDING = f"{BY_PERSON} and {ANY_PENDING}"
"""Messages of people; the two above have beside them what the gateway writes of its processes."""
WAKING = f"{BY_GATEWAY} and state in ('waiting', 'deferred') and outcome is null"
BARRIER = (
    f"(select coalesce(min(id), {1 << 62}) from inbound"
    " where key = ? and outcome is null and kind = 'command')"
)
"""The number of the key's first unsettled command: nothing behind it is claimed."""


class Tx(Transaction):
    """What a promise works with: a transaction, and what several promises do to its rows."""

    __slots__ = ()

    def fence(self, turn: int) -> tuple[int, str, str, str | None]:
        """(session, key, address, anchor) of a turn this boot may write for, else StaleTurn."""
        row = self.one(
            "select session, key, address, anchor from turn where id = ? and boot = ? and state = 'running'",
            turn,
            self.boot,
        )
        if row is None:
            raise StaleTurn(f"turn {turn}")
        return row  # type: ignore[no-any-return]

    def session_of(self, key: str) -> int:
        """The key's open session, opened if there is none."""
        return self.at_work(key)[0]

    def at_work(self, key: str) -> tuple[int, int | None]:
        """The key's open session, opened if there is none, and its running turn."""
        row = self.one(
            "select id, (select id from turn where session = session.id and state = 'running')"
            " from session where key = ? and ended_at is null",
            key,
        )
        return row if row else (self.open_session(key), None)

    def open_session(self, key: str) -> int:
        """A new session under the key."""
        session = self.insert("insert into session(key, opened_at) values(?, ?)", (key, self.now))
        assert session is not None
        return session

    def running_turn(self, session: int) -> int | None:
        """The session's running turn."""
        row = self.one("select id from turn where session = ? and state = 'running'", session)
        return row[0] if row else None

    def settle_inbound(self, where: str, args: Sequence[Any], outcome: OutcomeName, reason: str) -> int:
        """Give every unsettled row of `where` its outcome; returns how many.

        What was dropped is no part of its conversation.
        """
        update = (
            "update inbound set outcome = ?, reason = ?, settled_at = ?, state = null"
            f" where outcome is null and {where}"
        )
        values = (outcome, reason, self.now, *args)
        if outcome in ("answered", "stopped"):
            return self.run(update, values).rowcount
        settled = self.run(f"{update} returning id, account, native, key, body", values).fetchall()
        for _, account, native, key, body in settled:
            self.then(Settled(str(account), str(native), known_key(key), outcome, reason, writer_of(body)))
        if outcome == "dropped":
            self.unsay([id for id, *_ in settled])
        return len(settled)

    def unsay(self, messages: Sequence[int]) -> None:
        """What ends without a turn that answers for it stands in no conversation any more.

        A turn that it was given to before, and gave it back, left its entry there: whoever speaks next would
        be answered with what somebody else may not ask, or with what its writer was told to send again.
        """
        ids = [(id,) for id in messages]
        self.many(f"update entry set session = {NO_SESSION} where inbound = ?", ids)

    def add_entry(
        self,
        session: int,
        turn: int | None,
        entry: Entry,
        inbound: int | None = None,
        of: Message | None = None,
    ) -> bool:
        """Append to the transcript; a message's entry once, however often it is claimed.

        False if the session has it already. One that stands elsewhere, whatever put it there, is told here.

        Args:
            of: the message whose entry it is.
        """
        length, body = size((entry,)), to_json(entry)
        source, who = SOURCE[type(entry)], None
        if of is not None and not of.note:
            source, who = of.source, of.address.user
        cursor = self.run(
            "insert into entry(session, turn, inbound, size, source, who, body, at)"
            " values(?, ?, ?, ?, ?, ?, ?, ?) on conflict(inbound) where inbound is not null do nothing",
            (session, turn, inbound, length, source, who, body, self.now),
        )
        if source not in OUR_OWN:
            self.run(
                "insert into spoken values(?, ?, ?) on conflict do nothing", (session, source, who or "")
            )
        if not cursor.rowcount:
            # As the insert's own `do update` this would cost each entry a table of what it might change.
            cursor = self.run(
                "update entry set session = ?, turn = ?, size = ?, source = ?, who = ?, body = ?"
                " where inbound = ? and session is not ?",
                (session, turn, length, source, who, body, inbound, session),
            )
        return cursor.rowcount > 0

    def add_user_entry(self, session: int, turn: int, inbound: int, message: Message) -> bool:
        """The entry of a claimed message. False if it is there already."""
        return self.add_entry(session, turn, message_entry(message), inbound, message)

    def is_anchored(self, reply: Reply, waiting: bool) -> bool:
        """Whether the reply's first part answers its anchor visibly."""
        return bool(reply.anchor) and (reply.anchor_when == "always" or waiting)

    def owe(
        self,
        reply: Reply,
        turn: int | None,
        *,
        waiting: bool = False,
        behind: int | None = None,
        answers: int | None = None,
        begins: bool = False,
    ) -> int | None:
        """Put a reply's parts into its lane; returns the reply's id (the row of its first part).

        Args:
            answers: the row of the message that it answers without a turn.
            waiting: more messages wait behind the one it answers.
            behind: the row of the reply's first part, if that is there already.
            begins: a call for its first part begins.
        """
        lane, address = text_of(reply.address.lane), text_of(reply.address)
        anchored, rank = self.is_anchored(reply, waiting), self._rank(reply, turn)
        first = behind
        for index, part in enumerate(reply.parts):
            last = index == len(reply.parts) - 1
            row = self.insert(
                "insert into outbound(lane, address, turn, reply, said, part, rank, state, reply_to, choices,"
                " last, at, owed_at, answers, begun, attempts, begun_at, boot)"
                " values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    lane,
                    address,
                    turn,
                    first,
                    reply.said,
                    to_json(part),
                    rank,
                    "sending" if begins else "owed",
                    reply.anchor if anchored and (first is None or reply.anchor_all) else None,
                    to_json(reply.choices) if last and reply.choices else None,
                    last,
                    self.now,
                    self.now,
                    answers,
                    begins,
                    begins,
                    self.now if begins else None,
                    self.boot if begins else None,
                ),
            )
            begins = False
            if first is None:
                first = row
        self.then(WakeLane(reply.address.lane))
        return first

    def tell(
        self,
        address: Address,
        text: str,
        turn: int | None = None,
        *,
        said: DeliveryKind = "notice",
        anchor: str | None = None,
        answers: int | None = None,
    ) -> int | None:
        """Owe one sentence; returns its row."""
        return self.owe(
            Reply(address=address, parts=(Part(text),), said=said, anchor=anchor), turn, answers=answers
        )

    def answer(
        self, message: Message, row: int | None, text: str, said: DeliveryKind = "reply"
    ) -> int | None:
        """Say something to a message without a turn; in a group it replies to it. Returns its row."""
        anchor = None if message.private else message.message_id
        return self.tell(message.address, text, said=said, anchor=anchor, answers=row)

    def _rank(self, reply: Reply, turn: int | None) -> int:
        """Questions and notices go before answers, but not before what their own turn has still to say."""
        rank = RANKS[reply.said]
        if turn is None or rank:
            return rank
        row = self.one(
            "select max(rank) from outbound where turn = ? and state in ('owed', 'sending') and op = 'send'",
            turn,
        )
        return max(rank, row[0] or 0)
