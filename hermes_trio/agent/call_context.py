"""What a tool knows of the call that it serves, and its verbs: those of the turn, within this call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NoReturn, TypeVar

from hermes_trio.ports.files import CallFiles
from hermes_trio.ports.process import CallProcesses
from hermes_trio.runtime import wrong_use
from hermes_trio.turns.questions import ASK
from hermes_trio.turns.turn import Turn, run_of
from hermes_trio.turns.unawaited import VerbCalls, verb
from hermes_trio.values.identity import Address, Role

T = TypeVar("T")


class Context:
    """What a tool knows of its call: see the ToolContext port."""

    def __init__(self, turn: Turn, op: str, parent: str, consumed: list[int]) -> None:
        self.op = op
        self.address: Address = turn.address
        self.processes: CallProcesses = run_of(turn).processes(consumed)
        self.files: CallFiles = run_of(turn).around.files(turn.session)
        self._turn = turn
        self._parent = parent

    @property
    def _calls(self) -> VerbCalls:
        return run_of(self._turn).calls

    @property
    def role(self) -> Role:
        """For whom it acts."""
        return self._turn.role

    @verb
    async def needs(self, role: Role) -> None:
        """Go on only if it may be done for somebody with this role."""
        await self._turn.needs(role)

    @verb
    async def ask(self, text: str, *, choices: Sequence[str] = (), timeout_s: float = 3600.0) -> str:
        """Ask the person, across restarts."""
        return await self._turn.ask(text, choices=choices, timeout_s=timeout_s, name=f"{self._parent}/{ASK}")

    @verb
    async def step(
        self,
        name: str,
        fn: Callable[..., Awaitable[T]],
        *args: object,
        idempotent: bool = False,
        type: Any = Any,
    ) -> T:
        """Run it once, however often the call is run."""
        wrong_use.step(name, fn, idempotent)
        step = partial(self._turn.step, f"{self._parent}/step {name}", fn, *args)
        return await step(idempotent=idempotent, type=type)

    @verb
    async def sleep(self, seconds: float) -> None:
        """Sleep, across restarts."""
        await self._turn.sleep(seconds, name=f"{self._parent}/sleep")

    @verb
    async def now(self) -> float:
        """Wall time, recorded."""
        return await self._turn.now(name=f"{self._parent}/now")

    @verb
    async def reset(self, why: str) -> NoReturn:
        """End the conversation; does not return."""
        await self._turn.reset(why)
