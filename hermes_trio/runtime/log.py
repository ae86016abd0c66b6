"""Log lines: one event each, ids and lengths, never bodies; secrets redacted by value.

A library user finds them in the standard logger `hermes_trio`; the daemon writes logfmt to stderr.
Every event name and its fields are listed in docs/log.md; a test compares.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, TextIO

import structlog

from hermes_trio.ports.system import Log

Fields = MutableMapping[str, Any]
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII without space, quote, equals, backslash


def standard_log(redact: Callable[[str], str] | None = None) -> Log:
    """Lines go to `logging.getLogger("hermes_trio")`; the library's host decides what becomes of them.

    Args:
        redact: replaces secrets in each finished line.
    """

    def without_secrets(_: Any, __: str, line: Any) -> Any:
        return line if redact is None else redact(str(line))

    made: Log = structlog.wrap_logger(
        logging.getLogger("hermes_trio"),
        processors=[structlog.stdlib.filter_by_level, _one_line, without_secrets],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).bind()  # else a logger is made anew for each line
    return made


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


def _one_line(_: Any, __: str, fields: Fields) -> str:
    event = fields.pop("event")
    line = " ".join([str(event), *(f"{name}={value}" for name, value in fields.items())])
    # A line is one line, and moves no cursor, whatever a name or an id is made of.
    return line if line.isprintable() else _escaped(line)


def _value(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    text = str(value) if not isinstance(value, float) else f"{value:.3f}"
    if _PLAIN.fullmatch(text):
        return text
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii").replace('"', '\\"')
