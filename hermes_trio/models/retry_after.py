"""When a provider says a request may be tried again, in any of the ways providers say it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

FIELDS = ("resets_in_seconds", "retry_after_seconds", "retry_after", "retryAfter", "retryDelay")
"""Of a body: ChatGPT's, OpenRouter's, those of gateways, Google's."""

LONGEST_S = 7 * 86400.0
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
DURATION_CHARS_MAX = 40
AGAIN_IN = re.compile(
    r"(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)? ?(?:ms|s|m|h|d)){1,4})", re.IGNORECASE
)
UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def retry_after_s(
    headers: Mapping[str, str], said: Sequence[Mapping[str, Any]], message: str = "", *, now: float
) -> float | None:
    """Seconds to wait, None if nobody says. The first that says something counts.

    Args:
        headers: of the response, looked up in lower case.
        said: the objects of its JSON body that speak of the refusal, the outermost first.
        message: what it says in words.
        now: wall time in seconds; the response's own Date is preferred to it.

    The ways: those of headers (Retry-After-Ms; Retry-After, by RFC 9110 seconds or a date; X-RateLimit-Reset
    and its kin where nothing remains); a field of the body; headers that a gateway hands on in the body; "try
    again in 7m12s".
    """
    now = _date(headers.get("date", ""), 0.0, epoch=True) or now
    ways: tuple[Callable[[], float | None], ...] = (
        lambda: _asked_for(headers, now),
        lambda: _in_body(said, now),
        lambda: _limits(headers, now),
        lambda: _handed_on(said, now),
        lambda: _in_words(message),
    )
    for way in ways:
        if (found := way()) is not None:
            return min(max(found, 0.0), LONGEST_S)
    return None


def _asked_for(headers: Mapping[str, str], now: float) -> float | None:
    if (found := _scaled(_number(headers.get("retry-after-ms")), 0.001)) is not None:
        return found
    found = _number(headers.get("retry-after"))
    return _date(headers.get("retry-after", ""), now) if found is None else found


def _number(value: object) -> float | None:
    if not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _scaled(number: float | None, factor: float) -> float | None:
    return None if number is None else number * factor


def _date(text: str, now: float, *, epoch: bool = False) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return _since_epoch(moment) - (0.0 if epoch else now)


def _since_epoch(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _in_body(said: Sequence[Mapping[str, Any]], now: float) -> float | None:
    waits = (
        _moment(str(one[name])[:DURATION_CHARS_MAX], now)
        for one in said
        for name in FIELDS
        if isinstance(one.get(name), str | int | float)
    )
    return next((wait for wait in waits if wait is not None), None)


def _handed_on(said: Sequence[Mapping[str, Any]], now: float) -> float | None:
    """OpenRouter hands on in `error.metadata.headers` what it was told, or tells of its own limits."""
    for one in said:
        if not isinstance(found := one.get("headers"), dict):
            continue
        given = {str(k).lower(): str(v) for k, v in found.items()}
        # What is refused has nothing left, said or not.
        ways = (_asked_for(given, now), _limits({"x-ratelimit-remaining": "0", **given}, now))
        if (wait := next((way for way in ways if way is not None), None)) is not None:
            return wait
    return None


def _in_words(message: str) -> float | None:
    """OpenAI and Groq: "Please try again in 7m12.5s." Others: "try again in 20 seconds"."""
    found = AGAIN_IN.search(message)
    return None if found is None else _duration(found[1].replace(" ", ""))


def _limits(headers: Mapping[str, str], now: float) -> float | None:
    waits = []
    for prefix in ("x-ratelimit-", "anthropic-ratelimit-"):
        for what in ("", "requests", "tokens", "input-tokens", "output-tokens"):
            dash = "-" if what else ""
            left, reset = (
                (f"{prefix}remaining{dash}{what}", f"{prefix}reset{dash}{what}")
                if prefix == "x-ratelimit-"
                else (f"{prefix}{what}{dash}remaining", f"{prefix}{what}{dash}reset")
            )
            if _number(headers.get(left)) == 0 and (wait := _moment(headers.get(reset, ""), now)) is not None:
                waits.append(wait)
    return max(waits, default=None)


def _moment(text: str, now: float) -> float | None:
    """A point in time as seconds from now: a duration, epoch seconds or milliseconds, or RFC 3339."""
    number = _number(text)
    if number is not None:
        if number > 1e11:
            return number / 1000 - now
        return number - now if number > 1e9 else number
    if (seconds := _duration(text)) is not None:
        return seconds
    try:
        return _since_epoch(datetime.fromisoformat(text)) - now
    except (ValueError, OverflowError):
        return None


def _duration(text: str) -> float | None:
    """OpenAI writes "6m0s", "120ms"; Google "22.5s"."""
    if len(text) > DURATION_CHARS_MAX:
        return None
    pieces = DURATION.findall(text)
    if not pieces or "".join(number + unit for number, unit in pieces) != text:
        return None
    return float(sum(float(number) * UNIT_S[unit] for number, unit in pieces))
