"""The agent of a replay: its own code, or the built-in one's, on steps that give what was recorded."""

from __future__ import annotations

import builtins
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec
import trio
from msgspec import Raw
from msgspec.structs import replace

from hermes_trio import errors
from hermes_trio.agent.agent import ModelAgent
from hermes_trio.errors import AgentError, ModelFailed, NoCredentials
from hermes_trio.ports.agent import Agent, profile_of
from hermes_trio.ports.tool import ToolContext
from hermes_trio.runtime.supervise import attempt
from hermes_trio.testing.record import Record
from hermes_trio.testing.replay_script import Diverged, Script
from hermes_trio.turns.questions import ASK
from hermes_trio.turns.turn import Turn, run_of
from hermes_trio.values.actions import Silence
from hermes_trio.values.recording import Failure, RecordedStep, RecordedTurn, ToolSetup
from hermes_trio.values.stored import StepRow
from hermes_trio.values.transcript import Entry

OWN = frozenset({"model", "shorten", "set aside", "tool refused", "now", "random"})
"""Steps that have no effect outside: a replay that goes on by itself runs them."""

Call = Callable[[], Awaitable[object]]


class RecordedTool:
    """A tool as it was offered then, for a replay that has not the tool itself. It cannot be run."""

    def __init__(self, setup: ToolSetup) -> None:
        self.name = setup.name
        self.description = setup.description
        self.parameters: Mapping[str, Any] = setup.parameters
        self.idempotent = setup.idempotent

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> object:
        """Raises: there is only what was recorded of it."""
        raise AgentError(f"the tool {self.name!r} is not here: the replay has only what was recorded of it")


class ReplayAgent:
    """An agent whose steps give what was recorded, when they gave it.

    Args:
        agent: whose code runs.
        run_tools: tools, or steps of a function of one's own, that are run instead.
        entries: the transcript of a session as it is now.
    """

    def __init__(
        self,
        agent: Agent[Turn],
        script: Script,
        record: Record,
        *,
        run_tools: Collection[str],
        entries: Callable[[int], Iterator[Entry]],
    ) -> None:
        self.profile = msgspec.structs.replace(profile_of(agent), memory_bytes=0)
        self._agent = agent
        self._built_in = isinstance(agent, ModelAgent)
        self._script = script
        self._record = record
        self._run_tools = frozenset(run_tools)
        self._entries = entries
        self._compared: dict[int, int] = {}

    async def __call__(self, turn: Turn) -> str | Silence | None:
        """Answer the turn, or fail it, when that was done."""
        run_of(turn).steps.instead = partial(self._instead, turn)
        answer, error = await attempt(lambda: self._agent(turn))
        recorded = self._script.turns.get(turn.id)
        if recorded is not None:
            cut = self._script.is_cut(recorded) or isinstance(error, Diverged)
            await (self._script.never() if cut else self._script.not_before(recorded.closed_at))
        if error is not None:
            raise error
        return answer

    async def _instead(self, turn: Turn, row: StepRow, args: tuple[object, ...], call: Call) -> object:
        recorded = self._script.step(turn.id, row.name, row.n)
        self._record.add(
            "world",
            "step",
            number=self._script.numbers.get((turn.id, row.name, row.n)),
            turn=turn.id,
            name=row.name,
            live=self._script.live.is_set(),
        )
        if self._script.live.is_set():
            return await self._live(turn, row, call)
        if recorded is None:
            await self._inside(turn, row.name, row.n, None)
            return await self._unrecorded(turn, row)
        if recorded.digest != row.digest:
            shown = msgspec.json.encode(args, enc_hook=repr).decode()[:200]
            await self._diverge(f"{_where(turn, row)}: it was recorded with other arguments than {shown}")
        if row.name == "model":
            await self._compare(turn, row)
        if self._is_run(row.name) and self._script.live_turn is None:
            return await call()
        return await self._as_recorded(turn, recorded)

    async def _diverge(self, what: str) -> None:
        self._script.diverge(what)
        await self._script.never()

    def _is_run(self, name: str) -> bool:
        return (name.removeprefix("tool ") if self._built_in else name) in self._run_tools

    # -- from the recording

    async def _as_recorded(self, turn: Turn, recorded: RecordedStep) -> object:
        """What it gave, when it did."""
        await self._inside(turn, recorded.name, recorded.n, recorded.begun_at)
        known = self._script.turns[turn.id]
        if recorded.state == "intent":
            if (why := self._script.resets_itself(known)) is not None:
                await self._script.not_before(known.closed_at)
                await turn.reset(why)
            await self._script.never()
        await self._script.not_before(recorded.at)
        if recorded.state == "failed":
            kind, text = msgspec.json.decode(recorded.value, type=tuple[str, str])
            raise error_named(kind, text)
        return Raw(recorded.value)

    async def _inside(self, turn: Turn, name: str, n: int, began: float | None) -> None:
        """What a step had inside it takes its time again, and asks again."""
        for inner in self._script.inside(turn.id, name, n):
            _, _, verb = inner.name.rpartition("/")
            times = (inner.begun_at, began, self._script.turns[turn.id].opened_at)
            began = next(at for at in times if at is not None)
            if inner.wake_at is not None:
                for_s = max(0.0, round(inner.wake_at - began, 2))
                if verb == ASK:
                    await self._ask_again(turn, inner, for_s)
                else:
                    await turn.sleep(for_s, name=inner.name)
            elif verb == "now":
                await turn.now(name=inner.name)
            elif verb.startswith("step "):
                await self._give(turn, inner)
            began = inner.at

    async def _ask_again(self, turn: Turn, inner: RecordedStep, for_s: float) -> None:
        text, choices = self._script.asked(inner)
        with contextlib.suppress(errors.AskTimedOut):
            await turn.ask(text, choices=choices, timeout_s=for_s, name=inner.name)

    async def _give(self, turn: Turn, inner: RecordedStep) -> None:
        """A step of a call ends as it did; it is not run."""
        with run_of(turn).steps.begin(inner.name) as row:
            if row.state == "intent" and inner.state != "intent":
                await self._script.not_before(inner.at)
                await run_of(turn).steps.end(replace(row, state=inner.state, value=inner.value))

    async def _unrecorded(self, turn: Turn, row: StepRow) -> object:
        """It was not done: the turn ended before, by its failure or by somebody else; or it is a new turn."""
        known = self._script.turns.get(turn.id)
        if known is not None and self._script.is_cut(known):
            await self._script.never()
        elif known is not None and (error := _raised_by_a_model(known)) is not None:
            await self._script.not_before(known.closed_at)
            raise error
        elif known is not None and known.reason == "deadline":
            await trio.sleep_forever()
        where = _where(turn, row)
        await self._diverge(f"{where}: it is not recorded" if known else f"{where}: the turn is not recorded")
        raise Diverged(where)

    async def _compare(self, turn: Turn, row: StepRow) -> None:
        """What the model is shown is what it was shown, as far as the transcript is that."""
        recorded = [one.entry for one in self._script.recording.entries if one.session == turn.session]
        now = list(self._entries(turn.session))
        for place in range(self._compared.get(turn.session, 0), len(now)):
            if place >= len(recorded) or now[place] != recorded[place]:
                was = recorded[place] if place < len(recorded) else "nothing"
                await self._diverge(
                    f"{_where(turn, row)}: the model is shown another conversation: entry {place + 1} is"
                    f" {now[place]}, recorded was {was}"
                )
        self._compared[turn.session] = len(now)

    # -- by itself

    async def _live(self, turn: Turn, row: StepRow, call: Call) -> object:
        own = row.name in OWN if self._built_in else row.name in ("now", "random")
        if own or "#" in row.name or self._is_run(row.name):
            return await call()
        same = self._script.identical(turn.id, row.name, row.digest)
        if same is not None and same.state == "done":
            return Raw(same.value)
        name = row.name.removeprefix("tool ") if self._built_in else row.name
        refusal = (
            f"This is a replay: {name!r} is not run, because this call of it was not recorded and nobody has"
            " allowed it."
        )
        if self._built_in:
            return {"text": refusal, "failed": True}
        raise AgentError(refusal)


def _where(turn: Turn, row: StepRow) -> str:
    return f"turn {turn.id}, step {row.name!r} call {row.n}"


def _raised_by_a_model(turn: RecordedTurn) -> Exception | None:
    error: Failure | None = turn.error
    if error is None:
        return None
    if error.type == "ModelFailed":
        return ModelFailed(error.kind or "unknown", error.text)  # type: ignore[arg-type]
    if error.type == "NoCredentials":
        kind = error.kind or "auth"
        return NoCredentials(error.until, kind, defer=error.defer, cooldown_until=error.cooldown_until)  # type: ignore[arg-type]
    return None


def error_named(kind: str, text: str) -> Exception:
    """An exception whose type has this name: a built-in type or one of ours, else a type made for it."""
    known = getattr(builtins, kind, None) or getattr(errors, kind, None)
    if isinstance(known, type) and issubclass(known, Exception):
        try:
            made = known(text)
        except TypeError:
            made = None
        if made is not None and str(made) == text:
            return made
    made_up: type[Exception] = type(kind, (Exception,), {})
    return made_up(text)
