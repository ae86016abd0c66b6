"""`check_agent`: ours keep the contract of an agent, and each clause finds who breaks it."""

from __future__ import annotations

import pytest

from hermes_trio import ModelAgent
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.models.providers.echo import EchoModel
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.testing import Broken, check_agent
from hermes_trio.testing.conformance.agent import AGENT_CLAUSES
from tests.conformance.broken_agents import BROKEN, Sound


async def test_an_agent_that_asks_sleeps_and_steps_keeps_it(autojump_clock):
    assert (await check_agent(Sound)).skipped == ()


async def test_the_built_in_agent_keeps_it(autojump_clock):
    def make():
        return ModelAgent(Candidates([Candidate(EchoModel())], chance=seeded_chance("echo")))

    report = await check_agent(make, texts=["hello", "and?"])
    assert report.skipped == ()


async def test_a_plain_function_keeps_it(autojump_clock):
    async def agent(turn):
        return turn.text

    report = await check_agent(lambda: agent)
    assert "takes_the_same_steps_again" in report.kept


@pytest.mark.parametrize(
    ("clause", "broken"), BROKEN, ids=[f"{clause}-{make.__name__}" for clause, make in BROKEN]
)
async def test_a_broken_agent_is_named(autojump_clock, clause, broken):
    with pytest.raises(Broken) as failed:
        await check_agent(broken, only=[clause])
    assert failed.value.clauses == (clause,)


def test_every_clause_is_broken_by_something():
    assert {clause for clause, _ in BROKEN} == {check.__name__ for check in AGENT_CLAUSES}
