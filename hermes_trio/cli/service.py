"""`hermes-trio service`: the daemon as a service of this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.options import config_option, find_file, tell
from hermes_trio.errors import ConfigWrong
from hermes_trio.text.sanitize import visible

if TYPE_CHECKING:
    from hermes_trio.daemon.service.files import Service
    from hermes_trio.daemon.service.install import Supervisor

ACTIONS = ("install", "uninstall", "start", "stop", "status", "logs")
RUN_AS = "hermes-trio"
HOMES = ("/home", "/root", "/run/user")
_folder = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("action", type=click.Choice(ACTIONS))
@config_option
@click.option("--system", "scope", flag_value="system", help="systemd's of the machine. Default for root.")
@click.option("--user", "scope", flag_value="user", help="systemd's of this user. Default else.")
@click.option("--runit", type=_folder, metavar="DIR", help="runit's, which looks through this folder.")
@click.option("--s6", type=_folder, metavar="DIR", help="s6's, which looks through this folder.")
@click.option("--run-as", metavar="NAME", help=f"Whom it runs as, where root installs. Default: {RUN_AS}.")
@click.option("--program", metavar="FILE", help="The hermes-trio that is run. Default: this one.")
@click.option("--root", type=_folder, metavar="DIR", help="Into another system's folder.")
@click.option("--print", "only_print", is_flag=True, help="Show what install would write.")
@click.option("--follow", is_flag=True, help="With logs: go on.")
def service(
    action: str,
    file: Path | None,
    scope: str | None,
    runit: Path | None,
    s6: Path | None,
    run_as: str | None,
    program: str | None,
    root: Path | None,
    only_print: bool,
    follow: bool,
) -> int:
    """Keep the daemon running: install, uninstall, start, stop, status or logs."""
    from hermes_trio.daemon.service.install import become

    is_root = os.geteuid() == 0
    system = root is not None or (is_root if scope is None else scope == "system")
    supervisor = _supervisor(runit, s6, system=system, root=root)
    if action == "status":
        return become(supervisor.status())
    if action == "logs":
        return become(supervisor.logs(follow=follow))
    if action in ("start", "stop", "uninstall"):
        _moved(supervisor, action, _way(scope, runit, s6))
        return 0
    scanned = runit is not None or s6 is not None
    user = run_as or (RUN_AS if (is_root if scanned else system) else "")
    found = _service(file, program, user=user, root=root, fenced=system and not scanned)
    if only_print:
        for path, text in supervisor.texts(found).items():
            click.echo(visible(f"# {path}\n{text}", keep="\n"))
    else:
        supervisor.install(found, tell)
        way = _way(scope, runit, s6)
        click.echo(
            visible(
                f"installed; look at it with: hermes-trio service status{way}, hermes-trio service logs{way}"
            )
        )
        if root is None and (here := _state_dir_here(found)) != found.state_dir:
            click.echo(
                visible(
                    f"it keeps everything in {found.state_dir}, and `hermes-trio status` of this user "
                    f'looks into {here}: write state_dir = "{found.state_dir}" below [gateway] in '
                    f"{found.config}"
                )
            )
    return 0


def _moved(supervisor: Supervisor, action: str, way: str) -> None:
    """What needs no configuration, so that a wrong one does not keep a service from being stopped."""
    if action == "start":
        supervisor.start()
        click.echo("started")
    elif action == "stop":
        supervisor.stop()
        start = visible(f"hermes-trio service start{way}")
        click.echo(f"stopped, until the next start of this machine, or: {start}")
    else:
        supervisor.uninstall(tell)


def _way(scope: str | None, runit: Path | None, s6: Path | None) -> str:
    """The options by which this service is found again."""
    if runit is not None:
        return f" --runit {quote(str(runit))}"
    if s6 is not None:
        return f" --s6 {quote(str(s6))}"
    return f" --{scope}" if scope else ""


def _supervisor(runit: Path | None, s6: Path | None, *, system: bool, root: Path | None) -> Supervisor:
    from hermes_trio.daemon.service.runit_s6 import S6, Runit
    from hermes_trio.daemon.service.systemd import Systemd

    if runit is not None:
        return Runit(runit.absolute())
    return Systemd(system=system, root=root) if s6 is None else S6(s6.absolute())


def _service(
    file: Path | None, program: str | None, *, user: str, root: Path | None, fenced: bool
) -> Service:
    """The service of a configuration, which must be right without the environment of this shell."""
    from hermes_trio.config.load import load
    from hermes_trio.daemon.service.files import Service
    from hermes_trio.daemon.service.install import environment_of, home_of

    path = find_file(file)
    if path is None:
        raise ConfigWrong(
            "there is no configuration yet: hermes-trio setup writes one, or name it with --config"
        )
    path = path.absolute()
    inside = path if root is None else root.absolute() / path.relative_to("/")
    secrets = path.with_name("secrets.env")
    here = inside.with_name("secrets.env")
    home = home_of(user)
    words = environment_of(here.read_text()) if here.exists() else {}
    try:
        config = load(inside, environ={"HOME": home, **words})
    except ConfigWrong as error:
        if "environment variable" not in str(error):
            raise
        raise ConfigWrong(
            f"{error}\na service has no shell's environment: write NAME=value into {here}"
        ) from None
    started = _program(program)
    if fenced:
        _refuse_homes(str(path), started[0])
    return Service(
        program=started,
        config=str(path),
        secrets=str(secrets),
        state_dir=str(config.gateway.state_dir),
        stop_s=config.stop_s,
        drain_s=config.gateway.drain_timeout_s,
        run_as=user,
        home=home,
        reads=(str(path), *(secret.file for secret in config.secrets if secret.file)),
    )


def _state_dir_here(service: Service) -> str:
    """Where the commands of whoever installs look for the daemon of this configuration."""
    from hermes_trio.config.load import load
    from hermes_trio.daemon.service.install import environment_of

    secrets = Path(service.secrets)
    words = environment_of(secrets.read_text()) if secrets.exists() else {}
    return str(load(Path(service.config), environ={**words, **os.environ}).gateway.state_dir)


def _program(named: str | None) -> tuple[str, ...]:
    if named:
        return (named,)
    beside = Path(sys.executable).with_name("hermes-trio")
    return (str(beside),) if beside.exists() else (sys.executable, "-m", "hermes_trio")


def _refuse_homes(*paths: str) -> None:
    """A service of the system does not look into homes."""
    for path in paths:
        if path.startswith(tuple(f"{home}/" for home in HOMES)):
            raise ConfigWrong(
                f"{path}: a service of the system reads nothing in {'/'.join(path.split('/')[:2])}: "
                "put it into /etc/hermes-trio or /opt/hermes-trio, or install with --user"
            )
