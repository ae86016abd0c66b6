"""What happened in a World, by whom and when: asked by checkers, printed for a person when a test fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import trio
from msgspec import Struct

Who = Literal["user", "platform", "model", "tool", "machine", "store", "log", "world"]
SHOWN_MAX = 80


class LogLine(dict[str, Any]):
    """A log line: its event and fields."""


class Event(Struct, frozen=True):
    """One thing that happened.

    Args:
        at: virtual seconds since the World began.
        who: whose doing it was. "log" is a line of the gateway's log.
        what: in a word or two; of a log line its event.
        fields: the rest. Texts are whole here and shortened in the timeline.
        node: on which of several nodes; "" where there is one gateway, and where it was no gateway's doing.
    """

    at: float
    who: Who
    what: str
    fields: Mapping[str, Any]
    node: str = ""

    def __str__(self) -> str:
        shown = " ".join(f"{name}={_shown(value)}" for name, value in self.fields.items())
        where = f"  {self.node:5}" if self.node else ""
        return f"{self.at:12.4f}{where}  {self.who:8}  {self.what} {shown}".rstrip()


class Record:
    """Everything that happened, in order.

    Attributes:
        events: all of it.
        whose: names the node whose doing it is.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.whose: Callable[[], str] = str
        self._watchers: list[Callable[[Event], None]] = []
        self._began: float | None = None

    @property
    def now(self) -> float:
        """Virtual seconds since the first look at this clock."""
        now = trio.current_time()
        if self._began is None:
            self._began = now
        return round(now - self._began, 6)

    def add(self, who: Who, what: str, /, **fields: Any) -> None:
        """Record it, and tell those who watch, synchronously."""
        self.add_on(self.whose(), who, what, **fields)

    def add_on(self, node: str, who: Who, what: str, /, **fields: Any) -> None:
        """Likewise, of a node.

        Args:
            node: its name.
            who, what, fields: see `Event`.
        """
        event = Event(self.now, who, what, fields, node)
        self.events.append(event)
        for watcher in self._watchers:
            watcher(event)

    def watch(self, watcher: Callable[[Event], None]) -> None:
        """Have `watcher(event)` called after each event is recorded.

        It is called in the middle of what happens: what it raises hits whoever acted.
        """
        self._watchers.append(watcher)

    def of(self, who: Who, what: str | None = None) -> Iterator[Event]:
        """The events of one kind, in order."""
        return (event for event in self.events if event.who == who and what in (None, event.what))

    def tracebacks(self) -> list[str]:
        """What the log says of faults in the code of agents, tools, commands and adapters, one text each."""
        return [text for event in self.of("log") if (text := _fault(event))]

    def timeline(self) -> str:
        """All of it for a person, a line each. What the store commits, and when it is told, is left out."""
        return "\n".join(
            str(event)
            for event in self.events
            if event.who != "store" or event.what not in ("commit", "told")
        )


def _shown(value: Any) -> str:
    if not isinstance(value, str):
        return str(value)
    if len(value) > SHOWN_MAX:
        value = f"{value[:SHOWN_MAX]}…"
    return value if value.isascii() and value.isprintable() and " " not in value and value else repr(value)


def _fault(event: Event) -> str:
    """What went wrong in somebody's code, and where; "" for every other event."""
    if event.what == "not awaited":
        return f"{event.fields['call']} was called and not awaited: write `await`\n{event.fields['at']}"
    trace = event.fields.get("traceback")
    return f"{event.what}: {_why(event)}\n{trace}" if trace else ""


def _why(event: Event) -> object:
    return event.fields.get("error") or event.fields.get("why")
