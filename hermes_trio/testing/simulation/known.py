"""What a checker keeps of lives, messages, and what is in flight."""

from __future__ import annotations

from msgspec import Struct

from hermes_trio.values.message import Message


class Spoken(Struct):
    """A message as its user knows it: the number in its text (0: a command or a press) and what came in."""

    n: int
    message: Message
    at: float


class Life(Struct):
    """One life of the gateway, or of a node, as seen from outside.

    Args:
        node: of which of several.
        hasty_at: when it was being stopped and did not wait for its disk any longer.
    """

    number: int
    began: float
    ended: float | None = None
    crashed: bool = False
    hasty_at: float | None = None
    node: str = ""

    @property
    def untold(self) -> bool:
        """It ended before it could be told of all that it had written."""
        return self.crashed or self.hasty_at is not None

    def may_lack(self, known_at: float) -> bool:
        """Whether it may have ended, or given up its disk, before it knew of what everybody knows by then."""
        ended = self.ended is not None and self.untold and self.ended <= known_at + 1e-6
        return ended or (self.hasty_at is not None and self.hasty_at <= known_at + 1e-6)


class ModelCall(Struct):
    """A model call in flight: for which message, since when, by which node."""

    n: int
    key: str
    at: float
    node: str = ""


class AtWork(Struct):
    """An act in flight: of which turn, on which node."""

    turn: int
    node: str
