"""The frozen values that travel the river.

Ids of a platform are strings. Wall times are seconds since 1970 as float; durations end in `_s`.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Secret:
    """A secret value that no print, log or error shows. `reveal()` gives the text.

    Args:
        value: the text.
        file: the absolute path of the file it was read from, "" for none.
    """

    __slots__ = ("_value", "file")

    def __init__(self, value: str, file: str = "") -> None:
        self._value = value
        self.file = file

    def reveal(self) -> str:
        """The secret itself; pass it on to the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


OutcomeName = Literal["answered", "refused", "superseded", "stopped", "dropped", "expired", "failed"]
"""What becomes of an inbound message, for good."""

TurnState = Literal["running", "finished", "stopped", "reset", "failed", "abandoned"]
"""What a turn is in."""


class Key(Struct, frozen=True, array_like=True):
    """An address reduced by the scope rule: whose conversation this is. Printed, never parsed back.

    Args:
        platform, account, chat, thread: as in `Address`.
        user: where each user of a group has a conversation of their own; else None.
    """

    platform: str
    account: str
    chat: str
    thread: str | None = None
    user: str | None = None

    def __str__(self) -> str:
        parts = [self.platform, self.account, self.chat]
        if self.thread is not None:
            parts.append(self.thread)
        if self.user is not None:
            parts.append(f"@{self.user}")
        return "/".join(parts)

    @property
    def account_id(self) -> str:
        """`platform/account`: names one configured bot."""
        return f"{self.platform}/{self.account}"


class Lane(Struct, frozen=True, array_like=True):
    """A chat and thread: what is said there is said in one order.

    Args:
        platform, account, chat, thread: as in `Address`.
    """

    platform: str
    account: str
    chat: str
    thread: str | None = None

    def __str__(self) -> str:
        parts = [self.platform, self.account, self.chat]
        return "/".join(parts if self.thread is None else [*parts, self.thread])

    @property
    def account_id(self) -> str:
        """`platform/account`: names one configured bot."""
        return f"{self.platform}/{self.account}"


class Address(Struct, frozen=True, array_like=True):
    """Where a message came from and where its answer goes.

    Args:
        platform, account: the configured bot, "telegram" and "main".
        chat: the chat's id there, as text.
        thread: the topic in it; None: the chat itself.
        user: who wrote, by an id that never changes hands.
    """

    platform: str
    account: str
    chat: str
    thread: str | None = None
    user: str | None = None

    @property
    def lane(self) -> Lane:
        """The chat and thread an answer to this address is said in."""
        return Lane(self.platform, self.account, self.chat, self.thread)

    @property
    def account_id(self) -> str:
        """`platform/account`: names one configured bot."""
        return f"{self.platform}/{self.account}"


class Quoted(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a message refers to.

    Args:
        text: what is said there, "" where the platform does not say.
        sender: display name of who said it, "" where nobody knows.
        ours: the bot itself said it.
        chosen: the writer chose this stretch of it.
    """

    text: str = ""
    sender: str = ""
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
        note: written by the gateway itself, for the model. Never set by a platform.
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


class Decided(Struct, frozen=True, kw_only=True):
    """A message and what the inbox decided of it before anything was written.

    Args:
        update: what came in.
        kind: "message", "command", "alone" (a message that is always a turn of its own), or "undecodable".
        key: whose conversation it belongs to, None when it has none.
        outcome, reason: set for what ends here (dropped by policy, not decodable).
        hold_s: it may be a fragment: wait this long for the next.
        notice: something its chat is told at once, beside its outcome.
    """

    update: Message | Undecodable
    kind: Literal["message", "command", "alone", "undecodable"] = "message"
    key: Key | None = None
    outcome: OutcomeName | None = None
    reason: str = ""
    hold_s: float = 0.0
    notice: str = ""


class Span(Struct, frozen=True, array_like=True):
    """A formatted stretch of a part's text.

    Args:
        start, end: half open, in code points of the text.
        kind: what it is.
        value: the URL of a link, the language of a pre.
    """

    start: int
    end: int
    kind: Literal["bold", "italic", "strike", "code", "pre", "link", "quote", "spoiler"]
    value: str = ""


class Part(Struct, frozen=True, array_like=True):
    """A platform-sized piece of a reply: plain text, and the spans that format it.

    Args:
        text: what is shown, at most `Traits.text_max` units of it.
        spans: by their start; one that lies in another comes after it.
    """

    text: str
    spans: tuple[Span, ...] = ()


class Choice(Struct, frozen=True, array_like=True):
    """A button below a prompt. `token` is opaque and at most 64 bytes."""

    token: str
    label: str


Said = Literal["final", "say", "reply", "prompt", "notice", "refusal", "preview", "progress", "sign"]
"""What a delivery is: the answer, an interim say, a command's reply, a question, a notice, a refusal,
the live preview, the progress line, the sign of waiting."""


class Delivery(Struct, frozen=True, kw_only=True):
    """One call that the outbox asks of a platform.

    Args:
        op: what to do. "typing" needs only the address; "edit", "delete", "react" and "unreact" name
            `message_id`; "send" and "edit" carry a part.
        address: the chat and thread it goes to. Never anywhere else.
        part: what to show.
        message_id: the message to edit, delete or react to.
        reply_to: the message_id a send answers visibly.
        key: the same for each try of this part, for platforms that take an idempotency key.
        said: what it is; a terminal shows a preview otherwise than a final.
        choices: buttons of a prompt.
        last: the last part of its reply.
    """

    op: Literal["send", "edit", "delete", "typing", "react", "unreact"]
    address: Address
    part: Part | None = None
    message_id: str | None = None
    reply_to: str | None = None
    key: str = ""
    said: Said = "final"
    choices: tuple[Choice, ...] = ()
    last: bool = True


class Receipt(Struct, frozen=True):
    """The platform's proof that a delivery happened: the id of the message it made or changed."""

    message_id: str | None = None


class Traits(Struct, frozen=True, kw_only=True):
    """What a platform can do.

    Args:
        text_max: the longest text of one message, in `unit`s.
        unit: how the platform counts a text.
        can_edit, can_delete, can_react, can_type: whether `deliver` takes that op.
        takes_key: the platform refuses a second send with the same `Delivery.key`.
        typing_every_s: how often a typing sign must be renewed, in seconds.
        live_every_s: the shortest time between two edits of a preview, in seconds.
    """

    text_max: int = 4096
    unit: Literal["char", "utf16", "byte"] = "char"
    can_edit: bool = False
    can_delete: bool = False
    can_react: bool = False
    can_type: bool = False
    takes_key: bool = False
    typing_every_s: float = 4.0
    live_every_s: float = 1.0


class Policy(Struct, frozen=True, kw_only=True):
    """Who may speak to an account, and when it listens. Deny by default.

    Args:
        allow_users: stable user ids. Empty: nobody. ("*",): anybody, spelled out.
        admins: stable user ids that may use admin commands. They are allowed users too.
        require_mention: in groups listen only when mentioned, replied to, or commanded.
        reply_to: which parts of an answer reply visibly to the message they answer.
    """

    allow_users: tuple[str, ...] = ()
    admins: tuple[str, ...] = ()
    require_mention: bool = True
    reply_to: Literal["off", "first", "all"] = "first"
