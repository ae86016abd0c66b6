"""What came in, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from hermes_trio.values.identity import Address, ConversationKey

OutcomeName = Literal["answered", "refused", "superseded", "stopped", "dropped", "expired", "failed"]
"""What becomes of an inbound message, for good."""

Source = Literal["gateway", "admin", "user", "outside"]
"""Whose words something is: the gateway's, a person's with this role, or those of somebody who is not known:
what was passed on, quoted from elsewhere, or written by another bot."""

TurnState = Literal["running", "finished", "stopped", "reset", "failed", "abandoned"]
"""What a turn is in."""


class Quoted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a message refers to.

    Args:
        text: what is said there, "" where the platform does not say.
        sender: display name of who said it, "" where nobody knows.
        user: who said it, by the id that `Address.user` has; None where it is not known, or where these are
            words that were passed on.
        ours: the bot itself said it.
        chosen: the writer chose this stretch of it.
    """

    text: str = ""
    sender: str = ""
    user: str | None = None
    ours: bool = False
    chosen: bool = False


class Message(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An update turned into our value.

    Args:
        native: unique within the account for ever; a second message with the same one is a redelivery.
        address: where it came from.
        text: what was written, with the address of each link behind its words; for media also a line that
            says what came and could not be read.
        message_id: the platform's id of the message, the anchor of replies and reactions.
        private: a conversation with one person (False: a group or channel).
        sender: display name. Never used to authorise.
        addressed: in a group: the bot is mentioned, replied to or commanded.
        bot: written by another bot.
        replies_to: the `message_id` this one replies to.
        quoted: what it answers, or quotes.
        forwarded: who or what it was forwarded from, by display name, "" where nobody says; None: it is the
            sender's own.
        album: id of the album it is a part of.
        choice: the token of the choice that was pressed (`Choice.token`), for a press on a prompt.
        sent_at: wall time by the platform's clock, None where it does not say.
        raw: the update, whole.
        note: written by the gateway itself, for the model. What a platform sets here counts for nothing.
        source: whose words it has, the least trusted of them. What a platform sets here counts for nothing.
        alone: always a turn of its own, whatever waits beside it: a line of a pipe.
    """

    native: str
    address: Address
    text: str
    message_id: str = ""
    private: bool = True
    sender: str = ""
    addressed: bool = True
    bot: bool = False
    replies_to: str | None = None
    quoted: Quoted | None = None
    forwarded: str | None = None
    album: str | None = None
    choice: str | None = None
    sent_at: float | None = None
    raw: bytes = b""
    note: bool = False
    source: Source = "user"
    alone: bool = False


class Undecodable(Struct, frozen=True, kw_only=True):
    """An update that could not be decoded. It becomes a row `failed(decode)`, with its first 8,192 bytes.

    Args:
        native: as in `Message`.
        why: for the log and the ledger.
        raw: the update, whole.
    """

    native: str
    why: str
    raw: bytes


class Moved(Struct, frozen=True, kw_only=True):
    """A platform says that a chat has another id from now on. Its conversations go on there.

    Args:
        native: as in `Message`. News that is heard twice changes nothing the second time.
        chat: the id it had.
        becomes: the one it has now.
    """

    native: str
    chat: str
    becomes: str


class Kind(Struct, frozen=True):
    """What an unsettled inbound row is.

    Args:
        by: who wrote it: a person, or the gateway, of a process.
        taken_in: whether a running turn takes it in at the end of a step: where `busy` is steer, or always.
    """

    by: Literal["person", "gateway"] = "person"
    taken_in: Literal["never", "steering", "always"] = "never"


KINDS: Mapping[str, Kind] = {
    "message": Kind(taken_in="steering"),
    "command": Kind(),
    "alone": Kind(),  # a message that is always a turn of its own
    "steer": Kind(taken_in="always"),
    "answer": Kind(),  # to an open question
    "wake": Kind(by="gateway", taken_in="always"),  # a process has ended
    "match": Kind(by="gateway", taken_in="always"),  # a process has written what is watched for
}
"""Every kind of an inbound row that is still to be acted on."""

FROM_GATEWAY = tuple(name for name, kind in KINDS.items() if kind.by == "gateway")


class Decided(Struct, frozen=True, kw_only=True):
    """A message and what the receiver decided of it before anything was written.

    Args:
        update: what came in.
        kind: "message", "command", "alone" (a message that is always a turn of its own), or "undecodable".
        key: whose conversation it belongs to, None when it has none.
        outcome, reason: set for what ends here (dropped by policy, not decodable).
        wait_s: it may be a fragment: wait this long for the next.
        notice: something its chat is told at once, beside its outcome.
    """

    update: Message | Undecodable
    kind: Literal["message", "command", "alone", "undecodable"] = "message"
    key: ConversationKey | None = None
    outcome: OutcomeName | None = None
    reason: str = ""
    wait_s: float = 0.0
    notice: str = ""
