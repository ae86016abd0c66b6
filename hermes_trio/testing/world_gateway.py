"""How a World opens its gateway: the real one, on the store, services and models of the World."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from hermes_trio.agent.agent import ModelAgent
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.gateway.handle import Gateway
from hermes_trio.gateway.open import open_gateway
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.models.key_pool import KeyPool
from hermes_trio.ports.agent import Agent
from hermes_trio.ports.command import Command
from hermes_trio.ports.system import Chance
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.runtime.plugins import installed_commands
from hermes_trio.testing.crashing_store import CrashingStore, Moment
from hermes_trio.testing.incarnation import CutLine, CutMachine, CutModel, Incarnation
from hermes_trio.turns.turn import Turn
from hermes_trio.values.identity import Secret
from hermes_trio.values.nodes import LEASE_S

if TYPE_CHECKING:
    from hermes_trio.testing.world import World


def store_of(
    world: World, number: int, at: Callable[[Moment], None], node: str | None = None
) -> CrashingStore:
    """The store of the life of this number; recorded is what it commits, and when it tells of that."""
    chance = seeded_chance(f"{world.seed}/{number}/store{node or ''}")
    changes = told_of = world.db.total_changes

    def told(moment: Moment) -> None:
        nonlocal changes, told_of
        if moment == "before" and node is not None:
            changes = told_of = world.db.total_changes  # others have written since
        elif moment == "after" and world.db.total_changes != changes:
            changes = world.db.total_changes
            by = {} if node is None else {"boot": store.boot}
            world.record.add("store", "commit", **by)
        elif moment == "told" and told_of != changes:
            told_of = changes
            world.record.add("store", "told")
        elif moment == "hangs":
            world.record.add("store", "hangs")
        at(moment)

    store = CrashingStore(world.db, world.clock, chance, world.commit_s, told, node=node)
    return store


@asynccontextmanager
async def opened(world: World, life: Incarnation, lease_s: float = LEASE_S) -> AsyncIterator[Gateway]:
    """This life's gateway."""
    chance = seeded_chance(f"{world.seed}/{life.number}")
    log = _log(world, life)
    async with open_gateway(
        world.agent or _built_in(world, life, chance, log),
        platforms=[CutLine(platform, life) for platform in world.platforms],
        store=life.store,
        options=world.options,
        session=world.session_options,
        commands=_installed() if world.commands is None else world.commands,
        clock=life.clock,
        chance=chance,
        log=log,
        redact=world.redact,
        resume=world.resumes,
        on_restart=partial(_restart_asked, world, life),
        processes=CutMachine(world.processes, life),
        workspaces=world.workspaces,
        lease_s=lease_s,
        aside=world.aside,
    ) as gateway:
        yield gateway


def _restart_asked(world: World, life: Incarnation) -> None:
    world.restarts_asked.append(world.now)
    life.restart_asked()


def _built_in(world: World, life: Incarnation, chance: Chance, log: Any) -> Agent[Turn]:
    pool = None
    if world.keys:
        pool = KeyPool([Secret(key) for key in world.keys], clock=world.clock, chance=chance, log=log)
    first, *others = (CutModel(model, life) for model in world.models)
    candidates = [Candidate(first, pool), *(Candidate(model, None) for model in others)]
    models = Candidates(candidates, on_exhausted=world.on_exhausted, chance=chance, log=log)
    return ModelAgent(models, tools=world.tools, name=world.model.name)


def _log(world: World, life: Incarnation) -> Any:
    unheard: list[Callable[[], None]] = []

    def hear() -> None:
        if life.clock.frozen_s:
            world.later(life.clock.frozen_s, hear)
            return
        while unheard and not life.dead:
            unheard.pop(0)()

    def keep(_: Any, level: str, fields: Any) -> Any:
        if not life.dead:
            line = dict(fields)
            event = line.pop("event")
            unheard.append(partial(world.record.add_on, life.node, "log", event, **line, level=level))
            if len(unheard) == 1 or not life.clock.frozen_s:
                hear()
        raise structlog.DropEvent

    return structlog.wrap_logger(structlog.PrintLogger(), processors=[keep])


@cache
def _installed() -> Sequence[Command]:
    return installed_commands()


def in_utc(session: SessionOptions | None) -> SessionOptions:
    """These options, or none, in a World's zone where they leave it to the machine."""
    if session is None:
        return SessionOptions(timezone="UTC")
    return session if session.timezone else msgspec.structs.replace(session, timezone="UTC")
