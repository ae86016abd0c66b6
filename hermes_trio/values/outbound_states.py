"""The life of an outbound row as a table: in this state, when this happens, it comes to that state.

`docs/outbound.md` is drawn from it, and `store/promises/outbound.py` makes the statements of it. What is not
in the table is refused: the row stays as it is.
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

State = Literal["held", "owed", "sending", "live", "sent", "failed", "unknown", "dropped", "odd"]
"""What an outbound row can be.

held: the next boot shall say it.
owed: the chat shall show what the row says, and it is said until it is there.
sending: owed, and its call is under way.
live: the chat shall show the newest text as long as the turn runs; a call may be under way.
sent, failed, unknown, dropped: over. It is there; it cannot be said; nobody knows; nobody needs it any more.
odd: the file was spoilt, and the column holds none of these.
"""

Event = Literal[
    "begins",
    "begins anew",
    "said",
    "not_sent",
    "unknown",
    "plain",
    "line",
    "lost",
    "refused",
    "failed",
    "needless",
    "given up",
    "given up unknown",
    "changed",
    "taken over",
    "retired",
    "withdrawn",
    "held back",
    "let out",
    "asked anew",
    "moved",
    "unreadable",
    "was over",
]
"""What can happen to a row.

begins: a call for it begins.
begins anew: a call begins with a key that went with another text before: the chat may show that text.
said: the call ended, and the platform has it.
not_sent: the call ended, and the platform certainly has it not.
unknown: nobody knows how the call ended.
plain: the platform refused its formatting.
line: the chat takes no reaction; a line says it.
lost: the message to be edited is gone.
refused: the edit is refused, for whatever reason.
failed: the platform never takes it.
needless: the platform has no call for what is left to do.
given up, given up unknown: it was tried often enough; what may be in the chat is unknown.
changed: its turn has a newer text.
taken over: something durable takes its place in the chat.
retired: what it shows is to be taken away.
withdrawn: its turn has ended, and nothing takes its place in the chat.
held back, let out: it waits for the next boot; the next boot is here.
asked anew: its question is still open, and its chat has another id.
moved: its chat has another id, in which no id of a message holds.
unreadable: the row cannot be read.
was over: of an odd row, that a call for it had its end.
"""

Condition = Literal["another text", "nameless", "in doubt", "no send", "named"]
"""What a move may depend on.

another text: the chat may show another text than the row's.
nameless: it is sent, and no id of a message is known.
in doubt: a call for it had no known end.
no send: what is left to do is no text: a reaction, or to take something away.
named: the id of its message is known.
"""

Follow = Literal[
    "call begins",
    "call over",
    "seen",
    "over",
    "not over",
    "due",
    "doubt",
    "doubt once",
    "certain",
    "stale",
    "fresh",
    "plain text",
    "new key",
    "no message",
    "as a line",
]
"""What changes beside the state.

call begins, call over: whether a call is under way.
seen: when it was shown, and the id of its message if the platform named one.
over, not over: when it ended; that it has not.
due: since when it is owed.
doubt, doubt once, certain: one more call without a known end; at most one; none.
stale, fresh: the chat has to be brought to what the row says; it was.
plain text: from now on without formatting.
new key: the next call has another key.
no message: the id of its message is forgotten.
as a line: a text is sent for it.
"""

STATES: tuple[State, ...] = get_args(State)
BORN: tuple[State, ...] = ("owed", "live", "sending")
"""What a new row is. `sending`: the commit that owes it begins its call, where its lane is idle."""
EVENTS: tuple[Event, ...] = get_args(Event)
DeliveryFailure = Literal["not_sent", "unknown", "plain", "line", "lost", "refused", "failed"]
FAILURES: tuple[DeliveryFailure, ...] = get_args(DeliveryFailure)
OPEN: tuple[State, ...] = ("owed", "sending", "live")
"""There is, or may be, something to do."""
OVER: tuple[State, ...] = ("sent", "failed", "unknown", "dropped")


class Move(Struct, frozen=True):
    """Where a row comes to, and what changes with it.

    Args:
        to: the state.
        then: what follows, in any order.
        when: under which condition; of several moves the first that fits is the one.
    """

    to: State
    then: tuple[Follow, ...] = ()
    when: Condition | None = None


def _after_call(
    event: Event, then: tuple[Follow, ...], /, **moves: Move | tuple[Move, ...]
) -> dict[tuple[State, Event], tuple[Move, ...]]:
    """A call that had an end, in each state that the row may have come to while it was under way.

    `then` follows in each; what is over stays over.
    """
    found: dict[tuple[State, Event], tuple[Move, ...]] = {}
    for state in (*OPEN, *OVER, "odd"):
        some = moves.get(state, Move(state))
        of_state = some if isinstance(some, tuple) else (some,)
        found[state, event] = tuple(Move(one.to, (*then, *one.then), one.when) for one in of_state)
    return found


_GONE: tuple[Follow, ...] = ("no message", "certain", "new key")
_LOST = (Move("dropped", _GONE, "no send"), Move("owed", _GONE))
_MOVED = Move("dropped", when="no send")

TABLE: dict[tuple[State, Event], tuple[Move, ...]] = {
    ("owed", "begins"): (Move("sending", ("call begins", "fresh")),),
    ("live", "begins"): (Move("live", ("call begins", "fresh")),),
    ("owed", "begins anew"): (Move("sending", ("call begins", "stale")),),
    **_after_call(
        "said",
        ("call over", "seen"),
        # The edit that follows a send is not in doubt: that send is certain now.
        sending=(Move("owed", ("fresh", "certain"), "another text"), Move("sent")),
        # What a turn's end took over meanwhile is owed: what was said is what it was before.
        owed=Move("owed", ("fresh",)),
        # What is shown without an id can never be edited: it is not live any more.
        live=(Move("sent", when="nameless"), Move("live")),
    ),
    **_after_call("not_sent", ("call over",), sending=Move("owed"), live=Move("live", ("stale",))),
    # An edit can be repeated without harm; a send that nobody knows of is repeated once, marked.
    **_after_call("unknown", ("call over", "doubt"), sending=Move("owed"), live=Move("live", ("stale",))),
    **_after_call(
        "plain",
        ("call over",),
        sending=Move("owed", ("plain text",)),
        live=Move("live", ("plain text", "stale")),
    ),
    # What was no reaction when its message's turn came is nothing to take away.
    **_after_call(
        "line",
        ("call over",),
        live=Move("live", ("no message", "new key", "stale", "as a line")),
        owed=Move("dropped", ("no message",)),
        sending=Move("dropped", ("no message",)),
    ),
    # Its key belongs to the message that is gone.
    **_after_call("lost", ("call over",), sending=_LOST, owed=_LOST, live=Move("dropped", _GONE)),
    # An edit before it may have arrived: a new message could say it twice.
    **_after_call(
        "refused",
        ("call over",),
        sending=(Move("unknown", when="in doubt"), *_LOST),
        owed=_LOST,
        live=Move("dropped", _GONE),
    ),
    **_after_call(
        "failed", ("call over",), sending=Move("failed", ("over",)), live=Move("failed", ("over",))
    ),
    ("owed", "needless"): (Move("dropped"),),
    ("live", "needless"): (Move("live", ("fresh",)),),
    ("owed", "given up"): (Move("dropped"),),
    ("live", "given up"): (Move("dropped"),),
    ("owed", "given up unknown"): (Move("unknown"),),
    ("live", "changed"): (Move("live", ("stale",)),),
    # What was sent without an answer counts as one; another text went with its key.
    ("live", "taken over"): (
        Move("owed", ("due", "fresh", "certain"), "named"),
        Move("owed", ("due", "stale", "doubt once")),
    ),
    ("live", "retired"): (Move("owed", ("due", "certain")),),
    ("live", "withdrawn"): (Move("unknown", when="in doubt"), Move("dropped")),
    ("owed", "held back"): (Move("held"),),
    ("held", "let out"): (Move("owed", ("due",)),),
    ("sent", "asked anew"): (Move("owed", ("due", "not over")),),
    ("owed", "moved"): (_MOVED, Move("owed", ("no message",))),
    ("sending", "moved"): (_MOVED, Move("sending", ("no message",))),
    ("live", "moved"): (_MOVED, Move("live", ("no message", "stale"))),
    ("held", "unreadable"): (Move("failed", ("call over", "over")),),
    ("owed", "unreadable"): (Move("failed", ("call over", "over")),),
    ("sending", "unreadable"): (Move("failed", ("call over", "over")),),
    ("live", "unreadable"): (Move("failed", ("call over", "over")),),
    ("odd", "unreadable"): (Move("failed", ("call over", "over")),),
    ("odd", "was over"): (Move("sent", when="named"), Move("failed")),
}
