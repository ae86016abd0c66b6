"""Commands of a test, and what they are called in."""

from __future__ import annotations

import pytest

from hermes_trio.runtime.plugins import installed_commands


class ACommand:
    """A command made of one function of the call."""

    def __init__(self, name, run, role="user"):
        self.names = (name,)
        self.help = f"the {name} of a test"
        self.role = role
        self._run = run
        self.calls = 0

    async def run(self, call):
        self.calls += 1
        return await self._run(call)


def with_commands(*more, **kw):
    """Marks a test whose world has these commands beside the installed ones."""
    return pytest.mark.world(commands=[*installed_commands(), *more], **kw)
