"""What is known of an API key."""

from __future__ import annotations

from msgspec import Struct

from hermes_trio.errors import ModelFailure


class Cooldown(Struct, frozen=True):
    """The time in which a refused key is not used.

    Args:
        kind: what it was refused for.
        since: wall time of the refusal.
        until: wall time it may be used again.
        strikes: refusals without a success between them.
        tried_at: wall time it was last used, at its refusal or all the same.
        dead: it can be refreshed, and that gave no other secret: it is not used again before one is there.
        why: what the provider said then, for whoever runs the gateway.
    """

    kind: ModelFailure
    since: float
    until: float
    strikes: int
    tried_at: float
    dead: bool = False
    why: str = ""


class KeyCooldown(Struct, frozen=True, kw_only=True):
    """What is known of a refused key: advice, that outlives the process.

    Args:
        fingerprint: of its secret.
        model: the model it cools down for, "" for all.
        pool, place: where it stood, for people.
    """

    fingerprint: str
    model: str
    pool: str
    place: str
    cooldown: Cooldown
