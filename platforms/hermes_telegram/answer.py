"""What the Bot API answers, whatever was asked. Pure."""

from __future__ import annotations

import msgspec

from hermes_telegram.mend import mended


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
    """Decode an answer, mended where it holds what is no text; raise msgspec.DecodeError if it is none."""
    try:
        return _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode(mended(body))


_decode = msgspec.json.Decoder(Answer).decode
