"""When a provider says a request may be tried again, in any of the ways providers say it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

DETAILS_MAX = 20
LONGEST_S = 7 * 86400.0
DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
DURATION_CHARS_MAX = 40
AGAIN_IN = re.compile(
    r"(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)? ?(?:ms|s|m|h|d)){1,4})", re.IGNORECASE
)
UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def retry_after_s(
    headers: Mapping[str, str], document: Mapping[str, Any], message: str = "", *, now: float
) -> float | None:
    """Seconds to wait, None if nobody says. The first that says something counts.

    Args:
        headers: of the response, looked up in lower case.
        document: its JSON body.
        message: what it says in words.
        now: wall time in seconds; the response's own Date is preferred to it.

    The ways: Retry-After-Ms; Retry-After (RFC 9110: seconds, or a date); `resets_in_seconds` or `retryDelay`
    in the body; X-RateLimit-Reset and its kin where nothing remains; "try again in 7m12s".
    """
    now = _date(headers.get("date", ""), 0.0, epoch=True) or now
    ways: tuple[Callable[[], float | None], ...] = (
        lambda: _scaled(_number(headers.get("retry-after-ms")), 0.001),
        lambda: _number(headers.get("retry-after")),
        lambda: _date(headers.get("retry-after", ""), now),
        lambda: _in_body(document),
        lambda: _limits(headers, now),
        lambda: _limits(_proxied_headers(document), now),
        lambda: _in_words(message),
    )
    for way in ways:
        if (found := way()) is not None:
            return min(max(found, 0.0), LONGEST_S)
    return None


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


def _in_body(document: Mapping[str, Any]) -> float | None:
    error = document.get("error")
    if not isinstance(error, dict):
        return None
    if (seconds := _number(error.get("resets_in_seconds"))) is not None:
        return seconds
    details = error.get("details")
    for detail in details[:DETAILS_MAX] if isinstance(details, list) else []:
        delay = detail.get("retryDelay") if isinstance(detail, dict) else None
        if isinstance(delay, str) and (seconds := _duration(delay)) is not None:
            return seconds
    return None


def _proxied_headers(document: Mapping[str, Any]) -> dict[str, str]:
    """OpenRouter hands the limits on in `error.metadata.headers`."""
    found: Any = document
    for name in ("error", "metadata", "headers"):
        found = found.get(name) if isinstance(found, dict) else None
    headers = {str(k).lower(): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
    return {"x-ratelimit-remaining": "0", **headers}  # what is refused has nothing left, said or not


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
