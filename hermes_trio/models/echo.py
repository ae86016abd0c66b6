"""The built-in model that needs no key: it answers what was said, for first steps, demos and tests.

The answer is "you said: TEXT", in small pieces. Lines of the user's last message that begin with `!tool` make
it call tools first, one per step, and then report what they gave:

    !tool now
    !tool sleep {"s": 3}
    and then this line is echoed
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from hermes_trio.entries import Entry, ModelAnswer, ModelRequest, ToolCall, ToolEntry, UserEntry

PIECE = 16
WISH = "!tool "


class EchoModel:
    """Answers with what was said. Stateless: the transcript says how far its script has come."""

    name = "echo"
    needs_key = False

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """Answer, with a checkpoint before each piece. Raises nothing but Cancelled."""
        said, since = _last_said(request.entries)
        lines = said.splitlines()
        wishes = [line.removeprefix(WISH).strip() for line in lines if line.startswith(WISH)]
        if len(since) < len(wishes):
            await trio.lowlevel.checkpoint()
            name, _, arguments = wishes[len(since)].partition(" ")
            call = ToolCall(f"echo-{len(request.entries)}", name, arguments.strip() or "{}")
            return ModelAnswer(calls=(call,), finish="tool_calls")
        plain = "\n".join(line for line in lines if not line.startswith(WISH))
        text = "\n".join([f"you said: {plain}", *(f"{result.name}: {result.text}" for result in since)])
        for at in range(0, len(text), PIECE):
            await trio.lowlevel.checkpoint()
            on_text(text[at : at + PIECE])
        return ModelAnswer(text=text, tokens_in=len(said.split()), tokens_out=len(text.split()))


def _last_said(entries: tuple[Entry, ...]) -> tuple[str, list[ToolEntry]]:
    """What the user said last, and the results of tools since."""
    at = next((i for i in reversed(range(len(entries))) if isinstance(entries[i], UserEntry)), None)
    if at is None:
        return "", []
    said = entries[at]
    assert isinstance(said, UserEntry)
    return said.text, [entry for entry in entries[at:] if isinstance(entry, ToolEntry)]
