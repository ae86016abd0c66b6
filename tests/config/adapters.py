"""Adapters as somebody else would write them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from hermes_trio.errors import ConfigWrong
from hermes_trio.ports.platform import Adapter, AdapterContext, Platform
from hermes_trio.values.identity import Secret


class PigeonOptions(Struct, forbid_unknown_fields=True, kw_only=True):
    token: Secret
    spare_token: Secret | None = None
    loft: str = "main"
    allow_users: list[int | str] = []
    admins: list[int] = []
    feed: Literal["corn", "wheat"] = "corn"

    def __post_init__(self) -> None:
        if self.loft == "roof":
            raise ValueError(f"loft: the roof is no loft for {self.token.reveal()}")


class TerminalOptions(Struct, forbid_unknown_fields=True):
    colour: bool = True


def never_built(options: object, account: str, context: AdapterContext) -> Platform:
    raise AssertionError("reading a config builds nothing")


def pigeon() -> Adapter:
    return Adapter("pigeon", PigeonOptions, never_built)


def terminal() -> Adapter:
    return Adapter("terminal", TerminalOptions, never_built)


def lame() -> Adapter:
    raise ConfigWrong("cannot be imported: it needs the module wings; run: pip install --upgrade lame")


ADAPTERS = {"pigeon": pigeon, "terminal": terminal, "lame": lame}
TOOLS = ("now", "sleep")
