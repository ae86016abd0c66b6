"""The command line. Each command imports what it needs, so that none pays for another.

This is a border: exception groups are opened here and go no further.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.ask import ASKING, FAILED
from hermes_trio.cli.doctor import doctor
from hermes_trio.cli.export import export
from hermes_trio.cli.move import move
from hermes_trio.cli.options import config_option, find_file, loaded, shown, tell
from hermes_trio.cli.replay import replay
from hermes_trio.cli.service import service
from hermes_trio.cli.setup import setup
from hermes_trio.cli.simulate import simulate
from hermes_trio.cli.streams import brings_lines, let_go_of, put_in_place
from hermes_trio.errors import ConfigWrong, HermesError, OperatorError
from hermes_trio.values.log import FORMS, LEVELS

if TYPE_CHECKING:
    from hermes_trio.config.load import Config
    from hermes_trio.values.log import Form, Level


def main() -> None:
    """Run the command line and end the process with its exit code.

    0: done, or stopped as asked. 1: not done. 2: the command line is wrong. 75: start me again, or another
    daemon runs. 78: the configuration or the store is wrong.
    """
    put_in_place()
    sys.exit(_code())


def _code() -> int:
    try:
        code = commands(standalone_mode=False) or 0
        sys.stdout.flush()
        return code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except BaseExceptionGroup as group:
        if group.split(_is_told)[1] is not None:
            raise
        return _failed(_first(group.subgroup(HermesError) or group))
    except (HermesError, OSError) as error:
        return _failed(error)
    except (click.Abort, KeyboardInterrupt):
        return 0


_OF_OUTPUT = {errno.ENOSPC, errno.EIO, errno.EFBIG, errno.EDQUOT, errno.EBADF}
"""What writing to a stream ends with, which names no file."""
_LACKS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
"""What a machine is out of: nobody's code has to change."""


def _is_told(error: BaseException) -> bool:
    """Whether its text says it all. What else a nursery wraps shows its frames."""
    return isinstance(error, HermesError) or (isinstance(error, OSError) and error.errno in _LACKS)


def _failed(error: BaseException) -> int:
    if not isinstance(error, OSError):
        tell(str(error))
        return error.exit_code if isinstance(error, OperatorError) else FAILED
    let_go_of(sys.stdout)
    if not isinstance(error, BrokenPipeError):
        where = error.filename or ("standard output" if error.errno in _OF_OUTPUT else "")
        tell(f"{where}: {error.strerror}" if where else str(error))
    return FAILED


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@click.group(
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="A first bot: hermes-trio setup. It does not do what it should: hermes-trio doctor.",
)
@click.version_option(package_name="hermes-trio")
def commands() -> None:
    """A chat-agent gateway: no message lost, no turn repeated, no session wedged."""


@commands.command()
@config_option
@click.option("--no-resume", is_flag=True, help="Close interrupted turns instead of resuming them.")
@click.option(
    "--log-level",
    type=click.Choice(LEVELS, case_sensitive=False),
    envvar="LOG_LEVEL",
    default="info",
    show_default=True,
    help="What is less than this is not logged. Or $LOG_LEVEL.",
)
@click.option(
    "--log-format",
    type=click.Choice(FORMS, case_sensitive=False),
    envvar="LOG_FORMAT",
    help="Default: pretty on a terminal, else logfmt. Or $LOG_FORMAT.",
)
def run(file: Path | None, no_resume: bool, log_level: Level, log_format: Form | None) -> int:
    """Be the daemon, in the foreground."""
    _stop_at_once()
    from hermes_trio.daemon.life import check_platforms
    from hermes_trio.daemon.run import LogStyle, run_daemon, with_each_line_answered

    config = loaded(find_file(file))
    check_platforms(config, lines_come=brings_lines(0))
    style = LogStyle(log_format, log_level)
    return run_daemon(with_each_line_answered(config), resume=not no_resume, style=style)


@commands.command()
@config_option
def chat(file: Path | None) -> int:
    """Talk in this terminal: with the running daemon, else as the daemon."""
    _stop_at_once()
    from hermes_trio.daemon.life import NOTHING_TO_READ
    from hermes_trio.daemon.run import run_attached, run_daemon, with_terminal_only
    from hermes_trio.daemon.state_dir.folder import state_dir_of
    from hermes_trio.daemon.state_dir.lock import nobody_holds

    if not brings_lines(0):
        raise ConfigWrong(f"{NOTHING_TO_READ}: type into a terminal, or pipe lines into it")
    found = find_file(file)
    state_dir = state_dir_of(found, os.environ)
    with nobody_holds(state_dir) as free:
        pass
    if free:
        return run_daemon(with_terminal_only(loaded(found)), chatting=True)
    return run_attached(state_dir)


@commands.command()
@config_option
@click.option("--online", is_flag=True, help="Try models, accounts, clock, disk and supervisor really.")
def check(file: Path | None, online: bool) -> int:
    """Validate the configuration."""
    from hermes_trio.daemon.checks.configuration import checked

    config = loaded(find_file(file))
    for line in checked(config):
        click.echo(shown(line))
    for why in config.unavailable.values():
        tell(why)
    return _asked_online(config) if online else 0


def _asked_online(config: Config) -> int:
    """0 if everything that was tried is as it should be."""
    import trio

    from hermes_trio.daemon.checks.online import tried

    found = trio.run(tried, config)
    for one in found:
        click.echo(shown(one.line if one.good else f"WRONG {one.line}"))
    return 0 if all(one.good for one in found) else FAILED


def _stop_at_once() -> None:
    """Until the daemon takes the signals over, nothing is held that would have to be given back.

    What a parent has left is undone: a signal that is blocked would never come, also not to programs; with
    SIGCHLD ignored nobody would learn how a program ended; what else is ignored is so here alone.
    """
    from hermes_trio.daemon.service.first_process import go_below_a_parent
    from hermes_trio.daemon.signals import heed_nothing_of_parents

    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    heed_nothing_of_parents()
    go_below_a_parent()


for command in (*ASKING, doctor, export, move, replay, service, setup, simulate):
    commands.add_command(command)
