"""A tool of the built-in agent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NoReturn, Protocol, TypeVar

from hermes_trio.ports.files import CallFiles
from hermes_trio.ports.process import CallProcesses
from hermes_trio.values.identity import Address, Role

T = TypeVar("T")


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
        address: the conversation the call belongs to; its `user` is the person whom the turn answers.
        role: for whom the call acts: the least role among those whose messages the turn answers by now.
        processes: the programs of this conversation, for admins.
        files: the files of this conversation.
    """

    op: str
    address: Address
    processes: CallProcesses
    files: CallFiles

    @property
    def role(self) -> Role:
        """See the attributes."""

    async def needs(self, role: Role) -> None:
        """Go on only if something that leaves the conversation may be done, which needs this role.

        For "admin" everybody whose message the turn answers must be an admin of the account; and nobody else
        may have spoken in the conversation, or been quoted there, because a model does what it reads.

        Raises:
            PermissionError: it may not be done. The text tells the model why; let it pass.
        Cancelled: nothing has changed.
        """

    async def ask(self, text: str, *, choices: Sequence[str] = (), timeout_s: float = 3600.0) -> str:
        """Ask the person a question and return the answer; see `Turn.ask`. One at a time in a call.

        It survives a restart: the call is then run again from its first line, with what it asked before
        answered and its steps giving what they gave, up to the question that was open. So what a call does
        before a question is a `step` of it, or does no harm twice. Once it goes on with an answer it is a
        call like any other: where a crash cuts it off, and the tool is not idempotent, nobody knows how it
        ended, and the model is told so.

        Does not count towards the deadline. Cancelled: the question is closed with its turn.

        Raises:
            AskTimedOut: nobody answered within `timeout_s` seconds, or the question could not be shown.
        """

    async def step(
        self,
        name: str,
        fn: Callable[..., Awaitable[T]],
        *args: object,
        idempotent: bool = False,
        type: Any = Any,
    ) -> T:
        """Run `fn(*args)` once within this call, however often that is run again; see `Turn.step`.

        Args:
            name: of the step within this call.
            idempotent: a crash in the middle repeats it.
            type: what its record is decoded to, for a value that is not plain JSON.

        Raises:
            StepMismatch: run again, it has other arguments than were recorded. The turn ends with it.
        Cancelled: its intent stands without a result.
        """

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
