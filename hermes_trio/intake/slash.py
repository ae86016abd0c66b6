"""Slash commands as text: telling them from messages, taking them apart."""

from __future__ import annotations

import re

# A path ("/etc/hosts …") is no command: the word ends at white space or at the end.
_COMMAND = re.compile(r"/([A-Za-z][A-Za-z0-9_-]{0,31}(?:(@)[A-Za-z0-9_]+)?)(?:\s+|$)")


def is_command(text: str) -> bool:
    """Whether the text is a slash command, known or not."""
    return text.startswith("/") and _COMMAND.match(text) is not None


def names_another(text: str) -> bool:
    """Whether the text is a command for another bot, "/new@otherbot": an adapter takes our own name off."""
    found = _COMMAND.match(text)
    return found is not None and found.group(2) is not None


def take_apart(text: str) -> tuple[str, str]:
    """(name in lower case, rest of the text) of a command. A bot that it names is part of the name."""
    found = _COMMAND.match(text)
    if found is None:
        raise ValueError(f"not a command: {text[:40]!r}")
    return found.group(1).lower(), text[found.end() :].strip()
