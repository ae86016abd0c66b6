"""Every part of a gateway, wired; and what the store's commits cause (`Wiring.perform`).

The parts do not know one another. Here each is given what it asks for: ports, and functions of other parts.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.delivery.lane_workers import LaneWorker, LaneWorkers
from hermes_trio.delivery.outbox import Outbox
from hermes_trio.gateway.commit_lines import write_lines
from hermes_trio.gateway.lease import BootLease
from hermes_trio.intake.accounts import AccountReceivers
from hermes_trio.intake.commands import CommandRunner
from hermes_trio.intake.receiver import Receiver
from hermes_trio.intake.routing import allowed
from hermes_trio.models.cooldown_keeper import CooldownKeeper
from hermes_trio.ports.agent import Agent, profile_of
from hermes_trio.ports.command import Command
from hermes_trio.ports.files import CallFiles
from hermes_trio.ports.platform import Platform
from hermes_trio.ports.process import Processes
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Chance, Log, WallClock
from hermes_trio.processes.background import Background
from hermes_trio.processes.reaper import Reaper
from hermes_trio.runtime.ages import Ages
from hermes_trio.runtime.allowance import Allowances
from hermes_trio.runtime.moved_chats import Moves
from hermes_trio.runtime.outage import OneAsks, Outage
from hermes_trio.runtime.redacting_store import Discretion
from hermes_trio.runtime.splitting import parts_of
from hermes_trio.runtime.workers import Worker, WorkerTable
from hermes_trio.text import sentences
from hermes_trio.transcript.cache import Memory
from hermes_trio.turns.delayed_starts import DelayedStarts
from hermes_trio.turns.recovery import AT_ONCE, Recovery, RecoveryPolicy
from hermes_trio.turns.runner import TurnRunner
from hermes_trio.turns.session_workers import SessionWorker, SessionWorkers
from hermes_trio.turns.sessions import Play, SessionTurns
from hermes_trio.turns.surroundings import Surroundings
from hermes_trio.turns.turn import Turn
from hermes_trio.values.consequences import (
    CancelTurn,
    Consequence,
    Deferred,
    EndProcesses,
    HasMoved,
    LookAround,
    ReplaceKey,
    RestartAsked,
    Signalled,
    Unkept,
    WakeAsk,
    WakeCommands,
    WakeKey,
    WakeLane,
)
from hermes_trio.values.identity import Address, ConversationKey, Lane
from hermes_trio.values.stored import AcceptRules, Begun, Interrupted, Opened, WaitForMore
from hermes_trio.workspaces.conversation_files import ConversationFiles


class Wiring:
    """The parts of one boot. Making it starts nothing; `open.py` gives it its life.

    Attributes:
        receivers: of the accounts.
        commands, sessions: the keys that have a task now. lanes: the lanes that have one.
        lease: of a boot that shares its store.
        drain_deadline: until when turns may go on in a drain.
        draining: no turn is opened any more.
    """

    def __init__(
        self,
        agent: Agent[Turn],
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
        outage: Outage,
        discretion: Discretion,
        on_restart: Callable[[], None] | None,
        processes: Processes,
        files: ConversationFiles,
        resumes: bool,
        lease: BootLease | None = None,
    ) -> None:
        self.store, self.lease, self._on_restart = store, lease, on_restart
        self.accounts = {f"{p.name}/{p.account}": p for p in platforms}
        self.options, self.session_options = options, session
        self.clock, self.chance, self.log = clock, chance, log
        profile = profile_of(agent)
        self.model, self.failing = profile.name, profile.failing
        self.opened_at, self.ages = clock.now(), Ages(clock)
        self.tidy = partial(files.tidy, store, self.ages.age_s, log)
        self.drain_deadline, self.draining = trio.CancelScope(), False
        self.receivers = AccountReceivers(
            self.accounts, store, self._receiver, self._say_what_waits, log, chance
        )
        self.moves, self.allowances = Moves(), Allowances()
        self._awaited: set[trio.CancelScope] = set()
        self.split = partial(parts_of, discretion.aside)
        self.outage, self.disk = outage, OneAsks(store.probe, outage)
        self.look_around: Callable[[], None] = lambda: None
        self.outbox = self._outbox(discretion.redact)
        self.lanes = LaneWorkers(nursery, self.outbox, "lane", log, chance, self.disk)
        self.background = self._background(processes, files, discretion, nursery)
        self.memory = Memory(profile.memory_bytes)
        around = self._surroundings(discretion, files.of, profile.history_chars)
        self.delayed_starts = DelayedStarts()
        self.cooldowns = CooldownKeeper(store, profile.pools, clock, log)
        play = TurnRunner(agent, around, self.delayed_starts, log).play
        self._next_turn = partial(
            store.next_turn,
            history=profile.history_chars,
            steerable=profile.steerable,
            policy=session.policy(),
        )
        self.recovery = self._recovery(resumes)
        self.turns = self._session_turns(play)
        self.sessions = SessionWorkers(nursery, self.turns, "session", log, chance, self.disk)
        self.command_runner = self._command_runner(commands)
        self.commands = WorkerTable(nursery, self.command_runner, "commands", log, chance, self.disk)

    async def _may_act(self) -> None:
        """Asked right before each act on the world outside."""
        if self.lease is not None:
            await self.lease.check()

    def _background(
        self, processes: Processes, files: ConversationFiles, discretion: Discretion, nursery: trio.Nursery
    ) -> Background:
        return Background(
            self.store,
            processes,
            Reaper(nursery, self.log),
            os.environ,
            discretion.redact,
            discretion.aside,
            self.log,
            nursery,
            self._may_act,
            files.folder,
        )

    def _outbox(self, redact: Callable[[str], str]) -> Outbox:
        return Outbox(
            self.store,
            self.accounts,
            self.clock,
            self.ages,
            self.chance,
            self.log,
            self.options.give_up_after_s,
            redact,
            self._hears,
            self.moves,
            self.allowances,
            self.disk,
            self._may_act,
        )

    def _recovery(self, resumes: bool) -> Recovery:
        options = self.options
        policy = RecoveryPolicy(self.is_allowed, resumes, options.resume_freshness_s, options.stuck_after)
        return Recovery(policy, self.store, self.accounts.get, self.split, self.log, self.outage)

    def _session_turns(self, play: Play) -> SessionTurns:
        return SessionTurns(
            self.store,
            self.next_turn,
            play,
            self.log,
            resumes=self._resumes,
            allowed=self.is_allowed,
            turns_max=self.options.turns_max,
        )

    def _command_runner(self, commands: Mapping[str, Command]) -> CommandRunner:
        return CommandRunner(
            self.store,
            commands,
            self.accounts.get,
            self.rules,
            self.status_lines,
            self.sessions.cut_running,
            self.outbox.tell,
            self.log,
            allowed=self.is_allowed,
            restarting=self._restarting,
            allowances=self.allowances,
            split=self.split,
        )

    def _surroundings(
        self, discretion: Discretion, files: Callable[[int], CallFiles], history: int
    ) -> Surroundings:
        return Surroundings(
            store=self.store,
            clock=self.clock,
            ages=self.ages,
            chance=self.chance,
            platform=self.accounts.get,
            split=self.split,
            reserve_lane=self._reserve_lane,
            typing=self.outbox.typing,
            discretion=discretion,
            allowed=self.is_allowed,
            disk=self.disk,
            background=self.background,
            deadline_s=self.options.turn_deadline_s,
            allowances=self.allowances,
            progress_every_s=self.options.progress_every_s,
            steer=self.options.busy == "steer",
            history=history,
            memory=self.memory,
            log=self.log,
            files=files,
            may_act=self._may_act,
        )

    async def next_turn(
        self, key: ConversationKey, session: int, judged: int | None
    ) -> Opened | WaitForMore | Interrupted | None:
        """See the store's promise. The part of the conversation that `memory` still has is not read again."""
        kept = self.memory.of(key)
        return await self._next_turn(key, session, known=None if kept is None else kept.mark, judged=judged)

    async def _resumes(self, turn: Interrupted) -> bool:
        """A turn of another boot that is over is taken up. Whether it goes on."""
        return await self.recovery.take_up(turn, guarded=self.lease is not None and self.lease.guarded)

    # -- what the parts ask of one another

    def is_allowed(self, address: Address) -> bool:
        platform = self.accounts.get(address.account_id)
        return platform is not None and allowed(address.user, platform.policy)

    def _hears(self, account: str) -> bool:
        health = self.receivers.health().get(account)
        return health is not None and health.receiving

    def _receiver(self, platform: Platform, cursor: str | None, reported: Callable[[str], None]) -> Receiver:
        return Receiver(
            platform,
            self.store,
            cursor=cursor,
            rules=self.rules(f"{platform.name}/{platform.account}"),
            scope=self.session_options.scope,
            log=self.log,
            reported=reported,
            reached=self._say_what_waits,
            draining=lambda: self.draining,
            over=lambda: self.receivers.scope.cancel_called,
            moves=self.moves,
            may_act=self._may_act,
        )

    def _reserve_lane(self, lane: Lane) -> Callable[[Begun | None], None] | None:
        return self.lanes.reserve(lane) if self.outbox.is_free(lane) else None

    def _say_what_waits(self, account: str, chat: str | None = None) -> None:
        """The account, or this chat of it, can be reached again: try at once what waits to be said there."""
        for lane, worker in self.lanes.live.items():
            if lane.account_id == account and chat in (None, lane.chat):
                worker.wake()

    def status_lines(self, key: ConversationKey) -> Sequence[str]:
        """What /status says about the gateway to this key."""
        said = sentences.gateway_status(
            up_s=self.ages.age_s(self.opened_at),
            working=self.turns.limiter.held,
            turns_max=self.options.turns_max,
            model=self.model,
            receives={name: health.receiving for name, health in self.receivers.health().items()},
            elsewhere=self.receivers.elsewhere,
            draining=self.draining,
        )
        return [*self.turns.status_lines(key), *said]

    async def wake_lanes(self, lanes: Sequence[Lane]) -> None:
        """Give a task to those of these lanes that have none; others may run meanwhile, if they are many."""
        for nth, lane in enumerate(lanes, 1):
            if nth % AT_ONCE == 0:
                await trio.lowlevel.checkpoint()
            if lane not in self.lanes.live and self.flows:
                self.lanes.wake(lane, LaneWorker)

    def _restarting(self) -> str | None:
        """The sentence to whoever asks for a restart; None: the host cannot restart."""
        said = sentences.GOING_DOWN if self.draining else sentences.RESTARTING
        return said if self._on_restart is not None else None

    def rules(self, account: str) -> AcceptRules:
        """What an account's messages do to a busy session."""
        platform = self.accounts.get(account)
        reacts = platform is not None and platform.capabilities.can_react
        return AcceptRules(self.options.queue_max, self.options.busy, "react" if reacts else "line")

    @contextmanager
    def until_followed(self) -> Iterator[None]:
        """Who waits for this boot in the body waits no longer once another lives in its place."""
        with trio.CancelScope() as scope:
            self._awaited.add(scope)
            try:
                yield
            finally:
                self._awaited.discard(scope)

    def follow(self) -> None:
        """Another boot lives in its place."""
        for scope in self._awaited:
            scope.cancel(reason="another boot lives")

    # -- what the store's commits cause

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """While the body runs, commits wake and cancel. It is left before the nursery of the tasks they wake.

        After it a commit only has its log lines: the rows are acted on by the next boot.
        """
        self.store.perform = self.perform
        try:
            yield
        finally:
            self.store.perform = partial(write_lines, self.log)

    @property
    def flows(self) -> bool:
        """Whether commits wake tasks of this boot."""
        return self.store.perform == self.perform

    @property
    def receives(self) -> bool:
        """Whether this boot takes accounts."""
        return self.flows and not self.receivers.scope.cancel_called

    def perform(self, consequences: Sequence[Consequence]) -> None:
        """Do what a commit says, synchronously, before its caller wakes. Called by the store's writer."""
        self.ages.look()
        write_lines(self.log, consequences)
        for what in consequences:
            self._act(what.what if isinstance(what, Signalled) else what)

    def _act(self, what: Consequence) -> None:
        match what:
            case WakeKey(key=key) | WakeCommands(key=key) if key.account_id not in self.accounts:
                pass  # this boot does not serve its account: its rows wait for one that does
            case Unkept(account=account, count=count):
                self.log.warning("strangers not kept", account=account, count=count)
            case HasMoved(account=account, chat=chat, becomes=becomes):
                self.moves.add(account, chat, becomes)
            case WakeKey(key=key, session=session):
                self.sessions.wake(key, partial(SessionWorker, session))
            case Deferred(until=until):
                self.cooldowns.deferred(until)
            case WakeLane(lane=lane):
                self.lanes.wake(lane, LaneWorker)
            case WakeCommands(key=key):
                self.commands.wake(key, Worker)
            case ReplaceKey(key=key, session=session, why=why):
                self.memory.forget(key)
                if key.account_id in self.accounts:
                    self.sessions.replace(key, SessionWorker(session), why)
            case CancelTurn(key=key, turn=turn, why=why):
                self.sessions.cut(key, turn, why)
            case RestartAsked() if self._on_restart is not None:
                self._on_restart()
            case EndProcesses(processes=processes):
                self.background.end(processes)
            case LookAround():
                self.look_around()
            case WakeAsk(key=key, turn=turn):
                self.sessions.answer(key, turn)
