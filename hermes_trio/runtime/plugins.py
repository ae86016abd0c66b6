"""What is installed: platforms, providers of models, tools and commands.

They are found through entry points, and imported when asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hermes_trio.errors import ConfigWrong
from hermes_trio.ports.command import Command
from hermes_trio.ports.model import ModelProvider
from hermes_trio.text.foreign_errors import has_no_place, told

PLATFORMS = "hermes_trio.platforms"
CLIENTS = "hermes_trio.clients"
"""What `chat` speaks to a running daemon with, by the platform that it speaks to."""

PROVIDERS = "hermes_trio.providers"
TOOLS = "hermes_trio.tools"
COMMANDS = "hermes_trio.commands"

Loader = Callable[[], Any]


def installed(group: str) -> dict[str, Loader]:
    """Everything offered under an entry-point group: its name, and a function that imports it.

    The function raises ConfigWrong, naming what to install, when the import fails or when two packages
    offer the same name. Nothing is imported before it is called, so one that is broken hides no other.
    """
    from importlib.metadata import EntryPoint, entry_points  # 20 ms that a plain `--help` need not pay

    offers: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=group):
        offers.setdefault(point.name, []).append(point)

    def loader(points: list[EntryPoint]) -> Loader:
        packages = sorted({point.dist.name if point.dist else point.module for point in points})
        return lambda: _load(points[0].load, len({point.value for point in points}), packages)

    return {name: loader(points) for name, points in sorted(offers.items())}


def installed_commands() -> list[Command]:
    """The commands that are installed under the entry-point group `hermes_trio.commands`.

    Raises:
        ConfigWrong: one cannot be imported, or two packages offer one name; says what to do.
    """
    return [load() for load in installed(COMMANDS).values()]


def installed_provider(name: str) -> ModelProvider:
    """The provider of models that is installed under this name.

    Raises:
        ConfigWrong: it cannot be imported, or two packages offer it; says what to do.
    """
    provider: ModelProvider = installed(PROVIDERS)[name]()
    return provider


def _load(load: Loader, values: int, packages: list[str]) -> Any:
    if values > 1:
        raise ConfigWrong(f"is offered by {' and by '.join(packages)}; uninstall all but one")
    package = packages[0]
    try:
        return load()
    except ModuleNotFoundError as error:
        raise ConfigWrong(
            f"cannot be imported: it needs the module {error.name}; run: pip install --upgrade {package}"
        ) from error
    except (Exception, SystemExit) as error:
        if has_no_place(error):
            raise ConfigWrong(f"cannot be imported: {told(error)}") from error
        why = f"cannot be imported ({told(error)}); run: pip install --upgrade {package}"
        from hermes_trio.runtime.tracebacks import traceback_of  # imports the loop, which asking needs not

        raise ConfigWrong("\n".join(filter(None, [why, traceback_of(error)]))) from error
