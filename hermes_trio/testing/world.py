"""The World: a mock clock, a seed, a store, platforms, a scripted model, and a gateway that can be killed.

The World's nursery owns the incarnations; a crash cuts an incarnation's ports, cancels its scope and does
not wait: what unwinds does so beside the next one, and can neither write, send nor be heard.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Literal

import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.gateway.handle import Gateway
from hermes_trio.ports.agent import Agent
from hermes_trio.ports.command import Command
from hermes_trio.ports.tool import Tool
from hermes_trio.runtime.threads import Aside
from hermes_trio.testing.bounded_waits import Patience
from hermes_trio.testing.buttons import Buttons
from hermes_trio.testing.disk import Disk, new_disk
from hermes_trio.testing.faults import heal, named
from hermes_trio.testing.incarnation import Incarnation
from hermes_trio.testing.lives import Lives
from hermes_trio.testing.memory_platform import MemoryPlatform, Seen
from hermes_trio.testing.memory_processes import FakeProcesses
from hermes_trio.testing.owned_world import owned
from hermes_trio.testing.record import LogLine, Record
from hermes_trio.testing.scripted_model import ScriptedModel
from hermes_trio.testing.tools import beside_the_own
from hermes_trio.testing.wall_clock import WorldClock, at_once
from hermes_trio.testing.world_gateway import in_utc, opened, store_of
from hermes_trio.turns.turn import Turn
from hermes_trio.values.delivery import DeliveryKind
from hermes_trio.values.message import Message
from hermes_trio.values.views import LedgerRow
from hermes_trio.workspaces.folders import Workspaces

__tracebackhide__ = True  # pytest shows the line of the test that waited
PASSING: Sequence[DeliveryKind] = ("preview", "progress", "sign")
"""What a chat shows for a while only."""


class World:
    """A gateway with all it stands on. Times are virtual seconds since it began.

    Each wait has a deadline of a virtual hour, and then raises `WaitedTooLong`. Cancelled, a wait leaves the
    World as it is; `start` cancels the life that it began, `stop` goes on stopping.

    Attributes:
        platforms, platform: the chat services, and the first of them.
        models, model: what the built-in agent asks: the model and its fallbacks, and the first of them.
        processes: the machine that its commands run on.
        clock: the wall clock.
        workspaces: where the files of its conversations stand, in a folder that ends with the World.
        db, disk: the one database of all lives, and the connection whose disk can misbehave.
        record: everything that happened. all_lives: of its gateway, and of each node that it has.
        agent, options, session_options, tools, commands: of the next life.
        aside: does what would hold its loop.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        *,
        agent: Agent[Turn] | None,
        seed: int,
        options: GatewayOptions,
        session: SessionOptions,
        platforms: Sequence[MemoryPlatform],
        tools: Sequence[Tool],
        commands: Sequence[Command] | None,
        commit_s: float,
        redact: Callable[[str], str],
        keys: Sequence[str],
        fallbacks: int,
        on_exhausted: Literal["wait", "tell", "defer"],
        disk: Disk | None = None,
    ) -> None:
        self.record = Record()
        self._began = trio.current_time() - self.record.now
        self.redact = redact
        self.keys = tuple(keys)
        self.on_exhausted: Literal["wait", "tell", "defer"] = on_exhausted
        self.seed = seed
        self.platforms = list(platforms)
        self.platform = self.platforms[0]
        self.processes = FakeProcesses(nursery, self.record)
        self.models = [ScriptedModel(needs_key=bool(keys))]
        self.models += [ScriptedModel(f"fallback {n}") for n in range(1, fallbacks + 1)]
        self.clock = WorldClock()
        self.workspaces: Workspaces
        self.options = options
        self.session_options = session
        self.tools = beside_the_own(tools)
        self.agent = agent
        self.commands = commands
        self.db = self.disk = disk or new_disk.get()()
        self.commit_s = commit_s
        self.aside: Aside = at_once
        self.restarts_asked: list[float] = []
        self.lives = Lives(nursery, partial(store_of, self), partial(opened, self), self.record)
        self.all_lives = [self.lives]
        self.resumes = True
        self._nursery = nursery
        self._replies: dict[tuple[str, str, str, str | None], int] = {}
        for recording in (*self.platforms, *self.models, *tools):
            if hasattr(recording, "record"):
                recording.record = self.record

    # -- time

    @property
    def now(self) -> float:
        """Virtual seconds since the World began."""
        return self.record.now

    async def until(self, *, hours: float = 0.0, minutes: float = 0.0, seconds: float = 0.0) -> None:
        """Let the world run until it is so old; at once where it is.

        Args:
            hours, minutes, seconds: together, since the World began; see `now`.
        """
        await trio.sleep_until(self._began + hours * 3600 + minutes * 60 + seconds)

    async def settle(self) -> None:
        """Return when nothing is left to do or unread. A turn that sleeps or asks is awaited to its end: a
        question that nobody answers times out. `reply` or `until` stop before that."""
        gateway = self.gateway
        with self._patience("the gateway to come to rest (a turn that sleeps or asks does not)"):
            for platform in self.platforms:
                while platform.unread:
                    await platform.changed()
            await gateway.at_rest()

    def later(self, after_s: float, act: Callable[[], None]) -> None:
        """Call `act()` after so many seconds, if the World still is."""

        async def wait() -> None:
            await trio.sleep(after_s)
            act()

        self._nursery.start_soon(wait, name="later")

    # -- users

    async def say(
        self, user: str, text: str, *, platform: MemoryPlatform | None = None, **where: Any
    ) -> Message:
        """A user writes. Returns at once, with what the service will hand over.

        Args:
            user: who. In a private chat the chat is named like the user.
            platform: the service; by default the first.
            where: see `MemoryPlatform.message`.
        """
        platform = platform or self.platform
        message = platform.message(user, text, **where)
        platform.push(message)
        await trio.lowlevel.checkpoint()
        return message

    async def press(self, user: str, label: str, *, late: bool = False, **where: Any) -> Message:
        """A user presses the newest button of an open question with these words, or waits until there is one.

        Args:
            late: of any question, also one that is closed by now.
            where: as for `say`, the platform too.

        Raises:
            WaitedTooLong: there is none; the text has those that the chat shows.
        """
        service = where.get("platform") or self.platform
        buttons = Buttons(self.db, service, where.get("chat") or user, where.get("thread"))
        with self._patience(lambda: buttons.awaited(label)):
            if self.lives.now is not None:
                await buttons.confirmed(user)
            token = await buttons.token(label, also_closed=late)
        return await self.say(user, "", choice=token, **where)

    async def reply(
        self, chat: str, *, thread: str | None = None, platform: MemoryPlatform | None = None
    ) -> str:
        """The next message that the chat shows for good: a final, a reply, a notice, a refusal, a prompt.

        Each is given once, in order. A crash right after it is one before its receipt: `settle` first.
        """
        platform = platform or self.platform
        place = (platform.name, platform.account, chat, thread)
        index = self._replies.get(place, 0)
        with self._patience(f"message {index + 1} in {chat}"):
            while len(shown := self.shown(chat, thread, platform)) <= index:
                await platform.changed()
        self._replies[place] = index + 1
        return shown[index].text

    def shown(
        self, chat: str, thread: str | None = None, platform: MemoryPlatform | None = None
    ) -> list[Seen]:
        """What the chat shows for good now; previews, progress and signs of waiting left out."""
        return [
            seen
            for seen in (platform or self.platform).seen.values()
            if seen.chat == chat and seen.thread == thread and seen.said not in PASSING
        ]

    def texts(
        self,
        chat: str,
        *said: DeliveryKind,
        thread: str | None = None,
        platform: MemoryPlatform | None = None,
    ) -> list[str]:
        """What the chat shows now, as text, oldest first.

        Args:
            said: these kinds, `"final"` say; none: all that is shown for good, as `shown`.
            thread, platform: where.
        """
        seen = (platform or self.platform).seen.values()
        here = (one for one in seen if (one.chat, one.thread) == (chat, thread))
        return [one.text for one in here if (one.said in said if said else one.said not in PASSING)]

    # -- the gateway

    @property
    def model(self) -> ScriptedModel:
        """The first of `models`. Another one may be put in its place, for the next life."""
        return self.models[0]

    @model.setter
    def model(self, model: ScriptedModel) -> None:
        self.models[0] = model
        model.record = self.record

    @property
    def gateway(self) -> Gateway:
        """The handle of the gateway that runs."""
        if (gateway := self.life.gateway) is None:
            raise RuntimeError("the gateway is not ready yet")
        return gateway

    @property
    def life(self) -> Incarnation:
        """The life that runs."""
        if self.lives.now is None:
            raise RuntimeError("no gateway is running; await world.start()")
        return self.lives.now

    @property
    def boots(self) -> int:
        """How many lives there have been."""
        return self.lives.count

    async def start(self, *, resume: bool = True) -> Gateway:
        """Start the next life on the same store and the same services; returns when it is ready.

        Args:
            resume: False: as `run --no-resume`.

        Raises:
            RuntimeError: one runs; or this one was killed before it was ready.
        """
        self.resumes = resume
        return await self.lives.start()

    def crash(self) -> None:
        """Kill the gateway now: nothing that was not committed survives, nothing of it is heard again."""
        self.lives.crash()

    def crash_at(self, *, round: int) -> None:
        """Kill it after so many rounds of the scheduler; a task passes one checkpoint a round at most."""
        self.lives.crash_at_round(round)

    def crash_before_commit(self, nth: int = 1) -> None:
        """Kill it before the n-th commit from now: what it was to write is lost."""
        self.lives.crash_at_commit("before", nth)

    def crash_after_commit(self, nth: int = 1) -> None:
        """Kill it between the n-th commit from now and its being told: it is written, and nobody knows."""
        self.lives.crash_at_commit("after", nth)

    async def crashed(self) -> None:
        """Return when it has crashed, by `crash_at` and its like."""
        with self._patience("the crash"):
            await self.lives.crashed()

    async def stop(self) -> None:
        """Stop the gateway as a SIGTERM would: drain, then leave."""
        with self._patience("the gateway to stop"):
            await self.lives.stop()

    def fault(self, name: str, **how: Any) -> None:
        """Let something go wrong; `FAULTS` names what can, and what each takes.

        Raises:
            ValueError: no such fault, or it takes other arguments.
        """
        act = named(name, how)
        self.record.add("world", "fault", name=name, **how)
        act(self)

    def heal(self) -> None:
        """All faults end. What hangs ends without an answer."""
        self.record.add("world", "heal")
        heal(self)

    async def ledger(self) -> list[LedgerRow]:
        """Every inbound message with its outcome."""
        return list(await self.gateway.ledger())

    async def outcomes(self) -> list[str | None]:
        """The outcomes in order of arrival."""
        return [row.outcome for row in await self.ledger()]

    @property
    def log(self) -> list[LogLine]:
        """The log of all lives: each line's fields, its event, `t` and `level`."""
        return [LogLine(event=e.what, t=e.at, **e.fields) for e in self.record.of("log")]

    def lines(self, event: str) -> list[LogLine]:
        """The log lines of one event."""
        return [LogLine(event=e.what, t=e.at, **e.fields) for e in self.record.of("log", event)]

    # -- failing well

    def timeline(self) -> str:
        """What happened, for a person, in order of time."""
        return self.record.timeline()

    def _patience(self, what: str | Callable[[], str]) -> Patience:
        return Patience(what, self.timeline)

    def close(self) -> None:
        """Kill what runs."""
        if self.lives.now is not None:
            self.lives.crash()


@asynccontextmanager
async def open_world(
    agent: Agent[Turn] | None = None,
    *,
    seed: int = 0,
    options: GatewayOptions | None = None,
    session: SessionOptions | None = None,
    platform: MemoryPlatform | None = None,
    platforms: Sequence[MemoryPlatform] = (),
    tools: Sequence[Tool] = (),
    commands: Sequence[Command] | None = None,
    commit_s: float = 0.0,
    redact: Callable[[str], str] = str,
    keys: Sequence[str] = (),
    fallbacks: int = 0,
    on_exhausted: Literal["wait", "tell", "defer"] = "wait",
    start: bool = True,
) -> AsyncIterator[World]:
    """A World with a running gateway. Run it under trio's MockClock(autojump_threshold=0).

    Args:
        agent: an agent function; by default the built-in agent on `world.model`.
        seed: of every chance in it.
        options, session: the gateway's limits and rules. The machine's time zone is UTC here.
        platform, platforms: the chat service, or several; by default one that can all and admits anybody.
        tools: beside `now` and `sleep`, or in their place. A `RecordingTool` writes to `world.record`.
        commands: slash commands; by default those installed.
        commit_s: a commit takes up to so many virtual seconds before and after; the seed groups them.
        redact: replaces the secrets that the gateway shall keep.
        keys: the credential pool of `world.model`, in order, new in each life; none: the model needs no key.
        fallbacks: so many models are asked in their turn when the first cannot; see `world.models`.
        on_exhausted: what becomes of a message while none of them may be used.
        start: False: `await world.start()` starts the first incarnation.

    Leaving the body kills the gateway that runs; so does a cancel.
    """
    make = partial(
        World,
        agent=agent,
        seed=seed,
        options=options or GatewayOptions(),
        session=in_utc(session),
        platforms=platforms or [platform or MemoryPlatform()],
        tools=tools,
        commands=commands,
        commit_s=commit_s,
        redact=redact,
        keys=keys,
        fallbacks=fallbacks,
        on_exhausted=on_exhausted,
    )
    async with owned(make) as world:
        if start:
            await world.start()
        yield world
