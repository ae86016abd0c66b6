"""Writing to a file descriptor without holding up the loop."""

from __future__ import annotations

import os
import select

import trio

from hermes_trio import SendRefused, SendUnknown


class Pen:
    """Writes to one descriptor, in order.

    A thread does the writing: a stopped terminal (Ctrl-S) or a slow reader of a pipe can block a write for
    any time. O_NONBLOCK is no way out, since standard input and standard error would have it too.

    Args:
        fd: stays open; it belongs to the caller.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._limiter = trio.CapacityLimiter(1)

    async def write(self, text: str) -> None:
        """Write all of it. Cancelled, the thread goes on with it by itself, and what follows waits.

        Raises:
            SendRefused: nobody reads any more ("gone"), or the output takes nothing.
            SendUnknown: it failed behind a part that was written.
        """
        if not text:
            await trio.lowlevel.checkpoint()
            return
        data = text.encode(errors="replace")
        await trio.to_thread.run_sync(_write, self._fd, data, abandon_on_cancel=True, limiter=self._limiter)


def _write(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # another holder of the open file set O_NONBLOCK
            poll = select.poll()
            poll.register(fd, select.POLLOUT)
            poll.poll(1000)
        except BrokenPipeError as error:
            raise SendRefused("nobody reads the output", "gone") from error
        except OSError as error:
            raise (SendUnknown if len(rest) < len(data) else SendRefused)(
                f"output: {error.strerror}"
            ) from error
