"""What stands in a request to the Bot API, checked as Telegram checks it, and how it is refused."""

from __future__ import annotations

import re
from email.message import Message as Mime
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tests.fakes.http_server import Request, Response

TEXT_MAX = 4096
ENTITIES_MAX = 100  # more are dropped, silently
INVISIBLE = re.compile(r"[\s\u00ad\u115f\u1160\u200b-\u200f\u2060-\u2064\u2800\u3164\ufe0f\ufeff\uffa0]+")
INT_FIELDS = {"chat_id", "user_id", "message_thread_id", "message_id", "offset", "limit", "timeout"} | {
    "direct_messages_topic_id"
}
JSON_FIELDS = {
    "entities",
    "reply_parameters",
    "reply_markup",
    "allowed_updates",
    "commands",
    "reaction",
    "link_preview_options",
    "scope",
}
FORMATS = (
    "mention hashtag cashtag bot_command url email phone_number bold italic underline strikethrough spoiler "
    "blockquote expandable_blockquote code pre text_link text_mention custom_emoji"
)
ENTITY_TYPES = set(FORMATS.split())
ADDRESSEES = re.compile(r"(?:(?<=\s)|^)(?:(@\w+)|(/\w+(?:@\w+)?))")


class Refusal(Exception):
    """An answer with ok false."""

    def __init__(self, code: int, description: str, **parameters: Any) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def response(self, status: int | None = None) -> Response:
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return Response.json(body, status or self.code)


def bad(description: str) -> Refusal:
    return Refusal(400, f"Bad Request: {description}")


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def addressees(text: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "mention" if found[1] else "bot_command",
            "offset": units(text[: found.start()]),
            "length": units(found[0]),
        }
        for found in ADDRESSEES.finditer(text)
    ]


def checked_text(params: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    text = params.get("text", "")
    if not INVISIBLE.sub("", text):
        raise bad("message text is empty")
    length = units(text)
    if length > TEXT_MAX:
        raise bad("message is too long")
    entities = params.get("entities") or []
    for entity in entities:
        if entity.get("type") not in ENTITY_TYPES:
            raise bad("can't parse entities: unsupported type")
        start, span = entity["offset"], entity["length"]
        if start < 0 or span < 1 or start + span > length:
            raise bad("ENTITY_BOUNDS_INVALID")
        if not _on_characters(text, start, start + span):
            raise bad("can't parse entities: an offset within a character")
        if entity["type"] == "text_link":
            if "url" not in entity:
                raise bad("can't parse entities: no url")
            if why := wrong_with(entity["url"]):
                raise bad(f"entity URL '{entity['url']}' is invalid: {why}")
    return text, entities[:ENTITIES_MAX]


def wrong_with(url: str) -> str | None:
    """What Telegram's server (tdlib's LinkManager and parse_url) says of an address; None: it is one."""
    lower = url.lower()
    if lower.startswith(("tg:", "ton:", "tonsite:")):
        return None
    scheme, there, rest = lower.partition("://")
    if there and scheme not in ("http", "https"):
        return "Unsupported URL protocol"
    place = re.split("[/?#]", rest if there else lower, maxsplit=1)[0].rpartition("@")[2]
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(.*))?", place)
    if found is None or not found[1]:
        return "URL host is empty"
    if found[2] is not None and not (found[2].isdigit() and 0 < int(found[2]) < 65_536):
        return "Wrong port number specified in the URL"
    if "." not in found[1] and not found[1].startswith("["):
        return "Wrong HTTP URL"
    return None


def _on_characters(text: str, *offsets: int) -> bool:
    units = text.encode("utf-16-le")
    return not any(offset * 2 < len(units) and 0xDC <= units[offset * 2 + 1] <= 0xDF for offset in offsets)


def buttons_of(params: dict[str, Any]) -> list[dict[str, Any]]:
    rows = (params.get("reply_markup") or {}).get("inline_keyboard", [])
    buttons = [button for row in rows for button in row]
    if any(not 1 <= len(button["callback_data"].encode()) <= 64 for button in buttons):
        raise bad("BUTTON_DATA_INVALID")
    return buttons


def params_of(request: Request) -> dict[str, Any]:
    kind = request.headers.get("content-type", "")
    params: dict[str, Any] = dict(request.query)
    try:
        if kind.startswith("application/json"):
            return params | request.json() if request.body else params
        if kind.startswith("application/x-www-form-urlencoded"):
            params |= parse_qsl(request.body.decode(), keep_blank_values=True)
        elif kind.startswith("multipart/form-data"):
            params |= _multipart(kind, request.body)
        for name in params.keys() & INT_FIELDS:
            params[name] = int(params[name])
        for name in params.keys() & JSON_FIELDS:
            params[name] = msgspec.json.decode(params[name])
    except (ValueError, msgspec.DecodeError):
        return {}
    return params


def _multipart(kind: str, body: bytes) -> dict[str, str]:
    mime: Mime = BytesParser(policy=HTTP).parsebytes(b"content-type: " + kind.encode() + b"\r\n\r\n" + body)
    return {
        str(part.get_param("name", header="content-disposition")): (
            part.get_payload(decode=True).decode()  # type: ignore[union-attr]
        )
        for part in mime.iter_parts()  # type: ignore[attr-defined]
    }
