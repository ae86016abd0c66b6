"""Between the frames of the protocol and the values of the river. Pure."""

from __future__ import annotations

from hermes_trio import Address, Delivery, Message, Part
from hermes_websocket.wire import Delete, Edit, Press, Say, Send, Typing

PLATFORM = "websocket"
USER = "local"

Confirmed = Send | Edit | Delete


def message_of(frame: Say | Press, client: str, account: str, raw: bytes) -> Message:
    """What a client said, as a message. Its native id is the client's id and the client's message id."""
    return Message(
        native=f"{client}/{frame.id}",
        address=Address(PLATFORM, account, client, frame.chat, USER),
        text=frame.text if isinstance(frame, Say) else "",
        message_id=frame.id,
        choice=frame.choice if isinstance(frame, Press) else None,
        raw=raw,
    )


def frame_of(delivery: Delivery, key: str) -> Confirmed:
    """A send, edit or delete as a frame to be confirmed by `key`; the id of a sent message is its key."""
    chat, message_id = delivery.address.thread, delivery.message_id or ""
    if delivery.op == "delete":
        return Delete(id=message_id, key=key, chat=chat)
    part = delivery.part or Part("")
    text = part.text.encode(errors="replace").decode()  # half a surrogate pair cannot be sent
    if delivery.op == "edit":
        return Edit(
            id=message_id,
            key=key,
            said=delivery.said,
            text=text,
            spans=part.spans,
            choices=delivery.choices,
            chat=chat,
        )
    return Send(
        id=key,
        key=key,
        said=delivery.said,
        text=text,
        spans=part.spans,
        reply_to=delivery.reply_to,
        choices=delivery.choices,
        chat=chat,
    )


def delivery_of(frame: Confirmed | Typing, account: str, client: str) -> Delivery:
    """What a server asks of a client, as the delivery it was. `message_id` is set for a send too."""
    address = Address(PLATFORM, account, client, frame.chat, USER)
    match frame:
        case Send() | Edit():
            return Delivery(
                op="send" if isinstance(frame, Send) else "edit",
                address=address,
                part=Part(frame.text, frame.spans),
                message_id=frame.id,
                reply_to=frame.reply_to if isinstance(frame, Send) else None,
                key=frame.key,
                said=frame.said,
                choices=frame.choices,
            )
        case Delete():
            return Delivery(op="delete", address=address, message_id=frame.id, key=frame.key)
        case Typing():
            return Delivery(op="typing", address=address)
