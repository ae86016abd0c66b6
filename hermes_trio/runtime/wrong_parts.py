"""Parts that a program hands over and that are none: told at once, by what they are and what they lack.

Each check raises an AgentError whose text says what was expected, what came, and what to write instead.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from inspect import isclass
from typing import Any

import msgspec

from hermes_trio.errors import AgentError
from hermes_trio.ports.tool import Tool
from hermes_trio.runtime import wrong_use
from hermes_trio.runtime.wrong_use import kind_of

TOOL_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What providers of models take."""

COMMAND_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""What a message can call: its word counts in lower case."""


def members(where: str, values: object, needs: tuple[str, ...], what: str) -> None:
    """It is a list of things that have these attributes.

    Raises:
        AgentError: it is no list, or one of it has not; the text names it and what it lacks.
    """
    if not isinstance(values, list | tuple):
        raise AgentError(f"{where} is a list of {what}s, not {kind_of(values)}: write [...]")
    for value in values:
        if isclass(value):
            raise AgentError(f"{where}: {value.__name__} is a class; pass one of it: {value.__name__}(...)")
        lacks = [name for name in needs if not hasattr(value, name)]
        if lacks:
            raise AgentError(f"{where}: {kind_of(value)} is no {what}: it has no {', '.join(lacks)}")


def tools(where: str, values: Iterable[Tool]) -> None:
    """They are tools, each with a name of its own. Raises AgentError: one is none, or lacks what it needs."""
    members(where, values, ("name", "description", "parameters", "run"), "tool")
    seen: dict[str, Tool] = {}
    for tool in values:
        what = f"{where}: {type(tool).__name__}"
        _is_named(f"{what}.name", tool.name, TOOL_NAME, "letters, digits, _ and -, at most 64")
        if tool.name in seen and seen[tool.name] is not tool:
            raise AgentError(f"{where}: two of them have the name {tool.name!r}")
        seen[tool.name] = tool
        wrong_use.text(f"{what}.description", tool.description)
        if not isinstance(tool.parameters, Mapping):
            schema = '{"type": "object", "properties": {...}}'
            raise AgentError(f"{what}.parameters is a JSON schema, not {kind_of(tool.parameters)}: {schema}")
        if not isinstance(getattr(tool, "idempotent", None), bool):
            raise AgentError(f"{what}.idempotent is True or False: whether running it twice does no harm")


def command(where: str, value: Any) -> None:
    """It is a command. Raises AgentError: it is none, or nobody could call it."""
    members(where, [value], ("names", "help", "role", "run"), "command")
    what = f"{where}: {type(value).__name__}"
    if not isinstance(value.names, list | tuple) or not value.names:
        raise AgentError(f"{what}.names is a list of at least one name, not {value.names!r}: write ('name',)")
    for name in value.names:
        _is_named(f"{what}.names: {name!r}", name, COMMAND_NAME, "a-z, 0-9, _ and -, at most 32, without /")
    wrong_use.text(f"{what}.help", value.help)
    wrong_use.role(f"{what}.role", value.role)


def action(where: str, value: object, actions: Any) -> None:
    """It is what a command may return. Raises AgentError: it is none, or a field of it is of another kind."""
    if not isinstance(value, actions):
        names = "Say(text), Prompt(text), Stop(), Reset(why), Resume(session), Restart()"
        raise AgentError(f"{where} returned {kind_of(value)}, not an action: {names}")
    fields(f"{where} returned {kind_of(value)}", value)


def fields(where: str, value: object) -> None:
    """Each field of this struct is of its kind. Raises AgentError: one is not."""
    try:
        msgspec.convert(msgspec.to_builtins(value), type(value))
    except (msgspec.ValidationError, TypeError) as error:
        raise AgentError(f"{where}: {error}") from None


def _is_named(where: str, name: object, pattern: re.Pattern[str], of: str) -> None:
    if not isinstance(name, str) or pattern.fullmatch(name) is None:
        raise AgentError(f"{where} is a name of {of}, not {name!r}")
