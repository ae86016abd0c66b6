"""Takes secrets out of what is stored and what is shown. Each has one border.

All that is stored goes through `DiscreetStore`; all that a platform shows goes through `safe_delivery`. Ids,
keys and closed sets of words are left alone: a secret that happens to be "main" must not rename an account.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from typing import Any, TypeVar, cast

import trio
from msgspec import json
from msgspec.structs import replace

from hermes_trio.errors import NotJson
from hermes_trio.ports.store import Store
from hermes_trio.runtime.redaction import Redact, redacted_parts
from hermes_trio.runtime.threads import Aside, unless_short
from hermes_trio.text.control_characters import part_unsteered, unsteered
from hermes_trio.text.foreign_json import ForeignJson
from hermes_trio.text.sanitize import clean, mapped
from hermes_trio.values.actions import Prompt
from hermes_trio.values.consequences import Perform
from hermes_trio.values.delivery import Choice, Delivery, Part
from hermes_trio.values.key_state import Cooldown, KeyCooldown
from hermes_trio.values.message import Decided, Message, Quoted, Undecodable
from hermes_trio.values.process import NewProcess
from hermes_trio.values.recording import AgentSetup, Failure, Setup
from hermes_trio.values.stored import Closing, Reply, StepRow
from hermes_trio.values.transcript import (
    AssistantEntry,
    Keepsake,
    NoteEntry,
    SummaryEntry,
    ToolCall,
    ToolEntry,
    UserEntry,
)

T = TypeVar("T")
SHORT = 20_000
"""What holds more text, in code points and bytes, is looked through beside the loop. So much holds it for
half a millisecond, and 3 ms where it is full of escapes."""

TEXTS: Mapping[type, tuple[str, ...]] = {
    Message: ("text", "sender", "quoted", "forwarded", "raw"),
    Quoted: ("text", "sender"),
    Undecodable: ("why", "raw"),
    Decided: ("update", "reason", "notice"),
    Reply: ("parts", "choices"),
    Choice: ("label",),
    StepRow: ("value",),
    Closing: ("reason", "step", "entries", "reply", "error"),
    Failure: ("text", "traceback"),
    Prompt: ("text",),
    NewProcess: ("command",),
    KeyCooldown: ("cooldown",),
    Cooldown: ("why",),
    UserEntry: ("text", "before"),
    AssistantEntry: ("text", "calls", "keepsake"),
    Keepsake: ("data",),
    ToolCall: ("name", "arguments"),
    ToolEntry: ("name", "text"),
    NoteEntry: ("text",),
    SummaryEntry: ("text", "said", "calls"),
    Setup: ("agent",),
    AgentSetup: ("prompt",),
}
"""Where free text stands in what the store is given; bytes are JSON. Other structs have none."""

_PLAIN, _MANY = (str, bytes), (list, tuple)
"""As a union each would be made anew for each value."""

WORDS = frozenset(
    {"account", "cursor", "node", "how", "chat", "becomes", "message_id", "end", "outcome", "gone", "part"}
)
"""Parameters of promises that are text, and are ids or one of a few words."""

_foreign: ForeignJson[Any] = ForeignJson(Any, most_bytes=1 << 22)
_FREE = (
    "str",
    "bytes",
    "Reply",
    "Part",
    "Prompt",
    "Decided",
    "StepRow",
    "Entry",
    "Closing",
    "NewProcess",
    "KeyCooldown",
    "Setup",
)


def size_of(value: Any) -> int:
    """How much free text it holds, in code points and bytes."""
    if isinstance(value, _PLAIN):
        return len(value)
    if names := TEXTS.get(type(value)):
        return sum([size_of(one) for name in names if (one := getattr(value, name))])
    if isinstance(value, _MANY):
        return sum(map(size_of, value))
    if isinstance(value, Part):
        return len(value.text)
    if isinstance(value, Mapping):
        return sum(size_of(key) + size_of(one) for key, one in value.items())
    return 0


def without_secrets(value: Any, redact: Redact) -> Any:
    """The value without secrets; the same object if it has none."""
    if isinstance(value, str):
        return redact(value)
    if names := TEXTS.get(type(value)):
        changed = {}
        for name in names:
            old = getattr(value, name)
            if old and (new := without_secrets(old, redact)) is not old and new != old:
                changed[name] = new
        return replace(value, **changed) if changed else value
    if isinstance(value, bytes):
        return _json_without(value, redact)
    if isinstance(value, _MANY):
        return _each_without(value, redact)
    if isinstance(value, Mapping):
        return mapped(value, lambda one: clean(redact(one)))
    return value


def safe_delivery(delivery: Delivery, redact: Redact) -> Delivery:
    """What a platform is asked to show, after rendering: text, addresses of links, labels of buttons.

    It holds no secret, and nothing that makes a reader read another thing than what is there.
    """
    if delivery.part is None:
        return delivery
    (part,) = redacted_parts((part_unsteered(delivery.part),), redact)
    choices = without_secrets(_unsteered(delivery.choices), redact)
    if part is delivery.part and choices is delivery.choices:
        return delivery
    return replace(delivery, part=part, choices=choices)


def _unsteered(choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
    if all(unsteered(choice.label) is choice.label for choice in choices):
        return choices
    return tuple(replace(choice, label=unsteered(choice.label)) for choice in choices)


class Discretion:
    """Takes secrets out of values: out of long ones beside the loop.

    Args:
        redact: replaces secrets in a text. A thread may call it.
    """

    def __init__(self, redact: Redact, aside: Aside) -> None:
        self.redact = redact
        self.aside = aside

    async def __call__(self, value: T) -> T:
        """The value without secrets; the same object if it has none.

        Cancelled: it is looked through all the same. What it tells of may have happened already.
        """
        if self.redact is str:
            return value
        look: Callable[[], T] = partial(without_secrets, value, self.redact)
        return await unless_short(self._uncut, look, size_of(value), short=SHORT)

    async def _uncut(self, work: Callable[[], Any]) -> Any:
        with trio.CancelScope(shield=True):
            return await self.aside(work)


class DiscreetStore:
    """A Store that is handed no secret, whoever let it slip."""

    def __init__(self, store: Store, discretion: Discretion) -> None:
        self._store = store
        self._discretion = discretion

    @property
    def perform(self) -> Perform:
        """What is handed the consequences of each commit."""
        return self._store.perform

    @perform.setter
    def perform(self, perform: Perform) -> None:
        self._store.perform = perform

    @property
    def hinted(self) -> Callable[[], None]:
        """What is told that there may be signals."""
        return self._store.hinted

    @hinted.setter
    def hinted(self, hinted: Callable[[], None]) -> None:
        self._store.hinted = hinted

    def __getattr__(self, name: str) -> Any:
        promise = getattr(self._store, name)
        places = _free_parameters(getattr(Store, name, None))
        if any(places.values()) and callable(promise):
            promise = self._discreet(promise, places)
        setattr(self, name, promise)
        return promise

    def _discreet(self, promise: Callable[..., Any], parameters: dict[str, bool]) -> Callable[..., Any]:
        free = {name for name, is_free in parameters.items() if is_free}
        places = [at for at, name in enumerate(parameters) if name in free]
        without = self._discretion

        async def kept(*args: Any, **named: Any) -> Any:
            given = list(args)
            for at in places:
                if at < len(given) and given[at]:
                    given[at] = await without(given[at])
            for name in named.keys() & free:
                named[name] = await without(named[name])
            return await promise(*given, **named)

        return kept


def discreet(store: Store, discretion: Discretion) -> Store:
    """The store as those see it who might let a secret slip."""
    return store if discretion.redact is str else cast(Store, DiscreetStore(store, discretion))


@cache
def _free_parameters(promise: Any) -> dict[str, bool]:
    """The parameters of a promise of the port, in their order, and whether they hold free text."""
    if not inspect.isfunction(promise):
        return {}
    _, *parameters = inspect.signature(promise).parameters.items()
    return {
        name: name not in WORDS and any(kind in str(one.annotation) for kind in _FREE)
        for name, one in parameters
    }


def _each_without(values: Sequence[Any], redact: Redact) -> Any:
    """Parts are looked at as the one text that they are of."""
    if values and isinstance(values[0], Part):
        new: Sequence[Any] = redacted_parts(values, redact)
    else:
        new = [without_secrets(one, redact) for one in values]
    same = all(a is b for a, b in zip(new, values, strict=True))
    return values if same else type(values)(new)  # type: ignore[call-arg]


def _json_without(raw: bytes, redact: Redact) -> bytes:
    """JSON stays JSON: where it holds a secret each of its texts is looked at by itself."""
    text = raw.decode("utf-8", "surrogateescape")
    hidden = redact(text)
    if hidden == text:
        return raw
    try:
        return json.encode(mapped(_foreign(raw), lambda one: clean(redact(one))))
    except NotJson:
        return hidden.encode("utf-8", "surrogateescape")
