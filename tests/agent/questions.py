"""What a world shows of the questions that are open in it."""

from __future__ import annotations

import trio


def prompts(world):
    return [seen for seen in world.platform.seen.values() if seen.said == "prompt"]


def buttons(world):
    """Of each question the tokens of its choices by their labels."""
    shown = [call.delivery for call in world.platform.calls if call.delivery.choices]
    return [{choice.label: choice.token for choice in one.choices} for one in shown]


async def asked(world, count=1):
    while len(prompts(world)) < count:
        await world.platform.changed()
    await trio.sleep(0.01)
