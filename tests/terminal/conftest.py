import contextlib
import os
import random
import termios

import pytest
import trio
from hermes_terminal import Terminal

from hermes_trio.values.delivery import Delivery, Part
from hermes_trio.values.identity import Address
from tests.heard_intake import HeardIntake
from tests.terminal.display import Display


class Tty:
    """A pseudo-terminal with a terminal on it, as its user knows it."""

    def __init__(self, width, height, **more):
        self.master, self.slave = os.openpty()
        termios.tcsetwinsize(self.slave, (height, width))
        self.display = Display(width, height)
        self.terminal = Terminal(chance=random.Random(1), input_fd=self.slave, output_fd=self.slave, **more)

    def resize(self, width):
        termios.tcsetwinsize(self.slave, (self.display.height, width))
        self.display.resize(width)

    def type(self, text):
        os.write(self.master, text.encode())

    async def shows(self, expected):
        """Read what the terminal writes until exactly this is seen."""
        with trio.move_on_after(3):
            while self.display.text != expected:
                await trio.lowlevel.wait_readable(self.master)
                self.display.feed(os.read(self.master, 65536))
        assert self.display.text == expected

    def close(self):
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def intake():
    made = HeardIntake()
    yield made
    assert made.failures == []


@pytest.fixture
def tty():
    made = Tty(40, 10)
    yield made
    made.close()


@pytest.fixture
def pipes():
    """(input to write to, input to read from, output to read from, output to write to)."""
    in_read, in_write = os.pipe()
    out_read, out_write = os.pipe()
    yield in_write, in_read, out_read, out_write
    for fd in (in_read, in_write, out_read, out_write):
        with contextlib.suppress(OSError):
            os.close(fd)


def delivery(text="", op="send", **more):
    part = None if op == "delete" else (text if isinstance(text, Part) else Part(text))
    return Delivery(op=op, address=Address("terminal", "main", "local", None, "local"), part=part, **more)


async def serve(tty, intake, nursery):
    nursery.start_soon(tty.terminal.serve, intake, name="serve")
    await tty.shows(">")
