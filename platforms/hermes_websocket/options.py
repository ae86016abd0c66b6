"""The section [platforms.websocket]."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to listen. Only this machine can connect, and only who can read the state_dir's token file.

    Args:
        host: a loopback address.
        port: 0 takes a free one; which, stands in `websocket.port` in the state_dir
            (of another account than main: `websocket.ACCOUNT.port`).
    """

    host: Literal["127.0.0.1", "::1", "localhost"] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535)] = 0
