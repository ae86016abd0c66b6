"""The calls of one answer while it grows: pieces in, one call per id out, none of them twice.

Providers number the pieces wrongly, or not at all; they give one call two numbers, several calls the same, a
new id to each piece, the same id to two calls, and some say a whole call again at the end. What tells calls
apart is the name that each begins with, and whether the arguments before it are whole.
"""

from __future__ import annotations

from typing import Any

import msgspec

from hermes_trio.errors import NotJson
from hermes_trio.text.foreign_json import ForeignJson
from hermes_trio.text.sanitize import clean
from hermes_trio.values.transcript import ToolCall

ARGUMENTS_BYTES_MAX = 4_000_000
NAME_CHARS_MAX = 256
"""Of a call's name. No tool has a longer one."""

ID_CHARS_MAX = 8192
"""Of its id; LiteLLM puts Gemini's signature into it. A longer one is replaced by one of ours."""

LOOKS_MAX = 100
"""How often one call's arguments are looked at before they are all there."""

_OBJECT: ForeignJson[dict[str, Any]] = ForeignJson(dict[str, Any], most_bytes=ARGUMENTS_BYTES_MAX)
_TEXT: ForeignJson[str] = ForeignJson(str, most_bytes=ARGUMENTS_BYTES_MAX)


class GrowingCall:
    """One call, as far as it has come.

    Attributes:
        place: among the calls of its answer.
        given: arguments that came at once; those that come in pieces count for more.
    """

    def __init__(self, place: int) -> None:
        self.place = place
        self.id = ""
        self.name = ""
        self.arguments: list[str] = []
        self.given = ""
        self._looks = 0

    def has_all(self) -> bool:
        """Whether its arguments are whole, so that what follows them is another call."""
        if not self.arguments or not self.arguments[-1].endswith("}") or self._looks == LOOKS_MAX:
            return False
        self._looks += 1
        return arguments_object("".join(self.arguments)) is not None

    def whole_arguments(self) -> str:
        """Its arguments as JSON text; "" if there are none."""
        text = "".join(self.arguments)
        if not text.strip():
            return self.given
        if arguments_object(text) is not None:
            return text
        # Said in pieces, and then once or twice more as a whole; or begun with an empty object.
        for one in (_repeated(text), text.removeprefix("{}"), _unwrapped(text)):
            if arguments_object(one) is not None:
                return one
        return "" if text.strip() == "null" else text


class Calls:
    """The calls of one answer.

    Attributes:
        begun: each that began, in order; the same call may be among them twice.
    """

    def __init__(self) -> None:
        self._at: dict[int, GrowingCall] = {}
        self.begun: list[GrowingCall] = []

    def take(self, index: int | None, *, id: str = "", name: str = "", arguments: Any = None) -> int:
        """Take a piece of a call; returns its place among them.

        Args:
            index: the call's number in the answer, as its provider counts.
            id, name: whole, with the first piece.
            arguments: a piece of their JSON text, or all of them as an object; None: nothing of them.
        """
        id = id if len(id) <= ID_CHARS_MAX else ""
        call = self._known(index, id, name)
        if call is None or _is_another(call, id, name):
            call = GrowingCall(len(self.begun))
            self.begun.append(call)
        if index is not None:
            self._at[index] = call
        call.id = call.id or id
        call.name = call.name or name[:NAME_CHARS_MAX]
        if isinstance(arguments, str):
            call.arguments.append(arguments)
        elif arguments is not None:
            call.given = msgspec.json.encode(arguments).decode()
        return call.place

    def _known(self, index: int | None, id: str, name: str) -> GrowingCall | None:
        if index in self._at or (index is not None and (id or name)):
            return self._at.get(index)
        last = self.begun[-1] if self.begun else None
        return next((one for one in self.begun if id and one.id == id), last)

    def whole(self, unnamed: str) -> list[ToolCall]:
        """The calls, each once, with an id of its own. Arguments of which nothing ever came are "".

        Args:
            unnamed: begins the ids of those that have none.
        """
        made: dict[str, ToolCall] = {}
        for call in self.begun:
            if not call.name:
                continue
            id, name, arguments = clean(call.id), clean(call.name), clean(call.whole_arguments())
            before = made.get(id) if id else None
            if before is not None and before.name == name:
                one = _one_of(before.arguments, arguments)
                if one is not None:
                    made[id] = ToolCall(id, name, one or ("{}" if call.arguments else ""))
                    continue
            if before is not None or not id:
                id = f"{unnamed}-{call.place}"
            made[id] = ToolCall(id, name, arguments or ("{}" if call.arguments else ""))
        return list(made.values())


def arguments_object(arguments: str) -> dict[str, Any] | None:
    """The arguments of a call; None if they are no JSON object."""
    try:
        return _OBJECT(arguments) if arguments else None
    except NotJson:
        return None


def _is_another(call: GrowingCall, id: str, name: str) -> bool:
    """Whether a piece begins another call than the one at its place."""
    other_id = bool(id and call.id and id != call.id)
    if not name or not call.name:
        return other_id and call.has_all()
    if name != call.name or call.has_all():
        return True
    return other_id and not any(call.arguments)


def _repeated(text: str) -> str:
    """What a text is made of that says the same several times; itself if it does not."""
    return text[: (text + text).find(text, 1)]


def _unwrapped(text: str) -> str:
    """What was written as JSON text in JSON text."""
    try:
        return _TEXT(text)
    except NotJson:
        return ""


def _one_of(first: str, second: str) -> str | None:
    """The arguments of a call that came at two places; None if these are two calls that share an id."""
    one, two = arguments_object(first), arguments_object(second)
    if one and two:
        return first if one == two else None
    if one or two:
        return first if one else second
    joined = first + second
    return joined if arguments_object(joined) else first or second
