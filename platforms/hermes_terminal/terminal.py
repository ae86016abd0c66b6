"""The terminal as a platform: lines in, text out."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import trio

from hermes_terminal.descriptor_writer import Pen
from hermes_terminal.lines import LINE_MAX, Line, Lines, read
from hermes_terminal.modes import erasing_whole_characters
from hermes_terminal.paste import CUT_AT, GAP_S, Gather, Typed
from hermes_terminal.screen import Screen
from hermes_trio import (
    Address,
    Capabilities,
    Chance,
    Choice,
    Delivery,
    Intake,
    Message,
    Part,
    Policy,
    Receipt,
    SendFailed,
    SendRefused,
    Undecodable,
    split_markdown,
)

USER = "local"
LEAVE_S = 1.0
CUT = (
    f"I did not take that: a terminal gives me no more than {CUT_AT} bytes of one line, and the rest of it is"
    " lost. Send it in several lines, or from a file: hermes-trio chat < FILE"
)
TOO_LONG = f"I did not take that: it is longer than {LINE_MAX} bytes, which is the most of one message."


class Terminal:
    """A Platform on two file descriptors, which stay open: they belong to the caller.

    Each line that is not blank is a message of the user "local", who is admin; of what is typed, each paste.
    Its id is a token of this object's life and the number of the line. At the end of the input `serve`
    returns. Each line of a pipe or a file is answered by itself.

    Args:
        chance: makes the token.
        input_fd: a terminal, a pipe or a file.
        output_fd: on a terminal live texts are shown and replaced in place, with a prompt below if the
            input is a terminal too; elsewhere only what stays is printed, without formatting.
        dumb: a terminal as output is one that knows no escape sequences: it gets what a pipe gets.
        colour: formats may be colours.
    """

    name = "terminal"
    capabilities = Capabilities(
        text_max=1_000_000, unit="char", can_edit=True, can_delete=True, live_every_s=0.1
    )
    policy = Policy(allow_users=(USER,), admins=(USER,), reply_to="off")

    def __init__(
        self,
        *,
        chance: Chance,
        account: str = "main",
        input_fd: int = 0,
        output_fd: int = 1,
        dumb: bool = False,
        colour: bool = True,
    ) -> None:
        self.account = account
        self._token = f"{chance.getrandbits(64):016x}"
        self._input_fd = input_fd
        self._output_fd = output_fd
        self._lines = Lines()
        self._gather = Gather()
        self._typed = os.isatty(input_fd)
        self._sent = 0
        self._asked: tuple[str, tuple[Choice, ...]] = ("", ())
        tty = os.isatty(output_fd) and not dumb
        self._screen = Screen(tty=tty, prompt=self._typed, size=self._size, colour=colour)
        self._pen = Pen(output_fd)
        self._turn_to_write = trio.Lock()

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[None]:
        """Own how the terminal behaves; the descriptors belong to the caller."""
        with erasing_whole_characters(self._input_fd):
            try:
                yield
            finally:
                with trio.move_on_after(LEAVE_S, shield=True):
                    await self._draw(self._screen.leave)

    async def serve(self, intake: Intake) -> None:
        """Hand over each line until the input ends.

        Raises:
            PlatformDown: the input cannot be read.
        """
        intake.received()
        await self._draw(self._screen.begin)
        ended = False
        while not ended:
            with trio.move_on_after(self._gather.ends_after_s) as rest:
                data = await read(self._input_fd)
            if rest.cancelled_caught:
                await self._accept(intake, list(self._gather.end()))
                continue
            if not data:
                break
            lines = list(self._lines.feed(data))
            if not self._typed:
                await self._accept(intake, [Typed(line) for line in lines])
            elif lines:
                paused, ended = await self._read_paste(lines)
                await self._draw(self._screen.typed, [line.text for line in lines])
                await self._accept(intake, list(self._gather.feed(lines, paused=paused)))
        await self._draw(self._screen.end)
        last = [*self._gather.end(), *(Typed(line) for line in self._lines.end())]
        await self._accept(intake, last)

    async def _read_paste(self, lines: list[Line]) -> tuple[bool, bool]:
        """Add the lines that come faster than anybody types, of an endless stream as many as are taken.

        Returns whether there was a pause, and whether the input has ended: a terminal says that once.
        """
        length = 0
        while length <= LINE_MAX:
            with trio.move_on_after(GAP_S) as gap:
                data = await read(self._input_fd)
            if gap.cancelled_caught:
                return True, False
            if not data:
                return True, True
            length += len(data)
            lines += self._lines.feed(data)
        return False, False

    async def deliver(self, delivery: Delivery) -> Receipt:
        """Print, replace or erase a message, and return its id.

        Raises:
            SendRefused: nobody reads the output ("gone"), it takes nothing, or the op is none of a terminal.
            SendUnknown: the output failed behind a part that was written.
        """
        await trio.lowlevel.checkpoint()  # what is refused is a checkpoint too
        if delivery.op not in ("send", "edit", "delete"):
            raise SendRefused(f"a terminal cannot {delivery.op}")
        if delivery.op == "send":
            self._sent += 1
            message_id = f"{self._token}/out/{self._sent}"
        else:
            message_id = delivery.message_id or ""
        if delivery.choices or message_id == self._asked[0]:
            self._asked = (message_id, delivery.choices)
        async with self._turn_to_write:
            await self._pen.write(self._screen.show(delivery, message_id))
        return Receipt(message_id)

    def split(self, text: str) -> Sequence[Part]:
        """Render markdown and split it into parts of at most `capabilities.text_max - 4` code points."""
        return split_markdown(text, limit=self.capabilities.text_max - 4, unit="char")

    async def _accept(self, intake: Intake, said: Sequence[Typed]) -> None:
        updates = [self._update(one) for one in said if one.line.raw.strip()]
        for one in said:
            if self._typed and (one.cut or one.line.length > LINE_MAX):
                await self._draw(self._screen.tell, CUT if one.cut else TOO_LONG)
        if updates:
            await intake.accept(updates)
        intake.received()

    def _update(self, said: Typed) -> Message | Undecodable:
        line = said.line
        native = f"{self._token}/{line.number}"
        if line.length > LINE_MAX:
            why = f"a line of {line.length} bytes; at most {LINE_MAX} are taken"
            return Undecodable(native=native, why=why, raw=line.raw)
        if said.cut:
            return Undecodable(native=native, why="the system may have cut this line", raw=line.raw)
        choice = self._pressed(line.text)
        return Message(
            native=native,
            address=Address(self.name, self.account, USER, None, USER),
            text=line.text if choice is None else choice.label,
            message_id=native,
            choice=None if choice is None else choice.token,
            raw=line.raw,
            alone=not self._typed,
        )

    def _pressed(self, text: str) -> Choice | None:
        """The choice of the last prompt that the line names, by number or label. Asked once per prompt."""
        choices, self._asked = self._asked[1], ("", ())
        word = text.strip().casefold()
        for number, choice in enumerate(choices, 1):
            if word in (str(number), choice.label.casefold()):
                return choice
        return None

    async def _draw(self, make: Callable[..., str], *args: object) -> None:
        """Write what the screen says; an output that fails shows in the deliveries, not here."""
        async with self._turn_to_write:
            with suppress(SendFailed):
                await self._pen.write(make(*args))

    def _size(self) -> tuple[int, int]:
        with suppress(OSError):
            columns, lines = os.get_terminal_size(self._output_fd)
            if columns and lines:
                return columns, lines
        return 80, 24
