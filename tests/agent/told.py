"""A model that is told a conversation in a provider's spelling, and keeps each request as it would go out."""

from __future__ import annotations

import random
import re

import trio

from hermes_trio.agent.agent import ModelAgent
from hermes_trio.errors import ModelFailed
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.models.providers.anthropic import AnthropicModel
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.runtime.clock import SystemClock, seeded_chance
from hermes_trio.transcript import compaction
from hermes_trio.turns.turn import run_of
from hermes_trio.values.transcript import ModelAnswer, ToolCall

PROVIDERS = {"openai": OpenAIModel, "anthropic": AnthropicModel}
MARK = re.compile(rb',"cache_control":\{"type":"ephemeral"\}')


def a_model(provider):
    return PROVIDERS[provider](
        None, "http://127.0.0.1:1", "told", first_byte_s=1, between_bytes_s=1, clock=SystemClock()
    )


class Told:
    """Answers as chance has it, the same for the same number of a call; see `Life` for what it may say.

    Attributes:
        bodies: the requests, as bytes.
        ends: where each one's last entry begins, the marks left out.
    """

    name = "told"
    needs_key = False

    def __init__(self, provider, decide=lambda n: ModelAnswer(text=f"answer {n}"), *, summaries=True):
        self._real = a_model(provider)
        self.spell = self._real.spell
        self.bodies = []
        self.others = 0
        self._decide = decide
        self._summaries = summaries

    async def complete(self, request, *, key, on_text):
        body = self._real.body(request)
        if request.prompt == compaction.SUMMARY_PROMPT:
            self.others += 1
            await trio.sleep(0.1)
            if self.others % 3 == 0 or not self._summaries:
                raise ModelFailed("unknown", "no summary")
            return ModelAnswer(text=f"Summary {self.others}.")
        self.bodies.append(body)
        decided = self._decide(len(self.bodies))
        await trio.sleep(0.1)
        if isinstance(decided, ModelFailed):
            raise decided
        return decided


class Slow:
    """A tool that takes its time: so that a turn can be cut, or steered, in it."""

    description = "takes its time"
    parameters = {"type": "object"}  # noqa: RUF012

    def __init__(self, name, seconds, *, idempotent=False):
        self.name, self.idempotent, self._seconds = name, idempotent, seconds

    async def run(self, arguments, call):
        await trio.sleep(self._seconds)
        if arguments.get("fails"):
            raise ValueError("it does not")
        return "gave " + "." * 300


TOOLS = (Slow("quick", 0.5), Slow("slow", 7.0), Slow("again", 3.0, idempotent=True))


class Watched(ModelAgent):
    """Counts its turns, and those of which it knew the conversation from the turn before."""

    turns = knew = 0

    async def __call__(self, turn):
        self.turns += 1
        self.knew += run_of(turn).before.known is not None
        return await super().__call__(turn)


def an_agent(model, **options):
    models = Candidates([Candidate(model)], chance=seeded_chance("told"))
    return Watched(models, tools=TOOLS, **options)


def by_chance(seed):
    """What the n-th call gives."""

    def decide(n):
        dice = random.Random(f"{seed}/{n}")
        kind = dice.random()
        if kind < 0.3:
            calls = tuple(
                # Some providers begin anew with each answer.
                ToolCall(f"call_{i}", dice.choice(TOOLS).name, '{"fails":1}' if dice.random() < 0.2 else "{}")
                for i in range(dice.randint(1, 3))
            )
            return ModelAnswer(text=dice.choice(("", "I look.")), calls=calls, finish="tool_calls")
        if kind < 0.34:
            return ModelFailed("context", "too long", status=400)
        if kind < 0.38:
            return ModelFailed("malformed", "no", status=400)
        if kind < 0.41:
            return ModelFailed("transport", "gone")
        if kind < 0.44:
            return ModelAnswer(text=" ")
        return ModelAnswer(text=f"answer {n} " + "€" * dice.choice((3, 300, 1500)))

    return decide
