"""open_gateway(): a gateway's life, from its first commit to its last. docs/architecture.md draws its tasks.

Three ways out. The body ends: the gateway drains. The body is cancelled or raises: the checkpoint is written
under a shield, nothing is waited for, and the next boot takes up the rest. A host calls `Gateway.hurry`, as
the daemon does at a second signal: the drain is shortened.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio
from msgspec import convert, to_builtins
from msgspec.structs import asdict

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.errors import ConfigWrong
from hermes_trio.gateway.beside import beside_others
from hermes_trio.gateway.commit_lines import write_lines
from hermes_trio.gateway.drain import checkpoint, drain, end_boot, limit
from hermes_trio.gateway.handle import Gateway
from hermes_trio.gateway.lease import checked
from hermes_trio.gateway.sweep import sweep
from hermes_trio.gateway.wiring import Wiring
from hermes_trio.intake.commands import by_name
from hermes_trio.ports.agent import Agent, profile_of
from hermes_trio.ports.command import Command
from hermes_trio.ports.platform import Platform
from hermes_trio.ports.process import Processes
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Chance, Log, MachineClock
from hermes_trio.processes.system import SystemProcesses
from hermes_trio.runtime import wrong_use
from hermes_trio.runtime.clock import SystemClock, system_chance
from hermes_trio.runtime.log import host_log
from hermes_trio.runtime.outage import Outage
from hermes_trio.runtime.platform_use import check_platforms, opening, unopened
from hermes_trio.runtime.plugins import installed_commands
from hermes_trio.runtime.redacting_store import Discretion, discreet
from hermes_trio.runtime.supervise import attempt, first_leaf
from hermes_trio.runtime.threads import beside
from hermes_trio.store.served import served
from hermes_trio.text.sanitize import clean, mapped
from hermes_trio.turns.recovery import release
from hermes_trio.turns.turn import Turn
from hermes_trio.values.nodes import LEASE_S
from hermes_trio.values.recording import AccountSetup, AgentSetup, Setup
from hermes_trio.values.stored import Booted
from hermes_trio.workspaces.conversation_files import ConversationFiles
from hermes_trio.workspaces.folders import Workspaces

BOOT_COMMANDS_S = 15.0
FILES_AT_ONCE = 4


@asynccontextmanager
async def open_gateway(
    agent: Agent[Turn],
    *,
    platforms: Sequence[Platform],
    store: Store | Path | str,
    options: GatewayOptions | None = None,
    session: SessionOptions | None = None,
    commands: Sequence[Command] | None = None,
    clock: MachineClock | None = None,
    chance: Chance | None = None,
    log: Log | None = None,
    redact: Callable[[str], str] = str,
    resume: bool = True,
    on_restart: Callable[[], None] | None = None,
    processes: Processes | None = None,
    workspaces: Workspaces | None = None,
    lease_s: float = LEASE_S,
    node: str = "",
    aside: Callable[[Callable[[], Any]], Awaitable[Any]] | None = None,
) -> AsyncIterator[Gateway]:
    """Run a gateway while the body runs.

    Args:
        agent: `async def agent(turn)`; returns markdown, a `Silence`, or None: its last `say` was it.
        platforms: the accounts to serve. Each carries its own policy; deny by default.
        store: a file's path, ":memory:", "postgresql://..." (many may share it), or a Store not served yet.
        options, session: limits and rules, as in the config file. commands: by default those installed.
        clock, chance, processes: wall time, ids and jitter, programs; by default the machine's own.
        workspaces: where files of conversations stand, for tools; by default they have none.
        lease_s, node: unheard for so long (6 s or more), others on its store take its work; its name there.
        aside: does what would hold the loop (splits long answers, looks for secrets); by default a thread.
        log, redact: a structlog logger, by default the standard "hermes_trio"; replaces secrets everywhere.
        on_restart: called, synchronously, at /restart: leave the body and open anew. None: it is refused.
        resume: False: interrupted turns are closed with a notice instead of resumed.

    Leaving the body drains; what is not done within `options.drain_timeout_s` goes on at the next boot.
    Cancelled or raising: the checkpoint is written, nothing is waited for.

    Raises:
        AgentError: an argument is not what it has to be. ConfigWrong: two have one name.
        StoreRefused: it is corrupt, newer or not ours; left as it is. ExceptionGroup: of the body.
    """
    wall, limits, rules = clock or SystemClock(), options or GatewayOptions(), session or SessionOptions()
    log, discretion = host_log(log, redact), Discretion(redact, aside or beside())
    setup, outage = _setup(agent, platforms, limits, rules, redact), Outage(log)
    make = partial(
        partial(Wiring, agent, platforms, options=limits, session=rules, clock=wall, outage=outage),
        commands=by_name(installed_commands() if commands is None else commands),
        chance=chance or system_chance(),
        log=log,
        discretion=discretion,
        on_restart=on_restart,
        processes=processes or SystemProcesses(),
        files=ConversationFiles(workspaces, aside or beside(FILES_AT_ONCE)),
    )
    living = partial(
        _living, make, platforms, wall, setup, log, outage, resume=resume, lease_s=checked(lease_s)
    )
    async with served(store, wall, outage, node) as kept, living(discreet(kept, discretion)) as gateway:
        yield gateway


def _check_use(agent: object, platforms: object, options: object, session: object) -> None:
    wrong_use.agent_function(agent)
    check_platforms(platforms)
    wrong_use.instance("open_gateway: options", options, GatewayOptions, "GatewayOptions(turns_max=...)")
    wrong_use.instance("open_gateway: session", session, SessionOptions, "SessionOptions(scope=...)")


def _setup(
    agent: Agent[Turn],
    platforms: Sequence[Platform],
    options: GatewayOptions,
    session: SessionOptions,
    redact: Callable[[str], str],
) -> Setup:
    """What shapes this boot, for recordings. The folder is nobody's business but this machine's."""
    _check_use(agent, platforms, options, session)
    _check_accounts(platforms)
    built_in = profile_of(agent).setup
    return Setup(
        gateway={name: value for name, value in asdict(options).items() if name != "state_dir"},
        session=asdict(session),
        accounts={
            f"{one.name}/{one.account}": AccountSetup(capabilities=one.capabilities, policy=one.policy)
            for one in platforms
        },
        agent=None if built_in is None else _without_secrets(built_in, redact),
    )


def _without_secrets(agent: AgentSetup, redact: Callable[[str], str]) -> AgentSetup:
    plain = to_builtins(agent, str_keys=True, enc_hook=repr)
    return convert(mapped(plain, lambda text: clean(redact(text))), AgentSetup)


@asynccontextmanager
async def _living(
    make: Callable[..., Wiring],
    platforms: Sequence[Platform],
    clock: MachineClock,
    setup: Setup,
    log: Log,
    outage: Outage,
    store: Store,
    *,
    resume: bool,
    lease_s: float,
) -> AsyncIterator[Gateway]:
    """One boot, from its first commit to its last."""
    if store.shared:
        async with (
            _opened(platforms),
            beside_others(
                partial(make, resumes=resume), store, setup, log, outage, clock, lease_s
            ) as gateway,
        ):
            yield gateway
        return
    store.perform = partial(write_lines, log)
    booted, aside = await _begin_boot(store, setup, outage)
    async with _opened(platforms), trio.open_nursery() as nursery:
        nursery.start_soon(limit, store, trio.Event(), name="limit of the stop")
        wiring = make(store, nursery, resumes=resume)
        for what in aside:
            wiring.log.error("out of the way", kind="start", key=None, what=what)
        with wiring.flowing():
            nursery.start_soon(wiring.delayed_starts.serve, name="delayed starts")
            nursery.start_soon(wiring.cooldowns.serve, name="cooldowns")
            nursery.start_soon(wiring.allowances.serve, name="allowances")
            nursery.start_soon(sweep, store, wiring.log, wiring.tidy, name="sweep")
            try:
                await _boot(wiring, booted)
            except trio.Cancelled:
                await end_boot(store, wiring.log)  # a start that is cut short has ended as asked
                raise
            if booted.guarded:
                nursery.start_soon(release, store, wiring.log, name="release")
            nursery.start_soon(wiring.receivers.serve, wiring.command_runner.help(admin=False), name="intake")
            gateway = Gateway(wiring)
            try:
                yield gateway
            except BaseException:
                wiring.receivers.scope.cancel(reason="cancelled")
                await checkpoint(store, "cancelled", wiring.log)
                raise
            await drain(gateway, "asked")
        nursery.cancel_scope.cancel(reason="drained")
    await end_boot(store, wiring.log)


async def _begin_boot(store: Store, setup: Setup, outage: Outage) -> tuple[Booted, Sequence[str]]:
    """Write the first commits of a boot. Returns what it found, and the rows that could not be read.

    Tried until the disk takes them. If the host is cancelled meanwhile, a disk that hangs holds it up for
    CLOSE_S at most.
    """
    left = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(limit, store, left, name="limit of the start")
        aside = await outage.outlast(store.clear_the_way)
        booted = await outage.outlast(lambda: store.begin_boot(setup))
        left.set()
    return booted, aside


def _check_accounts(platforms: Sequence[Platform]) -> None:
    names = [f"{platform.name}/{platform.account}" for platform in platforms]
    for name in names:
        if names.count(name) > 1:
            raise ConfigWrong(f"two platforms are both the account {name}")


@asynccontextmanager
async def _opened(platforms: Sequence[Platform]) -> AsyncIterator[None]:
    """Hold every platform open while the body runs; closed in the opposite order.

    Raises:
        AgentError: one cannot be opened; the text has what it raised, and where.
    """
    async with AsyncExitStack() as stack:
        for platform in platforms:
            _, failed = await attempt(stack.enter_async_context, opening(platform))
            if failed is not None:
                raise unopened(platform, first_leaf(failed)) from failed
        yield


async def _boot(wiring: Wiring, booted: Booted) -> None:
    """Commands that were not settled, verdicts, then sessions and lanes that have rows."""
    for account, chat, until in booted.penalties:
        wiring.outbox.remember(account, chat, until)
    wiring.moves.remember(booted.moved)
    wiring.cooldowns.recall(booted.cooldowns)
    store, outage = wiring.store, wiring.outage
    wiring.background.reap(await outage.outlast(store.left_processes))
    await wiring.recovery.turn_away(booted)
    if await outage.outlast(store.commands_waiting):
        with trio.move_on_after(BOOT_COMMANDS_S):
            await wiring.commands.empty()
    await wiring.recovery.recover(booted)
    wiring.turns.open_turns()
    await outage.outlast(store.wake_all)
