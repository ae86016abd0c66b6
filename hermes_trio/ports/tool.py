"""A tool of the built-in agent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, Protocol

from hermes_trio.ports.process import CallProcesses
from hermes_trio.values.identity import Address


class Tool(Protocol):
    """Something a model may call.

    Attributes:
        name: what the model calls it.
        description: what the model is told.
        parameters: JSON schema of the arguments, an object.
        idempotent: running it twice does the same as once. After a crash only such a call is repeated.
    """

    name: str
    description: str
    parameters: Mapping[str, Any]
    idempotent: bool

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> object:
        """Do it, and return text or anything that can be JSON.

        Several calls may run at once; nothing of one is remembered for the next. The arguments are not to be
        changed. An exception is told to the model as the call's failure.

        Raises:
            ValueError: the arguments are not what `parameters` says; the text tells the model what is wrong.
                (Names that it does not know may be passed over.)
        Cancelled: end at once, and leave nothing running.
        """


class ToolContext(Protocol):
    """What a tool knows of the call it serves.

    Attributes:
        op: an id that is the same when this call is repeated after a crash.
        address: the conversation the call belongs to.
        processes: the programs of this conversation, for admins.
    """

    op: str
    address: Address
    processes: CallProcesses

    async def sleep(self, seconds: float) -> None:
        """Sleep; resumed after a restart, sleep the rest. Does not count towards the deadline.

        Cancelled: the wake-up time stands.
        """

    async def now(self) -> float:
        """Wall time, recorded: the same when the turn is run again. Cancelled: recorded or not."""

    async def reset(self, why: str) -> NoReturn:
        """End this conversation and open the next. Does not return: the call ends as Cancelled.

        Raises:
            StaleTurn: the turn has ended already; nothing happens to the conversation that goes on.
        """
