"""One life of the gateway in a World, and its ways to the outside, each of which a crash cuts.

A crash does not wait for what it kills: the dead unwind beside the next life. So each call of theirs raises
at once, none hangs, none writes, none is heard; and what a tool of theirs does no longer counts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from typing import Literal

import trio

from hermes_trio.errors import StoreClosed
from hermes_trio.gateway.handle import Gateway
from hermes_trio.ports.platform import Intake
from hermes_trio.testing.crashing_store import CrashingStore
from hermes_trio.testing.memory_platform import MemoryPlatform
from hermes_trio.testing.memory_processes import FakeGroup, FakeProcess, FakeProcesses
from hermes_trio.testing.scripted_model import ScriptedModel
from hermes_trio.values.delivery import Delivery, Receipt
from hermes_trio.values.message import Message, Moved, Undecodable
from hermes_trio.values.process import LeftProcesses
from hermes_trio.values.transcript import ModelAnswer, ModelRequest

_current: ContextVar[Incarnation | None] = ContextVar("incarnation", default=None)


class Incarnation:
    """One life of the gateway.

    Attributes:
        number: which, from 1. `node`: of which of several nodes, "" where there is one gateway.
        store: its way to the World's database.
        scope: cancelled by a crash.
        clock: of the machine that it runs on.
        polls: how often it serves each account now.
        acts: what it did to the world outside, and when (by the mock clock).
        stop: set to stop it as a SIGTERM would. `ended`: it has left.
        gateway: once it is ready.
        restart_asked: called when somebody asks it to start anew.
        receiving: what it receives in; left when its machine is cut off from the platforms.
        is_cut_off: its machine reaches no platform to receive from.
    """

    def __init__(
        self, number: int, store: CrashingStore, restart_asked: Callable[[], None] = lambda: None
    ) -> None:
        self.number = number
        self.node = store.node
        self.store = store
        self.scope = trio.CancelScope()
        self.restart_asked = restart_asked
        self.stop = trio.Event()
        self.ended = trio.Event()
        self.gateway: Gateway | None = None
        self.clock = store.machine
        self.is_cut_off = False
        self.receiving: set[trio.CancelScope] = set()
        self.polls: Counter[str] = Counter()
        self.acts: list[tuple[float, str]] = []

    @property
    def dead(self) -> bool:
        """It was killed."""
        return self.store.dead

    def alive(self) -> None:
        """Return.

        Raises:
            StoreClosed: it was killed; whoever calls this belongs to a process that is no more.
        """
        if self.dead:
            raise StoreClosed("this incarnation is dead")

    async def act(self, what: str) -> None:
        """Return when it may be done: at once, or when its machine is frozen no longer.

        Raises:
            StoreClosed: it was killed.
        """
        self.alive()
        await self.clock.awake()
        self.alive()
        self.acts.append((trio.current_time(), what))

    def freeze(self, for_s: float) -> None:
        """Freeze its machine from now on, as a suspend does: also the clock of its loop stands still."""
        self.clock.freeze(for_s)
        if self.gateway is not None and (lease := self.gateway.wiring.lease) is not None:
            lease.scope.deadline += for_s

    def kill(self) -> None:
        """As kill -9: nothing that is not committed survives, nothing of it is heard again."""
        self.store.kill()
        self.scope.cancel(reason="crash")

    def cut_off(self) -> None:
        """From now on its machine reaches no platform to receive from."""
        self.is_cut_off = True
        for scope in self.receiving:
            scope.cancel(reason="cut off")

    def enter(self) -> None:
        """This task and those it starts belong to this life."""
        _current.set(self)


def node_here() -> str:
    """The name of the node whose task this is; "" where there is one gateway, and outside."""
    mine = _current.get()
    return "" if mine is None else mine.node


async def act(what: str) -> None:
    """For a tool of a test, before it takes effect: return when the gateway that runs it may do it.

    Raises:
        StoreClosed: it was killed.
    """
    if (mine := _current.get()) is not None:
        await mine.act(what)


def alive() -> None:
    """For a tool of a test, before it takes effect: return if the gateway that runs it lives.

    Code of a test that a crash cannot interrupt (a shielded wait) would go on where a killed process cannot.

    Raises:
        StoreClosed: it was killed.
    """
    if (mine := _current.get()) is not None:
        mine.alive()


class CutLine:
    """An incarnation's line to a platform."""

    def __init__(self, platform: MemoryPlatform, life: Incarnation) -> None:
        self._platform = platform
        self._life = life
        self.name = platform.name
        self.account = platform.account
        self.capabilities = platform.capabilities
        self.policy = platform.policy
        self.split = platform.split
        self.open = platform.open

    async def serve(self, intake: Intake) -> None:
        """See the port."""
        self._life.polls[self.account] += 1
        try:
            await self._serve(intake)
        finally:
            self._life.polls[self.account] -= 1

    async def _serve(self, intake: Intake) -> None:
        if not self._life.is_cut_off:
            with trio.CancelScope() as scope:
                self._life.receiving.add(scope)
                try:
                    await self._platform.serve(CutIntake(intake, self._life))
                finally:
                    self._life.receiving.discard(scope)
        if self._life.is_cut_off:
            raise OSError("the network is unreachable")

    async def deliver(self, delivery: Delivery) -> Receipt:
        """See the port."""
        await self._life.act(delivery.op)
        receipt = await self._platform.deliver(delivery)
        await self._life.clock.awake()
        return receipt


class CutIntake:
    """An incarnation's receiver: what is durable when its process dies is not confirmed by it any more."""

    def __init__(self, intake: Intake, life: Incarnation) -> None:
        self._intake = intake
        self._life = life
        self.cursor = intake.cursor
        self.received = intake.received
        self.reachable = intake.reachable
        self.failed = intake.failed

    async def accept(
        self, updates: Sequence[Message | Undecodable | Moved], *, cursor: str | None = None
    ) -> None:
        """See the port."""
        await self._life.clock.awake()
        await self._intake.accept(updates, cursor=cursor)
        await self._life.act("confirm")


class CutModel:
    """An incarnation's way to a model."""

    def __init__(self, model: ScriptedModel, life: Incarnation) -> None:
        self._model = model
        self._life = life
        self.name = model.name
        self.needs_key = model.needs_key
        self.spell = getattr(model, "spell", None)

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """See the port."""
        await self._life.act("model")
        answer = await self._model.complete(request, key=key, on_text=on_text)
        await self._life.clock.awake()
        return answer


class CutMachine:
    """An incarnation's way to the machine. After a crash it ends nobody: the dead send no signals."""

    def __init__(self, machine: FakeProcesses, life: Incarnation) -> None:
        self._machine = machine
        self.life = life

    @property
    def confined(self) -> bool:
        """See the port."""
        return self._machine.confined

    async def start(
        self, command: str, env: Mapping[str, str], *, stdin: bool, folder: str | None = None
    ) -> CutProcess:
        """See the port."""
        await self.life.act("spawn")
        return CutProcess(self, await self._machine.start(command, env, stdin=stdin, folder=folder))

    def left(self, of: LeftProcesses) -> CutGroup:
        """See the port."""
        return CutGroup(self.life, self._machine.left(of))


class CutGroup:
    """One incarnation's way to what older ones left."""

    def __init__(self, life: Incarnation, group: FakeGroup) -> None:
        self.gone = group.gone
        self.close = group.close
        self._life = life
        self._group = group

    def signal(self, how: Literal["term", "kill"]) -> int:
        """See the port."""
        return 0 if self._life.dead else self._group.signal(how)


class CutProcess:
    """An incarnation's way to a process."""

    def __init__(self, machine: CutMachine, process: FakeProcess) -> None:
        self.pid = process.pid
        self.started = process.started
        self.read = process.read
        self.write = process.write
        self.exited = process.exited
        self.close = process.close
        self._machine = machine
        self._process = process

    def signal(self, how: Literal["term", "kill"]) -> int:
        """See the port."""
        return 0 if self._machine.life.dead else self._process.signal(how)

    async def gone(self) -> None:
        """See the port."""
        await self._process.gone()
