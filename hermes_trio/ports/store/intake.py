"""What comes in: updates, and the commands among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hermes_trio.values.actions import Prompt
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import Decided, OutcomeName
from hermes_trio.values.stored import AcceptRules, PendingCommand, Reply, Stopped


class IntakeStore(Protocol):
    """Updates and commands. What stops or ends a session is a command too, also when an operator gives it."""

    async def cursor(self, account: str) -> str | None:
        """The platform's cursor, as it was committed last for the account."""

    async def accept(
        self,
        account: str,
        decided: Sequence[Decided],
        cursor: str | None,
        rules: AcceptRules,
    ) -> Sequence[Decided]:
        """Make a batch of updates and the platform's cursor durable; returns the updates that were new."""

    async def drop(self, messages: Sequence[int], why: str) -> None:
        """These inbound messages get the outcome `dropped`, unless they have one."""

    async def next_command(self, key: ConversationKey) -> PendingCommand | None:
        """The oldest unsettled command of the key."""

    async def settle(self, command: int, outcome: OutcomeName, reason: str, reply: Reply | None) -> None:
        """Settle a command with its reply.

        Raises:
            StaleCommand: it has its outcome already. Every promise that is given a command raises it.
        """

    async def prompt(self, command: int, prompt: Prompt, rules: AcceptRules) -> None:
        """Turn a command into the waiting message it asks for, in its place in the order."""

    async def restart(self, command: int, says: str) -> None:
        """Settle a command that asks for a restart. Consequence: the host is asked to restart.

        Its chat is told now, and once more by the next boot; both sentences are durable with this commit.

        Args:
            says: what the chat is told now.
        """

    async def stop(
        self, of: ConversationKey | int, command: int | None, why: str, *, everything: bool = False
    ) -> Stopped:
        """Stop the running turn of a session; its waiting messages stay.

        Args:
            of: the key whose open session is meant; or a session, which must be open: StaleSession otherwise.
            everything: its key's background work is ended too.
        """

    async def reset(
        self, of: ConversationKey | int, command: int | None, why: str, *, turn: int | None = None
    ) -> int:
        """End a session and open the next; returns its id.

        With a command, the waiting messages before it are superseded too. Without one they wait for the next
        session.

        Args:
            of: as in `stop`.
            turn: the turn that asks for it, which must be running: StaleTurn otherwise.
        """

    async def resume(
        self, of: ConversationKey | int, command: int | None, session: int | None = None
    ) -> int | None:
        """Open an ended session again. The open session of its key ends, as by a reset.

        Args:
            of: the key whose ended session is meant; or the ended session itself.
            session: which of the key's sessions; None: the newest ended one that has turns.

        Returns:
            The id of the session that ended. None: there is no such session, or it is open; a command gets
            an answer that says so.
        """
