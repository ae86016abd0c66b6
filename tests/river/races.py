"""Resets that race the exhaustion of a credential pool, all within one tick of the clock.

`python -m tests.river.races 2000` (`make races`) runs so many seeds of the scheduler and prints the count. In
each, every source of a reset has a chat of its own with a pool of its own; all of them reach the last 402 in
one instant, and each reset comes so many rounds of the scheduler before or after it. So it falls on every
checkpoint of the turn: before its message is claimed, between two refusals, into the commit of its end, and
behind it.
"""

from __future__ import annotations

import multiprocessing
import sys
from collections import Counter
from collections.abc import Sequence
from functools import partial
from time import perf_counter

import trio
from trio.testing import MockClock

from hermes_trio import Candidate, Candidates, KeyPool, Reset, Secret
from hermes_trio.agent import ModelAgent
from hermes_trio.errors import StaleTurn
from hermes_trio.plugins import installed_commands
from hermes_trio.testing import ScriptedModel, World, fails, open_world, rounds, text, tool
from hermes_trio.testing.scheduling import seeded_scheduling

from .invariants import check

LATES = range(-20, 36)
"""Rounds by which the reset comes later than the message (or, below 0, the refusals later than both); a test
measures that they reach from the turn's first checkpoint to behind its last."""

EXHAUSTED = "I could not answer: no model key can be used at the moment (quota used up)."
ONE, TWO_COOLING, ONE_BY_ONE = "one key", "two of three cooling down", "three refused one after another"
POOLS = {ONE: "a", TWO_COOLING: "abc", ONE_BY_ONE: "abc"}


class ClearContext:
    """/cc: a command of a user's own that ends the conversation."""

    names = ("cc",)
    help = "clear the context"
    role = "user"

    async def run(self, call):
        await rounds(3)
        return Reset("/cc")


class Hold:
    """A tool that is held, and whose call is kept by whoever lets it go on."""

    name, description, parameters, idempotent = "hold", "Wait.", {"type": "object"}, False

    def __init__(self) -> None:
        self.call = None
        self.go = trio.Event()

    async def run(self, arguments, call):
        self.call = call
        await self.go.wait()
        return "held"


class Provider(ScriptedModel):
    """A model that takes so many rounds to answer, and no time; with a held key it waits to be let go on."""

    ponders = 0
    held = ""

    def __init__(self, **options) -> None:
        super().__init__(**options)
        self.go = trio.Event()

    async def complete(self, request, *, key, on_text):
        if key == self.held:
            await self.go.wait()
        await rounds(self.ponders)
        return await super().complete(request, key=key, on_text=on_text)


class Chat:
    """One person with a model, a pool, and a way to end the conversation.

    Attributes:
        name: of the chat, and of the source of its reset.
        resets: how often one has taken effect.
        became: the outcome of the message that was worked on.
    """

    def __init__(self, world: World, name: str, keys: str) -> None:
        self.world = world
        self.name = name
        self.keys = keys
        self.model = Provider(needs_key=True)
        self.hold = Hold()
        self.session = 0
        self.resets = 0
        self.became = ""
        log = world.gateway.river.log
        pool = KeyPool(
            [Secret(key) for key in keys], clock=world.clock, chance=world.gateway.river.chance, log=log
        )
        models = Candidates([Candidate(self.model, pool)], chance=world.gateway.river.chance, log=log)
        self.agent = ModelAgent(models, tools=[self.hold])

    def push(self, *texts: str, thread: str | None = None) -> None:
        """Messages of the person arrive, one behind the other."""
        for one in texts:
            self.world.platform.push(self.world.platform.message(self.name, one, thread=thread))

    def rows(self, sql: str) -> int:
        """A number that the store holds of this chat, its topic left out."""
        return self.world.db.execute(
            f"{sql} and json_extract(key, '$[2]') = ? and json_extract(key, '$[3]') is null", (self.name,)
        ).fetchone()[0]

    # -- the sources: each says "one", resets so many rounds later, and says "still there?" behind that

    async def command(self, late: int) -> None:
        """A slash command."""
        self.push("one")
        await rounds(late)
        self.push(f"/{self.name}", "still there?")
        self.resets += 1

    async def another_task(self, late: int) -> None:
        """A task of the host, as an operator's command is one."""
        self.push("one")
        await rounds(late)
        assert await self.world.gateway.reset(self.session) is not None
        self.push("still there?")
        self.resets += 1

    async def a_tool(self, late: int) -> None:
        """A tool call of the turn, which does not come back."""
        self.hold.go.set()
        await rounds(late)
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._by_tool, scope)
                await rounds(1)
                self.push("still there?")

    async def _by_tool(self, scope: trio.CancelScope) -> None:
        try:
            with trio.move_on_after(0.1):
                await self.hold.call.reset("a tool")
            self.resets += 1
        except StaleTurn:
            pass  # the turn had ended
        scope.cancel()


COMMANDS = [*installed_commands(), ClearContext()]
SOURCES = {"new": Chat.command, "cc": Chat.command, "task": Chat.another_task, "tool": Chat.a_tool}


async def race(seed: int) -> Counter[tuple[str, str]]:
    """Run one seed; returns what became of the message each source raced for."""
    pool = list(POOLS)[seed % len(POOLS)]
    chats: dict[str, Chat] = {}

    async def agent(turn):
        return await chats[turn.address.chat].agent(turn)

    with seeded_scheduling(seed):
        async with open_world(agent, seed=seed, commands=COMMANDS) as world:
            chats |= {name: Chat(world, name, POOLS[pool]) for name in SOURCES}
            await before(world, list(chats.values()), pool)
            async with trio.open_nursery() as nursery:
                for n, chat in enumerate(chats.values()):
                    late = LATES[(seed // len(POOLS) * 11 + n * 17) % len(LATES)]
                    chat.model.ponders = max(0, -late)
                    nursery.start_soon(partial(SOURCES[chat.name], chat, max(0, late)))
            await after(world, list(chats.values()))
    return Counter((chat.name, chat.became) for chat in chats.values())


async def before(world: World, chats: list[Chat], pool: str) -> None:
    """Every chat has a past, and a topic in which a turn goes on all the while."""
    for chat in chats:
        if pool == TWO_COOLING:
            chat.model.refuse("a", "b", line=fails("quota"))
        chat.push("hello")
    await world.settle()
    for view in await world.gateway.session_views():
        next(chat for chat in chats if chat.name == view.key.chat).session = view.id
    for chat in chats:
        chat.model.script(text("the topic's answer", after_s=1.5))
        chat.push("meanwhile", thread="topic")
    await world.until(seconds=0.4)
    for chat in chats:
        if SOURCES[chat.name] is Chat.a_tool:
            chat.model.script(tool("hold"))
            chat.push("one")
    await world.until(seconds=1)
    for chat in chats:
        chat.model.refuse(*chat.keys, line=fails("quota"))


async def after(world: World, chats: list[Chat]) -> None:
    """No key may be used: one sentence. A key may be used: the model answers. Nobody else has noticed."""
    await world.until(seconds=1.25)
    busy = world.gateway.river.turns.places.held
    assert busy == len(chats), f"{busy} slots are held, by other turns than those of the topics"
    for chat in chats:
        chat.push("anybody?")
    await world.until(seconds=2)
    assert not world.gateway.river.sessions.live, "a session does not rest"
    await world.until(minutes=11)
    for chat in chats:
        chat.model.heal()
        chat.push("and now?")
    await world.settle()
    assert world.gateway.river.turns.places.held == 0
    ledger = await world.ledger()
    for chat in chats:
        mine = [row.outcome for row in ledger if row.key.chat == chat.name and row.key.thread is None]
        must_end(mine, by_command=SOURCES[chat.name] is Chat.command)
        chat.became = mine[1]
        _said(chat)
        _forgotten(chat)
        _unnoticed(chat)
    _one_line_each(world, chats)
    check(world)


def must_end(outcomes: Sequence[str | None], *, by_command: bool) -> None:
    """The outcomes of: hello, one, the reset if it was a command, still there?, anybody?, and now?"""
    hello, one, *rest = outcomes
    assert one in ("refused", "superseded"), outcomes
    command = ["answered"] if by_command else []
    assert [hello, *rest] == ["answered", *command, "refused", "refused", "answered"], outcomes


def _said(chat: Chat) -> None:
    """The chat shows an answer, or the one sentence, for each turn, and nothing else."""
    shown = [seen.text for seen in chat.world.shown(chat.name)]
    sentences = [one for one in shown if one.startswith(EXHAUSTED)]
    assert len(sentences) == chat.rows("select count(*) from turn where state = 'failed'"), chat.name
    rest = sorted(one for one in shown if one not in sentences)
    command = ["New session."] if SOURCES[chat.name] is Chat.command else []
    assert rest == [*command, "you said: and now?", "you said: hello"], f"{chat.name}: {rest}"
    assert "" not in chat.model.keys


def _forgotten(chat: Chat) -> None:
    """After a reset the model sees nothing of before; without one it sees all."""
    last = [getattr(entry, "text", "") for entry in chat.model.requests[-1].entries]
    assert last[-1] == "and now?"
    assert ("hello" in last) == (chat.resets == 0), f"{chat.name}: {last}"


def _unnoticed(chat: Chat) -> None:
    """The other topic of the same chat was answered when it would have been, in the session it had."""
    [seen] = chat.world.shown(chat.name, "topic")
    assert (seen.text, seen.at - chat.world._began) == ("the topic's answer", 1.5), chat.name
    assert chat.rows("select count(*) from session where true") == 1 + chat.resets, chat.name


def _one_line_each(world: World, chats: list[Chat]) -> None:
    """I11: whatever was settled without an answer, each reset, and each turn's beginning and end."""
    told = Counter(
        (line["event"].removeprefix("message "), line["native"])
        for line in world.log
        if line["event"] in ("message refused", "message superseded")
    )
    settled = "select outcome, native from inbound where outcome in ('refused', 'superseded')"
    assert told == Counter(world.db.execute(settled))
    turns = Counter(id for (id,) in world.db.execute("select id from turn"))
    for event in ("turn opened", "turn closed"):
        assert Counter(line["turn"] for line in world.lines(event)) == turns, event
    ended = Counter(line["key"].split("/")[2] for line in world.lines("reset"))
    assert ended == +Counter({chat.name: chat.resets for chat in chats})
    assert not [line for line in world.log if line["level"] == "error"]


def races(seeds: range) -> Counter[tuple[str, str]]:
    """Run these seeds; returns what became of each race. Fails at the first that is wrong, naming it."""

    async def run() -> Counter[tuple[str, str]]:
        became: Counter[tuple[str, str]] = Counter()
        for seed in seeds:
            try:
                became += await race(seed)
            except BaseException as error:
                error.add_note(f"seed {seed}: python -m tests.river.races {seed}:{seed + 1}")
                raise
        return became

    return trio.run(run, clock=MockClock(autojump_threshold=0))


def main(first: int, end: int) -> None:
    """Run these seeds on every core, and print what was run."""
    began = perf_counter()
    slices = [range(at, min(at + 25, end)) for at in range(first, end, 25)]
    with multiprocessing.Pool() as pool:
        became = sum(pool.imap_unordered(races, slices), Counter())
    for source in SOURCES:
        first_was = {name: count for (of, name), count in sorted(became.items()) if of == source}
        print(f"{source:>8}: {first_was}")
    print(
        f"{end - first} seeds x {len(SOURCES)} sources of a reset = {became.total()} races, over {len(LATES)}"
        f" rounds and {len(POOLS)} pools: nothing wedged, nothing lost. {perf_counter() - began:.0f} s"
    )


if __name__ == "__main__":
    start, _, stop = sys.argv[1].rpartition(":")
    main(int(start or 0), int(stop))
