"""What `hermes-trio check` says of a configuration that is right: what it means."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hermes_trio.clock import SystemClock, system_chance
from hermes_trio.config import Config
from hermes_trio.daemon.answers import is_open
from hermes_trio.daemon.provider import enabled_tools, model_name
from hermes_trio.ports import AdapterContext


def checked(config: Config) -> Iterator[str]:
    """One line each: where it stands, what answers, who may speak. Nothing is opened or made.

    Raises:
        ConfigWrong: a plug-in refuses its part.
    """
    yield f"{config.path or 'embedded default'}: right"
    yield f"state_dir: {config.gateway.state_dir}"
    fallbacks = "".join(f", then {each.name}" for each in config.model.fallback)
    yield f"model: {model_name(config)}{fallbacks}"
    yield f"tools: {', '.join(tool.name for tool in enabled_tools(config.tools.enable)) or 'none'}"
    context = AdapterContext(Path(config.gateway.state_dir), system_chance(), SystemClock())
    for name, adapter in config.adapters.items():
        platform = adapter.build(config.platforms[name], "main", context)
        yield f"platform: {name}: {_who(platform.policy.allow_users, platform.policy.admins)}"
    yield f"a stop takes at most {config.stop_s:g} s"


def _who(allow_users: tuple[str, ...], admins: tuple[str, ...]) -> str:
    if is_open(allow_users):
        return "ANYBODY may speak"
    count = len({*allow_users, *admins})
    return f"{count} may speak" if count else "nobody may speak: allow_users and admins are empty"
