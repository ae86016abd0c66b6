"""What the Bot API answers, whatever was asked. Pure."""

from __future__ import annotations

import msgspec

from hermes_telegram.broken_json import mended
from hermes_trio import ForeignJson, NotJson

ANSWER_BYTES_MAX = 8 * 1024 * 1024
"""A hundred updates of the longest texts there are, each character an escape, are a third of it."""


class Parameters(msgspec.Struct, frozen=True):
    """What Telegram adds to some refusals (https://core.telegram.org/bots/api#responseparameters)."""

    retry_after: float | None = None
    migrate_to_chat_id: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """Every answer of the Bot API (https://core.telegram.org/bots/api#making-requests)."""

    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    error_code: int = 0
    description: str = ""
    parameters: Parameters = Parameters()


def decode_answer(body: bytes) -> Answer:
    """Decode an answer, mended where it holds what is no text; raise NotJson if it is none."""
    try:
        return _decode(body)
    except NotJson:
        if len(body) > ANSWER_BYTES_MAX:
            raise
        return _decode(mended(body))


_decode: ForeignJson[Answer] = ForeignJson(Answer, most_bytes=ANSWER_BYTES_MAX)
