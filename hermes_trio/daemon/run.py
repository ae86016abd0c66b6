"""The daemon as a process: where its log lines go, and how it reports a fatal error without a secret."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TextIO, cast

import trio
from msgspec import Struct
from msgspec.structs import replace

from hermes_trio.config.accounts import Account
from hermes_trio.config.load import Config
from hermes_trio.daemon.life import RESTART, serve, system_host
from hermes_trio.daemon.logs.bridge import standard_logging_to
from hermes_trio.daemon.logs.sink import CappedFile, Sink
from hermes_trio.daemon.logs.stray import stray_errors_to
from hermes_trio.daemon.private_memory import be_unreadable, blank_environment
from hermes_trio.daemon.service.supervisor import begin_anew, supervisor
from hermes_trio.daemon.state_dir.folder import LOG, make_state_dir, refuse_shared, refuse_shared_workspaces
from hermes_trio.ports.system import Log
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.runtime.log import stream_log
from hermes_trio.runtime.plugins import PLATFORMS, installed
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.values.log import Form, Level

TERMINAL = "terminal"
STDIN, STDERR = 0, 2
EVERY_LINE = 1_000_000_000


class LogStyle(Struct, frozen=True):
    """How log lines are written.

    Args:
        form: None for "pretty" on a terminal, "logfmt" elsewhere.
    """

    form: Form | None = None
    level: Level = "info"


def run_daemon(
    config: Config, *, resume: bool = True, chatting: bool = False, style: LogStyle | None = None
) -> int:
    """Be the daemon in the foreground; returns the exit code.

    Asked to restart, it ends with 75 if a supervisor is known to start it again. Otherwise the process
    executes itself after everything is closed. If that cannot succeed (the configuration
    has become wrong, the program is gone), it goes on as it is.

    Log lines go to standard error. While somebody chats on the terminal they go to `hermes.log` in the
    state_dir instead. That file is rotated at 10 MB.

    Raises:
        HermesError: it cannot start. May be within exception groups.
    """
    make_state_dir(config.gateway.state_dir)
    refuse_shared_workspaces(config.tools.workspace_dir)
    whole = _keep_to_oneself(config)
    redact = Redactor(config.secrets)
    to_file = chatting or _is_garbled(config)
    with _log(config, redact, style or LogStyle(), to_file=to_file) as log:
        host = system_host(log, redact, resume=resume)
        while (code := _run(partial(serve, config, host), redact)) == RESTART:
            by = supervisor()
            log.info("restarting", by=by or "itself")
            if by is not None:
                break
            log.error("not begun anew", why=begin_anew(config.path, whole))
        return code


def run_attached(state_dir: Path) -> int:
    """Chat with the daemon of this state_dir; returns the exit code.

    Raises:
        HermesError: there is none to chat with, or it went away. May be within exception groups.
    """
    from hermes_trio.daemon.chat import attach

    refuse_shared(state_dir)
    redact = Redactor()
    log = stream_log(cast(TextIO, Sink(STDERR)), SystemClock().now, redact)
    return _run(partial(attach, state_dir, system_host(log, redact)), redact)


def with_terminal_only(config: Config) -> Config:
    """The same configuration with the terminal as its one platform."""
    config = with_each_line_answered(replace(config, terminal_implied=True))
    configured = [account for account in config.accounts if account.platform == TERMINAL]
    return replace(
        config,
        accounts=tuple(configured or [_terminal().on(config.store.name if config.store.url else "")]),
        terminal_implied=False,
        unavailable={},
    )


def _terminal() -> Account:
    adapter = installed(PLATFORMS)[TERMINAL]()
    return Account(platform=TERMINAL, adapter=adapter, options=adapter.options())


def with_each_line_answered(config: Config) -> Config:
    """The same; where a pipe or a file stands in for the terminal, no line is refused for those before it."""
    if not config.terminal_implied or os.isatty(STDIN):
        return config
    return replace(config, gateway=replace(config.gateway, queue_max=EVERY_LINE))


def _keep_to_oneself(config: Config) -> dict[str, str]:
    """No other process of this user reads the secrets: not in memory, not in a core, not in the environment.

    Returns the environment as it was, for a process that begins anew.
    """
    whole, held = dict(os.environ), {secret.reveal() for secret in config.secrets}
    blank_environment({os.fsencode(value) for value in whole.values() if value.strip() in held})
    for name, value in whole.items():
        if value.strip() in held:
            del os.environ[name]
    be_unreadable()
    return whole


def _run(main: Callable[[], Awaitable[int]], redact: Redactor) -> int:
    """Run it. Raises what it raises; what Python then prints of it shows no secret."""

    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        text = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(redact(text))

    sys.excepthook = show
    return trio.run(main)


@contextmanager
def _log(config: Config, redact: Redactor, style: LogStyle, *, to_file: bool) -> Iterator[Log]:
    on_terminal = not to_file and os.isatty(STDERR)
    form: Form = style.form or ("pretty" if on_terminal else "logfmt")
    # The convention of no-color.org, and of terminals that know no escapes.
    colours = on_terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    with CappedFile(config.gateway.state_dir / LOG) if to_file else Sink(STDERR) as stream:
        out, now = cast(TextIO, stream), SystemClock().now
        log = stream_log(out, now, redact, form=form, level=style.level, colours=colours)
        with standard_logging_to(log), stray_errors_to(log):
            yield log


def _is_garbled(config: Config) -> bool:
    return any(account.platform == TERMINAL for account in config.accounts) and os.isatty(STDERR)
