"""What attends a turn: typing, the progress line, the live preview. Children of the turn's nursery.

None of them costs a quick turn a call: they begin when the turn has lasted half a second. None can
fail it: a store that fails or a fence that is met only ends the showing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

import trio

from hermes_trio.errors import Fenced, StoreFailed
from hermes_trio.ports import Platform, WallClock
from hermes_trio.pure import texts
from hermes_trio.pure.scalars import shows
from hermes_trio.redaction import certain
from hermes_trio.steps import Steps
from hermes_trio.store_port import Reply, Store
from hermes_trio.supervise import attempt
from hermes_trio.values import Address, Part, Said

QUIET_S = 0.5
PREVIEW_S = 0.3
CLOSING_LINE_UNITS = 200
"""Kept free in a preview, so that a closing line always fits below it."""

PREVIEW_CHARS = 4000
"""How much of an answer is shown while it grows. It is rendered anew each time, so a longer one would cost
more than it is long."""

SECRET_CHARS = 8192
"""Kept beyond it, so that a secret which begins in what is shown is known for one."""


class Attended(Protocol):
    """The turn, as far as its attendance needs it."""

    id: int
    address: Address
    opened_at: float
    steps: Steps

    def framed(self, parts: Sequence[Part], said: Said) -> Reply: ...


class Around(Protocol):
    """The surroundings, as far as attendance needs them."""

    @property
    def store(self) -> Store: ...
    @property
    def clock(self) -> WallClock: ...
    @property
    def typing(self) -> Callable[[Address], Awaitable[None]]: ...
    @property
    def redact(self) -> Callable[[str], str]: ...
    @property
    def progress_every_s(self) -> float: ...


class Attendance:
    """The state of one turn's showing: the text streamed so far."""

    def __init__(self, turn: Attended, around: Around, platform: Platform | None) -> None:
        self.turn = turn
        self.around = around
        self.platform = platform
        self._pieces: list[str] = []
        self._size = 0
        self._changed = trio.Event()
        self._shown: Part | None = None
        self._working = trio.Event()
        self._working.set()

    def pause(self) -> None:
        """The turn waits for a person, a clock, or its place: nothing is shown of it meanwhile."""
        if self._working.is_set():
            self._working = trio.Event()

    def resume(self) -> None:
        """The turn goes on."""
        self._working.set()

    def add(self, text: str) -> None:
        """More of the answer."""
        room = PREVIEW_CHARS + SECRET_CHARS - self._size if self.platform else 0
        if text and room > 0:
            self._pieces.append(text[:room])
            self._size += len(self._pieces[-1])
            self._changed.set()

    def restart(self) -> None:
        """What was streamed is void, or has been said."""
        self._pieces.clear()
        self._size = 0
        self._shown = None

    async def show(self, said: Said, part: Part) -> None:
        """Replace the turn's live row of this kind."""
        try:
            await self.around.store.show(self.turn.id, self.turn.framed((part,), said))
        except (Fenced, StoreFailed):
            # Nothing was promised: the turn's own writes meet the same fence or disk and say so.
            return

    async def preview(self) -> None:
        """Show the newest text, at most once per `live_every_s`."""
        assert self.platform is not None
        while True:
            await self._changed.wait()
            if self._shown is None:
                # An answer that comes in one gust is shown once, as itself.
                await trio.sleep(PREVIEW_S)
            self._changed = trio.Event()
            text = certain(self.around.redact, "".join(self._pieces))[:PREVIEW_CHARS]
            # An adapter that cannot render what is half finished shows nothing, and fails no turn.
            part, _ = await attempt(partial(_head, self.platform, text))
            if part is not None and part != self._shown:
                self._shown = part
                await self.show("preview", part)
            await trio.sleep(self.platform.traits.live_every_s)

    async def progress(self) -> None:
        """One line that is edited: how long, which step. A restart changes neither line nor count."""
        every_s, steps = self.around.progress_every_s, self.turn.steps
        shown = int(self._age_s() // every_s)
        while True:
            # A wall clock that was set must not make it silent.
            await trio.sleep(min(every_s, max(0.0, (shown + 1) * every_s - self._age_s())))
            if self._working.is_set():
                await self.show("progress", Part(texts.progress(self._age_s(), steps.count, steps.newest)))
            else:
                await self._working.wait()
            shown = max(shown + 1, int(self._age_s() // every_s))

    def _age_s(self) -> float:
        """Since the turn was opened, by whatever boot."""
        return max(0.0, self.around.clock.now() - self.turn.opened_at)

    async def type(self) -> None:
        """Renew the typing sign."""
        assert self.platform is not None
        while True:
            while not self._working.is_set():
                await self._working.wait()
            await self.around.typing(self.turn.address)
            await trio.sleep(self.platform.traits.typing_every_s)


class Quiet:
    """Begins what turns want when they have lasted half a second: one task for all, not one a turn.

    Most turns end before, and then have cost a place in a queue.
    """

    def __init__(self) -> None:
        self._due: deque[Wish] = deque()
        self._news = trio.Event()

    def after(self, begin: Callable[[], None]) -> Wish:
        """Call `begin` half a second from now, unless `Wish.drop` is called before."""
        wish = Wish(trio.current_time() + QUIET_S, begin)
        self._due.append(wish)
        self._news.set()
        return wish

    async def serve(self) -> None:
        """Call what is due, in time, until cancelled."""
        while True:
            while self._due and self._due[0].begin is None:
                self._due.popleft()
            if not self._due:
                self._news = trio.Event()
                await self._news.wait()
                continue
            await trio.sleep_until(self._due[0].at)
            wish = self._due.popleft()
            if wish.begin is not None:
                wish.begin()


class Wish:
    """Something to begin later, or never."""

    __slots__ = ("at", "begin")

    def __init__(self, at: float, begin: Callable[[], None]) -> None:
        self.at = at
        self.begin: Callable[[], None] | None = begin

    def drop(self) -> None:
        """It is not wanted any more."""
        self.begin = None


async def attend(attendance: Attendance) -> None:
    """Attend a turn that has lasted QUIET_S, until cancelled."""
    platform = attendance.platform
    if platform is None:
        return
    # A turn that was cut and whose work refuses to leave has nothing to show any more.
    await trio.lowlevel.checkpoint_if_cancelled()
    async with trio.open_nursery() as nursery:
        if platform.traits.can_type:
            nursery.start_soon(attendance.type, name="typing")
        if platform.traits.can_edit:
            nursery.start_soon(attendance.preview, name="preview")
        if attendance.around.progress_every_s > 0:
            nursery.start_soon(attendance.progress, name="progress")


async def _head(platform: Platform, text: str) -> Part | None:
    """The first part of the text, with room for a closing line. None where there is nothing to see."""
    if not shows(text):
        return None
    part = platform.split(text)[0]
    most = platform.traits.text_max
    room = max(most - CLOSING_LINE_UNITS, most // 2)
    # A character has at most two UTF-16 units or four bytes.
    per_char = {"char": 1, "utf16": 2, "byte": 4}[platform.traits.unit]
    if len(part.text) * per_char <= room:
        return part
    cut = room // per_char
    return Part(part.text[:cut], tuple(span for span in part.spans if span.end <= cut))
