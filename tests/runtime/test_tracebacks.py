"""Errors of somebody's own code are logged with where they were raised; what comes from outside is not."""

from __future__ import annotations

import pytest

from hermes_trio import ModelAgent
from hermes_trio.errors import ModelFailed
from hermes_trio.runtime.tracebacks import CHARS_MAX, FIRST_MAX, LAST_MAX, beginning_of, traceback_of
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.testing.scripted_model import text, tool
from hermes_trio.values.identity import Address

HERE = __file__


def price(order):
    return order["price"]


def raised(function, *args):
    try:
        function(*args)
    except Exception as error:
        return error
    raise AssertionError("it raises nothing")


async def forgetful(turn):
    return price({})


class Broken:
    """A tool with a fault in it."""

    name = "pay"
    description = "Pay."
    idempotent = False

    def __init__(self, error):
        self.parameters = {"type": "object", "properties": {}}
        self.error = error

    async def run(self, arguments, call):
        raise self.error


class Odd:
    """A command with a fault in it."""

    names = ("odd",)
    help = "Fails."
    role = "user"

    async def run(self, call):
        return price({})


class Deaf(MemoryPlatform):
    """A platform whose receiving side has a fault in it."""

    async def serve(self, intake):
        price({})


class Dumb(MemoryPlatform):
    """A platform whose sending side has a fault in it."""

    async def deliver(self, delivery):
        return price({})


def of(line):
    """The functions of this file in its traceback, outermost first."""
    return [row.rpartition(" in ")[2] for row in line["traceback"].splitlines() if row.startswith(HERE)]


async def test_an_agent_that_raises_is_logged_with_its_own_frames_and_kept_with_its_turn(autojump_clock):
    async with open_world(forgetful) as world:
        await world.say("ada", "hello")
        await world.settle()
        [line] = world.lines("agent failed")
        assert (line["level"], line["turn"], line["error"]) == ("error", 1, "KeyError: 'price'")
        assert of(line) == ["forgetful", "price"]
        assert '    return order["price"]' in line["traceback"].splitlines()
        assert "frames of hermes_trio" in line["traceback"].splitlines()[-1]
        page = await world.gateway.turn_page(1)
        assert (page.error, page.traceback) == ("KeyError: 'price'", line["traceback"])


async def test_a_tool_that_raises_is_logged_and_its_model_is_told(autojump_clock):
    async with open_world(tools=[Broken(KeyError("till"))]) as world:
        world.model.script(tool("pay"), text("It cannot be paid."))
        await world.say("ada", "pay")
        assert await world.reply("ada") == "It cannot be paid."
        [line] = world.lines("tool failed")
        assert (line["level"], line["tool"], line["error"]) == ("error", "pay", "KeyError: 'till'")
        assert of(line) == ["run"]


@pytest.mark.parametrize("error", [ValueError("an amount is missing"), PermissionError("refused: too much")])
async def test_a_tool_that_refuses_a_call_is_no_error(autojump_clock, error):
    async with open_world(tools=[Broken(error)]) as world:
        world.model.script(tool("pay"), text("How much?"))
        await world.say("ada", "pay")
        await world.settle()
        assert [line["level"] for line in world.lines("tool failed")] == ["info"]


async def test_a_command_that_raises_is_logged_with_its_own_frames(autojump_clock):
    async with open_world(commands=[Odd()]) as world:
        await world.say("ada", "/odd")
        await world.settle()
        [line] = world.lines("command failed")
        assert (line["level"], of(line)) == ("error", ["run", "price"])


async def test_an_adapter_that_raises_is_logged_with_its_own_frames(autojump_clock):
    async with open_world(platform=Deaf()) as world:
        await world.until(seconds=0.5)
        line = world.lines("account failed")[0]
        assert (line["level"], line["account"], of(line)) == ("error", "memory/main", ["serve", "price"])
    async with open_world(platform=Dumb()) as world:
        await world.say("ada", "hello")
        await world.until(seconds=0.5)
        line = world.lines("adapter failed")[0]
        assert (line["level"], of(line)) == ("error", ["deliver", "price"])


async def test_what_comes_from_outside_is_no_fault_of_anybody_here(autojump_clock):
    async def agent(turn):
        raise ModelFailed("overload", "busy")

    async with open_world(agent) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert world.lines("agent failed") == []
        assert (await world.gateway.turn_page(1)).traceback == ""


async def test_a_failing_test_shows_what_was_raised_in_its_world(autojump_clock):
    with pytest.RaisesGroup(pytest.RaisesExc(AssertionError), flatten_subgroups=True) as caught:
        async with open_world(forgetful) as world:
            await world.say("ada", "hello")
            assert await world.reply("ada") == "12"
    [failed] = caught.value.exceptions
    while isinstance(failed, BaseExceptionGroup):
        [failed] = failed.exceptions
    [note] = failed.__notes__
    assert note.startswith("In the world, agent failed: KeyError: 'price'\n")
    assert "in price" in note


async def test_a_secret_in_a_source_line_is_in_no_log_and_in_no_row(autojump_clock):
    async def agent(turn):
        return {}["sk-canary-1"]

    async with open_world(agent, redact=lambda text: text.replace("sk-canary-1", "***")) as world:
        await world.say("ada", "hello")
        await world.settle()
        page = await world.gateway.turn_page(1)
        assert "***" in page.traceback
        assert "sk-canary-1" not in page.traceback + page.error
        assert "sk-canary-1" not in str(world.lines("agent failed"))


async def test_a_wrong_attribute_of_a_turn_is_told_with_the_one_that_was_meant(autojump_clock):
    async def misspells(turn):
        return turn.txt

    async with open_world(misspells) as world:
        await world.say("ada", "hello")
        await world.settle()
        [line] = world.lines("agent failed")
        assert line["traceback"].splitlines()[0] == "did you mean `text`?"
        assert of(line) == ["misspells"]


class Order:
    """An object of somebody else."""

    text = "one"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Address("memory", "main", "ada").chta, "did you mean `chat`?"),
        (lambda: MemoryPlatform().pusch, "did you mean `push`?"),
        (lambda: MemoryPlatform().unlike_anything, None),
        (lambda: MemoryPlatform().updates, None),
        (lambda: Order().txt, None),
        (lambda: "one".uper, None),
    ],
    ids=["of a value", "of an object", "near nothing", "near what is private", "of another's", "of a text"],
)
def test_an_attribute_is_guessed_on_what_is_ours_and_public(wrong, said):
    first = traceback_of(raised(wrong)).splitlines()[0]
    assert first == said if said else first.startswith(HERE)


def test_a_cause_follows_with_its_own_frames():
    def outer():
        try:
            price({})
        except KeyError as error:
            raise RuntimeError("no order") from error

    lines = traceback_of(raised(outer)).splitlines()
    assert [line.rpartition(" in ")[2] for line in lines if line.startswith(HERE)] == [
        "raised",
        "outer",
        "outer",
        "price",
    ]
    assert "caused by KeyError: 'price'" in lines


def test_of_a_deep_recursion_the_ends_are_told():
    def deeper(n):
        return deeper(n - 1) if n else price({})

    told = traceback_of(raised(deeper, 500))
    assert told.count(HERE) == FIRST_MAX + LAST_MAX
    assert "(491 more frames)" in told
    assert len(told) <= CHARS_MAX


def test_an_error_that_was_not_raised_came_from_nowhere():
    assert traceback_of(KeyError("price")) == ""


def test_what_is_ours_or_built_in_has_no_place_to_be_told():
    assert [beginning_of(one) for one in (ModelAgent.__call__, open_world, print, int, None)] == [None] * 5
