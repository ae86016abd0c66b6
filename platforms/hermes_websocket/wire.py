"""The protocol: one JSON object per websocket text frame, told apart by "type". Pure.

A client first reads port and host from the two lines of `websocket.port` and the token from
`websocket.token` in the state_dir, connects to ws://HOST:PORT/ and says hello within 5 seconds. All ids are
the sender's own; the same id again means the same thing again, and has no second effect.

client to server

    {"type": "hello", "token": T, "client": C, "seen": K}
        C names this client for ever: [A-Za-z0-9._-], at most 64. It is the chat its messages come from.
        K, if any, is the last key it has confirmed or would confirm.
    {"type": "message", "id": M, "text": S, "chat": X}
        M is unique within C, at most 128 characters. X, if any, names one of several conversations.
    {"type": "press", "id": M, "choice": TOKEN, "chat": X}
        A choice of a prompt was pressed.
    {"type": "receipt", "id": K}
        What came with key K has been shown.

server to client

    {"type": "welcome"}
    {"type": "accepted", "id": M}
        The message M is durable. Without it, send the message again, with the same id.
    {"type": "send", "id": I, "key": K, "said": ..., "text": ..., "spans": [[start, end, kind, value]...],
     "reply_to": M, "choices": [[token, label]...], "chat": X}
        Show a message; confirm K. A key that was shown before: confirm it again, show nothing.
    {"type": "edit", "id": I, "key": K, "said": ..., "text": ..., "spans": ..., "choices": ..., "chat": X}
    {"type": "delete", "id": I, "key": K, "chat": X}
        Change or remove the message I; confirm K. Of a message it does not know: show it, or nothing.
    {"type": "typing", "chat": X}
    {"type": "error", "why": S}
        A frame was not taken: it is none of this protocol.

Fields that are empty are left out. A frame to the server may have 1 MiB, one to a client 4 MiB. Close codes:
4400 the first frame was no hello · 4401 wrong token · 4408 no hello in time · 4409 the same client
connected anew · 1009 frame too big · 1001 the gateway goes down. More than
100 clients are not answered at all; of connections without a hello yet the oldest is cut off when there are
more than 128, and each after 128 KiB.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from hermes_trio import Choice, DeliveryKind, ForeignJson, NotJson, Span

FRAME_MAX = 1024 * 1024
CLIENT_FRAME_MAX = 4 * FRAME_MAX

BAD_HELLO, BAD_TOKEN, NO_HELLO, REPLACED = 4400, 4401, 4408, 4409
GOING_AWAY = 1001

ClientId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}\Z")]
MessageId = Annotated[str, Meta(min_length=1, max_length=128)]
ChatId = Annotated[str, Meta(min_length=1, max_length=128)]


class Frame(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """One JSON object."""


class Hello(Frame, frozen=True, tag="hello"):
    token: str
    client: ClientId
    seen: str | None = None

    def __repr__(self) -> str:
        return f"Hello(client={self.client!r})"


class Say(Frame, frozen=True, tag="message"):
    id: MessageId
    text: str
    chat: ChatId | None = None


class Press(Frame, frozen=True, tag="press"):
    id: MessageId
    choice: str
    chat: ChatId | None = None


class Confirm(Frame, frozen=True, tag="receipt"):
    id: str


class Welcome(Frame, frozen=True, tag="welcome"):
    pass


class Accepted(Frame, frozen=True, tag="accepted"):
    id: str


class Send(Frame, frozen=True, tag="send"):
    id: str
    key: str
    said: DeliveryKind
    text: str
    spans: tuple[Span, ...] = ()
    reply_to: str | None = None
    choices: tuple[Choice, ...] = ()
    chat: str | None = None


class Edit(Frame, frozen=True, tag="edit"):
    id: str
    key: str
    said: DeliveryKind
    text: str
    spans: tuple[Span, ...] = ()
    choices: tuple[Choice, ...] = ()
    chat: str | None = None


class Delete(Frame, frozen=True, tag="delete"):
    id: str
    key: str
    chat: str | None = None


class Typing(Frame, frozen=True, tag="typing"):
    chat: str | None = None


class Error(Frame, frozen=True, tag="error"):
    why: str


FromClient = Hello | Say | Press | Confirm
FromServer = Welcome | Accepted | Send | Edit | Delete | Typing | Error

_from_client: ForeignJson[FromClient] = ForeignJson(FromClient, most_bytes=FRAME_MAX)
_from_server: ForeignJson[FromServer] = ForeignJson(FromServer, most_bytes=CLIENT_FRAME_MAX)
_encoder = msgspec.json.Encoder()


def encode(frame: Frame) -> str:
    """A frame as text."""
    return _encoder.encode(frame).decode()


def decode_client(data: str | bytes) -> FromClient:
    """What a client sent. Raises NotJson."""
    return _from_client(_text(data))


def decode_server(data: str | bytes) -> FromServer:
    """What a server sent. Raises NotJson."""
    return _from_server(_text(data))


def _text(data: str | bytes) -> str:
    if isinstance(data, bytes):
        raise NotJson("text frames only")
    return data
