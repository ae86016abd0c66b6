"""A long answer is split beside the loop, and what happens meanwhile finds it split or not at all."""

import threading
from collections.abc import Mapping
from typing import Any

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.runtime.redacting_store import SHORT as SHORT_TEXT
from hermes_trio.runtime.redacting_store import Discretion
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.runtime.splitting import SHORT, parts_of
from hermes_trio.runtime.threads import beside
from hermes_trio.testing import text, tool
from hermes_trio.turns.activity import PREVIEW_CHARS
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import Secret
from hermes_trio.values.transcript import UserEntry

SECRET = "sk_live_very_secret_key_4f9a7b"
SHORT_ANSWER, LONG_ANSWER = "x" * SHORT, "word " * SHORT


class Aside:
    """Does what is handed over when it is told to."""

    def __init__(self):
        self.begun, self.go_on, self.count = trio.Event(), trio.Event(), 0

    async def __call__(self, work):
        self.count += 1
        self.begun.set()
        await self.go_on.wait()
        return work()


async def start_with(world, aside):
    world.aside = aside
    await world.start()


@pytest.mark.world(start=False)
async def test_an_answer_is_handed_over_when_it_is_long(world):
    aside = Aside()
    await start_with(world, aside)
    world.model.script(text(SHORT_ANSWER), text(LONG_ANSWER))
    await world.say("ada", "short")
    assert await world.reply("ada") == SHORT_ANSWER
    assert not aside.count
    await world.say("ada", "long")
    await aside.begun.wait()
    world.model.script(text("Hello."))
    await world.say("bob", "hi")
    assert await world.reply("bob") == "Hello."
    assert len(world.shown("ada")) == 1
    aside.go_on.set()
    assert "word word" in await world.reply("ada")


@pytest.mark.world(start=False)
async def test_a_stop_of_the_gateway_waits_for_an_answer_that_is_being_split(world):
    aside = Aside()
    await start_with(world, aside)
    world.model.script(text(LONG_ANSWER))
    await world.say("ada", "long")
    await aside.begun.wait()
    world.later(1, aside.go_on.set)
    await world.stop()
    assert "word word" in await world.reply("ada")
    assert len(world.model.requests) == 1


@pytest.mark.world(start=False)
async def test_a_split_that_never_ends_makes_no_stop_longer_and_its_turn_goes_on_at_the_next_start(world):
    aside = Aside()
    await start_with(world, aside)
    world.model.script(text(LONG_ANSWER), text("Again."))
    await world.say("ada", "long")
    await aside.begun.wait()
    began = world.now
    await world.stop()
    assert world.now - began <= world.options.drain_timeout_s + 5
    await world.start()
    assert await world.reply("ada") == "Again."


@pytest.mark.world(start=False)
async def test_a_reset_meanwhile_leaves_no_answer(world):
    aside = Aside()
    await start_with(world, aside)
    world.model.script(text(LONG_ANSWER))
    await world.say("ada", "long")
    await aside.begun.wait()
    await world.say("ada", "/new")
    assert await world.reply("ada") == "New session."
    aside.go_on.set()
    await world.settle()
    assert len(world.shown("ada")) == 1


async def streams_and_says(turn):
    turn.stream(LONG_ANSWER[:PREVIEW_CHARS])
    await trio.sleep(2)
    await turn.say("said")
    await trio.sleep(2)
    return "done"


@pytest.mark.world(agent=streams_and_says, start=False)
async def test_a_preview_that_was_void_before_it_was_split_is_not_shown(world):
    aside = Aside()
    await start_with(world, aside)
    await world.say("ada", "hi")
    await aside.begun.wait()
    assert await world.reply("ada") == "said"
    aside.go_on.set()
    await trio.sleep(1)
    assert world.texts("ada", "preview") == []
    assert await world.reply("ada") == "done"


async def says(turn):
    await turn.say(LONG_ANSWER)
    return "done"


@pytest.mark.world(agent=says, start=False, options=GatewayOptions(turn_deadline_s=60))
async def test_the_time_of_a_split_is_not_the_turns(world):
    aside = Aside()
    await start_with(world, aside)
    await world.say("ada", "hi")
    await aside.begun.wait()
    world.later(600, aside.go_on.set)
    await world.settle()
    assert world.shown("ada")[-1].text == "done"


class SplitsWhenTheLoopLetsIt:
    """Its split ends only if the loop goes on meanwhile."""

    def __init__(self):
        self.begun, self.go_on, self.threads = trio.Event(), threading.Event(), []

    def split(self, text):
        self.threads.append(threading.current_thread())
        trio.from_thread.run_sync(self.begun.set)
        assert self.go_on.wait(10)
        return [Part(text)]


async def test_the_loop_goes_on_while_a_thread_splits():
    platform, parts = SplitsWhenTheLoopLetsIt(), []

    async def split():
        parts.extend(await parts_of(beside(), platform, LONG_ANSWER))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(split)
        await platform.begun.wait()
        platform.go_on.set()
    assert parts == [Part(LONG_ANSWER)]
    assert platform.threads != [threading.current_thread()]


async def test_who_is_cancelled_does_not_wait_for_the_thread():
    platform = SplitsWhenTheLoopLetsIt()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(parts_of, beside(), platform, LONG_ANSWER)
        await platform.begun.wait()
        nursery.cancel_scope.cancel()
    assert not platform.go_on.is_set()
    platform.go_on.set()


ESCAPES = "%41" * SHORT_TEXT


class Prints:
    """A tool that gives much."""

    name = "prints"
    description = "Print."
    parameters: Mapping[str, Any] = {"type": "object"}
    idempotent = False

    def __init__(self):
        self.ran = 0

    async def run(self, arguments, call):
        self.ran += 1
        return f"{ESCAPES} {SECRET}"


@pytest.mark.world(start=False, redact=Redactor([Secret(SECRET)]))
async def test_secrets_are_looked_for_in_a_long_text_beside_the_loop(world):
    aside = Aside()
    await start_with(world, aside)
    world.model.script(text(f"Here: {SECRET}{' ' * SHORT_TEXT}and no more."))
    await world.say("ada", "long")
    await aside.begun.wait()
    world.model.script(text("Hello."))
    await world.say("bob", "hi")
    assert await world.reply("bob") == "Hello."
    assert not world.shown("ada")
    aside.go_on.set()
    assert (await world.reply("ada")).startswith("Here: *** ")


prints = Prints()


@pytest.mark.world(start=False, tools=[prints], redact=Redactor([Secret(SECRET)]))
async def test_what_a_tool_did_is_kept_where_a_stop_comes_while_its_result_is_looked_through(
    world,
):
    aside = Aside()
    await start_with(world, aside)
    world.model.script(tool("prints"), text("Printed."))
    await world.say("ada", "print")
    await aside.begun.wait()
    world.later(0.5, aside.go_on.set)
    await world.stop()
    await world.start()
    assert await world.reply("ada") == "Printed."
    assert prints.ran == 1


async def test_texts_that_are_long_only_together_are_looked_through_beside_the_loop():
    aside, half = Aside(), "x" * (SHORT_TEXT // 2)
    aside.go_on.set()
    discretion = Discretion(Redactor([Secret(SECRET)]), aside)
    assert await discretion([UserEntry(text=half), UserEntry(text=half)])
    assert not aside.count
    *_, last = await discretion([UserEntry(text=half), UserEntry(text=half), UserEntry(text=SECRET)])
    assert last == UserEntry(text="***")
    assert aside.count == 1
