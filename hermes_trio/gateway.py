"""open_gateway(): wires the river and owns the shutdown order.

    store writer             a service: shields itself, outlives everything below
    └ work nursery
      ├ lanes                a task per chat and thread with something to say
      ├ commands             a task per key with unsettled commands
      ├ sessions             a task per key with something to do
      └ intake nursery       a supervisor per account

Three ways out: the body ends → drain; Cancelled or an error in the body → checkpoint under its shield,
no waiting, the next boot repairs the rest; a signal's deadline (`Gateway.hurry`) shortens the drain.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import trio

from hermes_trio.accounts import check_accounts, opened
from hermes_trio.attend import Quiet
from hermes_trio.background import Background
from hermes_trio.child_port import Processes
from hermes_trio.clock import SystemClock, system_chance
from hermes_trio.consequences import (
    CancelTurn,
    Consequence,
    Deferred,
    EndChildren,
    ReplaceKey,
    RestartAsked,
    Settled,
    WakeAsk,
    WakeCommands,
    WakeKey,
    WakeLane,
)
from hermes_trio.dispatch import Dispatch, by_name
from hermes_trio.drain import Draining, checkpoint, drain, end_boot
from hermes_trio.errors import StaleSession
from hermes_trio.inbox import Ear, Health
from hermes_trio.keyed import Keyed
from hermes_trio.listening import Listening
from hermes_trio.log import Log, standard_log
from hermes_trio.options import Gateway as GatewayOptions
from hermes_trio.options import Session as SessionOptions
from hermes_trio.outbox import Outbox
from hermes_trio.plugins import installed_commands
from hermes_trio.ports import Agent, Chance, Command, Platform, WallClock
from hermes_trio.processes import SystemProcesses
from hermes_trio.pure import texts
from hermes_trio.pure.routing import allowed
from hermes_trio.reaper import Reaper
from hermes_trio.recovery import Policy, let_go, recover
from hermes_trio.rests import Rests
from hermes_trio.sessions import Sessions
from hermes_trio.store_port import AcceptRules, Booted, StatusView, Store
from hermes_trio.stores.sqlite import served
from hermes_trio.turn import Player
from hermes_trio.values import Address, Key, Lane, LedgerRow, SessionView
from hermes_trio.verbs import Surroundings

BOOT_COMMANDS_S = 15.0


class Gateway:
    """A running gateway: what a host may ask of it. Made by `open_gateway`."""

    def __init__(
        self,
        agent: Agent,
        platforms: Sequence[Platform],
        store: Store,
        nursery: trio.Nursery,
        *,
        options: GatewayOptions,
        session: SessionOptions,
        commands: Mapping[str, Command],
        clock: WallClock,
        chance: Chance,
        log: Log,
        redact: Callable[[str], str],
        on_restart: Callable[[], None] | None,
        processes: Processes,
    ) -> None:
        self._on_restart = on_restart
        self.store = store
        self.accounts = {f"{p.name}/{p.account}": p for p in platforms}
        self.options, self.session_options = options, session
        self.clock, self.chance, self.log = clock, chance, log
        self.model = getattr(agent, "name", "")
        self.opened_at = clock.now()
        self.drain_deadline, self.draining = trio.CancelScope(), False
        self.listening = Listening(self.accounts, store, self._ear, self._say_what_waits, log, chance)
        history = getattr(agent, "history_chars", 0)
        self.outbox = Outbox(store, self.accounts, clock, chance, log, options.give_up_after_s, redact)
        reaper = Reaper(nursery, log)
        self.background = Background(store, processes, reaper, os.environ, redact, log, nursery)
        around = self._surroundings(redact, history)
        self.quiet = Quiet()
        self.rests = Rests(store, getattr(agent, "pools", ()), clock, log)
        play, takes_in = Player(agent, around, self.quiet, log).play, getattr(agent, "takes_in", False)
        next_turn = partial(store.next_turn, history=history, takes_in=takes_in, policy=session.policy())
        self.turns = Sessions(store, next_turn, play, log, turns_max=options.turns_max)
        self.sessions: Keyed[Key] = Keyed(nursery, self.turns, "session", log, chance)
        cut, tell, say = self.sessions.cut_running, self.outbox.tell, self._restarting
        self.dispatch = Dispatch(
            store, commands, self.accounts.get, self.rules, self.status_lines, cut, tell, log, restarting=say
        )
        self.lanes: Keyed[Lane] = Keyed(nursery, self.outbox, "lane", log, chance)
        self.commands: Keyed[Key] = Keyed(nursery, self.dispatch, "commands", log, chance)

    def _surroundings(self, redact: Callable[[str], str], history: int) -> Surroundings:
        return Surroundings(
            store=self.store,
            clock=self.clock,
            chance=self.chance,
            platform=self.accounts.get,
            typing=self.outbox.typing,
            redact=redact,
            allowed=self._is_allowed,
            background=self.background,
            deadline_s=self.options.turn_deadline_s,
            progress_every_s=self.options.progress_every_s,
            steer=self.options.busy == "steer",
            history=history,
        )

    # -- what a host may ask

    async def ready(self) -> None:
        """Return when each account has received, or has reported that it cannot."""
        await self.listening.ready()

    async def finished(self) -> None:
        """Return when every platform's input has ended and every message has its outcome and its answer."""
        await self.listening.ended()
        await self.at_rest()
        while (await self.store.status()).deferred:
            await self.rests.looked()
            await self.at_rest()

    async def at_rest(self) -> None:
        """Return when no key has anything to do and no lane anything to say."""
        while self.commands.live or self.sessions.live or self.lanes.live:
            await self.commands.empty()
            await self.sessions.empty()
            await self.lanes.empty()

    async def stop(self, session: int, why: str = "operator") -> bool:
        """Stop the session's running turn. False if there is no such open session or nothing ran."""
        view = await self.store.session(session)
        if view is None:
            return False
        try:
            stopped = await self.store.stop(view.key, None, why, session=session)
        except StaleSession:
            return False
        self.log.info("stop", key=str(view.key), turn=stopped.turn, who=why)
        return stopped.turn is not None

    async def reset(self, session: int, why: str = "operator") -> int | None:
        """End the session and open the next; its number, None if there is no such open session."""
        view = await self.store.session(session)
        if view is None:
            return None
        try:
            return await self.store.reset(view.key, None, why, session=session)
        except StaleSession:
            return None

    async def resume(self, session: int) -> int | None:
        """Open an ended session again. Returns the one that ended for it, None if it is no ended one."""
        view = await self.store.session(session)
        return None if view is None else await self.store.resume(view.key, None, session)

    async def ledger(self, chat: str | None = None, limit: int = 1000) -> Sequence[LedgerRow]:
        """The newest inbound messages with their outcomes, oldest first."""
        return await self.store.ledger(chat, limit)

    async def session_views(self) -> Sequence[SessionView]:
        """The open sessions, newest first."""
        return await self.store.sessions()

    async def status(self) -> StatusView:
        """Counts, and the turns running."""
        return await self.store.status()

    def health(self) -> Mapping[str, Health]:
        """Per account whether it receives."""
        return self.listening.health()

    def hurry(self, seconds: float = 0.0) -> None:
        """Shorten a drain, running or to come, to so many seconds from now."""
        self.drain_deadline.deadline = min(self.drain_deadline.deadline, trio.current_time() + seconds)

    def status_lines(self, key: Key) -> Sequence[str]:
        """What /status says about the gateway to this key."""
        said = texts.gateway_status(
            up_s=self.clock.now() - self.opened_at,
            working=self.turns.places.held,
            turns_max=self.options.turns_max,
            model=self.model,
            receives={name: health.receiving for name, health in self.health().items()},
            draining=self.draining,
        )
        return [*self.turns.place(key), *said]

    def _restarting(self) -> str | None:
        """What is said to whoever asks for a restart; None: the host cannot."""
        said = texts.GOING_DOWN if self.draining else texts.RESTARTING
        return said if self._on_restart is not None else None

    def rules(self, account: str) -> AcceptRules:
        """What an account's messages do to a busy session."""
        platform = self.accounts.get(account)
        reacts = platform is not None and platform.traits.can_react
        return AcceptRules(self.options.queue_max, self.options.busy, "react" if reacts else "line")

    # -- what the store's commits cause

    def perform(self, consequences: Sequence[Consequence]) -> None:
        """Wake and cancel what a commit says, synchronously, before its caller wakes."""
        for what in consequences:
            match what:
                case WakeKey(key=key, session=session):
                    self.sessions.wake(key, session)
                case Settled(native=native, outcome=outcome, why=why):
                    where = str(what.key or what.account)
                    self.log.info(f"message {outcome}", native=native, key=where, why=why)
                case Deferred(until=until):
                    self.rests.deferred(until)
                case WakeLane(lane=lane):
                    self.lanes.wake(lane)
                case WakeCommands(key=key):
                    self.commands.wake(key)
                case ReplaceKey(key=key, session=session, why=why, who=who):
                    self.log.info("reset", key=str(key), session=session, who=who, why=why)
                    self.sessions.replace(key, session, why)
                case CancelTurn(key=key, turn=turn, why=why):
                    self.sessions.cut(key, turn, why)
                case RestartAsked() if self._on_restart is not None:
                    self._on_restart()
                case EndChildren(children=children):
                    self.background.end(children)
                case WakeAsk(key=key, turn=turn) if key in self.sessions.live:
                    self.sessions.live[key].answer(turn)

    # -- its life

    async def boot(self, booted: Booted, resume: bool) -> None:
        """Commands that were not settled, verdicts, then sessions and lanes that have rows."""
        for account, chat, until in booted.penalties:
            self.outbox.remember(account, chat, until)
        self.rests.recall(booted.rests)
        self.background.reap(await self.store.left_children())
        if await self.store.commands_waiting():
            with trio.move_on_after(BOOT_COMMANDS_S):
                await self.commands.empty()
        options = self.options
        policy = Policy(self._is_allowed, resume, options.resume_freshness_s, options.stuck_after)
        now, platform = self.clock.now(), self.accounts.get
        await recover(booted, self.store, policy, now=now, platform=platform, log=self.log)
        self.turns.open_turns()
        await self.store.wake_all()

    def _is_allowed(self, address: Address) -> bool:
        platform = self.accounts.get(address.account_id)
        return platform is not None and allowed(address.user, platform.policy)

    def _ear(self, platform: Platform, cursor: str | None, reported: Callable[[str], None]) -> Ear:
        return Ear(
            platform,
            self.store,
            cursor=cursor,
            rules=self.rules(f"{platform.name}/{platform.account}"),
            scope=self.session_options.scope,
            log=self.log,
            chance=self.chance,
            reported=reported,
            draining=lambda: self.draining,
        )

    def _say_what_waits(self, account: str) -> None:
        """The account is well: what waits to be said there is tried at once."""
        for lane, worker in self.lanes.live.items():
            if lane.account_id == account:
                worker.wake()

    def _cancel(self, why: str) -> None:
        self.sessions.cancel(why)
        self.background.cancel(why)

    async def drain(self, why: str) -> None:
        """See drain.py."""
        self.draining = True
        self.hurry(self.options.drain_timeout_s)
        work = Draining(
            open_no_turns=self.turns.open_no_turns,
            no_turn_works=self.turns.places.none_held,
            stop_intake=lambda: self.listening.scope.cancel(reason=why),
            cancel_sessions=lambda: self._cancel(why),
            left=self.sessions.empty,
            flushed=self.lanes.empty,
        )
        await drain(work, self.store, self.log, why=why, deadline=self.drain_deadline)


@asynccontextmanager
async def open_gateway(
    agent: Agent,
    *,
    platforms: Sequence[Platform],
    store: Store | Path | str,
    options: GatewayOptions | None = None,
    session: SessionOptions | None = None,
    commands: Sequence[Command] | None = None,
    clock: WallClock | None = None,
    chance: Chance | None = None,
    log: Log | None = None,
    redact: Callable[[str], str] = str,
    resume: bool = True,
    on_restart: Callable[[], None] | None = None,
    processes: Processes | None = None,
) -> AsyncIterator[Gateway]:
    """Run a gateway while the body runs.

    Args:
        agent: `async def agent(turn)`, called once per turn; see `Turn` for its verbs. Returns the reply
            as markdown, a `Silence`, or None for "my last `say` was it".
        platforms: the accounts to serve. Each carries its own policy; deny by default.
        store: where everything is kept: a file's path, ":memory:", or a Store that nobody serves yet.
        options, session: limits and rules, as in the config file.
        commands: slash commands; by default those that are installed.
        clock, chance, processes: wall time, ids and jitter, programs; by default the machine's own.
        log: a structlog logger, which sees to secrets itself; by default lines go to the standard logger
            "hermes_trio", redacted.
        redact: replaces secrets in what is said, shown, stored, and logged there.
        on_restart: called, synchronously, at /restart: leave the body and open anew. None: it is refused.
        resume: False: interrupted turns are closed with a notice instead of resumed.

    Leaving the body drains: a checkpoint, turns that work may finish within `options.drain_timeout_s`, the
    rest goes on at the next boot. Cancelled or raising: the checkpoint is written, nothing is waited for.

    Raises:
        StoreRefused: the file is corrupt, newer or not ours; it was left untouched.
        ExceptionGroup: of what the body raises.
    """
    wall, dice, lines = clock or SystemClock(), chance or system_chance(), log or standard_log(redact)
    named = by_name(installed_commands() if commands is None else commands)
    check_accounts(platforms)

    make = partial(
        Gateway,
        agent,
        platforms,
        options=options or GatewayOptions(),
        session=session or SessionOptions(),
        commands=named,
        clock=wall,
        chance=dice,
        log=lines,
        redact=redact,
        on_restart=on_restart,
        processes=processes or SystemProcesses(),
    )
    async with served(store, wall) as kept, _living(make, platforms, kept, resume) as gateway:
        yield gateway


@asynccontextmanager
async def _living(
    make: Callable[[Store, trio.Nursery], Gateway], platforms: Sequence[Platform], store: Store, resume: bool
) -> AsyncIterator[Gateway]:
    """One boot, from its first commit to its last."""
    booted = await store.begin_boot()
    async with opened(platforms), trio.open_nursery() as nursery:
        gateway = make(store, nursery)
        store.perform = gateway.perform
        nursery.start_soon(gateway.quiet.serve, name="quiet")
        nursery.start_soon(gateway.rests.serve, name="rests")
        await gateway.boot(booted, resume)
        if booted.guarded:
            nursery.start_soon(let_go, store, gateway.chance, gateway.log, name="let go")
        nursery.start_soon(gateway.listening.serve, gateway.dispatch.help(admin=False), name="intake")
        try:
            yield gateway
        except BaseException:
            await checkpoint(store, "cancelled", gateway.log)
            raise
        await gateway.drain("asked")
        nursery.cancel_scope.cancel(reason="drained")
    await end_boot(store, gateway.log)
