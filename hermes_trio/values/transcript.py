"""The transcript, and what a model is asked and answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct


class ToolCall(Struct, frozen=True, array_like=True):
    """What a model asks a tool for. `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class UserEntry(Struct, frozen=True, tag="user", omit_defaults=True):
    """What a user wrote.

    Args:
        text: the user's words. A forwarded message has somebody else's words, quoted line by line.
        before: what the gateway adds: what the message answers, whose words it forwards, who wrote it.
    """

    text: str
    before: str = ""


class Keepsake(Struct, frozen=True, array_like=True):
    """What a model must be shown again with its answer: its reasoning, signatures of its calls.

    Args:
        of: the service and the model that gave it. No other is shown it.
        data: JSON that only they read.
    """

    of: str
    data: Mapping[str, Any] = {}


class AssistantEntry(Struct, frozen=True, tag="assistant", omit_defaults=True):
    """What the model answered. Without an explicit end (`finish` "partial") it was cut short.

    Args:
        interim: said or asked on the way; the turn went on.
        keepsake: of an answer with calls, or that paused amid calls of its service, as its model gave it.
    """

    text: str
    calls: tuple[ToolCall, ...] = ()
    finish: Literal["stop", "tool_calls", "length", "unfinished", "partial"] = "stop"
    interim: bool = False
    keepsake: Keepsake | None = None


class ToolEntry(Struct, frozen=True, tag="tool", omit_defaults=True):
    """What a tool gave back for the call `call`.

    Args:
        call: the id of the `ToolCall`.
        name: of the tool.
        failed: the text says why.
    """

    call: str
    name: str
    text: str
    failed: bool = False


class NoteEntry(Struct, frozen=True, tag="note", omit_defaults=True):
    """What the gateway tells the model. Never shown to a user.

    Args:
        about: "event": something happened, which stays in the conversation; "cut_short": a turn before was
            given up. That is heard by the next turn and by no other.
    """

    text: str
    about: Literal["event", "cut_short"] = "event"


class SummaryEntry(Struct, frozen=True, tag="summary", omit_defaults=True):
    """What stands in the place of entries that are shown no longer. They stay in the store.

    Args:
        text: what is told of them.
        kept: how many of the newest entries, as they were shown when this was written, lie behind them.
        covers: how many entries it stands for; None is all there are.
        said: what its users wrote among them and still wait to have answered, word for word.
        calls: what was called to answer that: how each call ended, and its tool. Its text tells of them.
    """

    text: str
    kept: int = 0
    covers: int | None = None
    said: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()


Entry = UserEntry | AssistantEntry | ToolEntry | NoteEntry | SummaryEntry
"""What a transcript is made of."""


class ToolSpec(Struct, frozen=True):
    """A tool as a model is told of it. `parameters` is a JSON schema object."""

    name: str
    description: str
    parameters: Mapping[str, Any]


class Spelled(Struct, frozen=True):
    """The beginning of a conversation as a model service wants it: made once, and kept between turns.

    Args:
        body: the service's own JSON of it.
        entries: how many it holds.
        role: of the last entry, if the next one depends on it.
        ids: the new ids of the last calls, since their results may follow.
        pending: an answer that the model has begun. It is sent only if the model is to go on with it.
    """

    body: bytes = b""
    entries: int = 0
    role: str = ""
    ids: Mapping[str, str] = {}
    pending: tuple[Mapping[str, Any], ...] = ()


Spell = Callable[[Spelled, Sequence[Entry]], Spelled]
"""Spells more entries behind a beginning. Pure: the same whether they come at once or one after the other."""


class ModelRequest(Struct, frozen=True, kw_only=True):
    """One call of a model.

    Args:
        prompt: the system prompt.
        entries: the transcript, every tool call followed by its result. Only its end, if `earlier` is given.
        tools: what the model may call.
        op: an id that is the same when this call is repeated after a crash.
        earlier: what goes before `entries`, for models that have a `spell`, by that.
    """

    prompt: str
    entries: tuple[Entry, ...]
    tools: tuple[ToolSpec, ...] = ()
    op: str = ""
    earlier: Mapping[Spell, Spelled] = {}


class ModelAnswer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one call of a model gave.

    Args:
        text: the answer, as markdown.
        calls: what it wants called; none in an answer that did not end as it should.
        finish: how the provider says it ended; "partial" when the stream had no end event, or none that is
            good; "unfinished" when it has to be asked to go on: it paused, or a call was cut at a limit.
        tokens_in, tokens_out: as the provider counts them, 0 where it does not say.
        tokens_cached: of `tokens_in` those that the provider had read before, and charges less for.
        tokens_kept: of `tokens_in` those that it was told to keep, and charges more for.
        keepsake: what it must be shown again with this answer; of one with calls, or that paused amid calls
            that its service makes itself.
    """

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: Literal["stop", "tool_calls", "length", "unfinished", "partial"] = "stop"
    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    tokens_kept: int = 0
    keepsake: Keepsake | None = None
