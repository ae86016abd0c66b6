"""The other side of a model, as a tester plays it: a provider that answers, refuses, hangs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hermes_trio.errors import ModelFailure
from hermes_trio.testing.conformance.clauses import Unable

Finish = Literal["stop", "tool_calls", "length", "partial"]
Part = Literal[
    "stream_options",
    "schema keywords",
    "cache_control",
    "tools",
    "calls without tools",
    "max_tokens",
    "reasoning",
    "reasoning for answers without",
    "signatures for calls without",
    "thinking",
    "the system role",
    "empty content beside calls",
    "text beside calls",
    "tool messages",
]
"""Of a request: what some endpoint refuses. The rows of the table in docs/providers.md."""


class Provider:
    """What `check_model` needs to know of the other side. Subclass it; override what can be played.

    `answer` is needed. Each of the rest raises Unable as it stands, and a clause that needs it is reported
    as skipped. Cancelled in any of them, the check is over and asks nothing more.

    Attributes:
        key: a key that is taken; no error may show it.
        patience_s: the longest silence that the model was made to endure, in seconds; None: it has no limit.
    """

    key = ""
    patience_s: float | None = None

    async def answer(
        self, *pieces: str, calls: Sequence[tuple[str, str]] = (), finish: Finish = "stop"
    ) -> None:
        """The next call is answered so.

        Args:
            pieces: of the text, in the order they are streamed.
            calls: (tool, arguments as JSON) that it wants.
            finish: "partial": the stream ends without its end event.
        """
        raise NotImplementedError

    async def fail(self, kind: ModelFailure, *, retry_after_s: float | None = None) -> None:
        """The next call is refused so; a refusal of the key quotes it, as providers do."""
        raise Unable(f"a call cannot be made to fail so: {kind}")

    async def sign(self) -> None:
        """From now on answers come with something that must come back with their calls.

        A request that has such calls without it is refused.
        """
        raise Unable("its answers come with nothing that must come back")

    async def be_strict(self) -> None:
        """From now on refuse a request if its roles do not alternate, if it does not begin with the user, if
        a tool is followed by another role than the assistant, or if ids of calls repeat or are not plain."""
        raise Unable("it takes any order")

    async def lack(self, part: Part) -> None:
        """From now on a request with this part is refused, and the refusal names it, as real ones do.

        "max_tokens" is a part only where the model was made with a limit of its answers.
        """
        raise Unable("it takes all parts of a request")

    async def answer_in_odd_types(self, *pieces: str) -> None:
        """The next call is answered so, with what is made of digits as numbers, and the rest in lists."""
        raise Unable("its answers have the right types")

    async def think_in_the_text(self, thought: str, *pieces: str) -> None:
        """The next call is answered with this thought, between the marks it has here, then the pieces."""
        raise Unable("what it thinks is no part of its text")

    async def pause(self, *pieces: str) -> None:
        """The next call gets these pieces, then a call of a tool that the provider runs itself, and a pause.

        A later request is refused unless its last word is that answer, as it came.
        """
        raise Unable("it runs no tools itself")

    async def call_twice(self, tool: str, arguments: str) -> None:
        """The next call is answered with a tool call that comes at two places, with one id."""
        raise Unable("what it calls comes once")

    async def end_badly(self, *pieces: str) -> None:
        """The next call gets these pieces, then an end that says that a filter broke the answer off."""
        raise Unable("its answers end well, or not at all")

    async def fail_amid(self, kind: ModelFailure, *pieces: str) -> None:
        """The next call gets these pieces, then an error of this kind in the place of an end."""
        raise Unable("no error comes amid its answers")

    async def keep_alive(self) -> None:
        """The next call gets what keeps its connection open, for ever, and nothing else."""
        raise Unable("it sends nothing to keep a connection open")

    async def break_off(self, *pieces: str) -> None:
        """The next call gets these pieces, then its connection breaks."""
        raise Unable("there is no connection that could break")

    async def hang(self, *pieces: str) -> None:
        """The next call gets these pieces, then silence."""
        raise Unable("a call cannot be made to hang")

    async def hanging(self) -> None:
        """Return when a call is in that silence."""
        raise Unable("a call cannot be made to hang")

    async def connections(self) -> int:
        """How many connections to the provider are open."""
        raise Unable("there are no connections to count")

    async def asked(self) -> str:
        """All that the last request said, as one text."""
        raise Unable("what was asked cannot be seen")

    async def key_used(self) -> str:
        """The key of the last request."""
        raise Unable("the key of a request cannot be seen")
