"""The built-in agent: model and tools until done, bounded.

It is built on what a library user's function has too: each model call and each tool call is a step of the
turn. A model call needs no intent, since asking twice does no harm. A tool call has one. After a crash a call
that is not idempotent is shown to the model as *started, outcome unknown*.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from hermes_trio.agent.call_context import Context
from hermes_trio.agent.context_window import ContextWindow
from hermes_trio.errors import LimitReached, ModelFailed, NotJson
from hermes_trio.models.fallback import Candidates
from hermes_trio.models.written_calls import written_call
from hermes_trio.ports.agent import AgentProfile
from hermes_trio.ports.tool import Tool
from hermes_trio.runtime import wrong_parts, wrong_use
from hermes_trio.runtime.redacting_store import Discretion
from hermes_trio.runtime.supervise import attempt, first_leaf
from hermes_trio.text import sentences
from hermes_trio.text.foreign_errors import told
from hermes_trio.text.foreign_json import ForeignJson
from hermes_trio.text.message_notes import OF_MARKS
from hermes_trio.text.sanitize import clean
from hermes_trio.transcript.assembly import NOT_AGAIN, NOT_AT_ONCE, UNKNOWN, says_nothing
from hermes_trio.turns.turn import Turn, run_of
from hermes_trio.values.recording import AgentSetup, ToolSetup
from hermes_trio.values.transcript import ToolCall, ToolEntry, ToolSpec

CHARS_PER_TOKEN = 4
RESULT_CHARS_MAX = 100_000
ARGUMENTS_BYTES_MAX = 1024 * 1024
ARGUMENTS: ForeignJson[dict[str, Any]] = ForeignJson(dict[str, Any], most_bytes=ARGUMENTS_BYTES_MAX)
EMPTY_MAX = 3
UNFINISHED_MAX = 5
CUT = ("partial", "length")
"""Ends of an answer after which its reader is told that it was cut off."""

MEMORY_BYTES = 4 << 20
"""Thirty conversations of 200 kB, say; an eighth of what the process holds at rest."""


class Result(msgspec.Struct, frozen=True):
    """What a tool call gave, as recorded."""

    text: str
    failed: bool = False


class ModelAgent:
    """An agent function that asks a model and runs its tools until it has an answer.

    Args:
        models: what answers, with keys, retries and fallbacks.
        tools: what the model may call.
        prompt: the system prompt.
        steps_max: model and tool calls of one turn; past it the turn fails with `LimitReached`.
        same_failure_max: identical failing calls in a row; at so many the turn fails with `LimitReached`.
        history_tokens: how much of the transcript the model is given, some four characters a token.
        name: shown in status.
        memory_bytes: how much is kept in memory of conversations between their turns, so that a long one is
            not read and encoded anew each time. Those used last are kept.

    Cancelled in a turn: calls that have ended are recorded, one that runs has an intent without a result.
    """

    def __init__(
        self,
        models: Candidates,
        *,
        tools: Sequence[Tool] = (),
        prompt: str = "You are a helpful assistant.",
        steps_max: int = 60,
        same_failure_max: int = 3,
        history_tokens: int = 100_000,
        name: str = "",
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        wrong_parts.members("ModelAgent: models", [models], ("walk",), "Candidates")
        wrong_parts.tools("ModelAgent: tools", tools)
        wrong_use.text("ModelAgent: prompt", prompt)
        self._models = models
        self._tools = {tool.name: tool for tool in tools}
        self._specs = tuple(ToolSpec(t.name, t.description, t.parameters) for t in tools)
        self._prompt = prompt
        self._steps_max = steps_max
        self._same_failure_max = same_failure_max
        setup = AgentSetup(
            name=name,
            prompt=prompt,
            steps_max=steps_max,
            same_failure_max=same_failure_max,
            history_tokens=history_tokens,
            tools=tuple(
                ToolSetup(
                    name=t.name, description=t.description, parameters=t.parameters, idempotent=t.idempotent
                )
                for t in tools
            ),
        )
        self.profile = AgentProfile(
            name=name,
            history_chars=history_tokens * CHARS_PER_TOKEN,
            memory_bytes=memory_bytes,
            steerable=True,
            pools=models.pools,
            failing=models.failing,
            setup=setup,
        )

    async def __call__(self, turn: Turn) -> str:
        """Answer the turn.

        Raises:
            ModelFailed, NoCredentials: no model could answer.
            LimitReached: a budget was used up.
        """
        window = ContextWindow(
            turn,
            self._models.walk(run_of(turn).around.may_act),
            prompt=f"{self._prompt}\n\n{OF_MARKS}",
            tools=self._specs,
            room=self.profile.history_chars,
            spells=self._models.spells,
        )
        await window.begin()
        failures = Failures(self._same_failure_max)
        empty = unfinished = 0
        while True:
            self._check(turn)
            answer = await window.ask()
            if answer.calls:
                turn.restart_stream()
                for call in answer.calls:
                    self._check(turn)
                    if window.was_set_aside(call):
                        result = await self._record(turn, call, NOT_AGAIN)
                    elif not self._may_repeat(call) and window.holds(call):
                        result = await self._record(turn, call, NOT_AT_ONCE)
                    else:
                        result = await self._use(turn, call, window)
                    window.add(ToolEntry(call.id, call.name, result.text, result.failed))
                    failures.count(call, result)
            elif answer.finish == "unfinished":
                turn.restart_stream()
                unfinished += 1
                if unfinished >= UNFINISHED_MAX:
                    raise LimitReached(f"the model did not come to an end in {unfinished} answers")
            elif not says_nothing(answer.text):
                cut = sentences.PARTIAL if answer.finish in CUT else ""
                written = sentences.WRITTEN_CALL if written_call(answer.text, self._tools) else ""
                said = (answer.text, cut, written, window.notice)
                return "\n\n".join(filter(None, said))
            else:
                empty += 1
                if empty >= EMPTY_MAX:
                    raise ModelFailed("unknown", "empty answers")
            window.show_steered()

    def _check(self, turn: Turn) -> None:
        if run_of(turn).steps.count >= self._steps_max:
            raise LimitReached(f"this took more than {self._steps_max} steps")

    def _may_repeat(self, call: ToolCall) -> bool:
        tool = self._tools.get(call.name)
        return tool is not None and tool.idempotent

    async def _use(self, turn: Turn, call: ToolCall, window: ContextWindow) -> Result:
        """Run one tool call as a step. An error in it becomes its result, which the model reads."""
        tool = self._tools.get(call.name)
        arguments = _arguments(call)
        if tool is None:
            return await self._record(turn, call, f"There is no tool {call.name!r}.")
        if arguments is None:
            return await self._record(turn, call, "The arguments are no JSON object.")
        if not call.arguments and tool.parameters.get("properties"):
            return await self._record(turn, call, "The arguments did not arrive. If none are meant, say {}.")
        name = f"tool {tool.name}"
        parent = f"{name}#{run_of(turn).steps.next_call(name)}"

        consumed: list[int] = []

        async def use(_: Mapping[str, Any], *, op: str) -> Result:
            async def run() -> str:
                where = f"tool {tool.name!r}: run"
                context = Context(turn, op, parent, consumed)
                value = await wrong_use.awaited(where, tool.run, arguments, context)
                wrong_use.was_awaited(where, value)
                return await _text(value, run_of(turn).discretion)

            text, failed = await attempt(run)
            if failed is not None:
                error = first_leaf(failed)
                run_of(turn).tool_failed(tool, error)
                return Result(await _text(told(error), run_of(turn).discretion), failed=True)
            return Result(text or "")

        result = await run_of(turn).steps.run(
            name,
            use,
            arguments,
            idempotent=tool.idempotent,
            type=Result,
            entries=lambda result: [ToolEntry(call.id, call.name, result.text, result.failed)],
            unknown=lambda: Result(UNKNOWN, failed=True),
            consumes=consumed,
        )
        window.add_answers(run_of(turn).steps.questions.entries(parent))
        return result

    async def _record(self, turn: Turn, call: ToolCall, wrong: str) -> Result:
        async def refuse() -> Result:
            return Result(wrong, failed=True)

        return await run_of(turn).steps.run(
            "tool refused",
            refuse,
            idempotent=True,
            type=Result,
            entries=lambda result: [ToolEntry(call.id, call.name, result.text, result.failed)],
        )


class Failures:
    """Counts identical failing calls in a row."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._call: tuple[str, str] | None = None
        self._seen = 0

    def count(self, call: ToolCall, result: Result) -> None:
        """One more result.

        Raises:
            LimitReached: the same call has failed too often in a row.
        """
        same = (call.name, call.arguments) if result.failed else None
        self._seen = self._seen + 1 if same is not None and same == self._call else 1
        self._call = same
        if same is not None and self._seen >= self._most:
            raise LimitReached(f"the tool {call.name!r} failed {self._seen} times in a row in the same way")


def _arguments(call: ToolCall) -> dict[str, Any] | None:
    try:
        return ARGUMENTS(call.arguments or "{}")
    except NotJson:
        return None


async def _text(value: object, discretion: Discretion) -> str:
    """What a tool gave, as text of bounded size. A cut leaves no half of a secret."""
    given = value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=repr).decode()
    text = await discretion(given)
    if len(text) > RESULT_CHARS_MAX:
        text = f"{text[:RESULT_CHARS_MAX]}\n[cut: {len(text)} characters]"
    return clean(text)
