"""The terminal as a platform: a line typed is a message, an answer is printed.

options.py   the section [platforms.terminal]
terminal.py  the Platform
lines.py     bytes of the input -> lines
paste.py     lines -> messages: a paste is one
modes.py     what the terminal can do; its settings while we talk, and their return
screen.py    what to print for a delivery: above what has been said, below what is still being made
paint.py     text without control characters, with ANSI formatting
descriptor_writer.py writing to a file descriptor without holding up the loop
"""

from __future__ import annotations

import os

from hermes_terminal.modes import has_colour, is_dumb
from hermes_terminal.options import Options
from hermes_terminal.screen import Screen
from hermes_terminal.terminal import Terminal
from hermes_trio import Adapter, AdapterContext

__all__ = ["Options", "Screen", "Terminal", "adapter"]


def build(options: Options, account: str, context: AdapterContext) -> Terminal:
    """Make the platform on standard input and output; opens nothing."""
    return Terminal(
        account=account, chance=context.chance, dumb=is_dumb(os.environ), colour=has_colour(os.environ)
    )


adapter = Adapter(
    name="terminal", options=Options, build=build, local=True, alone=lambda options: {"": "standard input"}
)
