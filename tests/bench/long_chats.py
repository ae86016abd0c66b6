"""What it costs that a conversation is long: CPU per message after many messages, and memory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import trio

from hermes_trio.daemon.heap import EVERY_S
from tests.bench.report import Goal, Line, line
from tests.bench.subject import BARE, GATEWAY, Subject, open_subject

SHORT, LONG = 20, 300
"""Messages in each chat, at which is looked."""

WINDOW = 12
FILLER = " word" * 40


async def long_conversations(folder: Path, *, chats: int, looks: int, long: int = LONG) -> list[Line]:
    """Chats of both lengths in turns, with both. What a long one costs more is a small part of a message.

    So it is the median of pairs that lie a moment apart in one process: another moment of the machine, or
    another process, differs by more.
    """
    async with open_subject(BARE, folder) as bare, open_subject(GATEWAY, folder) as gateway:
        await _converse(gateway, gateway.new_chats(chats), 0, 1)
        before = gateway.memory_mib()
        pair = [Conversations(subject, chats) for subject in (bare, gateway)]
        for one in pair:
            await one.begin(max(1, long - looks * WINDOW // 2))
        for _ in range(looks):
            for one in pair:
                await one.look()
        await trio.sleep(1.2 * EVERY_S)
        after = gateway.memory_mib()
    plain, ours = pair
    small, back = Goal("ratio", "<=", 1.3), Goal("ratio", "<=", 1.2)
    name = f"chats of {SHORT} messages: CPU per message"
    return [
        line(name, "ms", ours.short, beside=BARE, others=plain.short),
        line(f"  of {long} messages", "ms", ours.long, beside=BARE, others=plain.long),
        line("  more for a long one", "ms", ours.more, beside=BARE, others=plain.more, goal=small),
        line("  memory, at rest again", "MiB", [after], beside="before", others=[before], goal=back),
    ]


class Conversations:
    """Those with one subject.

    Attributes:
        short, long: CPU of a message in chats of both lengths, in ms, look by look.
    """

    def __init__(self, subject: Subject, chats: int) -> None:
        self._subject = subject
        self._chats = subject.new_chats(chats)
        self.short: list[float] = []
        self.long: list[float] = []

    @property
    def more(self) -> list[float]:
        """What a message in a long chat costs more, by the pairs of looks."""
        return [longer - short for short, longer in zip(self.short, self.long, strict=True)]

    async def begin(self, messages: int) -> None:
        """So many messages in each of the long chats."""
        await _converse(self._subject, self._chats, messages - 1, 1)

    async def look(self) -> None:
        """A window in new chats around SHORT messages, one in the long chats."""
        fresh = self._subject.new_chats(len(self._chats))
        self.short.append(await _converse(self._subject, fresh, SHORT - WINDOW // 2, WINDOW))
        self.long.append(await _converse(self._subject, self._chats, 0, WINDOW))


async def _converse(subject: Subject, chats: Sequence[int], first: int, then: int) -> float:
    """So many messages in each chat, and then so many of which the cost is told, in ms of CPU."""
    count = len(chats)
    began, ended = await subject.chats.converse(
        chats, max(1, count * first), count * then, subject.cpu_s, text=lambda n: f"hello {n}{FILLER}"
    )
    return float((ended - began) / (count * then) * 1000)
