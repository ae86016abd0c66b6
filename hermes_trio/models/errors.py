"""What a provider's refusal means, decided once: by status, then by the codes in its body, then by headers.

The message of a body is read last and only where status and codes leave a choice, since it may quote
anything. The words are in `refusal_words.py`; RFC 9110 is the source for Retry-After.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from hermes_trio.errors import ModelFailed, ModelFailure, NotJson
from hermes_trio.models.refusal_words import (
    BY_CODE,
    BY_STATUS,
    CODE_NAMES,
    CODES,
    MESSAGE_NAMES,
    NO_MODEL,
    PHRASES,
    WRAPPERS,
)
from hermes_trio.models.retry_after import retry_after_s
from hermes_trio.text.foreign_json import ForeignJson

TEXT_MAX = 200
SAID_CHARS_MAX = 4000
BODY_BYTES_MAX = 1024 * 1024
"""As much as one event of a stream may have."""

READ: ForeignJson[Any] = ForeignJson(Any, most_bytes=BODY_BYTES_MAX)
LEVELS_MAX = 6
"""How deep a refusal may be wrapped."""

OBJECTS_MAX = 20
"""How many objects of a body are looked at."""

CODE_CHARS_MAX = 100
MESSAGE_CHARS_MAX = 2000
"""How much of a message is looked at."""

LONG_S = 3600.0
"""A limit that lifts later than this is no rate but a used-up allowance."""

LOOKS_LIKE_KEY = re.compile(r"\b(sk|pk|key|gsk|xai|AIza)[-_]?[A-Za-z0-9_\-*.]{8,}")


def failure(
    status: int | None,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    redact: Callable[[str], str] = str,
) -> ModelFailed:
    """Say what a refusal means.

    Args:
        status: of the response; None or 200 for an error that came inside a stream.
        headers: of the response, looked up in lower case.
        body: as far as it was read.
        now: wall time, for headers that name a date.
        redact: takes the key that was used out of a text. It is asked before anything is cut off: half a
            secret is not known for one.
    """
    document = _decoded(body)
    said = _said(document)
    plain = "" if said else redact(body.decode("utf-8", "replace"))[: 4 * TEXT_MAX]
    codes, message = _codes(said), redact(_message(said))[:MESSAGE_CHARS_MAX]
    message = message or ("" if plain.lstrip().startswith("<") else plain)
    if status is not None and 300 <= status < 400 and (place := headers.get("location")):
        message = f"it is at {redact(place)}"
    if status is None or status < 300:
        status = next(
            (int(code) for code in codes if code.isascii() and code.isdigit() and 400 <= int(code) < 600),
            None,
        )
    wait_s = retry_after_s(headers, said, message, now=now)
    kind = _kind(status, codes, message, wait_s)
    text = message or plain or redact(body.decode("utf-8", "replace"))[: 4 * TEXT_MAX]
    if status == 400 and kind == "malformed" and NO_MODEL.search(message):
        # Nothing of the conversation is at fault, and another model may be asked.
        return ModelFailed("unknown", _quoted(status, text), status=404, said=message[:SAID_CHARS_MAX])
    whole = redact(body.decode("utf-8", "replace"))[:SAID_CHARS_MAX]
    return ModelFailed(kind, _quoted(status, text), retry_after_s=wait_s, status=status, said=whole)


def is_wordless(said: str) -> bool:
    """Whether a refusal has no words that a person could go by: nothing, or JSON without a message."""
    document = _decoded(said)
    return not (_message(_said(document)) if document is not None else said).strip('" \n')


def is_refusal(body: bytes | str) -> bool:
    """Whether an event that is no piece of an answer says that there will be none."""
    said = _said(_decoded(body))
    numbered = any(one.get(name) for one in said for name in CODE_NAMES if name not in ("type", "status"))
    called = any("error" in str(one.get(name)).lower() for one in said for name in ("type", "object"))
    named = bool(said) and not {"error", "detail"}.isdisjoint(said[0])
    return bool(_message(said)) and (numbered or called or named)


def _kind(status: int | None, codes: list[str], message: str, wait_s: float | None) -> ModelFailure:
    if status == 413:
        return "context"  # whatever it is called: the same request never fits
    kind = _by_codes(status, codes) or _by_status(status)
    if kind == "rate_limit":
        if "resource_exhausted" in codes and wait_s:
            return kind
        if wait_s is not None and wait_s >= LONG_S:
            return "quota"
    for phrase in PHRASES:
        # A 403 is a 401 unless it is about money.
        of_it = kind in phrase.of or (status == 403 and kind == "auth" and phrase.means == "quota")
        if of_it and phrase.unless not in codes and phrase.words.search(message):
            return phrase.means
    return kind


def _by_codes(status: int | None, codes: list[str]) -> ModelFailure | None:
    found = {BY_CODE[code] for code in codes if code in BY_CODE}
    if status is not None and 400 <= status < 500 and status != 429:
        found.discard("overload")  # some call every failure a server_error
    return next((kind for kind, _ in CODES if kind in found), None)


def _by_status(status: int | None) -> ModelFailure:
    if status is None:
        return "unknown"
    if status >= 500:
        return "overload"
    return BY_STATUS.get(status, "malformed" if 300 <= status < 400 else "unknown")


def _decoded(body: bytes | str) -> Any:
    try:
        document = READ(body)
    except NotJson:
        return None
    if isinstance(document, list) and document:  # Google's OpenAI-compatible endpoint
        return document[0]
    return document


def _said(document: Any) -> list[dict[str, Any]]:
    """The objects of a body that speak of the refusal, the outermost first."""
    found: list[dict[str, Any]] = []
    level = [document]
    for _ in range(LEVELS_MAX):
        objects = [one for one in level if isinstance(one, dict)][: OBJECTS_MAX - len(found)]
        found += objects
        level = [inner for one in objects for name in WRAPPERS for inner in _inside(one.get(name))]
    return found


def _inside(value: Any) -> list[Any]:
    if isinstance(value, str) and value.lstrip().startswith(("{", "[")):
        value = _decoded(value)
    return value[:OBJECTS_MAX] if isinstance(value, list) else [value]


def _codes(said: list[dict[str, Any]]) -> list[str]:
    codes = [
        str(code)[:CODE_CHARS_MAX].lower()
        for one in said
        for name in CODE_NAMES
        if isinstance(code := one.get(name), str | int) and code
    ]
    if any(one.get("reasons") for one in said):
        codes.append("moderation")  # OpenRouter: the input was flagged; another key would not help
    if any(one.get("param") for one in said):
        codes.append("parameter")
    return codes


def _message(said: list[dict[str, Any]]) -> str:
    """What is said, the innermost first: it is nearest to who refuses."""
    texts = (one.get(name) for one in reversed(said) for name in MESSAGE_NAMES)
    return "\n".join(dict.fromkeys(text for text in texts if isinstance(text, str) and text))


def _quoted(status: int | None, text: str) -> str:
    text = LOOKS_LIKE_KEY.sub("***", " ".join(text.split()))
    if 3 * sum(not char.isprintable() or char == "\ufffd" for char in text) > len(text):
        text = "what came is no text"
    return f"{status or 'in stream'}: {text[:TEXT_MAX]}"
