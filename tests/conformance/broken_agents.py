"""Agents that break one clause each: the clause's name, and what is wrong."""

from __future__ import annotations

from itertools import count

import trio

from hermes_trio.ports.agent import AgentProfile

BROKEN = []


def breaks(clause):
    """What this makes breaks the clause."""

    def keep(make):
        BROKEN.append((clause, make))
        return make

    return keep


class Sound:
    """Asks, does a step, sleeps, and answers, as it should."""

    profile = AgentProfile(name="sound", steerable=True)

    async def __call__(self, turn):
        drawn = await turn.random()
        answer = await turn.ask("Shall I?")
        await turn.sleep(60)
        return f"{answer}: {await turn.step('double', self._double, drawn)}"

    async def _double(self, number):
        await trio.lowlevel.checkpoint()
        return 2 * number


@breaks("says_what_it_is")
def has_a_profile_of_its_own_making():
    agent = Sound()
    agent.profile = {"name": "odd"}
    return agent


@breaks("says_what_it_is")
def reads_less_than_nothing():
    agent = Sound()
    agent.profile = AgentProfile(history_chars=-1)
    return agent


@breaks("answers_what_is_said")
def returns_a_number():
    async def agent(turn):
        return len(turn.text)

    return agent


@breaks("takes_whatever_is_written")
def counts():
    async def agent(turn):
        return "x" * int(turn.text) if turn.text.lstrip("-").isdigit() else turn.text.split("x" * 10_000)[1]

    return agent


@breaks("serves_several_at_once")
def serves_one():
    busy = []

    async def agent(turn):
        if busy:
            raise RuntimeError("busy")
        busy.append(turn)
        await turn.sleep(1)
        busy.clear()
        return "done"

    return agent


@breaks("takes_the_same_steps_again")
def counts_its_attempts():
    attempts = count()

    async def agent(turn):
        await turn.say(f"attempt {next(attempts)}")
        await turn.sleep(1)
        return "done"

    return agent


@breaks("ends_when_it_is_stopped")
def does_not_leave():
    async def agent(turn):
        with trio.CancelScope(shield=True):
            await trio.sleep(100)
        return "done"

    return agent


@breaks("leaves_nothing_behind")
def starts_a_task():
    async def agent(turn):
        trio.lowlevel.spawn_system_task(trio.sleep, 1000, name="agent's own")
        return "done"

    return agent
