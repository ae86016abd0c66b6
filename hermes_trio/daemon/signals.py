"""SIGTERM, SIGINT, SIGHUP: the first asks for a drain, the second for haste, the third ends the process.

A terminal that hangs up sends SIGHUP; whoever begins the process with it ignored, as nohup does, means that
it shall outlive the terminal. Only the daemon uses this; the library installs no signal handlers.
"""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import trio

LEFT_ALONE = {signal.SIGPIPE, signal.SIGXFSZ, signal.SIGTTIN, signal.SIGTTOU, signal.SIGTSTP}
"""The first two Python ignores itself, and gives them back to the programs it starts; of those of a terminal
the kernel asks whether they are ignored, before it lets somebody in the background write."""


def unheeded(number: int, frame: FrameType | None) -> None:
    """The handler of a signal that our parent had ignored. What is ignored goes on to programs, a handler
    does not: they can be hung up on, and interrupted."""


def heed_nothing_of_parents() -> None:
    """Ignore what we were started to ignore, as nohup and a shell's `&` ask for; our programs do not."""
    for number in signal.valid_signals() - LEFT_ALONE:
        if signal.getsignal(number) is signal.SIG_IGN:
            with suppress(OSError):  # an emulator keeps some for itself: they are nobody's to handle
                signal.signal(number, unheeded)


@contextmanager
def ignored_for_good() -> Iterator[None]:
    """While the body runs they are ignored in what this process becomes, too."""
    ignored = [one for one in signal.valid_signals() if signal.getsignal(one) is unheeded]
    for number in ignored:
        signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number in ignored:
            signal.signal(number, unheeded)


_HANGS_UP = () if signal.getsignal(signal.SIGHUP) in (signal.SIG_IGN, unheeded) else (signal.SIGHUP,)
STOPPING = (signal.SIGTERM, signal.SIGINT, *_HANGS_UP)
AT_ONCE = 3

Handler = Callable[[int, FrameType | None], object]


class Caught:
    """The signals that came.

    Attributes:
        count: how many.
    """

    def __init__(self, received: AsyncIterator[int], at_first: Callable[[], None]) -> None:
        self.count = 0
        self._received = received
        self._at_first = at_first

    async def next(self) -> None:
        """Return when there were more. Two may have come meanwhile: look at `count`."""
        await anext(self._received)

    def counting(self, then: Handler) -> Handler:
        """A plain handler, so that it works when the loop does not: the third signal ends the process."""

        def count(number: int, frame: FrameType | None) -> None:
            self.count += 1
            if self.count == 1:
                self._at_first()
            if self.count >= AT_ONCE:
                os._exit(1)
            then(number, frame)

        return count


def _nothing() -> None:
    """The loop is told anyway."""


@contextmanager
def caught_signals(at_first: Callable[[], None] = _nothing) -> Iterator[Caught]:
    """Catch them while the body runs; afterwards they are ignored, since the process is about to end.

    Args:
        at_first: called in the handler of the first signal, also when the loop is stuck.
    """
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    with trio.open_signal_receiver(*STOPPING) as received:
        caught = Caught(received, at_first)
        for number in STOPPING:
            handler = signal.getsignal(number)
            assert callable(handler)
            signal.signal(number, caught.counting(handler))
        yield caught
