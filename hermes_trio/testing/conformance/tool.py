"""`check_tool`: what every Tool must do."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Any, NoReturn, TypeVar

import msgspec
import trio
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from hermes_trio.errors import AskTimedOut
from hermes_trio.ports.files import CallFiles
from hermes_trio.ports.process import CallProcesses
from hermes_trio.ports.tool import Tool, ToolContext
from hermes_trio.runtime import wrong_use
from hermes_trio.runtime.wrong_parts import TOOL_NAME
from hermes_trio.runtime.wrong_use import awaited
from hermes_trio.testing.conformance import json_schema
from hermes_trio.testing.conformance.clauses import Report, Unable, Unlike, expect, hold_against
from hermes_trio.testing.conformance.leftovers import nothing_left
from hermes_trio.testing.wall_clock import at_once
from hermes_trio.turns.offered_op import offered
from hermes_trio.turns.step_values import decoded_value, encoded_value
from hermes_trio.values.identity import Address, Role
from hermes_trio.values.process import ProcessLog, Ran
from hermes_trio.values.views import ProcessView
from hermes_trio.workspaces.call_files import TurnFiles
from hermes_trio.workspaces.folders import Workspaces

OP = "checked"
NOW = 1_800_000_000.0
ROUNDS = 6
_QUIET_S, _QUIET_MAX_S = 0.02, 0.2

T = TypeVar("T")
MakeContext = Callable[[], AbstractAsyncContextManager[ToolContext]]


class NoProcesses:
    """The programs of a conversation in which nobody may have any."""

    async def run(self, command: str, *, timeout_s: float) -> Ran:
        """See the port."""
        return await self._refuse()

    async def start(
        self, command: str, *, notify: bool = True, keep: bool = False, watch: Sequence[str] = ()
    ) -> ProcessView:
        """See the port."""
        return await self._refuse()

    async def list(self) -> Sequence[ProcessView]:
        """See the port."""
        return await self._refuse()

    async def poll(self, process: int) -> ProcessView:
        """See the port."""
        return await self._refuse()

    async def wait(self, process: int, timeout_s: float) -> ProcessView:
        """See the port."""
        return await self._refuse()

    async def log(self, process: int, since: int = 0) -> ProcessLog:
        """See the port."""
        return await self._refuse()

    async def write(self, process: int, text: str) -> None:
        """See the port."""
        await self._refuse()

    async def kill(self, process: int) -> ProcessView:
        """See the port."""
        return await self._refuse()

    async def _refuse(self) -> NoReturn:
        await trio.lowlevel.checkpoint()
        raise PermissionError("nobody may have programs run here")


class PlainContext:
    """A call outside of a conversation: it sleeps by the loop's clock, at a wall time that stands still."""

    def __init__(self, answers: Sequence[str], role: Role, files: CallFiles) -> None:
        self._answers = list(answers)
        self.files = files
        self.op = OP
        self.address = Address("memory", "main", "ada", None, "ada")
        self.role: Role = role
        self.processes: CallProcesses = NoProcesses()

    async def needs(self, role: Role) -> None:
        """See the port."""
        wrong_use.role("needs: role", role)
        await trio.lowlevel.checkpoint()
        if role not in ("user", self.role):
            raise PermissionError("only admins may do this")

    async def ask(self, text: str, *, choices: Sequence[str] = (), timeout_s: float = 3600.0) -> str:
        """See the port. Where nobody answers, its time is over at once."""
        await trio.lowlevel.checkpoint()
        if not self._answers:
            raise AskTimedOut(f"no answer to: {text[:80]}")
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]

    async def step(
        self,
        name: str,
        fn: Callable[..., Awaitable[T]],
        *args: object,
        idempotent: bool = False,
        type: Any = Any,
    ) -> T:
        """See the port. Nothing is recorded, and it returns what would be."""
        where = f"step {name!r}"
        wrong_use.step(name, fn, idempotent)
        await trio.lowlevel.checkpoint()
        value = await awaited(f"{where}: fn", fn, *args, **offered(fn, f"{OP}.{name}"))
        decoded: T = decoded_value(where, encoded_value(where, fn, value, type), type)
        return decoded

    async def sleep(self, seconds: float) -> None:
        """See the port."""
        await trio.sleep(seconds)

    async def now(self) -> float:
        """See the port."""
        await trio.lowlevel.checkpoint()
        return NOW

    async def reset(self, why: str) -> NoReturn:
        """See the port."""
        raise Unable("there is no conversation to reset")


@asynccontextmanager
async def tool_call(answers: Sequence[str] = (), role: Role = "user") -> AsyncIterator[ToolContext]:
    """A call of a tool outside of a conversation, for `check_tool(context=lambda: tool_call(...))`.

    It sleeps by the loop's clock, and its wall time stands still. It has no programs run and no conversation
    to reset; its files are empty at first and gone with it. Cancelled in it, nothing is left behind.

    Args:
        answers: what a person answers to what the tool asks, in this order, the last one on and on. Without
            any nobody does: the time of a question is over at once.
        role: for whom the call acts.
    """
    with TemporaryDirectory(prefix="hermes-trio-tool-") as folder:
        yield PlainContext(answers, role, TurnFiles(Workspaces(folder=Path(folder)), at_once, 1))


class ToolTrial:
    """What a clause of the Tool port is looked at with."""

    def __init__(
        self,
        tool: Tool,
        good: Sequence[Mapping[str, Any]],
        bad: Sequence[Mapping[str, Any]],
        context: MakeContext,
        effects: Callable[[], object] | None,
        within_s: float,
    ) -> None:
        self.tool, self.good, self.bad = tool, good, bad
        self.context, self._effects, self.within_s = context, effects, within_s

    async def run(self, arguments: Mapping[str, Any]) -> object:
        """Run it in a call of its own."""
        async with self.context() as call:
            return await self.tool.run(dict(arguments), call)

    def effects(self) -> object:
        """What the tool has done so far, as the tester sees it."""
        if self._effects is None:
            raise Unable("the tester does not say how to see its effects")
        return self._effects()

    def unfit(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Arguments that must be refused, and why."""
        made = [each for good in self.good for each in json_schema.unfit(good, self.tool.parameters)]
        return [*made, *((f"the tester says that {arguments} is bad", arguments) for arguments in self.bad)]


async def says_what_it_is(trial: ToolTrial) -> None:
    """A name that providers take, a description for the model, and whether it may be repeated."""
    tool = trial.tool
    expect(bool(TOOL_NAME.fullmatch(tool.name)), "letters, digits, _ and -, at most 64", tool.name)
    expect(bool(tool.description.strip()), "a description", tool.description)
    expect(isinstance(tool.idempotent, bool), "idempotent is True or False", tool.idempotent)


async def has_a_sound_schema(trial: ToolTrial) -> None:
    """`parameters` is a JSON schema of an object, and JSON itself."""
    parameters = trial.tool.parameters
    expect(parameters.get("type") == "object", "the type is 'object'", parameters.get("type"))
    wrong = list(json_schema.faults(parameters))
    expect(not wrong, "a sound schema", wrong)
    back = msgspec.json.decode(msgspec.json.encode(parameters))
    expect(back == parameters, "what JSON makes of it is the same", back)


async def takes_what_its_schema_allows(trial: ToolTrial) -> None:
    """Arguments that are good fit the schema, and the tool runs with them."""
    for arguments in trial.good:
        expect(json_schema.fits(arguments, trial.tool.parameters), "they fit the schema", arguments)
        await trial.run(arguments)


async def refuses_what_its_schema_refuses(trial: ToolTrial) -> None:
    """Arguments that do not fit are a ValueError, whose text tells the model what is wrong."""
    for why, arguments in trial.unfit():
        async with trial.context() as call:
            try:
                result = await trial.tool.run(dict(arguments), call)
            except ValueError as error:
                expect(bool(str(error).strip()), f"a text, as {why}", repr(error))
            else:
                raise Unlike(f"a ValueError, as {why}", result)


async def gives_what_can_be_json(trial: ToolTrial) -> None:
    """The result is text, or can be written as JSON."""
    for arguments in trial.good:
        result = await trial.run(arguments)
        if not isinstance(result, str):
            msgspec.json.encode(result)


async def leaves_its_arguments_alone(trial: ToolTrial) -> None:
    """The arguments are not changed: they are what the transcript shows."""
    for arguments in trial.good:
        before = copy.deepcopy(dict(arguments))
        given = copy.deepcopy(before)
        async with trial.context() as call:
            await trial.tool.run(MappingProxyType(given), call)
        expect(given == before, f"still {before}", given)


async def comes_to_an_end(trial: ToolTrial) -> None:
    """It returns within the time it is given."""
    for arguments in trial.good:
        with trio.move_on_after(trial.within_s) as patience:
            await trial.run(arguments)
        expect(not patience.cancelled_caught, f"an end within {trial.within_s} s", f"none with {arguments}")


async def yields(trial: ToolTrial) -> None:
    """A run executes a checkpoint."""
    async with trial.context() as call:
        try:
            with assert_checkpoints():
                await trial.tool.run(dict(trial.good[0]), call)
        except AssertionError as error:
            raise Unlike("a checkpoint is executed", f"none with {trial.good[0]}") from error


async def leaves_nothing_behind(trial: ToolTrial) -> None:
    """After its end no task, file, thread or program of it is there."""
    for arguments in trial.good:
        async with nothing_left(f"a run with {arguments}"):
            await trial.run(arguments)


async def cancelled_it_leaves_nothing_behind(trial: ToolTrial) -> None:
    """Cancelled at any point, it ends as Cancelled at once, and nothing of it runs on."""
    for arguments in trial.good:
        for rounds in range(ROUNDS):
            async with nothing_left(f"a run with {arguments}, cancelled after {rounds} rounds"):
                await _cut_off(trial, arguments, rounds)
        async with nothing_left(f"a run with {arguments}, cancelled while it waits"):
            await _cut_off(trial, arguments, None)


async def remembers_nothing(trial: ToolTrial) -> None:
    """One that is idempotent gives the same result for the same call, whatever ran in between."""
    if not trial.tool.idempotent:
        raise Unable("it is not idempotent: two runs may differ")
    first = [await trial.run(arguments) for arguments in trial.good]
    again = [await trial.run(arguments) for arguments in reversed(trial.good)]
    expect(first == again[::-1], f"the same results: {first}", again[::-1])


async def runs_beside_itself(trial: ToolTrial) -> None:
    """Two calls at once do not disturb each other."""
    results: dict[int, object] = {}

    async def one(number: int) -> None:
        results[number] = await trial.run(trial.good[number % len(trial.good)])

    async with trio.open_nursery() as nursery:
        for number in range(2 * len(trial.good)):
            nursery.start_soon(one, number)
    if trial.tool.idempotent:
        alone = [await trial.run(arguments) for arguments in trial.good]
        beside = [results[number] for number in range(len(trial.good))]
        expect(beside == alone, f"the results it has alone: {alone}", beside)


async def repeated_it_takes_effect_once(trial: ToolTrial) -> None:
    """One that is idempotent, run again with the same op, has the effect of one run."""
    if not trial.tool.idempotent:
        raise Unable("it is not idempotent: it is never repeated")
    for arguments in trial.good:
        trial.effects()
        async with trial.context() as call:
            await trial.tool.run(dict(arguments), call)
            once = copy.deepcopy(trial.effects())
            await trial.tool.run(dict(arguments), call)
            expect(trial.effects() == once, f"the effect of one run: {once}", trial.effects())


async def _cut_off(trial: ToolTrial, arguments: Mapping[str, Any], rounds: int | None) -> None:
    began = trio.current_time()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trial.run, arguments)
        if rounds is None:
            with trio.move_on_after(_QUIET_MAX_S):
                await wait_all_tasks_blocked(_QUIET_S)
        for _ in range(rounds or 0):
            await trio.lowlevel.checkpoint()
        began = trio.current_time()
        nursery.cancel_scope.cancel()
    took_s = trio.current_time() - began
    expect(took_s < 5.0, "it leaves within 5 s", f"it took {took_s:.1f} s")


TOOL_CLAUSES = (
    says_what_it_is,
    has_a_sound_schema,
    takes_what_its_schema_allows,
    refuses_what_its_schema_refuses,
    gives_what_can_be_json,
    leaves_its_arguments_alone,
    comes_to_an_end,
    yields,
    leaves_nothing_behind,
    cancelled_it_leaves_nothing_behind,
    remembers_nothing,
    runs_beside_itself,
    repeated_it_takes_effect_once,
)


async def check_tool(
    tool: Tool,
    *,
    good: Sequence[Mapping[str, Any]],
    bad: Sequence[Mapping[str, Any]] = (),
    context: MakeContext = tool_call,
    effects: Callable[[], object] | None = None,
    within_s: float = 10.0,
    only: Collection[str] = (),
) -> Report:
    """Hold a tool against the contract of its port, clause by clause.

    Args:
        tool: what is held.
        good: arguments it runs with, at least one; it is run some twenty times with each.
        bad: arguments it must refuse, beside those that are made of the good ones by its schema.
        context: opens the call it is run in, anew for each run; by default `tool_call`, in which nobody
            answers, nobody is an admin, and nobody may have programs run.
        effects: what it has done so far, to be compared: a count, a list, a copy of a file.
        within_s: how long a run may take.
        only: names of clauses to look at; empty: all.

    Cancelled, the clause that is looked at is left with everything it opened; what the tool has done is done.

    Raises:
        Broken: an AssertionError whose text names each clause that is broken, what was seen, what is wanted.
        ValueError: no good arguments are given.
    """
    if not good:
        raise ValueError("give arguments that the tool runs with")

    @asynccontextmanager
    async def trial() -> AsyncIterator[ToolTrial]:
        yield ToolTrial(tool, good, bad, context, effects, within_s)

    return await hold_against("tool", TOOL_CLAUSES, trial, only)
