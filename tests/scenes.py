"""What many tests of the river share: agents to talk to, and looks at what became of it."""

from __future__ import annotations

import trio


async def echo(turn):
    """Answers at once."""
    return "re: " + " + ".join(message.text for message in turn.messages)


async def slow(turn):
    """Ten seconds a turn."""
    await trio.sleep(10)
    return await echo(turn)


async def answer():
    """A step."""
    return "42"


async def ends(world) -> list[tuple]:
    """What became of each message, and why."""
    return [(row.outcome, row.reason) for row in await world.ledger()]


def verdicts(world) -> list[str]:
    """What starts have said of turns that were cut short."""
    return [line["verdict"] for line in world.lines("resume verdict")]


async def cut_short(world, *, after_s: float = 1.0, for_s: float = 0.0) -> None:
    """A crash so long from now, and a time during which nobody lives."""
    await trio.sleep(after_s)
    world.crash()
    await trio.sleep(for_s)


async def crash_and_go_on(world) -> None:
    """A crash and a start, until all is done."""
    world.crash()
    await world.start()
    await world.settle()


async def streams(turn):
    turn.stream("half")
    await trio.sleep(2)
    return "half and whole"
