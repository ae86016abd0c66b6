"""Plays a plan in a World, and judges it: what happens, then quiet, then one message more for everybody."""

from __future__ import annotations

import gc
import traceback
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import cast

import trio
from msgspec import Struct
from trio.testing import MockClock

from hermes_trio.ports.tool import Tool
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.testing.disk import Disk, spare_disk
from hermes_trio.testing.memory_platform import MemoryPlatform
from hermes_trio.testing.nodes import Nodes, open_nodes
from hermes_trio.testing.owned_world import owned
from hermes_trio.testing.record import Event
from hermes_trio.testing.scheduling import seeded_scheduling
from hermes_trio.testing.scripted_model import ScriptedModel
from hermes_trio.testing.simulation.agents import Inquires, Obedient, ObedientModel, ResetItself, acts
from hermes_trio.testing.simulation.facts import Broken, Facts, Invariant
from hermes_trio.testing.simulation.happen import Hand
from hermes_trio.testing.simulation.invariants import ALL
from hermes_trio.testing.simulation.invariants.nodes import OF_NODES
from hermes_trio.testing.simulation.known import ModelCall
from hermes_trio.testing.simulation.plan import Plan, Say
from hermes_trio.testing.simulation.refusing_endpoint import RefusingEndpoint
from hermes_trio.testing.simulation.setting import (
    COMMANDS,
    KEYS,
    SECRET,
    SECRETS,
    accounts,
    capabilities,
    options,
    policy,
    programs,
    sessions,
)
from hermes_trio.testing.simulation.tally import tally
from hermes_trio.testing.simulation.watch import Watch
from hermes_trio.testing.simulation.words import asked_of
from hermes_trio.testing.world import World
from hermes_trio.tools.process import tool as process
from hermes_trio.tools.terminal import tool as terminal
from hermes_trio.transcript.compaction import SUMMARY_PROMPT
from hermes_trio.values.identity import Secret
from hermes_trio.values.transcript import ModelRequest

ANSWERED_WITHIN_S = 60.0
CALM_S = 65.0
"""After three deaths in a minute what is held back goes on when a life has lasted one."""
QUIET_S = 200_000.0
"""Longest of what a plan may still have to do: a sleep of a day, an answer that is given up after one."""
QUIET_NODES_S = 5000.0
"""Likewise, of nodes: what they draw takes less time."""
ASKED_AGAIN_S = 5.0
PROBE = 10_000


class Played(Struct, frozen=True):
    """What became of a plan.

    Args:
        broken: the invariant that did not hold, "" if all did; `what` says how.
        timeline: what happened, a line each; the same for the same plan in every process.
        counts: how much of what there was, by name. `checks`: made, by invariant.
    """

    plan: Plan
    broken: str
    what: str
    timeline: str
    counts: dict[str, int]
    checks: dict[str, int]


def play(plan: Plan, invariants: Sequence[type[Invariant]] | None = None) -> Played:
    """Play it. The same plan plays the same in every process of the same Python and trio.

    Args:
        invariants: asked after every event; by default all, with those of nodes where there are several.
    """
    if invariants is None:
        invariants = (*ALL, *OF_NODES) if plan.nodes > 1 else ALL
    stages = [Stage(one, invariants) for one in (plan, plan.beside) if one is not None]
    failure: Exception | None = None
    with _uncollected(), seeded_scheduling(plan.seed):
        try:
            trio.run(_all, stages, clock=MockClock(autojump_threshold=0))
        except Exception as error:  # noqa: BLE001 - it is what became of the play
            failure = error
    failure = next((stage.watch.failure for stage in stages if stage.watch.failure), failure)
    broken, what = "", ""
    if isinstance(failure, Broken):
        broken, what = failure.invariant, failure.what
    elif failure is not None:
        broken, what = "error", "".join(traceback.format_exception(failure))
    counts, checks = Counter[str](), Counter[str]()
    for stage in stages:
        counts += tally(stage.facts, stage.world.record.events)
        checks += stage.watch.made() + stage.made
    counts["met another gateway beside it"] = len(stages) - 1
    return Played(
        plan=plan,
        broken=broken,
        what=what,
        timeline="\n\nbeside it\n\n".join(stage.world.timeline() for stage in stages),
        counts=dict(counts),
        checks=dict(checks),
    )


@contextmanager
def _uncollected() -> Iterator[None]:
    """Garbage is collected behind a play and not amid it: so it is faster, and what a collection finds (an
    async generator that nobody closed) does nothing that depends on what was played before."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@asynccontextmanager
async def _one_gateway(_: World) -> AsyncIterator[None]:
    yield None


async def _all(stages: Sequence[Stage]) -> None:
    """Each gateway by itself. What is broken in one ends the other too."""
    async with trio.open_nursery() as nursery:
        for stage in stages:
            stage.ends(lambda: nursery.cancel_scope.cancel(reason="an invariant is broken"))
            nursery.start_soon(stage.run, name="play")


class Stage:
    """One play.

    Attributes:
        world, facts, watch: while it runs and after.
        made: checks that are made here: I10 and I12.
    """

    world: World
    facts: Facts
    watch: Watch

    def __init__(self, plan: Plan, invariants: Sequence[type[Invariant]]) -> None:
        self.plan = plan
        self.made: Counter[str] = Counter()
        self._invariants = invariants
        self._end_all: Callable[[], None] = lambda: None
        self._acts = acts(SECRET, self._works)
        self._moved = trio.Event()

    def ends(self, end_all: Callable[[], None]) -> None:
        """What to do, synchronously, where something is broken."""
        self._end_all = end_all

    async def run(self) -> None:
        """All of it."""
        with spare_disk() as disk:
            await self._play_on(disk)

    async def _play_on(self, disk: Disk) -> None:
        rules = self.plan.rules
        tools = cast(
            list[Tool], [*self._acts.values(), Inquires(self._acts["slow"]), ResetItself(), process, terminal]
        )
        make = partial(
            World,
            agent=Obedient(self._acts, rules.think_s, SECRET) if rules.agent == "library" else None,
            seed=self.plan.seed,
            options=options(rules),
            session=sessions(rules),
            platforms=[
                MemoryPlatform(
                    account=account,
                    capabilities=capabilities(rules),
                    policy=policy(()),
                    delay_s=rules.call_s,
                    lingers=rules.lingers,
                )
                for account in accounts(self.plan.places)
            ],
            tools=tools,
            commands=COMMANDS,
            commit_s=rules.commit_s,
            redact=Redactor([Secret(one) for one in SECRETS]),
            keys=KEYS[: rules.keys],
            fallbacks=rules.fallbacks,
            on_exhausted=rules.on_exhausted,
            disk=disk,
        )
        several = open_nodes if self.plan.nodes > 1 else _one_gateway
        async with owned(make) as world, several(world) as nodes:
            self._set(world, nodes)
            await self._hand.begin()
            self._at_start = names_of_tasks()
            await self._hand.do_all()
            await self._quiet()
            await self._probe()
            await self._end()

    def _set(self, world: World, nodes: Nodes | None) -> None:
        """The model, the machine, and who watches."""
        self.world = world
        self.facts = Facts(self.plan, world.db, SECRETS)
        self.facts.wall, self.facts.allowed = world.clock.now, policy(()).allow_users
        self.facts.served = {f"{one.name}/{one.account}" for one in world.platforms}
        self.facts.confirmed = lambda: (
            (f"{one.name}/{one.account}", native) for one in world.platforms for native in one.confirmed
        )
        self.facts.shown = lambda: (seen for one in world.platforms for seen in one.seen.values())
        if nodes is not None:
            self.facts.polled = nodes.polled
        self.watch = Watch(self.facts, self._invariants, self._end_all)
        self._hand = Hand(world, self.plan, self.facts, nodes)
        world.models[:] = [self._model(model) for model in world.models]
        for act in self._acts.values():
            act.record = world.record
        programs(world.processes)
        world.record.watch(self.watch)
        world.record.watch(self._move)
        world.record.watch(self._hand.look)

    def _model(self, instead: ScriptedModel) -> ObedientModel:
        model = ObedientModel(
            instead.name,
            needs_key=instead.needs_key,
            think_s=self.plan.rules.think_s,
            secret=SECRET,
            began=self._asks,
            ended=self._has_asked,
        )
        model.record = self.world.record
        if refuses := self.plan.rules.refuses:
            taken = instead is not self.world.model
            model.endpoint = RefusingEndpoint(model.name, () if taken else refuses, model.record)
        return model

    def _works(self, op: str, begins: bool) -> None:
        self.facts.works(op, begins, self.world.record.whose())

    def _asks(self, call: int, request: ModelRequest) -> None:
        # Who is asked for a summary is shown a conversation written out in one text: it answers no message.
        sums_up = request.prompt == SUMMARY_PROMPT
        n = 0 if sums_up else asked_of(request.entries)[0]
        found = self.facts.inbound_of(n)
        self.facts.last_request = None if sums_up else request
        key = found[1]["key"] if found else ""
        self.facts.asking[call] = ModelCall(n, key, self.facts.now, self.world.record.whose())

    def _has_asked(self, call: int) -> None:
        self.facts.asking.pop(call, None)

    def _move(self, event: Event) -> None:
        if (event.who, event.what) == ("store", "commit"):
            self._moved.set()
            self._moved = trio.Event()

    # -- after what happens

    async def _quiet(self) -> None:
        """Faults end, and whatever is under way comes to its end by itself."""
        await trio.sleep(self.plan.rules.heal_after_s)
        self._hand.forgive()
        self.world.heal()
        await self._hand.restart()
        await trio.sleep(CALM_S)
        with trio.move_on_after(QUIET_S if self.plan.nodes == 1 else QUIET_NODES_S) as forever:
            while any(one.unread for one in self.world.platforms) or self._is_owed():
                await self._moved.wait()
            await self._hand.at_rest()
        if forever.cancelled_caught:
            await self._broken("I1" if self._is_owed() else "rest", "it never comes to rest")
        self.world.record.add("world", "calm")

    def _is_owed(self) -> bool:
        return any(row["outcome"] is None for row in self.facts.mirror.inbound.values())

    async def _probe(self) -> None:
        """I12 once faults end, the next message is answered by the agent within 60 s."""
        asked, began = [PROBE + number for number in range(len(self.plan.places))], self.world.now
        for number, n in enumerate(asked):
            self._ask(n, number)
        with trio.move_on_after(ANSWERED_WITHIN_S):
            while not all(map(self._is_answered, asked)):
                with trio.move_on_after(ASKED_AGAIN_S):
                    while not all(map(self._is_answered, asked)):
                        await self._changed()
                asked = [self._asked_again(n) for n in asked]
        self.made["I12"] += len(asked)
        if unanswered := [n for n in asked if not self._is_answered(n)]:
            await self._broken("I12", f"asked at {began}, {unanswered} are not answered at {self.world.now}")
        await self._hand.at_rest()

    def _ask(self, n: int, place: int) -> None:
        where = self.plan.places[place]
        self._hand.speak(Say(self.world.now, n, "ada" if where.group else where.chat, place))

    def _asked_again(self, n: int) -> int:
        """Whoever is told that no key to a model can be used at the moment asks again."""
        found = self.facts.inbound_of(n)
        if found is None or found[1]["reason"] != "no_credentials":
            return n
        self._ask(n + 100, n % 100)
        return n + 100

    def _is_answered(self, n: int) -> bool:
        return any(f"re #{n}." in seen.text for seen in self.facts.shown())

    async def _changed(self) -> None:
        """Return when one of the chats shows something new."""
        async with trio.open_nursery() as nursery:

            async def wait(platform: MemoryPlatform) -> None:
                await platform.changed()
                nursery.cancel_scope.cancel(reason="one of them has changed")

            for platform in self.world.platforms:
                nursery.start_soon(wait, platform, name="changed")

    async def _end(self) -> None:
        """I10 when everything went idle, tasks are back at the start. Then the last life is stopped."""
        await trio.sleep(5)
        self.world.record.add("world", "rest")
        for id, row in list(self.facts.mirror.session.items()):
            if row["ended_at"] is None:
                await self._hand.stop_all(id)
        await trio.sleep(5)
        self.made["I10"] += 1
        if more := names_of_tasks() - self._at_start:
            await self._broken("I10", f"tasks that were not there at the start: {sorted(more.elements())}")
        await self._hand.stop()
        await trio.sleep(6)
        self.world.record.add("world", "over")
        self.watch.at_rest()

    async def _broken(self, invariant: str, what: str) -> None:
        self.watch.fail(invariant, what)
        await trio.lowlevel.checkpoint()


def names_of_tasks() -> Counter[str]:
    """The name of every task of this play; lives without their number, and no ends of faults."""
    found, todo = Counter[str](), [trio.lowlevel.current_task()]
    while todo:
        task = todo.pop()
        if task is not None:
            found["boot" if task.name.startswith("boot ") else task.name] += 1
            todo += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    del found["later"]
    return found
