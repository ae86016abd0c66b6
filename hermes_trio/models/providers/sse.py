"""Server-Sent Events: bytes in, events out.

The parsing rules are those of the HTML standard, section 9.2.6 "Interpreting an event stream". `id` and
`retry` are for clients that reconnect; a model's answer cannot be taken up again, so they are skipped.
`error` is none of its fields: llama.cpp says in it what went wrong, as JSON.
"""

from __future__ import annotations

from msgspec import Struct

EVENT_BYTES_MAX = 1024 * 1024
BOM = b"\xef\xbb\xbf"


class StreamEvent(Struct, frozen=True, gc=False):
    """An event: its type, "message" unless the stream says otherwise, and its data."""

    kind: str
    data: str


class EventTooLarge(Exception):
    """An event is larger than anything a model has to say at once."""


class EventStream:
    """Decodes one stream."""

    def __init__(self, event_bytes_max: int = EVENT_BYTES_MAX) -> None:
        self._max = event_bytes_max
        self._line: list[bytes] = []  # pieces of a line that has not ended
        self._size = 0  # of those pieces and of the data below
        self._kind = ""
        self._data: list[str] = []
        self._after_cr = False
        self._begun = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that end within this chunk.

        Raises:
            EventTooLarge: when an event goes past the limit; the stream is of no more use.
        """
        if self._after_cr or b"\r" in chunk:
            chunk = self._with_plain_line_ends(chunk)
        *lines, rest = chunk.split(b"\n")
        events: list[StreamEvent] = []
        for line in lines:
            self._size += len(line)
            if self._line:
                line = b"".join((*self._line, line))
                self._line.clear()
            self._take_line(line, events)
        if rest:
            self._line.append(rest)
            self._size += len(rest)
            self._check_size()
        return events

    def end(self) -> list[StreamEvent]:
        """Return what the stream ended in the midst of, if anything.

        By the standard it never was an event; some providers leave out the line ends behind their last one.
        """
        events: list[StreamEvent] = []
        self._take_line(b"".join(self._line), events)
        self._take_line(b"", events)
        return events

    def _with_plain_line_ends(self, chunk: bytes) -> bytes:
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _check_size(self) -> None:
        if self._size > self._max:
            raise EventTooLarge(f"more than {self._max} bytes")

    def _take_line(self, line: bytes, events: list[StreamEvent]) -> None:
        """Take a line that has ended, whose bytes are counted."""
        if not self._begun:
            self._begun = True
            line = line.removeprefix(BOM)
        if not line:
            if self._data:
                events.append(StreamEvent(self._kind or "message", "\n".join(self._data)))
                self._data.clear()
            self._kind = ""
            self._size = 0
            return
        self._check_size()
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" ").decode("utf-8", "replace"))
            return  # its bytes stay counted until the event ends
        if name == b"event":
            self._kind = value.removeprefix(b" ").decode("utf-8", "replace")
        elif name == b"error" and value.lstrip().startswith(b"{"):
            self._kind = "error"
            self._data.append(value.decode("utf-8", "replace"))
            return
        self._size -= len(line)
