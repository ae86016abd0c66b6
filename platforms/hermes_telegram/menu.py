"""Commands as the client's menu takes them. One that it does not take would cost the whole menu. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

COMMANDS_MAX = 100
"""https://core.telegram.org/bots/api#setmycommands"""

MENU_BYTES = 7000
"""Telegram refuses a menu of some 7,800 bytes as BOT_COMMANDS_TOO_MUCH, however few commands it has."""

_NAME = re.compile(r"[a-z0-9_]{1,32}")
_DESCRIPTION_MAX = 256
_AROUND = len('{"command":"","description":""},')


def menu_of(commands: Sequence[tuple[str, str]]) -> list[dict[str, str]]:
    """The commands that may stand in a menu, with as much of what they say as there is room for.

    Args:
        commands: (name, help) of each.
    """
    named = [(name.lower(), text) for name, text in commands if _NAME.fullmatch(name.lower())][:COMMANDS_MAX]
    taken = sum(len(name) + _AROUND for name, _ in named) + _AROUND
    room = max(MENU_BYTES - taken, 0) // max(len(named), 1)
    return [{"command": name, "description": _short(text, room) or name} for name, text in named]


def _short(text: str, room: int) -> str:
    fitting = text.encode()[: min(room, _DESCRIPTION_MAX)].decode(errors="ignore")
    return fitting.strip()
