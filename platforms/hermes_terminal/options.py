"""The section [platforms.terminal]."""

from __future__ import annotations

from msgspec import Struct


class Options(Struct, frozen=True, forbid_unknown_fields=True):
    """There is nothing to configure: who holds the terminal is the local user and its admin."""
