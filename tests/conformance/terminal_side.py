"""Somebody at a terminal, under trial of `check_platform`."""

from __future__ import annotations

import os
import random
import termios
from contextlib import asynccontextmanager

import trio
from hermes_terminal import Terminal
from hermes_terminal.lines import LINE_MAX
from trio.testing import wait_all_tasks_blocked

from hermes_trio.testing import Service
from hermes_trio.values.identity import Address
from tests.terminal.display import Display

WIDTH, HEIGHT = 5000, 100


class OneCell(Display):
    """A screen on which every character is one cell wide, so that a row is the text that was written."""

    def _print(self, char):
        if char in "\r\n":
            super()._print(char)
            return
        line = self.rows[self.row]
        self.rows[self.row] = line[: self.column].ljust(self.column) + char + line[self.column + 1 :]
        self.column += 1


class TerminalSide(Service):
    """Types into a pipe, and looks at a screen."""

    keeps = False

    def __init__(self) -> None:
        self.places = [Address("terminal", "main", "local", None, "local")]
        self.input, self._write = os.pipe()
        self._master, self.output = os.openpty()
        termios.tcsetwinsize(self.output, (HEIGHT, WIDTH))
        os.set_blocking(self._master, False)
        os.set_blocking(self._write, False)
        self._display = OneCell(WIDTH, HEIGHT)

    async def push(self, text, place):
        os.write(self._write, f"{text}\n".encode())

    async def shown(self, place):
        try:
            while data := os.read(self._master, 65536):
                self._display.feed(data)
        except BlockingIOError:
            pass
        return [row for row in self._display.text.split("\n") if row]

    async def push_rubbish(self):
        rest = b"x" * (LINE_MAX + 1) + b"\n"
        while rest:
            await trio.lowlevel.wait_writable(self._write)
            rest = rest[os.write(self._write, rest) :]

    async def end(self):
        os.close(self._write)
        self._write = os.dup(self.output)

    async def press(self, place, label):
        [row] = [row for row in await self.shown(place) if row.endswith(f". {label}")]
        await self.push(row.strip().partition(".")[0], place)

    async def hold(self):
        termios.tcflow(self.output, termios.TCOOFF)

    async def held(self):
        await wait_all_tasks_blocked(0.05)

    async def release(self):
        termios.tcflow(self.output, termios.TCOON)

    def close(self):
        for fd in (self.input, self._write, self._master, self.output):
            os.close(fd)


@asynccontextmanager
async def terminal_side():
    side = TerminalSide()
    try:
        yield side
    finally:
        side.close()


def terminal(side):
    """The adapter on the side's descriptors."""
    return Terminal(chance=random.Random(1), input_fd=side.input, output_fd=side.output)
