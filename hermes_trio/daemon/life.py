"""The daemon: a gateway in the foreground, with signals, a lock, an operator's socket, and exit codes.

lock, signals
└ agent                  model clients
  └ nursery
    ├ signals            drain, then haste
    ├ control            answers operators as long as the store is open, also during the drain
    └ gateway            open_gateway(); its body waits until somebody asks to stop
"""

from __future__ import annotations

import faulthandler
import gc
import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

import trio
from msgspec import Struct

from hermes_trio.config.load import Config, Tools
from hermes_trio.daemon.configured_agent import open_agent
from hermes_trio.daemon.control.answers import Answers, is_open
from hermes_trio.daemon.control.server import serve_control
from hermes_trio.daemon.heap import give_back
from hermes_trio.daemon.late import tell_late
from hermes_trio.daemon.service.supervisor import Notify, notifier, stop_limit_s, supervisor, watchdog_s
from hermes_trio.daemon.signals import Caught, caught_signals
from hermes_trio.daemon.state_dir.folder import STORE
from hermes_trio.daemon.state_dir.lock import hold_lock
from hermes_trio.errors import ConfigWrong, HermesError
from hermes_trio.gateway.handle import Gateway
from hermes_trio.gateway.open import open_gateway
from hermes_trio.ports.platform import AdapterContext, Platform
from hermes_trio.ports.system import Chance, Log, MachineClock
from hermes_trio.processes.sandbox import Sandbox
from hermes_trio.processes.system import SystemProcesses
from hermes_trio.runtime.clock import SystemClock, system_chance
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.runtime.retry import until_stored
from hermes_trio.runtime.threads import held_loop, pulse
from hermes_trio.runtime.tracebacks import places_of_stack
from hermes_trio.workspaces.folders import Workspaces

STOPPED, UNWRITTEN, RESTART, WRONG = 0, 1, 75, ConfigWrong.exit_code
NOTHING_TO_READ = "standard input is no terminal, pipe or file"
HELD_S = 5.0
"""Who holds the loop for so long is told."""
FEEDS = 3
"""A sign of life is asked for within a third of the watchdog's time, and has another third to come."""


class OutputFailed(HermesError):
    """All was answered, and some of it could not be written; the text says how much."""


class Host(Struct, frozen=True, kw_only=True):
    """What a daemon is given beside its configuration. `redact` is what its log redacts with."""

    log: Log
    clock: MachineClock
    chance: Chance
    redact: Redactor
    tell: Notify
    resume: bool = True


def system_host(log: Log, redact: Redactor, *, resume: bool = True) -> Host:
    """The machine's own clock and chance, and whoever listens above."""
    return Host(
        log=log,
        clock=SystemClock(),
        chance=system_chance(),
        redact=redact,
        tell=notifier(os.environ.get("NOTIFY_SOCKET")),
        resume=resume,
    )


def build_platforms(config: Config, state_dir: Path, host: Host) -> list[Platform]:
    """The configured accounts, built, not opened. What could not be imported is left out."""
    context = AdapterContext(state_dir, host.chance, host.clock, host.redact.learn)
    return [account.build(context) for account in config.accounts]


async def serve(config: Config, host: Host) -> int:
    """Be the daemon until it is asked to stop or all its inputs have ended; returns the exit code.

    The state_dir exists. The whole stop ends within `config.stop_s`: what is left by then is killed.

    Returns 0 when it was asked to stop, 75 when it was asked to begin anew.

    Raises:
        StateDirBusy: another daemon holds the lock.
        ConfigWrong, StoreRefused: it cannot start. As members of exception groups.
        OutputFailed: the inputs have ended, and not all answers could be written.
    """
    platforms = build_platforms(config, config.gateway.state_dir, host)
    supervisor()  # what its variable says is looked at now, not when it is needed
    life = _Life(config, host)
    with (
        caught_signals(life.limit_stop) as caught,
        _fed_watchdog(host.tell),
        held_loop(HELD_S, life.tell_held),
    ):
        try:
            async with trio.open_nursery() as beside:
                beside.start_soon(
                    tell_late, host.log, life.opened.wait, life.stopping, config.stop_s, name="late"
                )
                with life.starting:
                    async with hold_lock(config.gateway.state_dir):
                        await _live(life, caught, platforms, host)
                beside.cancel_scope.cancel(reason="stopped")
        finally:
            faulthandler.cancel_dump_traceback_later()
    host.log.info("stopped", why=life.why, code=life.code)
    if life.unwritten:
        raise OutputFailed(f"standard output: {life.unwritten} answers could not be written")
    return life.code


class _Life:
    """What the tasks of a daemon share: who asked it to stop, and the gateway while there is one."""

    def __init__(self, config: Config, host: Host) -> None:
        self.config = config
        self.log = host.log
        self.tell = host.tell
        self.starting = trio.CancelScope()
        self.opened = trio.Event()
        self.stopping = trio.Event()
        self.why = ""
        self.code = STOPPED
        self.began = host.clock.now()
        self.unwritten = 0
        self._limited = False
        self.answers = Answers(config.unavailable, self.restart, host.redact)

    @property
    def gateway(self) -> Gateway | None:
        return self.answers.gateway

    def stop(self, why: str, code: int = STOPPED) -> None:
        """Begin to stop; the first reason counts, but to be stopped outweighs to be started again."""
        if self.stopping.is_set():
            if self.code == RESTART and code == STOPPED:
                self.why, self.code = why, code
            return
        self.why, self.code = why, code
        self.log.info("stopping", why=why, within_s=self.config.stop_s)
        self.tell(f"STOPPING=1\nSTATUS=stopping: {why}\nEXTEND_TIMEOUT_USEC={int(self.config.stop_s * 1e6)}")
        self.limit_stop()
        self.stopping.set()
        if self.gateway is None and code == STOPPED:
            self.starting.cancel(reason=why)

    def limit_stop(self) -> None:
        """From now on a stop may take so long; a loop that is stuck is ended with its traceback on stderr."""
        if not self._limited:
            self._limited = True
            faulthandler.dump_traceback_later(self.config.stop_s, exit=True)

    def tell_held(self, frame: FrameType) -> None:
        """From a thread: something does not let go of the loop, so that nobody is served."""
        self.log.error("loop held", for_s=HELD_S, traceback=places_of_stack(frame))

    async def at_rest(self) -> None:
        """Return when the gateway, if there is one, has nothing to do."""
        if self.gateway is not None:
            await self.gateway.at_rest()

    def hurry(self) -> None:
        """Wait for no turn any more."""
        if self.gateway is not None:
            self.gateway.hurry(0)

    def restart(self) -> None:
        """Begin to stop, and to be started again; a start that is under way ends first."""
        self.stop("restart", RESTART)


def _settle_in() -> None:
    """What a process that lives long and serves many asks of the machine, once."""
    # What is there at the start stays: the collector need not walk it again and again.
    gc.freeze()
    # A turn leaves nothing for the collector (tests/turns/test_collected.py). Hundreds that begin at the same
    # moment are no reason for it to look.
    gc.set_threshold(20_000, 20, 50)
    # A turn that waits for its model holds a connection: 1,000 turns do not fit the usual 1,024 files.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):  # a system may allow less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _live(life: _Life, caught: Caught, platforms: Sequence[Platform], host: Host) -> None:
    config, log = life.config, host.log
    _settle_in()
    for name, why in config.unavailable.items():
        log.error("platform unavailable", platform=name, why=why)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_heed, caught, life, name="signals")
        nursery.start_soon(_compare_stop_limits, life, name="stop limit")
        nursery.start_soon(give_back, life.at_rest, name="heap")
        await nursery.start(
            serve_control, config.gateway.state_dir, life.answers.answer, host.redact, name="control"
        )
        async with (
            open_agent(
                config, clock=host.clock, chance=host.chance, log=log, learn=host.redact.learn
            ) as agent,
            open_gateway(
                agent,
                platforms=platforms,
                store=config.store.url.reveal() or config.gateway.state_dir / STORE,
                node=config.store.name,
                lease_s=config.store.lease_s,
                options=config.gateway,
                session=config.session,
                workspaces=_workspaces(config.tools),
                processes=SystemProcesses(sandbox_of(config.tools)),
                clock=host.clock,
                chance=host.chance,
                log=log,
                redact=host.redact,
                resume=host.resume,
                on_restart=life.restart,
            ) as gateway,
        ):
            life.answers.gateway = gateway
            life.opened.set()
            await _until_stopped(life, gateway)
        nursery.cancel_scope.cancel(reason="stopped")


def sandbox_of(tools: Tools) -> Sandbox | None:
    """What the programs of a configuration run in; None: nothing."""
    if tools.sandbox == "none":
        return None
    return Sandbox(network=tools.network, mounts=tools.mount, file_mib=tools.workspace_mib)


def _workspaces(tools: Tools) -> Workspaces:
    return Workspaces(folder=tools.workspace_dir, most_mib=tools.workspace_mib, mounts=tools.mount)


@contextmanager
def _fed_watchdog(tell: Notify) -> Iterator[None]:
    """A supervisor's watchdog is fed as long as the loop is alive; what it kills shows where it stood."""
    limit_s = watchdog_s()
    if limit_s is None:
        yield
        return
    faulthandler.enable()
    with pulse(limit_s / FEEDS, lambda: tell("WATCHDOG=1")):
        yield


async def _compare_stop_limits(life: _Life) -> None:
    """Say it now if a stop may be cut short, not when it is."""
    limit_s = await stop_limit_s()
    if limit_s is not None and limit_s < life.config.stop_s:
        life.log.warning("stop limit too short", limit_s=limit_s, needs_s=life.config.stop_s)


async def _heed(caught: Caught, life: _Life) -> None:
    """The first signal drains, the second hurries. The third never comes here."""
    while True:
        await caught.next()
        life.stop("signal")
        if caught.count > 1:
            life.hurry()


async def _until_stopped(life: _Life, gateway: Gateway) -> None:
    async with trio.open_nursery() as body:
        body.start_soon(_say_ready, life, gateway, name="ready")
        body.start_soon(_end_with_input, life, gateway, name="end of input")
        if gateway.shares:
            body.start_soon(_give_way, life, gateway, name="node's name")
        await life.stopping.wait()
        body.cancel_scope.cancel(reason=life.why)


async def _say_ready(life: _Life, gateway: Gateway) -> None:
    """One line, when each account has received or has reported that it cannot."""
    await gateway.ready()
    for name, platform in gateway.accounts.items():
        if is_open(platform.policy.allow_users):
            life.log.warning("anybody may speak", account=name)
    health = gateway.health()
    life.log.info(
        "ready",
        receiving=",".join(name for name, of in health.items() if of.receiving),
        failing=",".join(name for name, of in health.items() if not of.receiving) or None,
        elsewhere=",".join(gateway.elsewhere) or None,
        unavailable=",".join(life.config.unavailable) or None,
        model=gateway.model,
        pid=os.getpid(),
    )
    receiving = [name for name, of in health.items() if of.receiving]
    life.tell(f"READY=1\nSTATUS=receiving: {', '.join(receiving) or 'nothing'}")


async def _end_with_input(life: _Life, gateway: Gateway) -> None:
    """Inputs that have all ended end the daemon; an account that was refused does not, it has to be seen."""
    await gateway.finished()
    if all(health.receiving for health in gateway.health().values()):
        rows = await gateway.ledger()
        life.unwritten = sum(
            row.reply in ("failed", "maybe") and row.received_at >= life.began for row in rows
        )
        life.stop("end of input", UNWRITTEN if life.unwritten else STOPPED)


async def _give_way(life: _Life, gateway: Gateway) -> None:
    """End if a node of this name that began before lives on: by then a dead one's lease is over."""
    store = life.config.store
    await trio.sleep(store.lease_s + 1)
    mine = (await until_stored(gateway.status)).boot
    for one in await until_stored(gateway.nodes):
        if one.name == store.name and one.boot < mine and one.lease_left_s > 0 and not one.draining:
            mend = 'each daemon needs its own [store] node = "NAME"'
            life.log.error("node name taken", node=one.name, boot=one.boot, why=mend)
            life.stop("node name taken", WRONG)
            return


def check_platforms(config: Config, *, lines_come: bool) -> None:
    """Refuse to be a daemon that nobody can speak to.

    Args:
        lines_come: standard input is something that lines can come from: see `streams.brings_lines`.

    Raises:
        ConfigWrong: no platform is configured, and there is nothing to read that could stand in.
    """
    if config.terminal_implied and not lines_come:
        raise ConfigWrong(
            f"{config.path or 'embedded default'}: platforms: none is configured, and {NOTHING_TO_READ}."
            " Add a section like [platforms.telegram], or pipe lines into it"
        )
