"""How providers say that they refuse: the tables behind `errors.py`, as plain data.

A new spelling is one word or one phrase here, and one row in `tests/models/test_model_errors.py`. Sources:
the error pages of OpenAI, Anthropic, OpenRouter and Google; reports of users of the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from hermes_trio.errors import ModelFailure

WRAPPERS = ("error", "errors", "base_resp", "detail", "details", "metadata", "raw", "innererror", "message")
"""Names under which a body holds the refusal itself: an object, a list of them, or either as JSON text."""

CODE_NAMES = ("code", "type", "status", "reason", "error_code", "status_code", "http_code")
MESSAGE_NAMES = ("message", "detail", "msg", "status_msg", "error_message", "error", "raw")

CODES: tuple[tuple[ModelFailure, str], ...] = (
    (
        "quota",
        "insufficient_quota billing_error billing_hard_limit_reached billing_not_active quota_exceeded"
        " usage_limit_reached usage_limit_exceeded usage_not_included insufficient_balance"
        " insufficient_credits credit_balance_too_low exceeded_current_quota_error"
        " contract_spend_limit_reached enforced_spend_limit_reached linked_organization_spend_limit_reached"
        " linked_organization_billing_unavailable insufficient_user_quota arrearage"
        " terminal_quota_exhausted",
    ),
    (
        "auth",
        "invalid_api_key authentication_error permission_error invalid_authentication api_key_invalid"
        " account_deactivated token_expired unauthenticated permission_denied invalid_authentication_error"
        " unsupported_country_region_territory account_suspended organization_on_hold"
        " no_db_connection",  # LiteLLM, of a key that is not its master's
    ),
    (
        "rate_limit",
        "rate_limit_exceeded rate_limit_error resource_exhausted too_many_requests rate_limit_reached_error"
        " ramp_limit_exceeded",
    ),
    ("transport", "tool_use_failed"),  # Groq: what its model wrote was no call; it may write better
    (
        "overload",
        "overloaded_error engine_overloaded engine_overloaded_error service_unavailable model_overloaded"
        " server_error api_error internal_server_error unavailable timeout_error",
    ),
    (
        "context",
        "context_length_exceeded string_above_max_length request_too_large prompt_too_long"
        " context_window_exceeded exceed_context_size_error model_max_prompt_tokens_exceeded"
        " context_overflow",
    ),
    (
        "malformed",
        "content_policy_violation content_filter unsupported_parameter unsupported_value invalid_prompt"
        " moderation data_inspection_failed",
    ),
)
"""Codes that say enough by themselves. Kinds that come first win where a body has several."""

BY_CODE: Mapping[str, ModelFailure] = {code: kind for kind, codes in CODES for code in codes.split()}

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
"""Of the rest: 5xx is "overload", 3xx "malformed", anything else "unknown"."""


class Phrase(Struct, frozen=True):
    """What a message means.

    Args:
        means: the kind of refusal.
        of: kinds, by code and status, that it may correct. A 500 is read before it is believed.
        words: any of these.
        unless: a code that says otherwise.
    """

    means: ModelFailure
    of: frozenset[ModelFailure]
    words: re.Pattern[str]
    unless: str = ""


def _any(*phrases: str) -> re.Pattern[str]:
    return re.compile("|".join(phrases), re.IGNORECASE | re.MULTILINE)


_VAGUE: frozenset[ModelFailure] = frozenset({"malformed", "overload", "unknown"})

PHRASES: tuple[Phrase, ...] = (
    # What a model wrote was no call; it may write better. What follows in the message is its own text.
    Phrase("transport", _VAGUE, _any(r"^error parsing tool call", r"^failed to parse input at pos")),
    # Alibaba says "quota" of what lasts a minute.
    Phrase(
        "rate_limit",
        frozenset({"quota", "rate_limit"}),
        _any(r"error-code#token-limit", r"allocated quota exceeded"),
    ),
    Phrase(
        "context",
        _VAGUE,
        _any(
            r"maximum (context|prompt) length",
            r"prompt is too long",
            r"context (window|length|size)",
            r"context the overflows",
            r"input is too (long|large)",
            r"too many (input )?tokens",
            r"exceeds? (the )?(maximum|available|max) (number of tokens|context|length)",
            r"exceed(s|ed) (the )?model'?s? (token limit|maximum)",
            r"input length and `?max_tokens`? exceed",
            r"(input|prompt) token count",
            r"range of input length",
            r"total message size \d+ exceeds",
            r"reduce the length of",
            r"`?inputs`? (tokens \+|must have less than)",
            r"max(imum)? (number of )?input tokens?( limit)?",
            r"exceeds? the model'?s? max",
            r"上下文(过长|超出|长度超)",
        ),
    ),
    Phrase("context", frozenset({"rate_limit"}), _any(r"must be reduced in order to run")),
    Phrase(
        "auth",
        _VAGUE,
        _any(r"^(invalid|incorrect|missing|no) api[ _-]?key", r"^api key (not valid|expired)"),
    ),
    Phrase(
        "quota",
        _VAGUE | {"rate_limit"},
        _any(
            r"usage limit",
            r"insufficient (account )?(credit|balance|quota|fund)",
            r"credit balance is too low",
            r"out of credits",
            r"exhausted balance|top_up\b",
            r"reached your .{1,30} limit",
            r"exceeded your current quota",
            r"billing hard limit|hard billing limit",
            r"\bkey limit (has been )?(exceeded|reached)",
            r"credits? (has|have) been exhausted",
            r"spend(ing)?[ -]limit",
            r"monthly limit",
            r"(doesn't|does not) have any credits",
        ),
        unless="parameter",
    ),
    Phrase(
        "malformed",
        frozenset({"overload", "unknown"}),
        _any(
            r"roles? must alternate",
            r"unexpected role",
            r"chat template",
            r"jinja|at row \d+, column \d+",
            r"extra inputs are not permitted",
            r"content management policy",
            r"failed to parse (grammar|messages|tools?|request)",
            r"(invalid|unsupported) (message|parameter|schema|tool|content)",
            r"must be (a response to|followed by)",
        ),
    ),
    # Errors amid a stream have no status, and some of them no code.
    Phrase(
        "rate_limit", frozenset({"unknown"}), _any(r"rate limit (exceeded|reached)", r"too many requests")
    ),
    Phrase("overload", frozenset({"unknown"}), _any(r"\boverloaded", r"(server|service|model) is busy")),
)
"""Tried in this order. Nothing that a machine says of itself ("context deadline exceeded") may be in it."""

_NAME = r"[`'\"]?[\w./:@-]{1,100}[`'\"]?"
NO_MODEL = _any(
    r"^model not exist",
    rf"\bmodel ({_NAME} )?(does not|doesn't) exist",
    rf"\bmodel {_NAME} (is |was )?not found",
    r"\binvalid model( name passed|:)",
    r"\bis not a valid model",
    r"^(unknown|no such) model\b",
    r"模型不存在",
)
"""Said of a name that nobody has there, mostly with 404; by DeepSeek, LiteLLM and OpenRouter with 400."""
