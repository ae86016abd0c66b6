"""A question and its answer stand side by side for a model, also where one of the two cannot be read."""

from __future__ import annotations

import pytest

from hermes_trio.testing import open_world, text
from tests.agent.test_tool_asks import Deletes, begun, entries
from tests.invariants.at_rest import check

SAID = [("AssistantEntry", "Delete 3 files?"), ("UserEntry", "yes")]


async def asked_and_answered(world):
    await begun(world)
    await world.say("ada", "yes")
    await world.settle()


def spoil(world, what):
    body = {"question": "Delete 3 files?", "answer": "yes"}[what]
    [(id,)] = world.db.execute("select id from entry where cast(body as text) like ?", (f'%"{body}"%',))
    world.db.execute("update entry set body = 'rubbish' where id = ?", (id,))


async def say_the_next(world):
    world.model.script(text("nothing more"))
    await world.say("ada", "and?")
    await world.settle()
    check(world)


@pytest.mark.parametrize("what", ["question", "answer"])
@pytest.mark.parametrize("choices", [(), ("yes", "no")])
async def test_either_is_written_anew_from_the_step_that_asked(autojump_clock, what, choices):
    async with open_world(tools=[Deletes(choices=choices)]) as world:
        await asked_and_answered(world)
        spoil(world, what)
        await say_the_next(world)
        assert entries(world)[3:] == [*SAID, ("AssistantEntry", "done"), ("UserEntry", "and?")]


@pytest.mark.parametrize("what", ["question", "answer"])
async def test_where_the_step_is_lost_too_nothing_that_is_said_later_stands_as_the_answer(
    autojump_clock, what
):
    async with open_world(tools=[Deletes()]) as world:
        await asked_and_answered(world)
        spoil(world, what)
        world.db.execute("update step set value = 'rubbish' where name like '%ask%'")
        await say_the_next(world)
        left = [] if what == "answer" else SAID[1:]
        assert entries(world)[3:] == [*left, ("AssistantEntry", "done"), ("UserEntry", "and?")]
