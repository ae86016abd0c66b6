"""A platform as its author made it: what cannot work is an AgentError that names it, before it is used."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from inspect import isasyncgenfunction, iscoroutinefunction

from msgspec import Struct

from hermes_trio.errors import AgentError, HermesError
from hermes_trio.ports.platform import Platform
from hermes_trio.runtime.field_types import wrong_fields
from hermes_trio.runtime.tracebacks import beginning_of, places_of
from hermes_trio.runtime.wrong_parts import members
from hermes_trio.runtime.wrong_use import is_plain, kind_of
from hermes_trio.text.foreign_errors import has_no_place, told_in_short
from hermes_trio.values.delivery import Capabilities, Part
from hermes_trio.values.identity import Policy

NEEDS = ("name", "account", "capabilities", "policy", "open", "serve", "deliver", "split")
"""What a platform has."""


def check_platforms(platforms: object) -> None:
    """Each is a platform that can be opened, served and spoken through.

    Raises:
        AgentError: one is not; the text names it, what is wrong, where that is written, and what to write.
    """
    members("open_gateway: platforms", platforms, NEEDS, "platform")
    assert isinstance(platforms, Sequence)
    for platform in platforms:
        check_platform_use(platform)


def check_platform_use(platform: Platform) -> None:
    """The same, of one that has all its members."""
    kind = type(platform).__name__
    for name in ("name", "account"):
        if not isinstance(value := getattr(platform, name), str) or not value:
            raise AgentError(f"{kind}.{name} is a text (str) that is not empty, not {kind_of(value)}")
    _is_struct(f"{kind}.capabilities", platform.capabilities, Capabilities)
    _is_struct(f"{kind}.policy", platform.policy, Policy)
    for name in ("serve", "deliver"):
        if is_plain(method := getattr(platform, name)):
            raise AgentError(f"{kind}.{name} is not async: write `async def {name}`{_at(method)}")
    if iscoroutinefunction(platform.open) or isasyncgenfunction(platform.open):
        raise AgentError(
            f"{kind}.open is no context manager: write @asynccontextmanager above it, and `yield` in it"
            f"{_at(platform.open)}"
        )
    if iscoroutinefunction(platform.split):
        raise AgentError(f"{kind}.split is async: write `def split`{_at(platform.split)}")


def opening(platform: Platform) -> AbstractAsyncContextManager[object]:
    """What its `open` gives. Raises AgentError: that is no async context manager."""
    made: object = platform.open()
    if not isinstance(made, AbstractAsyncContextManager):
        raise AgentError(
            f"{type(platform).__name__}.open gives {kind_of(made)}, not an async context manager: write"
            f" @asynccontextmanager above it, or return nullcontext(){_at(platform.open)}"
        )
    return made


def unopened(platform: Platform, error: BaseException) -> HermesError:
    """What it raised as it was opened, with the place; an error of ours as it is."""
    if isinstance(error, HermesError):
        return error
    what = f"{platform.name}/{platform.account} cannot be opened: {told_in_short(error)}"
    return AgentError(what if has_no_place(error) else f"{what}{_at(platform.open)}\n{places_of(error)}")


def check_parts(platform: Platform, parts: object) -> Sequence[Part]:
    """What its `split` gave. Raises AgentError: that is not one Part or more, each with its text."""
    where = f"{type(platform).__name__}.split"
    if not isinstance(parts, list | tuple):
        raise AgentError(f"{where} gives {kind_of(parts)}, not a list of Parts{_at(platform.split)}")
    if not parts:
        raise AgentError(f"{where} gives no part: write [Part('')] for a blank text{_at(platform.split)}")
    for part in parts:
        if not isinstance(part, Part):
            raise AgentError(f"{where} gives a list with {kind_of(part)}, not of Parts{_at(platform.split)}")
        if wrong := "; ".join(wrong_fields(part, "Part")):
            raise AgentError(f"{where}: {wrong}{_at(platform.split)}")
    return parts


def _is_struct(where: str, value: object, kind: type[Struct]) -> None:
    if not isinstance(value, kind):
        raise AgentError(f"{where} is {kind_of(value)}: write {kind.__name__}(...)")
    if wrong := "; ".join(wrong_fields(value, where)):
        raise AgentError(wrong)


def _at(function: object) -> str:
    """Where it is written, in words that end a sentence."""
    frame = beginning_of(function)
    return f" ({frame.file}:{frame.line})" if frame is not None else ""
