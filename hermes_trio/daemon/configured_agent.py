"""Makes the agent of a configuration: its models with their keys, and its tools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import trio

from hermes_trio.agent.agent import ModelAgent
from hermes_trio.config.load import Config, Endpoint
from hermes_trio.config.secret_files import Files
from hermes_trio.daemon.own_agent import own_agent
from hermes_trio.errors import AgentError, ConfigWrong, ModelFailure
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.models.key_pool import KeyPool
from hermes_trio.ports.agent import Agent
from hermes_trio.ports.model import Model, ModelContext
from hermes_trio.ports.system import Chance, Log, WallClock
from hermes_trio.ports.tool import Tool
from hermes_trio.runtime import wrong_parts
from hermes_trio.runtime.plugins import TOOLS, installed, installed_provider
from hermes_trio.runtime.threads import in_thread
from hermes_trio.turns.turn import Turn
from hermes_trio.values.identity import Secret

if TYPE_CHECKING:
    from hermes_trio.http.client import Client


class FileKey:
    """A key in a file, which is read again when the key was refused. What others write there is the truth.

    Args:
        secret: as it was read from its file at first.
        learn: told of each secret that is read later, before it is used.
    """

    def __init__(self, secret: Secret, learn: Callable[[Secret], None]) -> None:
        self.secret = secret
        self._learn = learn
        self._one = trio.CapacityLimiter(1)

    async def refresh(self, refused: Secret, kind: ModelFailure) -> Secret:
        """What the file holds now. Raises ConfigWrong if it holds no secret."""
        path = Path(self.secret.file)
        read = Files(path.parent, {}).secret
        try:
            found = await in_thread(lambda: read(f"file:{path}"), self._one)
        except ValueError as error:
            raise ConfigWrong(str(error)) from None
        self._learn(found)
        return found


@asynccontextmanager
async def open_agent(
    config: Config, *, clock: WallClock, chance: Chance, log: Log, learn: Callable[[Secret], None]
) -> AsyncIterator[Agent[Turn]]:
    """The agent that a configuration describes, with its connections, while the body runs.

    Args:
        learn: told of each secret that is not in the configuration, before it is used.

    Raises:
        ConfigWrong: an enabled tool, or the agent of `[agent] run`, cannot be imported.
    """
    if config.agent.run:
        yield own_agent(config)
        return
    async with open_models(config, clock=clock, chance=chance, log=log, learn=learn) as models:
        yield agent_of(config, models, enabled_tools(config.tools.names))


@asynccontextmanager
async def open_models(
    config: Config, *, clock: WallClock, chance: Chance, log: Log, learn: Callable[[Secret], None]
) -> AsyncIterator[Candidates]:
    """The model of a configuration and its fallbacks, with their connections, while the body runs.

    Args:
        learn: told of each secret that is not in the configuration, before it is used.
    """
    async with AsyncExitStack() as opened:
        pools = _Pools(clock, chance, log, learn)
        candidates = await _candidates(config, _Clients(opened), pools, clock)
        yield Candidates(candidates, on_exhausted=config.model.on_exhausted, chance=chance, log=log)


def agent_of(config: Config, models: Candidates, tools: Sequence[Tool]) -> ModelAgent:
    """The built-in agent as a configuration has it."""
    return ModelAgent(
        models,
        tools=tools,
        prompt=config.agent.prompt,
        steps_max=config.agent.steps_max,
        same_failure_max=config.agent.same_failure_max,
        history_tokens=config.agent.history_tokens,
        name=model_name(config),
    )


def model_name(config: Config) -> str:
    """What answers, for status: "openai/gpt-5.5", or the agent of `[agent] run`."""
    if config.agent.run:
        return config.agent.run
    endpoint = config.model
    return endpoint.name if endpoint.provider == endpoint.name else f"{endpoint.provider}/{endpoint.name}"


def enabled_tools(names: tuple[str, ...]) -> list[Tool]:
    """The installed tools of these names, imported.

    Raises:
        ConfigWrong: one of them cannot be, or is no tool.
    """
    loaders = installed(TOOLS)
    tools: list[Tool] = []
    for name in names:
        try:
            tools.append(loaders[name]())
        except ConfigWrong as error:
            raise ConfigWrong(f"tool {name} {error}") from error
    try:
        wrong_parts.tools("tools.enable", tools)
    except AgentError as error:
        raise ConfigWrong(str(error)) from error
    return tools


class _Clients:
    """One HTTP client per connect deadline: connections are shared between models where they can be."""

    def __init__(self, opened: AsyncExitStack) -> None:
        self._opened = opened
        self._clients: dict[float, Client] = {}

    async def of(self, connect_s: float) -> Client:
        from hermes_trio.http.client import open_http_client

        if connect_s not in self._clients:
            # No read deadline: a model knows its own two.
            opening = open_http_client(connect_s=connect_s, read_s=None)
            self._clients[connect_s] = await self._opened.enter_async_context(opening)
        return self._clients[connect_s]


class _Pools:
    """One pool per account: endpoints with the same keys at the same address share what is known of them."""

    def __init__(self, clock: WallClock, chance: Chance, log: Log, learn: Callable[[Secret], None]) -> None:
        self._clock, self._chance, self._log, self._learn = clock, chance, log, learn
        self._pools: dict[object, KeyPool] = {}

    def of(self, endpoint: Endpoint) -> KeyPool:
        account = (endpoint.provider, endpoint.base_url, endpoint.keys, endpoint.strategy)
        if account not in self._pools:
            self._pools[account] = KeyPool(
                [FileKey(key, self._learn) if key.file else key for key in endpoint.keys],
                endpoint.strategy,
                name=_account(endpoint),
                clock=self._clock,
                chance=self._chance,
                log=self._log,
            )
        return self._pools[account]


async def _candidates(config: Config, clients: _Clients, pools: _Pools, clock: WallClock) -> list[Candidate]:
    """The model and its fallbacks, in order."""
    candidates = []
    for endpoint in (config.model, *config.model.fallback):
        model = await _model(endpoint, clients, clock)
        candidates.append(Candidate(model, pools.of(endpoint) if model.needs_key else None))
    return candidates


def _account(endpoint: Endpoint) -> str:
    """A pool's name: "openai at api.openai.com"."""
    where = urlsplit(endpoint.base_url).netloc
    return f"{endpoint.provider} at {where}" if where else endpoint.provider


async def _model(endpoint: Endpoint, clients: _Clients, clock: WallClock) -> Model:
    context = ModelContext(
        base_url=endpoint.base_url,
        name=endpoint.name,
        first_byte_s=endpoint.first_byte_s,
        between_bytes_s=endpoint.between_bytes_s,
        answer_tokens=endpoint.answer_tokens,
        clock=clock,
        client=partial(clients.of, endpoint.connect_s),
    )
    return await installed_provider(endpoint.provider).make(context)
