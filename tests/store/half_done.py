"""A gateway in a process of its own, that is killed in the middle of several conversations."""

from __future__ import annotations

import sys

import trio

from hermes_trio import open_gateway
from hermes_trio.testing import MemoryPlatform
from hermes_trio.values.identity import Policy

SAID = (("ada", "hello"), ("bob", "ask"), ("cyd", "work"), ("dan", "/restart"))


class HalfDone:
    """An agent that greets, asks, and works in two halves.

    Args:
        stays: it does not leave the first half.
    """

    def __init__(self, stays: bool = False) -> None:
        self.stays = stays

    async def __call__(self, turn):
        if turn.text == "ask":
            return "you are " + await turn.ask("Who are you?", timeout_s=600)
        if turn.text == "work":
            life = await turn.step("which life", self.life)
            await turn.say("half of it is done")
            if self.stays:
                await trio.sleep_forever()
            return f"done since life {life}"
        return f"you said {turn.text}"

    async def life(self):
        return 1 if self.stays else 2


def a_platform():
    return MemoryPlatform(policy=Policy(allow_users=("*",), admins=("dan",)))


async def seen(platform, *texts):
    """Return when all of these are shown."""
    shown = []
    with trio.move_on_after(30):
        while not {*texts} <= {*shown}:
            await platform.changed()
            shown = [one.text for one in platform.seen.values()]
    assert {*texts} <= {*shown}


async def main(store):
    platform = a_platform()
    async with open_gateway(
        HalfDone(stays=True), platforms=[platform], store=store, on_restart=lambda: None
    ) as gateway:
        for user, text in SAID:
            platform.push(platform.message(user, text))
        await seen(platform, "you said hello", "Who are you?", "half of it is done")
        await gateway.chat_at_rest("memory/main", "dan")
        print("there", flush=True)
        await trio.sleep_forever()


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
