"""What it costs that a conversation is long: CPU per message after many messages, and memory."""

from __future__ import annotations

from pathlib import Path

import trio

from hermes_trio.daemon.heap import EVERY_S
from tests.bench.report import Goal, Line, line
from tests.bench.subject import BARE, GATEWAY, Subject, open_subject

SHORT, LONG = 20, 300
"""Messages in each chat, at which is looked."""

WINDOW = 38
FILLER = " word" * 40


async def long_conversations(folder: Path, *, chats: int, rounds: int, long: int = LONG) -> list[Line]:
    """The same conversations with both, alternately."""
    seen: dict[str, list[tuple[float, float]]] = {BARE: [], GATEWAY: []}
    memory: list[tuple[float, float]] = []
    for _ in range(rounds):
        for kind in (BARE, GATEWAY):
            async with open_subject(kind, folder) as subject:
                await _converse(subject, chats, 0, 1)
                before = subject.memory_mib()
                seen[kind].append(await _costs(subject, chats, long))
                if kind == GATEWAY:
                    await trio.sleep(1.2 * EVERY_S)
                    memory.append((subject.memory_mib(), before))
    short, longer = zip(*seen[GATEWAY], strict=True)
    bare_short, bare_longer = zip(*seen[BARE], strict=True)
    grew = [after - before for before, after in seen[GATEWAY]]
    bare_grew = [after - before for before, after in seen[BARE]]
    name = f"chats of {SHORT} messages: CPU per message"
    after, before_it = zip(*memory, strict=True)
    small, back = Goal("ratio", "<=", 1.3), Goal("ratio", "<=", 1.2)
    return [
        line(name, "ms", short, beside=BARE, others=bare_short),
        line(f"  of {long} messages", "ms", longer, beside=BARE, others=bare_longer),
        line("  more for a long one", "ms", grew, beside=BARE, others=bare_grew, goal=small),
        line("  memory, at rest again", "MiB", after, beside="before", others=before_it, goal=back),
    ]


async def _costs(subject: Subject, chats: int, long: int) -> tuple[float, float]:
    """CPU per message, in ms, around SHORT messages in each chat, and around `long`."""
    return (
        await _converse(subject, chats, SHORT - WINDOW // 2, WINDOW),
        await _converse(subject, chats, max(1, long - SHORT - WINDOW), WINDOW),
    )


async def _converse(subject: Subject, chats: int, first: int, then: int) -> float:
    """So many messages in each chat, and then so many of which the cost is told, in ms of CPU."""
    said = range(1, chats + 1)
    began, ended = await subject.chats.converse(
        said, max(1, chats * first), chats * then, subject.cpu_s, text=lambda n: f"hello {n}{FILLER}"
    )
    return float((ended - began) / (chats * then) * 1000)
