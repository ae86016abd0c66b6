"""The World: a mock clock, a seed, a store, a platform, a scripted model, and a gateway that can be killed.

The World's nursery owns the incarnations; a crash cuts an incarnation's ports, cancels its scope and does
not wait: what unwinds does so beside the next one, and can neither write, send nor be heard.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal

import structlog
import trio

from hermes_trio.agent import ModelAgent
from hermes_trio.candidates import Candidate, Candidates
from hermes_trio.clock import seeded_chance
from hermes_trio.credentials import KeyPool
from hermes_trio.errors import HermesError, StoreClosed
from hermes_trio.gateway import Gateway
from hermes_trio.opening import open_gateway
from hermes_trio.options import Gateway as GatewayOptions
from hermes_trio.options import Session as SessionOptions
from hermes_trio.ports import Agent, Chance, Tool
from hermes_trio.testing.crashing import CrashingStore, empty_db
from hermes_trio.testing.memory import DeadLine, MemoryPlatform, Seen
from hermes_trio.testing.processes import CutMachine, FakeProcesses
from hermes_trio.testing.script import ScriptedModel
from hermes_trio.tools.now import tool as now_tool
from hermes_trio.tools.sleep import tool as sleep_tool
from hermes_trio.values import Message, Secret
from hermes_trio.views import LedgerRow

WALL_START = 1_800_000_000.0
PATIENCE_S = 3600.0


class WorldClock:
    """Wall time that follows the mock clock, and can be moved by a test."""

    def __init__(self) -> None:
        self.offset = 0.0

    def now(self) -> float:
        """Seconds since 1970."""
        return WALL_START + trio.current_time() + self.offset


class Line(dict[str, Any]):
    """A log line: its event and fields."""


class World:
    """Made by `open_world`. Times are virtual seconds since it began."""

    def __init__(
        self,
        nursery: trio.Nursery,
        *,
        agent: Agent | None,
        seed: int,
        options: GatewayOptions,
        session: SessionOptions,
        platform: MemoryPlatform,
        tools: Sequence[Tool],
        commands: Sequence[Any] | None,
        commit_s: float,
        redact: Callable[[str], str],
        keys: Sequence[str],
        on_exhausted: Literal["tell", "defer"],
    ) -> None:
        self.redact = redact
        self.keys = tuple(keys)
        self.on_exhausted: Literal["tell", "defer"] = on_exhausted
        self.seed = seed
        self.platform = platform
        self.processes = FakeProcesses(nursery)
        self.model = ScriptedModel(needs_key=bool(keys))
        self.clock = WorldClock()
        self.options = options
        self.session_options = session
        self.tools: list[Tool] = [now_tool, sleep_tool, *tools]
        self.agent = agent
        self.commands = commands
        self.db = empty_db()
        self.commit_s = commit_s
        self.log: list[Line] = []
        self.boots = 0
        self.restarts_asked: list[float] = []
        self._nursery = nursery
        self._began = trio.current_time()
        self._replies: dict[str, int] = {}
        self._incarnation: tuple[CrashingStore, DeadLine, trio.CancelScope] | None = None
        self._gateway: Gateway | None = None

    # -- time

    @property
    def now(self) -> float:
        """Virtual seconds since the World began."""
        return round(trio.current_time() - self._began, 6)

    async def until(self, *, hours: float = 0.0, minutes: float = 0.0, seconds: float = 0.0) -> None:
        """Let the world run until this time since it began."""
        await trio.sleep_until(self._began + hours * 3600 + minutes * 60 + seconds)

    async def settle(self) -> None:
        """Return when no key and no lane of the gateway has anything to do."""
        gateway = self.gateway
        with self._patience("the gateway to come to rest"):
            while self.platform.unread:
                await self.platform.changed()
            await gateway.at_rest()

    # -- users

    async def say(self, user: str, text: str, **where: Any) -> Message:
        """A user writes; see `MemoryPlatform.message` for where. Returns at once."""
        message = self.platform.message(user, text, **where)
        self.platform.push(message)
        await trio.lowlevel.checkpoint()
        return message

    async def reply(self, chat: str, *, thread: str | None = None) -> str:
        """The next message that the chat shows for good: a final, a reply, a notice, a refusal, a prompt."""
        place = f"{chat}/{thread}"
        index = self._replies.get(place, 0)
        with self._patience(f"message {index + 1} in {chat}"):
            while len(shown := self.shown(chat, thread)) <= index:
                await self.platform.changed()
        self._replies[place] = index + 1
        return shown[index].text

    def shown(self, chat: str, thread: str | None = None) -> list[Seen]:
        """What the chat shows for good now; previews, progress and signs of waiting left out."""
        return [
            seen
            for seen in self.platform.seen.values()
            if seen.chat == chat
            and seen.thread == thread
            and seen.said not in ("preview", "progress", "sign")
        ]

    # -- the gateway

    @property
    def gateway(self) -> Gateway:
        """The running incarnation's handle."""
        if self._gateway is None:
            raise RuntimeError("no gateway is running; await world.start()")
        return self._gateway

    async def start(self, *, resume: bool = True) -> Gateway:
        """Start the next incarnation on the same store and the same service."""
        self.boots += 1
        chance = seeded_chance(f"{self.seed}/{self.boots}")
        store = CrashingStore(self.db, self.clock, chance, self.commit_s)
        line = DeadLine(self.platform)
        scope = trio.CancelScope()
        self._incarnation = (store, line, scope)
        stop = trio.Event()
        self._stop, self._stopped = stop, trio.Event()
        self._gateway = await self._nursery.start(
            self._live, store, line, scope, chance, stop, self._stopped, resume, name=f"boot {self.boots}"
        )
        return self._gateway

    async def _live(
        self,
        store: CrashingStore,
        line: DeadLine,
        scope: trio.CancelScope,
        chance: Chance,
        stop: trio.Event,
        stopped: trio.Event,
        resume: bool,
        task_status: trio.TaskStatus[Gateway],
    ) -> None:
        dead: BaseExceptionGroup[Exception] | None = None
        try:
            with scope:
                async with open_gateway(
                    self._agent(chance),
                    platforms=[line],
                    store=store,
                    options=self.options,
                    session=self.session_options,
                    commands=self.commands,
                    clock=self.clock,
                    chance=chance,
                    log=self._log(),
                    redact=self.redact,
                    resume=resume,
                    on_restart=lambda: self.restarts_asked.append(self.now),
                    processes=CutMachine(self.processes, lambda: line.cut),
                ) as gateway:
                    await gateway.ready()
                    task_status.started(gateway)
                    await stop.wait()
        except* StoreClosed as group:
            dead = group
        finally:
            stopped.set()
        if dead is not None and not store.dead:
            raise dead

    def _agent(self, chance: Chance) -> Agent:
        if self.agent is not None:
            return self.agent
        log, pool = self._log(), None
        if self.keys:
            pool = KeyPool([Secret(key) for key in self.keys], clock=self.clock, chance=chance, log=log)
        models = Candidates(
            [Candidate(self.model, pool)], on_exhausted=self.on_exhausted, chance=chance, log=log
        )
        return ModelAgent(models, tools=self.tools, name=self.model.name)

    def crash(self) -> None:
        """Kill the gateway now: nothing that was not committed survives, nothing of it is heard again."""
        if self._incarnation is None:
            raise RuntimeError("no gateway is running")
        store, line, scope = self._incarnation
        store.kill()
        line.cut = True
        scope.cancel(reason="crash")
        self._incarnation = self._gateway = None

    async def stop(self) -> None:
        """Stop the gateway as a SIGTERM would: drain, then leave."""
        self._stop.set()
        with self._patience("the gateway to stop"):
            await self._stopped.wait()
        self._incarnation = self._gateway = None

    async def ledger(self) -> list[LedgerRow]:
        """Every inbound message with its outcome."""
        return list(await self.gateway.ledger())

    async def outcomes(self) -> list[str | None]:
        """The outcomes in order of arrival."""
        return [row.outcome for row in await self.ledger()]

    def lines(self, event: str) -> list[Line]:
        """The log lines of one event."""
        return [line for line in self.log if line["event"] == event]

    # -- failing well

    def timeline(self) -> str:
        """What happened, for a person: log lines and calls of the platform in order of time."""
        rows = [(line["t"], f"log   {_fields(line)}") for line in self.log]
        for call in self.platform.calls:
            what = call.delivery
            shown = what.part.text if what.part else what.message_id or ""
            rows.append(
                (call.at - self._began, f"chat  {what.address.chat} {what.op} {what.said}: {shown[:80]!r}")
            )
        rows.sort(key=lambda row: row[0])
        return "\n".join(f"{t:12.4f}  {text}" for t, text in rows)

    def _log(self) -> Any:
        def keep(_: Any, level: str, fields: Any) -> Any:
            line = Line(fields)
            line["t"] = self.now
            line["level"] = level
            self.log.append(line)
            raise structlog.DropEvent

        return structlog.wrap_logger(structlog.PrintLogger(), processors=[keep])

    def _patience(self, what: str) -> Any:
        return _Patience(what, self.timeline)

    def close(self) -> None:
        """End the incarnation and the store."""
        if self._incarnation is not None:
            self.crash()


class _Patience:
    """Every wait of the World has a virtual deadline and prints the timeline."""

    def __init__(self, what: str, timeline: Callable[[], str]) -> None:
        self._what = what
        self._timeline = timeline
        self._scope = trio.move_on_after(PATIENCE_S)

    def __enter__(self) -> None:
        self._scope.__enter__()

    def __exit__(self, *raised: Any) -> bool | None:
        swallowed = self._scope.__exit__(*raised)
        if self._scope.cancelled_caught:
            raise WaitedTooLong(f"waited {PATIENCE_S:.0f} virtual s for {self._what}\n{self._timeline()}")
        return swallowed


class WaitedTooLong(HermesError, AssertionError):
    """The World waited for something that did not happen; the timeline is in the text."""


def _fields(line: Line) -> str:
    rest = " ".join(f"{k}={v}" for k, v in line.items() if k not in ("event", "t", "level"))
    return f"{line['event']} {rest}"


@asynccontextmanager
async def open_world(
    agent: Agent | None = None,
    *,
    seed: int = 0,
    options: GatewayOptions | None = None,
    session: SessionOptions | None = None,
    platform: MemoryPlatform | None = None,
    tools: Sequence[Tool] = (),
    commands: Sequence[Any] | None = None,
    commit_s: float = 0.0,
    redact: Callable[[str], str] = lambda text: text,
    keys: Sequence[str] = (),
    on_exhausted: Literal["tell", "defer"] = "tell",
    start: bool = True,
) -> AsyncIterator[World]:
    """A World with a running gateway. Run it under trio's MockClock(autojump_threshold=0).

    Args:
        agent: an agent function; by default the built-in agent on `world.model`.
        seed: of every chance in it.
        options, session: the gateway's limits and rules.
        platform: the chat service; by default one that can everything and admits anybody.
        tools: for the built-in agent, beside `now` and `sleep`.
        commands: slash commands; by default those installed.
        commit_s: a commit takes up to this long before and after, in virtual seconds.
        redact: replaces the secrets that the gateway shall keep.
        keys: the credential pool of `world.model`, in order; a new one in each incarnation. Without any the
            model needs none. `world.model.refuse("a", line=fails("quota"))` has one refused.
        on_exhausted: what becomes of a message while none of them may be used.
        start: False: `await world.start()` starts the first incarnation.
    """
    async with trio.open_nursery() as nursery:
        world = World(
            nursery,
            agent=agent,
            seed=seed,
            options=options or GatewayOptions(),
            session=session or SessionOptions(),
            platform=platform or MemoryPlatform(),
            tools=tools,
            commands=commands,
            commit_s=commit_s,
            redact=redact,
            keys=keys,
            on_exhausted=on_exhausted,
        )
        try:
            if start:
                await world.start()
            yield world
        finally:
            world.close()
            nursery.cancel_scope.cancel(reason="the world ends")
            # Closed when everything that could use it is cut off; what still unwinds cannot reach it.
            world.db.close()
