"""Who does what messages say: a model that reads the transcript, and a function on the library's verbs."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import trio
from msgspec.structs import replace

from hermes_trio.errors import AskTimedOut, ModelFailed, StepFailed, StepUnknown, StoreClosed
from hermes_trio.ports.tool import ToolContext
from hermes_trio.testing.incarnation import act, alive
from hermes_trio.testing.record import Record
from hermes_trio.testing.scripted_model import Line, ScriptedModel
from hermes_trio.testing.simulation.endpoint import Saying, answer_of, forgotten, odd_end
from hermes_trio.testing.simulation.refusing_endpoint import RefusingEndpoint, Told
from hermes_trio.testing.simulation.words import (
    CHOICES,
    MAY_I,
    answer,
    apart,
    asked_of,
    read,
    seconds,
    was_cut,
)
from hermes_trio.turns.turn import Turn, run_of
from hermes_trio.values.actions import Silence
from hermes_trio.values.transcript import (
    AssistantEntry,
    Entry,
    ModelAnswer,
    ModelRequest,
    Spelled,
    ToolCall,
    ToolEntry,
)

PIECES = 4
RECORDED_S = 5.0
PROCESS = re.compile(r'"id":(\d+)')


class Act:
    """Something that takes effect: a tool for the one agent, the function of a step for the other.

    Args:
        name: the word for it.
        before_s, after_s: around the effect.
        again: it may be done again.
        shielded: a cancel does not interrupt it.
        fails: it raises this.
        gives: its result.
        at_work: told of each call by its op id, when it begins (True) and when it has left.
    """

    description = "An act of a simulation."
    parameters: Mapping[str, Any] = {"type": "object"}

    def __init__(
        self,
        name: str,
        before_s: float,
        after_s: float,
        at_work: Callable[[str, bool], None],
        *,
        again: bool = False,
        shielded: bool = False,
        fails: str = "",
        gives: str = "done",
    ) -> None:
        self.name = name
        self.idempotent = again
        self.record = Record()
        self._takes = (before_s, after_s)
        self._shielded = shielded
        self._fails = fails
        self._gives = gives
        self._at_work = at_work

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> object:
        """As a tool."""
        return await self(arguments.get("action"), op=call.op)

    async def __call__(self, action: str | None, *, op: str) -> str:
        """Take effect."""
        self._at_work(op, True)
        try:
            with trio.CancelScope(shield=self._shielded):
                await trio.sleep(self._takes[0])
                await act(self.name)
                self.record.add("tool", "effect", tool=self.name, op=op, action=action, again=self.idempotent)
                await trio.sleep(self._takes[1])
        finally:
            self._at_work(op, False)
        await act("give")
        self.record.add("tool", "gave", tool=self.name, op=op)
        if self._fails:
            raise RuntimeError(self._fails)
        return self._gives


class ResetItself:
    """A tool that ends the conversation it is called in."""

    name, description, idempotent = "reset", "End this conversation.", False
    parameters: Mapping[str, Any] = {"type": "object"}

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> object:
        """Does not return."""
        await call.reset("asked itself")


class Inquires:
    """A tool that does a thing as a step of its call, asks, and does another when it has its answer.

    Args:
        act: what it does, before and behind the question.
    """

    name, description, idempotent = "inquire", "Ask before it is done.", False
    parameters: Mapping[str, Any] = {"type": "object"}

    def __init__(self, act: Act) -> None:
        self._act = act

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> object:
        """Do, ask, and do."""
        action = arguments["action"]
        await call.step("prepare", self._act, None)
        try:
            await call.ask(f"{MAY_I}{action}?", choices=CHOICES, timeout_s=arguments["s"])
        except AskTimedOut:
            return "nobody said"
        return await self._act(action, op=call.op)


def acts(secret: str, at_work: Callable[[str, bool], None]) -> dict[str, Act]:
    """All of them by name. Some hold a secret that nobody shall see."""
    made = (
        Act("once", 0.002, 0.002, at_work),
        Act("slow", 2.0, 3.0, at_work),
        Act("again", 0.002, 0.002, at_work, again=True),
        Act("stubborn", 1.0, 3.5, at_work, shielded=True),
        Act("fails", 0.001, 0.0, at_work, fails=f"no: {secret}"),
        Act("leaks", 0.001, 0.0, at_work, gives=f"the key is {secret}"),
        Act("hangs", 0.01, float("inf"), at_work),
        Act("stone", 0.5, 40.0, at_work, shielded=True),
    )
    return {act.name: act for act in made}


def newest_process(entries: Sequence[Entry]) -> int:
    """The last background process that a tool's result names; 1 where none does."""
    for entry in reversed(entries):
        if isinstance(entry, ToolEntry) and entry.name == "process" and (found := PROCESS.search(entry.text)):
            return int(found[1])
    return 1


def _call(word: str, action: str, process: int) -> tuple[str, dict[str, Any]]:
    """The tool that a word calls, and with what."""
    name, argument = apart(word)
    match name:
        case "sleep":
            return "sleep", {"s": seconds(argument, 1.0)}
        case "inquire":
            return "inquire", {"action": action, "s": seconds(argument, 60.0)}
        case "terminal":
            return "terminal", {"command": argument, "timeout_s": 5}
        case "start":
            return "process", {"action": "start", "command": argument}
        case "keep":
            return "process", {"action": "start", "command": argument, "keep": True}
        case "watch":
            return "process", {"action": "start", "command": argument, "watch_patterns": ["error"]}
        case "poll" | "wait" | "kill":
            return "process", {"action": name, "id": process}
        case _:
            return name, {"action": action}


HASTY_S = 0.5
"""How long a function waits for a step that it is in a hurry with."""
ANSWERING = (
    "stream",
    "part",
    "think",
    "tells",
    "odd",
    "refuses",
    "cut",
    "doubled",
    "aloud",
    "loose",
    "pauses",
)
"""Words that are no calls: they say how the answer comes, or how its calls do."""


def spelled(earlier: Spelled, more: Sequence[Entry]) -> Spelled:
    """A spelling that can be read again: what the gateway remembers is what the model obeys."""
    lines = b"".join(msgspec.json.encode(entry) + b"\n" for entry in more)
    return Spelled(earlier.body + lines, earlier.entries + len(more))


def _whole(request: ModelRequest) -> ModelRequest:
    """The request with all its entries, as if nothing of it had been spelled before."""
    earlier = [
        msgspec.json.decode(line, type=Entry)
        for one in request.earlier.values()
        for line in one.body.splitlines()
    ]
    return replace(request, entries=(*earlier, *request.entries), earlier={})


class ObedientModel(ScriptedModel):
    """A model that does what the last message says, one call after the other, then answers it.

    It has a spelling, so earlier turns are shown to it from the gateway's memory if they are there.

    It decides by the transcript alone. So it gives the same answer to the same question, also after a crash.
    It refuses a conversation that lacks its own thoughts before its calls.

    `odd` is an answer that ends in an odd word; `refuses` one that is none, by a filter; `cut` a first call,
    or thoughts, that the limit cut; `doubled` calls that come at two places each, with one id; `aloud` an
    answer whose text begins with what was thought; `loose` one whose pieces have odd types; `pauses` one that
    comes after a pause.

    Args:
        name: which of several it is.
        think_s: how long a call takes.
        secret: what it tells where it is asked to.
        began, ended: told of each call in flight, by a number.

    Attributes:
        endpoint: what it is asked through where that refuses parts of requests; None: it takes them all.
    """

    spell = staticmethod(spelled)

    def __init__(
        self,
        name: str,
        *,
        needs_key: bool,
        think_s: float,
        secret: str,
        began: Callable[[int, ModelRequest], None],
        ended: Callable[[int], None],
    ) -> None:
        super().__init__(name, needs_key=needs_key)
        self._think_s = think_s
        self._secret = secret
        self._began = began
        self._ended = ended
        self._calls = 0
        self.endpoint: RefusingEndpoint | None = None

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """See the Model port."""
        request = _whole(request)
        self._calls += 1
        call = self._calls
        self._began(call, request)
        try:
            return await super().complete(request, key=key, on_text=on_text)
        finally:
            self._ended(call)

    def unscripted(self, request: ModelRequest) -> Line:
        """What the transcript says."""
        n, words, done = asked_of(request.entries)
        if n == 0:
            return Line(ModelAnswer(text="noted"), ("noted",), self._think_s)
        if id := forgotten(request.entries):
            return Line(error=ModelFailed("malformed", f"{id} without its thought"), after_s=self._think_s)
        cut = "cut" in words and not was_cut(request.entries)
        calls = [word for word in words if apart(word)[0] not in ANSWERING]
        if done < len(calls):
            name, arguments = _call(calls[done], f"{n}.{done}", newest_process(request.entries))
            call = ToolCall(f"c{n}.{done}", name, msgspec.json.encode(arguments).decode())
            places = 2 if "doubled" in words else 1
            saying = Saying((), call, "length" if cut else "tool_calls", places, cut)
            return self._line(request, saying, self._think_s)
        if "pauses" in words and not was_cut(request.entries):
            return self._line(request, Saying(end="pause_turn"), self._think_s)
        if cut:
            return self._line(request, Saying(end="length"), self._think_s)
        return self._answer(request, n, words)

    async def _play(self, line: Line, on_text: Callable[[str], None]) -> ModelAnswer:
        if self.endpoint is not None and isinstance(line, Told):
            return await self.endpoint.complete(line, on_text)
        return await super()._play(line, on_text)

    def _line(self, request: ModelRequest, saying: Saying, think_s: float, stream_s: float = 0.0) -> Line:
        if self.endpoint is not None:
            between_s = stream_s / max(1, len(saying.pieces))
            return Told(after_s=think_s, between_s=between_s, saying=saying, request=request)
        try:
            said, pieces = answer_of(saying, self.name)
        except ModelFailed as error:
            return Line(error=error, after_s=think_s)
        return Line(said, pieces, think_s, stream_s / max(1, len(pieces)))

    def _answer(self, request: ModelRequest, n: int, words: list[str]) -> Line:
        if "refuses" in words:
            return self._line(request, Saying(end="content_filter"), self._think_s)
        text, think_s, stream_s = answer(n, words, self._secret), self._think_s, 0.0
        for name, argument in map(apart, words):
            think_s += seconds(argument, 0.0) if name == "think" else 0.0
            stream_s += seconds(argument, 0.0) if name == "stream" else 0.0
        size = -(-len(text) // PIECES)
        pieces = tuple(text[at : at + size] for at in range(0, len(text), size)) if stream_s else (text,)
        end = odd_end(n) if "odd" in words else "stop"
        saying = Saying(pieces, end=end, aloud="aloud" in words, loose="loose" in words)
        return self._line(request, saying, think_s, stream_s)


class Obedient:
    """An agent function that does what its first message says, verb by verb."""

    def __init__(self, acts: Mapping[str, Act], think_s: float, secret: str) -> None:
        self._acts = acts
        self._secret = secret
        self._think_s = think_s

    async def __call__(self, turn: Turn) -> str | Silence | None:
        """Answer a turn."""
        n, words = read(turn.messages[0].text)
        for at, word in enumerate(words):
            name, argument = apart(word)
            if name == "mutes":
                return None
            if name == "insists":
                await turn.ask(f"what about {n}.{at}?", timeout_s=seconds(argument, 60.0))
            if name == "silence":
                return Silence("as told")
            with contextlib.suppress(StepUnknown, StepFailed, AskTimedOut):
                await self._do(turn, name, argument, f"{n}.{at}")
            self._go_on()
        text = answer(n, words, self._secret)
        if "records" in words:
            await self._record(turn, text)
        await trio.sleep(self._think_s)
        return text

    async def _record(self, turn: Turn, text: str) -> None:
        """Write its answer down before it returns: an answer that the transcript has is not made again."""

        async def model() -> ModelAnswer:
            return ModelAnswer(text=text)

        await run_of(turn).steps.run(
            "model", model, type=ModelAnswer, entries=lambda said: [AssistantEntry(text=said.text)]
        )
        await trio.sleep(RECORDED_S)

    def _go_on(self) -> None:
        """Between two verbs a function does as it likes, and no port is in its way: the dead hear nothing."""
        try:
            alive()
        except StoreClosed:
            self._acts["once"].record.add("tool", "goes on")

    async def _do(self, turn: Turn, name: str, argument: str, action: str) -> None:
        match name:
            case "sleep":
                await turn.sleep(seconds(argument, 1.0))
            case "say":
                await turn.say(f"on the way with {action} and {self._secret}")
            case "ask":
                await turn.ask(f"what about {action} and {self._secret}?", timeout_s=seconds(argument, 60.0))
            case "choose":
                await turn.ask(f"which, {action}?", choices=CHOICES, timeout_s=seconds(argument, 60.0))
            case "hasty":
                done = self._acts[argument or "once"]
                with trio.move_on_after(HASTY_S):
                    await turn.step(done.name, done, action, idempotent=done.idempotent)
            case "reset":
                await turn.reset("asked itself")
            case "breaks":
                raise ValueError(f"as told: {self._secret}")
            case "think":
                await trio.sleep(seconds(argument, 0.0))
            case "stream":
                for piece in range(PIECES):
                    turn.stream(f"piece {piece} {self._secret} ")
                    await trio.sleep(seconds(argument, 0.0) / PIECES)
            case name if (act := self._acts.get(name)) is not None:
                with contextlib.suppress(RuntimeError):
                    await turn.step(name, act, action, idempotent=act.idempotent)
