"""Tables of models: a provider says what its endpoint's table need not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hermes_trio.config.filling import Filling
from hermes_trio.config.known_endpoints import how_to_reach
from hermes_trio.config.options import NO_ADDRESS
from hermes_trio.config.toml_lines import Path
from hermes_trio.errors import ConfigWrong
from hermes_trio.ports.model import ModelProvider
from hermes_trio.runtime.plugins import Loader


class EndpointTables:
    """The `model` table and its fallbacks on their way to endpoints. What is wrong goes into `filling`.

    Args:
        loaders: by name, functions that import a provider. Only those that are configured are called.
    """

    def __init__(self, filling: Filling, loaders: Mapping[str, Loader]) -> None:
        self._filling = filling
        self._loaders = loaders

    def completed(self, table: Any, path: Path = ("model",)) -> Any:
        """The table with what its provider makes of keys left out, and its fallbacks likewise.

        Anything that is not such a table is returned as it is; filling it says what is wrong.
        """
        if not isinstance(table, dict):
            return table
        provider = self._provider(table.get("provider", "openai"), (*path, "provider"))
        if provider is not None:
            table = {**provider.table(), **table}
            self._refuse_empty(table, provider, path)
        if isinstance(below := table.get("fallback"), list):
            filled = [self.completed(one, (*path, "fallback", at)) for at, one in enumerate(below)]
            table = {**table, "fallback": filled}
        return table

    def _provider(self, name: object, path: Path) -> ModelProvider | None:
        if not isinstance(name, str):
            return None
        if name not in self._loaders:
            if (how := how_to_reach(name)) is not None:
                self._filling.wrong(path, f"unknown provider; {how}")
            else:
                self._filling.unknown_name(path, "provider", name, self._loaders)
            return None
        try:
            provider: ModelProvider = self._loaders[name]()
        except ConfigWrong as error:
            self._filling.wrong(path, str(error))
            return None
        return provider

    def _refuse_empty(self, table: dict[str, Any], provider: ModelProvider, path: Path) -> None:
        if provider.base_url and table["base_url"] == "":
            self._filling.wrong((*path, "base_url"), NO_ADDRESS)
        if provider.keys and table["keys"] == []:
            self._filling.wrong(
                (*path, "keys"),
                f'must name at least one key: ["{provider.keys[0]}"], or ["file:model.key"] with a file '
                "beside this one. A server that wants none takes any: write a word into the file",
            )
