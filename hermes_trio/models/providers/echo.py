"""The built-in model that needs no key: it answers what was said, for first steps, demos and tests.

The answer is "you said: TEXT", in small pieces, with the text of all that was said on end. Lines of the last
message that begin with `!tool` make it call tools first, one per step, and then report what they gave:

    !tool now
    !tool sleep {"s": 3}
    and then this line is echoed
"""

from __future__ import annotations

from collections.abc import Callable

import trio

from hermes_trio.values.transcript import Entry, ModelAnswer, ModelRequest, ToolCall, ToolEntry, UserEntry

PIECE = 16
WISH = "!tool "


class EchoModel:
    """Answers with what was said. Stateless: the transcript says how far its script has come."""

    name = "echo"
    needs_key = False

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """See the port. Has a checkpoint before each piece. Raises nothing but Cancelled."""
        said, since = _last_said(request.entries)
        last = said[-1].splitlines() if said else []
        actions = [line.removeprefix(WISH).strip() for line in last if line.startswith(WISH)]
        if len(since) < len(actions):
            await trio.lowlevel.checkpoint()
            name, _, arguments = actions[len(since)].partition(" ")
            call = ToolCall(f"echo-{len(request.entries)}", name, arguments.strip() or "{}")
            return ModelAnswer(calls=(call,), finish="tool_calls")
        lines = "\n".join(said).splitlines()
        plain = "\n".join(line for line in lines if not line.startswith(WISH))
        text = "\n".join([f"you said: {plain}", *(f"{result.name}: {result.text}" for result in since)])
        for at in range(0, len(text), PIECE):
            await trio.lowlevel.checkpoint()
            on_text(text[at : at + PIECE])
        return ModelAnswer(text=text, tokens_in=len(plain.split()), tokens_out=len(text.split()))


def _last_said(entries: tuple[Entry, ...]) -> tuple[list[str], list[ToolEntry]]:
    """What the user said last, in one message or several on end, and the results of tools since."""
    since: list[ToolEntry] = []
    said: list[str] = []
    for entry in reversed(entries):
        if isinstance(entry, UserEntry):
            said.insert(0, entry.text)
        elif said:
            break
        elif isinstance(entry, ToolEntry):
            since.insert(0, entry)
    return said, since
