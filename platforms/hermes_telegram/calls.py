"""Delivery -> Bot API call, and what Telegram's answer to it means. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Never

import msgspec

from hermes_telegram.answer import ANSWER_BYTES_MAX, Answer
from hermes_telegram.entities import to_entities
from hermes_telegram.wire import DIRECT
from hermes_trio import (
    ChatMoved,
    Delivery,
    ForeignJson,
    NotJson,
    NotSent,
    Part,
    Receipt,
    RefusalKind,
    SendRefused,
    SendUnknown,
)

encode = msgspec.json.Encoder().encode

_METHODS = {
    "send": "sendMessage",
    "edit": "editMessageText",
    "delete": "deleteMessage",
    "typing": "sendChatAction",
    "react": "setMessageReaction",
    "unreact": "setMessageReaction",
}

# Telegram documents codes, not texts; these are the descriptions its server has been seen to give.
_ALREADY = {
    "edit": re.compile("message is not modified", re.IGNORECASE),
    "delete": re.compile("message to delete not found", re.IGNORECASE),
}
_GONE = re.compile(
    "chat not found|thread not found|TOPIC_CLOSED|TOPIC_DELETED|deactivated|PEER_ID_INVALID"
    "|CHAT_WRITE_FORBIDDEN|CHAT_RESTRICTED|rights to send|chat was deleted|bot was kicked",
    re.IGNORECASE,
)
_LOST = re.compile(
    "message to (?:edit|react) not found|message can't be edited|MESSAGE_ID_INVALID", re.IGNORECASE
)
_ANCHOR = re.compile(
    r"message to (?:be replied|reply) not found|repl(?:y|ied) message not found|REPLY_MESSAGE_ID_INVALID",
    re.IGNORECASE,
)
_MARKUP = re.compile("can't parse entit|entity URL|ENTIT(?:Y|IES)_|MessageEntity", re.IGNORECASE)


class _Sent(msgspec.Struct):
    message_id: int


_sent: ForeignJson[_Sent] = ForeignJson(_Sent, most_bytes=ANSWER_BYTES_MAX)


def to_call(delivery: Delivery, *, link_previews: bool = False) -> tuple[str, bytes]:
    """Make the method and JSON body of a delivery. It goes to the chat and thread of its address, always.

    Args:
        link_previews: Telegram may fetch what a text links to, and show it. It does so without a click, so
            whoever talks a model into writing an address is sent what stands in it.

    Raises:
        SendRefused: the address or message is no Telegram one.
    """
    try:
        body = _BODIES[delivery.op](delivery)
        if delivery.op in ("send", "edit") and not link_previews:
            body["link_preview_options"] = {"is_disabled": True}
        return _METHODS[delivery.op], encode(body)
    except ValueError:
        raise SendRefused(f"not a Telegram address or message id: {delivery.address.lane}") from None


def misses_anchor(delivery: Delivery, answer: Answer) -> bool:
    """Whether a send was refused for the message that it replies to: it may go out without.

    Telegram is asked to do that by itself, and does so nowhere but outside of topics.
    """
    return delivery.reply_to is not None and not answer.ok and _ANCHOR.search(answer.description) is not None


def to_receipt(delivery: Delivery, answer: Answer) -> Receipt:
    """Read Telegram's answer to a delivery.

    Raises:
        NotSent, SendRefused, SendUnknown: as `Platform.deliver` promises.
    """
    if not answer.ok:
        already = _ALREADY.get(delivery.op)
        if already is None or not already.search(answer.description):
            _refused(delivery, answer)
    elif delivery.op == "send":
        return Receipt(_message_id(answer))
    elif bytes(answer.result) in (b"false", b"null"):
        raise SendUnknown(f"{_METHODS[delivery.op]}: ok, but {bytes(answer.result).decode()}")
    return Receipt(delivery.message_id)


def _message_id(answer: Answer) -> str:
    try:
        return str(_sent(answer.result).message_id)
    except NotJson:
        raise SendUnknown("sendMessage: ok, but without a message id") from None


def _refused(delivery: Delivery, answer: Answer) -> Never:
    code, said, more = answer.error_code, answer.description, answer.parameters
    why = f"{_METHODS[delivery.op]}: {code} {said}"
    if code == 429:
        raise NotSent(why, retry_after_s=1.0 if more.retry_after is None else more.retry_after)
    if code >= 500 or code in (401, 404):
        # 401 and 404 are about the token, not about this chat: the receiving side stops the account.
        raise NotSent(why)
    if more.migrate_to_chat_id is not None:
        raise ChatMoved(f"{why} (it is now chat {more.migrate_to_chat_id})", str(more.migrate_to_chat_id))
    raise SendRefused(why, _kind(code, said))


def _kind(code: int, said: str) -> RefusalKind:
    if code == 403 or _GONE.search(said):
        return "gone"
    if _LOST.search(said):
        return "lost"
    return "markup" if _MARKUP.search(said) else "other"


def _place(delivery: Delivery) -> dict[str, Any]:
    place: dict[str, Any] = {"chat_id": int(delivery.address.chat)}
    if (thread := delivery.address.thread) is None:
        return place
    if not thread.startswith(DIRECT):
        return place | {"message_thread_id": int(thread)}
    if delivery.op != "send":
        raise SendRefused("Telegram shows nobody typing in direct messages to a channel")
    return place | {"direct_messages_topic_id": int(thread.removeprefix(DIRECT))}


def _message(delivery: Delivery) -> dict[str, Any]:
    return {"chat_id": int(delivery.address.chat), "message_id": int(delivery.message_id or "")}


def _shown(delivery: Delivery) -> dict[str, Any]:
    part = delivery.part or Part("")
    shown: dict[str, Any] = {"text": part.text}
    if part.spans and (entities := to_entities(part.text, part.spans)):
        shown["entities"] = entities
    if delivery.choices:
        shown["reply_markup"] = {
            "inline_keyboard": [
                [{"text": choice.label, "callback_data": choice.token}] for choice in delivery.choices
            ]
        }
    return shown


def _send(delivery: Delivery) -> dict[str, Any]:
    body = _place(delivery) | _shown(delivery)
    if delivery.reply_to is not None:
        # The anchor may have been deleted meanwhile; the answer is worth more than the anchor.
        body["reply_parameters"] = {
            "message_id": int(delivery.reply_to),
            "allow_sending_without_reply": True,
        }
    return body


_BODIES: Mapping[str, Callable[[Delivery], dict[str, Any]]] = {
    "send": _send,
    "edit": lambda delivery: _message(delivery) | _shown(delivery),
    "delete": _message,
    "typing": lambda delivery: _place(delivery) | {"action": "typing"},
    "react": lambda delivery: _message(delivery) | {"reaction": [{"type": "emoji", "emoji": "👀"}]},
    "unreact": lambda delivery: _message(delivery) | {"reaction": []},
}
