"""Log lines: one event each, ids and lengths, never bodies; secrets redacted by value.

A library user finds them in the standard logger `hermes_trio`; the daemon writes logfmt to stderr.
Every event name and its fields are listed in docs/log.md; a test compares.
"""

from __future__ import annotations

import codecs
import json
import logging
import re
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from functools import lru_cache, partial
from math import isfinite
from typing import Any, NamedTuple, TextIO

import structlog

from hermes_trio.ports.system import Log
from hermes_trio.values.log import LEVELS, Form, Level

Fields = MutableMapping[str, Any]
JSON_MAX = 4_000
"""Bytes of a line of JSON: a pipe takes 4,096 at once, and a line that were cut there would be no JSON."""
TEXTS_MAX = (2_000, 100)
"""How long its texts may be; the second where the first makes it too long."""


class Paint(NamedTuple):
    """Escapes of a terminal."""

    level: str = ""
    faint: str = ""
    off: str = ""


PLAIN = Paint()
COLOURS = {
    "info": Paint("\x1b[32m", "\x1b[2m", "\x1b[0m"),
    "warning": Paint("\x1b[33m", "\x1b[2m", "\x1b[0m"),
    "error": Paint("\x1b[1;31m", "\x1b[2m", "\x1b[0m"),
}
_PLAIN = re.compile(r"[!#-<>-\[\]-~]+")  # printable ASCII without space, quote, equals, backslash
_ESCAPE = codecs.getencoder("unicode_escape")
"""Loaded now: a line is written also when there is no descriptor left to load a codec with."""


def standard_log(redact: Callable[[str], str] | None = None) -> Log:
    """Lines go to `logging.getLogger("hermes_trio")`; the library's host decides what becomes of them."""

    def redacted(_: Any, __: str, line: Any) -> Any:
        return line if redact is None else redact(str(line))

    made: Log = structlog.wrap_logger(
        logging.getLogger("hermes_trio"),
        processors=[structlog.stdlib.filter_by_level, _one_line, redacted],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).bind()  # else a logger is made anew for each line
    return made


def host_log(log: Log | None, redact: Callable[[str], str]) -> Log:
    """A host's own log, told of what goes wrong without secrets: there an error of foreign code has its text.

    What goes as it should is ids and lengths, and costs nothing more.

    Args:
        log: None: the standard one.
        redact: replaces secrets in each field that is a text; `str`: there is nothing to look for.
    """
    if log is None:
        return standard_log(redact)
    return log if redact is str else _WithoutSecrets(log, redact)


class _WithoutSecrets:
    def __init__(self, log: Log, redact: Callable[[str], str]) -> None:
        self.info = log.info
        self._warning, self._error = log.warning, log.error
        self._redact = redact

    def warning(self, event: str, **fields: Any) -> None:
        self._warning(event, **self._safe(fields))

    def error(self, event: str, **fields: Any) -> None:
        self._error(event, **self._safe(fields))

    def _safe(self, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        texts = {name: self._redact(value) for name, value in fields.items() if isinstance(value, str)}
        return {**fields, **texts}


def stream_log(
    stream: TextIO,
    now: Callable[[], float],
    redact: Callable[[str], str],
    *,
    form: Form = "logfmt",
    level: Level = "info",
    colours: bool = False,
) -> Log:
    """Lines to a stream, with wall time.

    Args:
        form: "logfmt"; "json", an object a line; "pretty", for people, where a traceback is a block of lines.
        level: what is less than this is left out.
        colours: of the pretty form.
    """
    spell = (
        partial(_pretty, colours=colours)
        if form == "pretty"
        else partial(_json, redact=redact)
        if form == "json"
        else _logfmt
    )
    return _StreamLog(stream, now, redact, spell, LEVELS.index(level))


class _StreamLog:
    """Answers to what we ask of a structlog logger. Three lines a message: a chain of processors for each
    costs twice what the line does."""

    def __init__(
        self,
        stream: TextIO,
        now: Callable[[], float],
        redact: Callable[[str], str],
        spell: Callable[[float, str, str, Mapping[str, Any]], str],
        least: int,
    ) -> None:
        self._stream = stream
        self._now = now
        self._redact = redact
        self._spell = spell
        self._least = least

    def info(self, event: str, **fields: Any) -> None:
        if self._least <= LEVELS.index("info"):
            self._write("info", event, fields)

    def warning(self, event: str, **fields: Any) -> None:
        if self._least <= LEVELS.index("warning"):
            self._write("warning", event, fields)

    def error(self, event: str, **fields: Any) -> None:
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: Mapping[str, Any]) -> None:
        self._stream.write(self._redact(self._spell(self._now(), level, event, fields)) + "\n")
        self._stream.flush()


def _logfmt(at: float, level: str, event: str, fields: Mapping[str, Any]) -> str:
    parts = [f"ts={at:.3f} level={level} event={_name(event)}"]
    parts += [f"{name}={_value(value)}" for name, value in fields.items() if value is not None]
    return " ".join(parts)


def _json(
    at: float, level: str, event: str, fields: Mapping[str, Any], *, redact: Callable[[str], str]
) -> str:
    line = ""
    for most in TEXTS_MAX:
        values = {name: _as_json(value, most, redact) for name, value in fields.items() if value is not None}
        # Escaped like the other forms: no line moves a cursor, and a reader of bytes needs no encoding.
        line = json.dumps({"ts": round(at, 3), "level": level, "event": event, **values})
        if len(line) <= JSON_MAX:
            break
    return line


def _as_json(value: object, most: int, redact: Callable[[str], str]) -> object:
    if isinstance(value, int):
        return value
    if isinstance(value, float) and isfinite(value):
        return round(value, 3)
    text = str(value)
    # Half of a secret would not be found any more.
    return text if len(text) <= most else redact(text)[:most]


def _pretty(at: float, level: str, event: str, fields: Mapping[str, Any], *, colours: bool) -> str:
    paint = COLOURS[level] if colours else PLAIN
    clock = datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
    words = [f"{paint.faint}{clock}{paint.off}", f"{paint.level}{level:7}{paint.off}", _escaped_if(event)]
    block = ""
    for name, value in fields.items():
        if name == "traceback" and value:
            lines = [_escaped_if(line) for line in str(value).split("\n")]
            block = "".join(f"\n    {line}" for line in lines)
        elif value is not None:
            words.append(f"{paint.faint}{name}={paint.off}{_value(value)}")
    return " ".join(words) + block


def _escaped_if(text: str) -> str:
    return text if text.isprintable() else _escaped(text)


def _one_line(_: Any, __: str, fields: Fields) -> str:
    event = fields.pop("event")
    line = " ".join([str(event), *(f"{name}={value}" for name, value in fields.items())])
    # A line is one line, and moves no cursor, whatever a name or an id is made of.
    return line if line.isprintable() else _escaped(line)


@lru_cache(maxsize=256)
def _name(event: str) -> str:
    """Of an event: there are some hundred."""
    return _value(event)


def _value(value: object) -> str:
    if isinstance(value, int):
        return str(value)
    text = str(value) if not isinstance(value, float) else f"{value:.3f}"
    if _PLAIN.fullmatch(text):
        return text
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return _ESCAPE(text)[0].decode("ascii").replace('"', '\\"')
