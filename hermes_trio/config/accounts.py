"""The accounts of a configuration: `[platforms.NAME]` is `main`, a table below it is another.

Each table holds its adapter's own options and inherits none of another's. Two accounts that would take one
thing of the world for themselves (a bot, the terminal) are refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import fields, replace

from hermes_trio.config.filling import Filling, dotted
from hermes_trio.config.toml_lines import Path
from hermes_trio.errors import ConfigWrong
from hermes_trio.ports.platform import Adapter, AdapterContext, Platform
from hermes_trio.runtime.plugins import Loader

MAIN = "main"
"""The account that a platform's own table is."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_NOT_A_NAME = "is no name of an account: small letters, digits, - and _, at most 32"


class Account(Struct, frozen=True, kw_only=True):
    """One configured account.

    Args:
        platform, name: "telegram" and "main".
        options: the adapter's own, filled.
        node: whose it is, if it is a local one of a daemon that shares its store; else "".
    """

    platform: str
    name: str = MAIN
    adapter: Adapter
    options: Any
    node: str = ""

    @property
    def account(self) -> str:
        """What its platform calls it, and the store: "main", or "main@NODE" where others have one too."""
        return f"{self.name}@{self.node}" if self.node else self.name

    @property
    def id(self) -> str:
        """`platform/account`, as status, ledger and log name it."""
        return f"{self.platform}/{self.account}"

    @property
    def path(self) -> Path:
        """Where its table stands."""
        return ("platforms", self.platform) if self.name == MAIN else ("platforms", self.platform, self.name)

    def build(self, context: AdapterContext) -> Platform:
        """Its platform, not opened."""
        platform = self.adapter.build(self.options, self.name, context)
        if self.node:
            platform.account = self.account
        return platform

    def on(self, node: str) -> Account:
        """The same for a daemon that is called so where it shares its store; "": it does not."""
        return replace(self, node=node if self.adapter.local else "")


class AccountTables:
    """The `platforms` table on its way to accounts. What is wrong goes into `filling`.

    Args:
        lines: where each table stands, asked for only where two accounts share a platform.

    Attributes:
        unavailable: configured platforms that could not be imported, and what to install.
    """

    def __init__(self, filling: Filling, lines: Callable[[], Mapping[Path, int]]) -> None:
        self.unavailable: dict[str, str] = {}
        self._filling = filling
        self._lines = lines
        self._adapters: dict[str, Adapter] = {}
        self._tables: dict[str, Any] = {}

    def find(self, tables: object, loaders: Mapping[str, Loader]) -> None:
        """Import the adapters of what is configured; those that cannot be are noted."""
        if not isinstance(tables, dict):
            self._filling.wrong(("platforms",), "must hold tables: [platforms.NAME]")
            return
        self._tables = tables
        for name in tables:
            if name not in loaders:
                self._filling.unknown_name(("platforms", name), "platform", name, loaders)
                continue
            try:
                self._adapters[name] = loaders[name]()
            except ConfigWrong as error:
                self.unavailable[name] = f"platform {name} {error}"
        if not self._adapters:
            for name, text in self.unavailable.items():
                self._filling.wrong(("platforms", name), text)
        for name, adapter in self._adapters.items():
            self._filling.knows(adapter.options, ("platforms", name))

    def accounts(self) -> tuple[Account, ...]:
        """Every account whose table is right."""
        found = []
        for platform, adapter in self._adapters.items():
            mine = [
                Account(platform=platform, name=name, adapter=adapter, options=options)
                for name, table in self._of(platform, adapter)
                if (options := self._options(platform, name, table, adapter)) is not None
            ]
            self._refuse_shared(mine)
            found += mine
        return tuple(found)

    def _of(self, platform: str, adapter: Adapter) -> Iterator[tuple[str, object]]:
        """The names and tables of a platform's accounts."""
        table = self._tables[platform]
        below = _accounts_below(table, adapter.options)
        if not below:
            yield MAIN, table
            return
        own = {key: value for key, value in table.items() if key not in below}
        if own or self._is_written(platform, below):
            yield MAIN, own
        for name, other in below.items():
            if name == MAIN:
                self._filling.wrong(("platforms", platform, name), f"[platforms.{platform}] is this account")
            elif not _NAME.fullmatch(name):
                self._filling.wrong(("platforms", platform, name), _NOT_A_NAME)
            else:
                yield name, other

    def _is_written(self, platform: str, below: Mapping[str, object]) -> bool:
        """Whether the platform's own table has a header, though no keys. Without one it is no account."""
        lines, path = self._lines(), ("platforms", platform)
        return path in lines and lines[path] not in {lines.get((*path, name)) for name in below}

    def _options(self, platform: str, name: str, table: object, adapter: Adapter) -> Struct | None:
        path = ("platforms", platform) if name == MAIN else ("platforms", platform, name)
        return self._filling.fill(adapter.options, table, path)

    def _refuse_shared(self, accounts: list[Account]) -> None:
        first: dict[tuple[str, Hashable], Account] = {}
        for account in accounts:
            for option, value in account.adapter.alone(account.options).items():
                other = first.setdefault((option, value), account)
                if other is not account:
                    what = "has the same; each account needs its own" if option else "is the one there can be"
                    spot = (*account.path, option) if option else account.path
                    self._filling.wrong(spot, f"[{dotted(other.path)}] {what}")


def _accounts_below(table: object, options: type[Struct]) -> dict[str, object]:
    """The tables in a platform's table that are none of its options."""
    if not isinstance(table, dict):
        return {}
    known = {field.encode_name for field in fields(options)}
    return {key: value for key, value in table.items() if isinstance(value, dict) and key not in known}
