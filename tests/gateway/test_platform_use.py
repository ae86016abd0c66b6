"""A platform that cannot work is refused before it is used, with its class, what is wrong, and where."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio

from hermes_trio.errors import AgentError, ConfigWrong, HermesError
from hermes_trio.gateway.open import open_gateway
from hermes_trio.runtime.supervise import first_leaf
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.delivery import Part, Receipt
from hermes_trio.values.identity import Policy
from tests.scenes import echo


class NamedByNumber(MemoryPlatform):
    @property
    def account(self):
        return 1

    @account.setter
    def account(self, value):
        pass


class OfADict(MemoryPlatform):
    def __init__(self):
        super().__init__()
        self.capabilities = {"text_max": 4000}


class AllowsAList(MemoryPlatform):
    def __init__(self):
        super().__init__(policy=Policy(allow_users=["*"]))


class AllowsNumbers(MemoryPlatform):
    def __init__(self):
        super().__init__(policy=Policy(allow_users=(1, 2)))


class ServesAtOnce(MemoryPlatform):
    def serve(self, intake):
        return None


class DeliversAtOnce(MemoryPlatform):
    def deliver(self, delivery):
        return Receipt("1")


class OpensNothing(MemoryPlatform):
    async def open(self):
        pass


class OpensWithoutDecorator(MemoryPlatform):
    async def open(self):
        yield


class OpensAValue(MemoryPlatform):
    def open(self):
        return 3


class NeverYields(MemoryPlatform):
    @asynccontextmanager
    async def open(self):
        if False:
            yield


class FallsAsItOpens(MemoryPlatform):
    @asynccontextmanager
    async def open(self):
        async with trio.open_nursery():
            raise KeyError("base")
        yield


class IsRefused(MemoryPlatform):
    @asynccontextmanager
    async def open(self):
        raise ConfigWrong("path: there is no such folder")
        yield


class SplitsLater(MemoryPlatform):
    async def split(self, text):
        return [Part(text)]


MANAGER = "is no context manager: write @asynccontextmanager above it, and `yield` in it"
REFUSED = [
    (NamedByNumber, "NamedByNumber.account is a text (str) that is not empty, not an int"),
    (OfADict, "OfADict.capabilities is a dict: write Capabilities(...)"),
    (
        AllowsAList,
        "AllowsAList.policy.allow_users is tuple[str, ...], not a list of str: write (str(...), ...)",
    ),
    (
        AllowsNumbers,
        "AllowsNumbers.policy.allow_users is tuple[str, ...], not a tuple of int: write (str(...), ...)",
    ),
    (ServesAtOnce, f"ServesAtOnce.serve is not async: write `async def serve` ({__file__}:"),
    (DeliversAtOnce, f"DeliversAtOnce.deliver is not async: write `async def deliver` ({__file__}:"),
    (OpensNothing, f"OpensNothing.open {MANAGER} ({__file__}:"),
    (OpensWithoutDecorator, f"OpensWithoutDecorator.open {MANAGER} ({__file__}:"),
    (OpensAValue, "OpensAValue.open gives an int, not an async context manager"),
    (NeverYields, f"memory/main cannot be opened: RuntimeError: generator didn't yield ({__file__}:"),
    (FallsAsItOpens, f"memory/main cannot be opened: KeyError: 'base' ({__file__}:"),
    (SplitsLater, f"SplitsLater.split is async: write `def split` ({__file__}:"),
]


async def refused(platform):
    """What a gateway on it ends with."""
    with pytest.raises((HermesError, ExceptionGroup)) as wrong:
        async with open_gateway(echo, platforms=[platform], store=":memory:"):
            pass
    return first_leaf(wrong.value)


@pytest.mark.parametrize(("kind", "said"), REFUSED, ids=[kind.__name__ for kind, _ in REFUSED])
async def test_it_is_refused_before_it_is_used(kind, said):
    error = await refused(kind())
    assert isinstance(error, AgentError)
    assert str(error).startswith(said)


async def test_an_error_of_ours_that_opening_raises_stays_as_it_is():
    assert repr(await refused(IsRefused())) == "ConfigWrong('path: there is no such folder')"


SPLITS = [
    ("coo", "gives a str, not a list of Parts"),
    (["coo"], "gives a list with a str, not of Parts"),
    ([], "gives no part: write [Part('')] for a blank text"),
    ([Part(3)], "Part.text is str, not an int: write str(...)"),
]


@pytest.mark.parametrize(("gives", "said"), SPLITS, ids=[said for _, said in SPLITS])
async def test_a_split_that_gives_no_parts_fails_its_turn_and_names_its_author(autojump_clock, gives, said):
    class Splits(MemoryPlatform):
        def split(self, text):
            return gives

    async with open_world(echo, platform=Splits()) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert await world.outcomes() == ["failed"]
        [line] = world.lines("agent failed")
        assert said in line["error"]
        assert f"({__file__}:" in line["error"]
