"""What a provider's refusal means, decided once: by status, then by the codes in its body, then by headers.

The message of a body is read last and only where status and codes leave a choice, since it may quote
anything. Sources: the error pages of OpenAI, Anthropic, OpenRouter and Google; RFC 9110 for Retry-After.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hermes_trio.errors import ModelFailed, ModelFailure, NotJson
from hermes_trio.pure.foreign_json import ForeignJson
from hermes_trio.pure.retry_after import retry_after_s

TEXT_MAX = 200
BODY_BYTES_MAX = 1024 * 1024
"""As much as one event of a stream may have."""

READ: ForeignJson[Any] = ForeignJson(Any, most_bytes=BODY_BYTES_MAX)
DETAILS_MAX = 20
CODE_CHARS_MAX = 100
MESSAGE_CHARS_MAX = 2000
"""How much of a message is looked at."""

LONG_S = 3600.0
"""A limit that lifts later than this is no rate but a used-up allowance."""

CODES: tuple[tuple[ModelFailure, str], ...] = (
    (
        "quota",
        "insufficient_quota billing_error billing_hard_limit_reached billing_not_active quota_exceeded"
        " usage_limit_reached usage_limit_exceeded usage_not_included insufficient_balance"
        " insufficient_credits credit_balance_too_low exceeded_current_quota_error"
        " contract_spend_limit_reached enforced_spend_limit_reached linked_organization_spend_limit_reached"
        " linked_organization_billing_unavailable",
    ),
    (
        "auth",
        "invalid_api_key authentication_error permission_error invalid_authentication api_key_invalid"
        " account_deactivated token_expired unauthenticated permission_denied invalid_authentication_error"
        " unsupported_country_region_territory account_suspended organization_on_hold",
    ),
    (
        "rate_limit",
        "rate_limit_exceeded rate_limit_error resource_exhausted too_many_requests rate_limit_reached_error"
        " ramp_limit_exceeded",
    ),
    (
        "overload",
        "overloaded_error engine_overloaded engine_overloaded_error service_unavailable model_overloaded"
        " server_error api_error internal_server_error unavailable timeout_error",
    ),
    (
        "context",
        "context_length_exceeded string_above_max_length request_too_large prompt_too_long"
        " context_window_exceeded",
    ),
    (
        "malformed",
        "content_policy_violation content_filter unsupported_parameter unsupported_value invalid_prompt"
        " moderation",
    ),
)
BY_CODE: Mapping[str, ModelFailure] = {code: kind for kind, codes in CODES for code in codes.split()}
"""Codes that say enough by themselves. Kinds that come first win where a body has several."""

BY_STATUS: Mapping[int, ModelFailure] = {
    400: "malformed",
    401: "auth",
    402: "quota",
    403: "auth",
    408: "transport",
    413: "context",
    422: "malformed",
    429: "rate_limit",
}

STATUS = re.compile("[45][0-9]{2}")
NAMES = ("code", "type", "status", "reason", "error_code")
USED_UP = re.compile(
    r"usage limit|insufficient (credit|balance|quota|fund)|credit balance is too low|out of credits"
    r"|exceeded your current quota|billing hard limit|spend(ing)? limit|monthly limit"
    r"|(doesn't|does not) have any credits",
    re.IGNORECASE,
)
TOO_LONG = re.compile(
    r"maximum context length|prompt is too long|context (window|length|size)|input is too long"
    r"|too many (input )?tokens|exceeds? the (maximum|available) (number of tokens|context)"
    r"|input length and `?max_tokens`? exceed|input token count",
    re.IGNORECASE,
)
BAD_KEY = re.compile(
    r"^(invalid|incorrect|missing|no) api[ _-]?key|^api key (not valid|expired)", re.IGNORECASE
)
LOOKS_LIKE_KEY = re.compile(r"\b(sk|pk|key|gsk|xai|AIza)[-_]?[A-Za-z0-9_\-*.]{8,}")


def failure(
    status: int | None, headers: Mapping[str, str], body: bytes, *, now: float, secret: str = ""
) -> ModelFailed:
    """Say what a refusal means.

    Args:
        status: of the response; None or 200 for an error that came inside a stream.
        headers: of the response, looked up in lower case.
        body: as far as it was read.
        now: wall time, for headers that name a date.
        secret: the key that was used; blotted out of the text.
    """
    document = _decoded(body)
    codes, message = _codes(document), _without(secret, _message(document))[:MESSAGE_CHARS_MAX]
    if status is None or status < 300:
        status = next(
            (int(code) for code in codes if code.isascii() and code.isdigit() and 400 <= int(code) < 600),
            None,
        )
    wait_s = retry_after_s(headers, document, now=now)
    kind = _kind(status, codes, message, wait_s)
    text = message or _without(secret, body.decode("utf-8", "replace"))[: 4 * TEXT_MAX]
    return ModelFailed(kind, _quoted(status, text), retry_after_s=wait_s, status=status)


def _without(secret: str, text: str) -> str:
    """Before anything is cut off: half a secret is not known for one."""
    return text.replace(secret, "***") if secret else text


def _kind(status: int | None, codes: list[str], message: str, wait_s: float | None) -> ModelFailure:
    if status == 413:
        return "context"  # whatever it is called: the same request never fits
    kind = _by_codes(status, codes)
    if kind is None:
        kind = _by_status(status)
    if kind == "rate_limit" and ("resource_exhausted" not in codes or not wait_s):
        used_up = USED_UP.search(message) or (wait_s is not None and wait_s >= LONG_S)
        return "quota" if used_up else kind
    if kind == "auth" and status == 403 and USED_UP.search(message):
        return "quota"
    if kind == "malformed":
        return _of_a_bad_request(codes, message)
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


def _of_a_bad_request(codes: list[str], message: str) -> ModelFailure:
    if TOO_LONG.search(message):
        return "context"
    if BAD_KEY.search(message):
        return "auth"
    if "parameter" not in codes and USED_UP.search(message):
        return "quota"
    return "malformed"


def _decoded(body: bytes) -> Any:
    try:
        document = READ(body)
    except NotJson:
        return {}
    if isinstance(document, list) and document:  # Google's OpenAI-compatible endpoint
        document = document[0]
    return document if isinstance(document, dict) else {}


def _error_of(document: dict[str, Any]) -> dict[str, Any]:
    error = document.get("error")
    if isinstance(error, str):
        return {"message": error, **document}
    return error if isinstance(error, dict) else document


def _codes(document: dict[str, Any]) -> list[str]:
    error = _error_of(document)
    details, metadata = error.get("details"), error.get("metadata")
    # Google: a list; Anthropic: an object.
    details = details[:DETAILS_MAX] if isinstance(details, list) else [details]
    sources = [error, *(detail for detail in details if isinstance(detail, dict))]
    codes = [
        str(code)[:CODE_CHARS_MAX].lower()
        for source in sources
        for name in NAMES
        if isinstance(code := source.get(name), str | int) and code
    ]
    if isinstance(metadata, dict) and metadata.get("reasons"):
        codes.append("moderation")  # OpenRouter: the input was flagged; another key would not help
    if error.get("param"):
        codes.append("parameter")
    return codes


def _message(document: dict[str, Any]) -> str:
    error = _error_of(document)
    for name in ("message", "detail", "msg"):
        if isinstance(text := error.get(name), str) and text:
            return text
    return ""


def _quoted(status: int | None, text: str) -> str:
    text = LOOKS_LIKE_KEY.sub("***", " ".join(text.split()))
    return f"{status or 'in stream'}: {text[:TEXT_MAX]}"
