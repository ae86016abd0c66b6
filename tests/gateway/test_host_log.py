"""A host's own log is told of what goes wrong without the secrets that the gateway was given to look for."""

from __future__ import annotations

from hermes_trio.runtime.redaction import Redactor
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.identity import Secret

SECRET = "sk-canary-4f1d7a"


class Tells:
    """/tell: fails, and names a secret."""

    names = ("tell",)
    help = "tell"
    role = "user"

    async def run(self, call):
        raise ValueError(f"no key: {SECRET}")


class Breaks(MemoryPlatform):
    """An adapter with a mistake, which says what its request was."""

    async def serve(self, intake):
        if self._confirmed:
            raise RuntimeError(f"https://api.example/bot{SECRET}/getUpdates")
        await super().serve(intake)


async def test_an_error_of_a_command_names_no_secret(autojump_clock):
    async with open_world(commands=[Tells()], redact=Redactor([Secret(SECRET)])) as world:
        await world.say("ada", "/tell")
        await world.settle()
        assert [line["why"] for line in world.lines("command failed")] == ["ValueError: no key: ***"]


async def test_nor_does_one_of_an_adapter(autojump_clock):
    async with open_world(platform=Breaks(), redact=Redactor([Secret(SECRET)])) as world:
        await world.say("ada", "hello")
        await world.settle()
        await world.stop()
        await world.start()
        await world.until(seconds=5)
        failed = world.lines("account failed")
        assert {line["error"] for line in failed} == {"RuntimeError: https://api.example/bot***/getUpdates"}
        assert SECRET not in str(failed)
