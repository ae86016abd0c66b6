"""How lines of the log may be written."""

from __future__ import annotations

from typing import Literal, get_args

Form = Literal["logfmt", "json", "pretty"]
FORMS: tuple[Form, ...] = get_args(Form)
Level = Literal["debug", "info", "warning", "error"]
LEVELS: tuple[Level, ...] = get_args(Level)
"""The lesser first. No line of ours is as little as debug; operators are used to the word."""
