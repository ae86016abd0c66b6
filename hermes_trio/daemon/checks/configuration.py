"""What `hermes-trio check` says of a configuration that is right: what it means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from hermes_trio.config.filling import dotted
from hermes_trio.config.load import Config
from hermes_trio.config.options import ECHO, Session
from hermes_trio.daemon.checks.surroundings import addresses
from hermes_trio.daemon.configured_agent import enabled_tools, model_name
from hermes_trio.daemon.control.answers import is_open
from hermes_trio.daemon.own_agent import own_agent
from hermes_trio.daemon.state_dir.folder import refuse_shared, refuse_shared_workspaces
from hermes_trio.errors import ConfigWrong
from hermes_trio.intake.commands import by_name
from hermes_trio.ports.platform import AdapterContext
from hermes_trio.processes.sandbox import missing, refusal
from hermes_trio.runtime.clock import SystemClock, system_chance
from hermes_trio.runtime.plugins import installed_commands

NO_FILE = "there is no configuration yet, so this is the default: hermes-trio setup writes one"


def checked(config: Config) -> Iterator[str]:
    """One line each: where it stands, what answers, who may speak. Nothing is opened or made.

    Raises:
        ConfigWrong: a plug-in refuses its part.
    """
    if config.agent.run:
        own_agent(config)
    yield f"{config.path}: right" if config.path else NO_FILE
    yield f"state_dir: {config.gateway.state_dir}"
    if config.store.url:
        node, lease_s = config.store.name, config.store.lease_s
        yield f"store: a PostgreSQL database, for several daemons; this is {node}, its lease {lease_s:g} s"
    if config.agent.run:
        yield f"agent: {config.agent.run}"
    else:
        fallbacks = "".join(f", then {each.name}" for each in config.model.fallback)
        first = config.model.is_echo and f"echo, {ECHO}"
        yield f"model: {first or model_name(config)}{fallbacks}"
        yield f"tools: {', '.join(tool.name for tool in enabled_tools(config.tools.names)) or 'none'}"
    yield f"commands: {', '.join(f'/{name}' for name in by_name(installed_commands()))}"
    context = AdapterContext(Path(config.gateway.state_dir), system_chance(), SystemClock())
    for account in config.accounts:
        policy = account.build(context).policy
        yield f"account: {account.id}: {_who(policy.allow_users, policy.admins)}"
    for why in config.unavailable.values():
        yield f"unavailable: {why}"
    for weak in _weak(config):
        yield f"weak: {weak}"
    yield f"a stop takes at most {config.stop_s:g} s"


def _weak(config: Config) -> Iterator[str]:
    """What is allowed and seldom meant."""
    for key, url in addresses(config).items():
        split = urlsplit(url)
        host = split.hostname or ""
        if split.scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
            yield f"{key}: {host} is spoken to without encryption; whoever is in between reads the key: https://"
    session = config.session
    for key, kinds in (("idle_after_s", ("idle", "both")), ("daily_at", ("daily", "both"))):
        if getattr(session, key) != getattr(Session(), key) and session.reset not in kinds:
            yield f'session.{key}: does nothing while session.reset is "{session.reset}", not "{kinds[0]}"'
    runs = {"terminal", "process"} & set(config.tools.names)
    if runs and config.tools.sandbox == "none":
        yield 'tools.sandbox: programs run without one: they may read the store and the secrets: "bubblewrap"'
    if runs and config.tools.sandbox != "none" and (packages := missing()):
        yield f"tools.sandbox: no program is run before {' and '.join(packages)} is installed"
    elif runs and config.tools.sandbox != "none" and (why := refusal()):
        yield f"tools.sandbox: no program can be run: {why}"
    for account in config.accounts:
        if runs and "*" in getattr(account.options, "allow_users", ()):
            where = dotted(account.path)
            yield f"{where}.allow_users: anybody may have {', '.join(sorted(runs))} used"
    if config.path is not None and config.path.stat().st_mode & 0o022:
        yield f"{config.path}: others may write it: chmod go-w {config.path}"
    if config.gateway.state_dir.exists():
        try:
            refuse_shared(config.gateway.state_dir)
            refuse_shared_workspaces(config.tools.workspace_dir)
        except ConfigWrong as error:
            yield f"{error}. The daemon refuses to start there"


def _who(allow_users: tuple[str, ...], admins: tuple[str, ...]) -> str:
    if is_open(allow_users):
        return "ANYBODY may speak"
    count = len({*allow_users, *admins})
    return f"{count} may speak" if count else "nobody may speak: allow_users and admins are empty"
