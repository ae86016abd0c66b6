"""An agent function of the operator's own, found by the name that `[agent] run` gives: "my_bot:agent"."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from hermes_trio.config.load import Config
from hermes_trio.daemon.state_dir.folder import refuse_shared_module
from hermes_trio.errors import AgentError, ConfigWrong
from hermes_trio.ports.agent import Agent
from hermes_trio.runtime.tracebacks import traceback_of
from hermes_trio.runtime.wrong_use import agent_function
from hermes_trio.text.foreign_errors import told
from hermes_trio.text.nearest import nearest
from hermes_trio.turns.turn import Turn


def own_agent(config: Config) -> Agent[Turn]:
    """Import the agent that `[agent] run` names. Its module is installed, or lies beside the configuration.

    What is installed comes first, so that a file there takes no library's place.

    Raises:
        ConfigWrong: there is none, it cannot be imported, or what it names is no agent function.
    """
    module, _, name = config.agent.run.partition(":")
    found = _imported(module, config.path)
    try:
        for part in name.split("."):
            found = getattr(found, part)
        agent_function(found, f"agent.run: {config.agent.run}")
    except AttributeError as error:
        raise ConfigWrong(
            f"agent.run: {config.agent.run} is not there: {told(error)}{_meant(error)}"
        ) from error
    except AgentError as error:
        raise ConfigWrong(str(error)) from error
    agent: Agent[Turn] = found
    return agent


def _meant(error: AttributeError) -> str:
    meant = nearest(error.name or "", [name for name in dir(error.obj) if not name.startswith("_")])
    return "" if meant is None else f"; did you mean {meant}?"


def _imported(module: str, config: Path | None) -> Any:
    if config is not None:
        beside = config.absolute().parent
        refuse_shared_module(beside, module.partition(".")[0])
        if str(beside) not in sys.path:
            sys.path.append(str(beside))
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise ConfigWrong(f"agent.run: {module} needs the module {error.name}: pip install it") from error
        where = "" if config is None else f", nor beside {config}"
        why = f"there is no module {error.name} among what is installed{where}"
        raise ConfigWrong(f"agent.run: {why}") from error
    except SystemExit as error:
        why = f'{module} exits when it is imported: put what runs it below `if __name__ == "__main__":`'
        raise ConfigWrong(f"agent.run: {why}") from error
    except Exception as error:
        why = f"{module} cannot be imported: {told(error)}\n{traceback_of(error) or ''}"
        raise ConfigWrong(f"agent.run: {why}") from error
