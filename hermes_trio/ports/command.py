"""A slash command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

from hermes_trio.values.actions import CommandResult
from hermes_trio.values.identity import Address
from hermes_trio.values.views import SessionView


class CommandCall(Protocol):
    """A slash command as it was called.

    Attributes:
        name: without the slash, "new".
        text: the rest of the line.
        address: who called, from where.
        admin: the caller may use admin commands.
    """

    name: str
    text: str
    address: Address
    admin: bool

    async def session(self) -> SessionView | None:
        """The caller's own session as it is now, None if there is none. Cancelled: nothing has happened."""

    def help(self) -> Sequence[tuple[str, str]]:
        """(name, help) of each command this caller may use."""

    def status(self) -> Sequence[str]:
        """Lines about the gateway: uptime, model, accounts, turns running."""


class Command(Protocol):
    """A slash command: entry-point group `hermes_trio.commands`.

    Attributes:
        names: "new" and its aliases, without slash.
        help: one line for /help and the platform's menu.
        role: who may use it.
    """

    names: Sequence[str]
    help: str
    role: Literal["user", "admin"]

    async def run(self, call: CommandCall) -> CommandResult:
        """Decide, within 10 s. What it returns takes effect in one transaction, exactly once.

        It may be asked again after a crash, so it has no effects of its own, and the same call has the same
        wish. Whatever a user typed is no error of it: it says so. What it raises is logged, and its caller is
        told that the command failed. Cancelled, at its deadline too: nothing of it has taken effect.
        """
