"""The people of a race: each has a chat, a model, a pool of keys, and what ends their conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Literal

import structlog
import trio
from msgspec import Struct, structs

from hermes_trio import Candidate, Candidates, KeyPool, Reset, Secret
from hermes_trio.agent.agent import ModelAgent
from hermes_trio.config.options import Session
from hermes_trio.errors import StaleTurn
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.runtime.plugins import installed_commands
from hermes_trio.testing import MemoryPlatform, ScriptedModel, World, fails, open_world, rounds, text, tool

ONE, TWO_COOLING, ONE_BY_ONE = "one key", "two of three cooling down", "three refused one after another"
POOLS = {ONE: "a", TWO_COOLING: "abc", ONE_BY_ONE: "abc"}
IDLE_S = 60.0
RACE_AT = 61.0
"""When the last key is refused. Only where the policy is the source was the last message a minute before."""
TOPIC_AT = RACE_AT + 0.5
UNHEARD = structlog.wrap_logger(structlog.ReturnLogger(), processors=[])
"""For the pools, which are there before the gateway: what they log is not looked at here."""


class Cell(Struct, frozen=True):
    """A race.

    Args:
        source: what ends the conversation; one of SOURCES.
        pool: how the last key comes to be the last; one of POOLS.
        way: what becomes of a message while no key may be used.
        late: rounds by which the reset comes later than the message; below 0 the refusals later than both.
    """

    source: str
    pool: str = ONE
    way: Literal["tell", "defer"] = "tell"
    late: int = 0


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
    """

    def __init__(self, world: World, cell: Cell) -> None:
        self.world = world
        self.cell = cell
        self.name = cell.source
        self.keys = POOLS[cell.pool]
        self.model = Provider(needs_key=True)
        self.hold = Hold()
        self.session = 0
        self.resets = 0
        own = {"chance": seeded_chance(f"{world.seed}/{self.name}"), "log": UNHEARD}
        pool = KeyPool([Secret(key) for key in self.keys], name=self.name, clock=world.clock, **own)
        models = Candidates([Candidate(self.model, pool)], on_exhausted=cell.way, **own)
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

    # -- before the race

    async def has_a_past(self) -> None:
        """It was answered, and a turn in its topic goes on from before the race to behind it."""
        if self.cell.pool == TWO_COOLING:
            self.model.refuse("a", "b", line=fails("quota"))
        self.push("hello")
        await trio.sleep(0.1)
        self.model.script(text("the topic's answer", after_s=TOPIC_AT - self.world.now))
        self.push("meanwhile", thread="topic")
        await trio.sleep(0.1)

    async def gets_ready(self) -> None:
        """Whose turn has to run when the race begins begins it."""
        if SOURCES[self.name] is Chat.a_tool:
            self.model.script(tool("hold"))
            self.push("one")
            await trio.sleep(0.1)
        self.model.refuse(*self.keys, line=fails("quota"))
        if SOURCES[self.name] is Chat.by_itself:
            self.model.held = self.keys[-1]
            self.push("one")
            await trio.sleep(0.1)

    # -- the sources: each says "one", resets so many rounds later, and says "still there?" behind that

    async def race(self) -> None:
        """Let the last key be refused and the conversation be ended, in this tick."""
        self.model.ponders = max(0, -self.cell.late)
        await SOURCES[self.name](self, max(0, self.cell.late))

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

    async def by_itself(self, late: int) -> None:
        """The idle rule, in the commit that would open the next turn: it never ends a turn that runs.

        A message that is kept for a key came before the turn's end, so what is said behind it is no new
        beginning.
        """
        self.model.go.set()
        await rounds(late)
        self.push("still there?")
        self.resets += self.cell.way == "tell"


SOURCES: dict[str, Callable] = {
    "new": Chat.command,
    "cc": Chat.command,
    "task": Chat.another_task,
    "tool": Chat.a_tool,
    "policy": Chat.by_itself,
}
COMMANDS = [*installed_commands(), ClearContext()]


class Crowd:
    """The agent of all: each is answered by a model of their own."""

    def __init__(self, chats: Sequence[Chat]) -> None:
        self._agents = {chat.name: chat.agent for chat in chats}
        self.pools = [pool for chat in chats for pool in chat.agent.profile.pools]

    async def __call__(self, turn):
        return await self._agents[turn.address.chat](turn)


@asynccontextmanager
async def ready_to_race(*cells: Cell, seed: int = 0) -> AsyncIterator[tuple[World, list[Chat]]]:
    """A world at the tick of the race, with a chat for each cell.

    Every chat has a past, and a topic in which a turn goes on all the while.
    """
    policy = Session(reset="idle", idle_after_s=IDLE_S)
    silent = MemoryPlatform(capabilities=structs.replace(MemoryPlatform().capabilities, can_type=False))
    async with open_world(
        seed=seed, platform=silent, commands=COMMANDS, session=policy, start=False
    ) as world:
        chats = [Chat(world, cell) for cell in cells]
        world.agent = Crowd(chats)
        await world.start()
        idle = [chat for chat in chats if SOURCES[chat.name] is Chat.by_itself]
        for at, some in ((0.0, idle), (RACE_AT - 0.5, [chat for chat in chats if chat not in idle])):
            await world.until(seconds=at)
            for step in (Chat.has_a_past, Chat.gets_ready):
                async with trio.open_nursery() as nursery:
                    for chat in some:
                        nursery.start_soon(step, chat)
        for view in await world.gateway.session_views():
            next(chat for chat in chats if chat.name == view.key.chat).session = view.id
        await world.until(seconds=RACE_AT)
        yield world, chats
