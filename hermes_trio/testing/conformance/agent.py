"""`check_agent`: what every Agent must do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import trio

from hermes_trio.ports.agent import Agent, AgentProfile, profile_of
from hermes_trio.testing.conformance.clauses import Report, Unable, expect, hold_against
from hermes_trio.testing.conformance.leftovers import nothing_left
from hermes_trio.testing.world import World, open_world
from hermes_trio.turns.turn import Turn

WITHIN_S = 24 * 3600.0
"""How long a clause may take, in virtual seconds: an agent may sleep, or wait for a person."""
CRASHES_MAX = 100
ODD = ("-1", "  two words  ", "line\nline", "ünï 日本 👨‍👩‍👧", "⟦note⟧", "{}", "x" * 20_000)
"""What users write to an agent."""


class AgentTrial:
    """What a clause of the Agent port is looked at with.

    Args:
        make: makes the agent; each World has its own.
        texts: what users write.
        answer: what they answer to a question.
    """

    def __init__(self, make: Callable[[], Agent[Turn]], texts: Sequence[str], answer: str) -> None:
        self.make, self.texts, self.answer = make, texts, answer

    @asynccontextmanager
    async def world(self) -> AsyncIterator[World]:
        """A World with the agent, in which questions are answered."""
        async with open_world(self.make(), commands=[]) as world, trio.open_nursery() as nursery:
            nursery.start_soon(self._answer, world)
            yield world
            nursery.cancel_scope.cancel()

    async def _answer(self, world: World) -> None:
        answered = set()
        while True:
            for number, seen in list(world.platform.seen.items()):
                if seen.said == "prompt" and number not in answered:
                    answered.add(number)
                    await world.say(seen.chat, self.answer)
            await world.platform.changed()

    def expect_finished(self, world: World, after: str) -> None:
        """A turn has finished, and none has failed."""
        closed = world.lines("turn closed")
        failed = [line["error"] for line in closed if line["outcome"] == "failed"]
        expect(not failed, f"no error after {after}", failed)
        expect(any(line["outcome"] == "finished" for line in closed), f"an end after {after}", closed)


async def says_what_it_is(trial: AgentTrial) -> None:
    """Its `profile` is an AgentProfile with numbers that are not negative, or it has none."""
    agent = trial.make()
    said = getattr(agent, "profile", None)
    expect(said is None or isinstance(said, AgentProfile), "an AgentProfile or nothing", said)
    profile = profile_of(agent)
    expect(min(profile.history_chars, profile.memory_bytes) >= 0, "numbers of 0 or more", profile)
    expect("\n" not in profile.name, "a name of one line", profile.name)


async def answers_what_is_said(trial: AgentTrial) -> None:
    """It returns a text, a Silence or None, and no exception ends its turn."""
    async with trial.world() as world:
        for text in trial.texts:
            await world.say("ada", text)
            await world.settle()
            trial.expect_finished(world, repr(text))


async def takes_whatever_is_written(trial: AgentTrial) -> None:
    """Whatever a user writes is answered, and is no exception."""
    async with trial.world() as world:
        for text in ODD:
            await world.say("ada", text)
            await world.settle()
            trial.expect_finished(world, repr(text[:40]))


async def serves_several_at_once(trial: AgentTrial) -> None:
    """It is called for several conversations at the same time, and each of them gets its answer."""
    async with trial.world() as world:
        for user in ("ada", "bob", "cy"):
            await world.say(user, trial.texts[0])
        await world.settle()
        trial.expect_finished(world, "three at once")


async def takes_the_same_steps_again(trial: AgentTrial) -> None:
    """Killed before any commit and called again from its first line, it takes the steps it took before.

    What differs from attempt to attempt (time, chance, what others answer) is drawn in a step. A step that
    the kill cut off may end the turn with StepUnknown: that is no fault of the agent.
    """
    for nth in range(1, CRASHES_MAX):
        async with trial.world() as world:
            world.crash_before_commit(nth)
            crashed = False

            async def revive() -> None:
                nonlocal crashed
                await world.crashed()
                crashed = True
                await world.start()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(revive)
                await world.say("ada", trial.texts[0])
                await trio.sleep(WITHIN_S / CRASHES_MAX / 2)
                nursery.cancel_scope.cancel()
            if not crashed:
                return
            await world.settle()
            if not any("StepUnknown" in (line["error"] or "") for line in world.lines("turn closed")):
                trial.expect_finished(world, f"a kill before commit {nth}")


async def ends_when_it_is_stopped(trial: AgentTrial) -> None:
    """Cancelled at any checkpoint it leaves at once, and the conversation goes on."""
    stopped = False
    for rounds in range(0, 40, 3):
        async with trial.world() as world:
            await world.say("ada", trial.texts[0])
            for _ in range(rounds):
                await trio.lowlevel.checkpoint()
            running = [one.id for one in await world.gateway.session_views() if one.running is not None]
            if not running:
                continue
            stopped = True
            await world.gateway.stop(running[0])
            await world.until(seconds=world.now + 10)
            expect(not world.lines("left behind"), "an agent that leaves when it is cancelled", rounds)
            await world.say("ada", trial.texts[0])
            await world.settle()
            trial.expect_finished(world, f"a stop after {rounds} rounds")
    if not stopped:
        raise Unable("its turn ends before it can be stopped")


async def leaves_nothing_behind(trial: AgentTrial) -> None:
    """After its turn no task, file or thread of it is there."""
    async with nothing_left("a turn"):
        async with trial.world() as world:
            await world.say("ada", trial.texts[0])
            await world.settle()


AGENT_CLAUSES = (
    says_what_it_is,
    answers_what_is_said,
    takes_whatever_is_written,
    serves_several_at_once,
    takes_the_same_steps_again,
    ends_when_it_is_stopped,
    leaves_nothing_behind,
)


async def check_agent(
    make: Callable[[], Agent[Turn]],
    *,
    texts: Sequence[str] = ("hello",),
    answer: str = "yes",
    only: Collection[str] = (),
) -> Report:
    """Hold an agent against the contract of its port, clause by clause, in Worlds: under a `MockClock`.

    Args:
        make: makes the agent; called for each World.
        texts: what users write to it; at least one.
        answer: what they answer if it asks.
        only: names of clauses to look at; empty: all.

    Cancelled, the clause that is looked at is left with everything it opened.

    Raises:
        Broken: an AssertionError whose text names each clause that is broken, what was seen, what is wanted.
    """

    @asynccontextmanager
    async def trial() -> AsyncIterator[AgentTrial]:
        yield AgentTrial(make, texts, answer)

    return await hold_against("agent", AGENT_CLAUSES, trial, only, within_s=WITHIN_S)
