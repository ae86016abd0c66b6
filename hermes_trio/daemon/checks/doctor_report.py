"""A report for somebody else: what a doctor has seen, without secrets and without words of people.

Only what is listed here gets in: numbers, names that this program gives, and whether a text is there.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import fields

from hermes_trio.config.load import Config
from hermes_trio.daemon.checks.doctor import Examined, versions
from hermes_trio.errors import HermesError

_OWN_WORD = re.compile(r"[a-z][a-z0-9_]{0,40}")
_TELLING = ("provider", "strategy", "on_exhausted", "busy", "scope", "reset", "reply_to")
"""Options whose texts are of a closed set."""
_PLACES = re.compile(r"\w+://\S+|(?<![\w/])/[^\s:;,]+")


def report(examined: Examined) -> dict[str, Any]:
    """What may be handed on."""
    return {
        "versions": versions(),
        "findings": [
            {
                "area": one.area,
                "good": one.good,
                "line": "(left out: it may hold words)" if one.words else _PLACES.sub("(a place)", one.line),
            }
            for one in examined.findings
            if one.area != "config" or one.good
        ],
        "wrong": sorted({one.area for one in examined.findings if not one.good}),
        "config": None if examined.config is None else _config(examined.config),
        "store": None if examined.health is None else _store(examined),
    }


def write_report(path: Path, examined: Examined) -> None:
    """Write it to a new file, mode 0600.

    Raises:
        HermesError: there is one of this name, or it cannot be written.
    """
    text = msgspec.json.format(msgspec.json.encode(report(examined)), indent=2)
    try:
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(text + b"\n")
    except OSError as error:
        raise HermesError(f"{path}: {error.strerror}") from error


def _store(examined: Examined) -> dict[str, Any]:
    assert examined.health is not None
    health: dict[str, Any] = msgspec.to_builtins(examined.health)
    for left_out in ("mark", "broken"):
        health.pop(left_out)
    health["failures"] = [
        {"count": each.count, "last": each.last, "reason": _own(each.reason)}
        for each in examined.health.failures
    ]
    health["outcomes"] = {_own(name): count for name, count in examined.health.outcomes.items()}
    return health | {"whole": examined.health.broken == ""}


def _own(text: str) -> str:
    """A word that is this program's own; of anything longer only that it is there."""
    return text if _OWN_WORD.fullmatch(text) else "(words)"


def _config(config: Config) -> dict[str, Any]:
    return {
        "gateway": _told(config.gateway),
        "store": _told(config.store),
        "session": _told(config.session),
        "agent": _told(config.agent),
        "model": _told(config.model),
        "fallbacks": [_told(each) for each in config.model.fallback],
        "tools": len(config.tools.names),
        "accounts": [{"platform": each.platform} | _told(each.options) for each in config.accounts],
        "stop_s": config.stop_s,
    }


def _told(options: Any) -> dict[str, Any]:
    return {field.name: _value(field.name, getattr(options, field.name)) for field in fields(options)}


def _value(name: str, value: object) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        return f"{len(value)} of them"
    if isinstance(value, str) and name in _TELLING:
        return _own(value)
    return "set" if value else "empty"
