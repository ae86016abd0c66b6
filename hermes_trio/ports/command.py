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
        """Decide, within 10 s, and return an action. That takes effect in one transaction, exactly once.

        It may be run again after a crash, so it has no effects of its own, and returns the same action for
        the same call. What a user typed wrongly is answered with a `Say`, and is no exception. An exception
        is logged, and the caller is told that the command failed. Cancelled, at its deadline too: nothing of
        it has taken effect.
        """
