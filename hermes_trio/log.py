"""Log lines: one event each, ids and lengths, never bodies; secrets redacted by value.

A library user finds them in the standard logger `hermes_trio`; the daemon writes logfmt to stderr.
Every event name and its fields are listed in docs/log.md; a test compares.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from typing import Any, TextIO
from urllib.parse import quote, quote_plus

import structlog
from msgspec import json

from hermes_trio.values import Secret

Log = Any  # as a structlog bound logger: log.info("event", field=value); also warning, error
Fields = MutableMapping[str, Any]
REDACTED = "***"
SHORTEST_SECRET = 4
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII without space, quote, equals, backslash


def standard_log(redact: Callable[[str], str] | None = None) -> Log:
    """Lines go to `logging.getLogger("hermes_trio")`; the library's host decides what becomes of them.

    Args:
        redact: replaces secrets in each finished line.
    """

    def without_secrets(_: Any, __: str, line: Any) -> Any:
        return line if redact is None else redact(str(line))

    return structlog.wrap_logger(
        logging.getLogger("hermes_trio"),
        processors=[structlog.stdlib.filter_by_level, _one_line, without_secrets],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).bind()  # else a logger is made anew for each line


def stream_log(stream: TextIO, now: Callable[[], float], redact: Callable[[str], str]) -> Log:
    """Logfmt lines to a stream, with wall time; `redact` replaces secrets in each finished line."""
    return _StreamLog(stream, now, redact)


class _StreamLog:
    """Answers to what we ask of a structlog logger. Three lines a message: a chain of processors for each
    costs twice what the line does."""

    def __init__(self, stream: TextIO, now: Callable[[], float], redact: Callable[[str], str]) -> None:
        self._stream = stream
        self._now = now
        self._redact = redact

    def info(self, event: str, **fields: Any) -> None:
        self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        parts = [f"ts={self._now():.3f} level={level} event={_value(event)}"]
        parts += [f"{name}={_value(value)}" for name, value in fields.items() if value is not None]
        self._stream.write(self._redact(" ".join(parts)) + "\n")
        self._stream.flush()


class Redactor:
    """Replaces each secret it knows in a text, in whatever form it got there.

    Args:
        secrets: those known from the start. Too short ones are left alone.
    """

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        self._values: list[str] = []
        self.learn(*secrets)

    def learn(self, *secrets: Secret) -> None:
        """From now on these are replaced too."""
        plain = {secret.reveal() for secret in secrets if len(secret.reveal()) >= SHORTEST_SECRET}
        known = {form for value in plain for form in _forms(value)}.union(self._values)
        self._values = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text without them."""
        for value in self._values:
            if value in text:
                text = text.replace(value, REDACTED)
        return text


def _forms(value: str) -> set[str]:
    """A secret as itself, in a URL, in a repr of text or bytes, in JSON, and each of these in a line."""
    forms = {value, quote(value), quote(value, safe=""), quote_plus(value)}
    for _ in range(2):
        forms |= {repr(form)[1:-1] for form in forms} | {repr(form.encode())[2:-1] for form in forms}
        forms |= {json.encode(form).decode()[1:-1] for form in forms}
    return forms | {_escaped(form) for form in forms}


def _one_line(_: Any, __: str, fields: Fields) -> str:
    event = fields.pop("event")
    return " ".join([str(event), *(f"{name}={value}" for name, value in fields.items())])


def _value(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    text = str(value) if not isinstance(value, float) else f"{value:.3f}"
    if _PLAIN.fullmatch(text):
        return text
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
