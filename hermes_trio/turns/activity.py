"""A turn's activity: typing, the progress line, the live preview. Each is a task in the turn's nursery.

A quick turn pays for none of them: they begin when the turn has lasted half a second, and each becomes a task
when it has something to show. None of them can fail the turn: a store that fails, or a fence, only means that
nothing is shown.
"""

from __future__ import annotations

from functools import partial

import trio

from hermes_trio.errors import Fenced, StoreFailed
from hermes_trio.ports.platform import Platform
from hermes_trio.runtime.redaction import certain
from hermes_trio.runtime.splitting import Split
from hermes_trio.runtime.supervise import attempt
from hermes_trio.text import sentences
from hermes_trio.text.sanitize import shows
from hermes_trio.turns.delayed_starts import DelayedStart, DelayedStarts
from hermes_trio.turns.journal import Journal
from hermes_trio.turns.messages import TurnMessages
from hermes_trio.turns.surroundings import Surroundings
from hermes_trio.values.delivery import DeliveryKind, Part

DELAY_S = 0.5
PREVIEW_S = 0.3
CLOSING_LINE_UNITS = 200
"""Room that a preview leaves, so that a closing line always fits below it."""

PREVIEW_CHARS = 4000
"""How much of an answer is shown while it grows. All of it is rendered anew for each state, so the cost would
grow with the square of its length."""

SECRET_CHARS = 8192
"""How many characters beyond that are kept. A secret may begin in what is shown and end here; it is found
only as a whole."""


class Activity:
    """What one turn shows while it works, and the text that it has streamed so far."""

    __slots__ = (
        "_changed",
        "_goes_on",
        "_later",
        "_nursery",
        "_pieces",
        "_shown",
        "_size",
        "around",
        "messages",
        "platform",
        "steps",
    )

    def __init__(self, messages: TurnMessages, steps: Journal, around: Surroundings) -> None:
        self.messages = messages
        self.steps = steps
        self.around = around
        self.platform = messages.platform
        self._later: DelayedStart | None = None
        self._nursery: trio.Nursery | None = None
        self._pieces: list[str] = []
        self._size = 0
        self._changed: trio.Event | None = None
        self._shown: Part | None = None
        self._goes_on: trio.Event | None = None

    def begin(self, nursery: trio.Nursery, delayed: DelayedStarts) -> None:
        """Show that the turn works, from `DELAY_S` from now on until `end`.

        Args:
            nursery: owns the tasks that show it. Its owner cancels them.
        """
        if self.platform is not None:
            self._later = delayed.after(DELAY_S, partial(self._begin, self.platform, nursery, delayed))

    def end(self) -> None:
        """Begin to show nothing more."""
        if self._later is not None:
            self._later.drop()
        self._nursery = None

    def _begin(self, platform: Platform, nursery: trio.Nursery, delayed: DelayedStarts) -> None:
        """The turn has lasted: begin to show it. A task begins when it has something to show."""
        if platform.capabilities.can_type:
            nursery.start_soon(self.type, platform, name="typing")
        if platform.capabilities.can_edit:
            self._nursery = nursery
            if self._pieces:
                self._begin_preview(platform, nursery)
        if self.around.progress_every_s > 0:
            shown = int(self._age_s() // self.around.progress_every_s)
            begin = partial(nursery.start_soon, self.progress, shown, name="progress")
            self._later = delayed.after(self._until_progress_s(shown), begin)

    def _begin_preview(self, platform: Platform, nursery: trio.Nursery) -> None:
        self._changed = trio.Event()
        self._changed.set()
        nursery.start_soon(self.preview, platform, name="preview")

    def pause(self) -> None:
        """The turn waits for a person, a clock or its permit: nothing is shown of it meanwhile."""
        if self._goes_on is None:
            self._goes_on = trio.Event()

    def resume(self) -> None:
        """The turn goes on."""
        if self._goes_on is not None:
            self._goes_on.set()
            self._goes_on = None

    def add(self, text: str) -> None:
        """More of the answer."""
        room = PREVIEW_CHARS + SECRET_CHARS - self._size if self.platform else 0
        if text and room > 0:
            self._pieces.append(text[:room])
            self._size += len(self._pieces[-1])
            if self._changed is not None:
                self._changed.set()
            elif self._nursery is not None and self.platform is not None:
                self._begin_preview(self.platform, self._nursery)

    def restart(self) -> None:
        """What was streamed is void, or has been said."""
        self._pieces = []
        self._size = 0
        self._shown = None

    async def show(self, said: DeliveryKind, part: Part) -> None:
        """Replace the turn's live row of this kind."""
        try:
            await self.around.store.show(self.messages.id, self.messages.framed((part,), said))
        except (Fenced, StoreFailed):
            # The turn's own writes meet the same fence or disk, and say so. Activity promises nothing.
            return

    async def preview(self, platform: Platform) -> None:
        """Show the newest text, at most once per `live_every_s`."""
        while self._changed is not None:
            await self._changed.wait()
            if self._shown is None:
                # Wait a little: an answer that comes all at once needs no preview.
                await trio.sleep(PREVIEW_S)
            self._changed = trio.Event()
            pieces = self._pieces
            text = certain(self.around.discretion.redact, "".join(pieces))[:PREVIEW_CHARS]
            # An adapter that cannot render what is half finished shows nothing, and fails no turn.
            part, _ = await attempt(partial(_head, platform, text, self.around.split))
            if pieces is not self._pieces:
                continue  # what was streamed is void by now, or has been said
            if part is not None and part != self._shown:
                self._shown = part
                await self.show("preview", part)
            await trio.sleep(platform.capabilities.live_every_s)

    async def progress(self, shown: int) -> None:
        """One line that is edited: how long, which step. A restart changes neither line nor count.

        Args:
            shown: how many states of the line are over; the next one is due now.
        """
        every_s, steps = self.around.progress_every_s, self.steps
        while True:
            if self._goes_on is None:
                await self.show(
                    "progress", Part(sentences.progress(self._age_s(), steps.count, steps.newest))
                )
            else:
                await self._goes_on.wait()
            shown = max(shown + 1, int(self._age_s() // every_s))
            await trio.sleep(self._until_progress_s(shown))

    def _until_progress_s(self, shown: int) -> float:
        """Seconds until the next state of the line is due. At most one interval: the wall clock may be set.

        Args:
            shown: how many states are over.
        """
        every_s = self.around.progress_every_s
        return min(every_s, max(0.0, (shown + 1) * every_s - self._age_s()))

    def _age_s(self) -> float:
        """Seconds since the turn was opened, by this boot or an older one."""
        return self.around.ages.age_s(self.messages.opened_at)

    async def type(self, platform: Platform) -> None:
        """Renew the typing sign."""
        # The turn may have been cut already, with an agent that refuses to leave: then nothing is shown.
        await trio.lowlevel.checkpoint_if_cancelled()
        while True:
            while self._goes_on is not None:
                await self._goes_on.wait()
            await self.around.typing(self.messages.address)
            await trio.sleep(platform.capabilities.typing_every_s)


async def _head(platform: Platform, text: str, split: Split) -> Part | None:
    """The first part of the text, with room for a closing line. None where there is nothing to see."""
    if not shows(text):
        return None
    part = (await split(platform, text))[0]
    most = platform.capabilities.text_max
    room = max(most - CLOSING_LINE_UNITS, most // 2)
    # A character has at most two UTF-16 units or four bytes.
    per_char = {"char": 1, "utf16": 2, "byte": 4}[platform.capabilities.unit]
    if len(part.text) * per_char <= room:
        return part
    cut = room // per_char
    return Part(part.text[:cut], tuple(span for span in part.spans if span.end <= cut))
