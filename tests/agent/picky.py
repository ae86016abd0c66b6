"""A model that does not take everything."""

from __future__ import annotations

from hermes_trio.agent.agent import ModelAgent
from hermes_trio.errors import ModelFailed
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.testing import fails, open_world
from hermes_trio.testing.scripted_model import ScriptedModel
from hermes_trio.transcript import compaction
from hermes_trio.values.transcript import NoteEntry, UserEntry
from tests.agent.test_agent import ATool, many

TOO_LONG = "I could not answer: this is too long for the model (turn {})."


class Picky(ScriptedModel):
    """A model that refuses what is longer than it takes, or holds what it does not take.

    Attributes:
        summaries: answers of the calls that ask for a summary; by default they fail.
    """

    def __init__(self, *, takes=1 << 30, poison="\0"):
        super().__init__()
        self.takes = takes
        self.poison = poison
        self.summaries = []
        self.asked_for = []

    async def complete(self, request, *, key, on_text):
        if request.prompt == compaction.SUMMARY_PROMPT:
            self.asked_for.append(request)
            line = self.summaries.pop(0) if self.summaries else fails("unknown")
            return await self._play(line, on_text)
        words = [repr(entry) for entry in request.entries]
        if any(self.poison in word for word in words):
            self.requests.append(request)
            raise ModelFailed("malformed", "a block that cannot be taken", status=400)
        if compaction.size(request.entries) > self.takes:
            self.requests.append(request)
            raise ModelFailed("context", "too many tokens", status=400)
        return await super().complete(request, key=key, on_text=on_text)

    @property
    def calls(self):
        return len(self.requests) + len(self.asked_for)


def picky_world(model, *, tools=(), history_tokens=100_000, **options):
    models = Candidates([Candidate(model)], chance=seeded_chance("picky"))
    agent = ModelAgent(models, tools=tools, history_tokens=history_tokens)
    return open_world(agent, **options)


async def says(world, *words):
    for word in words:
        await world.say("ada", word)
        await world.settle()


def heard(request):
    return [entry.text for entry in request.entries if isinstance(entry, UserEntry)]


def noted(request):
    return [entry.text for entry in request.entries if isinstance(entry, NoteEntry)]


def acting():
    done = []

    async def act(arguments, call):
        done.append(call.op)
        return f"acted {arguments['n']} " + "." * 150

    return ATool("act", act), done


def pairs(times):
    """So many answers of two calls of `act` each, no two of them the same."""
    return [many(("act", f'{{"n":{n}}}'), ("act", f'{{"n":{n + 1}}}')) for n in range(1, 2 * times, 2)]
