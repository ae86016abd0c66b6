"""The one decoder for JSON that somebody else wrote: a platform, a model, a tool, a client, a file.

Within limits of size, depth and number, all looked at before anything is made of the text, in time that is
linear in it. Without them a text of brackets costs a stack, and one of commas a hundred times its memory.
"""

from __future__ import annotations

import json
from typing import Any, Generic, TypeVar

import msgspec

from hermes_trio.errors import NotJson

DEPTH_MAX = 64
"""How many brackets may be open at once."""

PARTS_MAX = 50_000
"""How many lists and objects one text may have."""

T = TypeVar("T")
_NOT_SHAPE = bytes(sorted(set(range(256)) - set(b'"[]{}')))
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}


class ForeignJson(Generic[T]):
    """Decodes foreign JSON of one kind. Raises `NotJson` and nothing else.

    Args:
        kind: what it is decoded to, as msgspec takes it.
        parts_max: how many lists and objects it may have; None: any number.
        halves: half a character (a surrogate that stands alone) is kept, where strict JSON has none. Some
            providers split a character between two pieces of an answer.
    """

    def __init__(
        self, kind: Any, *, most_bytes: int, parts_max: int | None = PARTS_MAX, halves: bool = False
    ) -> None:
        self.most_bytes = most_bytes
        self._kind = kind
        self._parts_max = parts_max
        self._halves = halves
        self._decode = msgspec.json.Decoder(kind).decode

    def __call__(self, raw: bytes | str | msgspec.Raw) -> T:
        """Decode it.

        Raises:
            NotJson: it is no JSON, not of this kind, or beyond a limit.
        """
        try:
            body = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else bytes(raw)
            if len(body) > self.most_bytes or body.count(b"[") + body.count(b"{") > DEPTH_MAX:
                self._check(body)
            try:
                return self._decode(body)  # type: ignore[no-any-return]
            except msgspec.ValidationError:
                raise
            except (msgspec.DecodeError, UnicodeError):
                if not self._halves:
                    raise
            return msgspec.convert(json.loads(body.decode("utf-8", "surrogatepass")), self._kind)  # type: ignore[no-any-return]
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise NotJson(str(error)[:200] or type(error).__name__) from error

    def _check(self, body: bytes) -> None:
        if len(body) > self.most_bytes:
            raise NotJson(f"{len(body)} bytes; at most {self.most_bytes}")
        brackets = _brackets(body)
        parts = brackets.count(b"[") + brackets.count(b"{")
        if self._parts_max is not None and parts > self._parts_max:
            raise NotJson(f"{parts} lists and objects; at most {self._parts_max}")
        if _deep(brackets):
            raise NotJson(f"nested deeper than {DEPTH_MAX}")


def too_deep(body: bytes) -> bool:
    """Whether this JSON text is nested deeper than DEPTH_MAX: what we encode is not decoded again then."""
    return body.count(b"[") + body.count(b"{") > DEPTH_MAX and _deep(_brackets(body))


def _brackets(body: bytes) -> bytes:
    """The brackets of a JSON text that stand in no string. A few passes at the speed of C."""
    shown = body.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NOT_SHAPE)
    return b"".join(shown.split(b'"')[::2])


def _deep(brackets: bytes) -> bool:
    depth = 0
    for sign in brackets:
        depth += _STEP[sign]
        if not 0 <= depth <= DEPTH_MAX:
            return depth > 0  # brackets that were never opened are the decoder's to refuse
    return False
