"""A model, and who provides it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from hermes_trio.errors import ModelFailure
from hermes_trio.ports.system import WallClock
from hermes_trio.values.identity import Secret
from hermes_trio.values.transcript import ModelAnswer, ModelRequest, Spell


class Model(Protocol):
    """A provider's endpoint with one model name.

    Attributes:
        name: for status and log.
        needs_key: False for models without credentials (`echo`).
    """

    name: str
    needs_key: bool

    async def complete(
        self, request: ModelRequest, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """Call the model once, streamed.

        Args:
            request: what to ask.
            key: the secret to use; "" only if not `needs_key`.
            on_text: called synchronously with each piece of answer text, in order.

        Raises:
            ModelFailed: classified, and nothing else; without the key in its text or in what caused it. A
                stream that ended without its end event is not an error: the answer's `finish` is "partial",
                its calls are dropped.
        Silence is bounded by limits that the model was made with ("transport"). Calls may run side by side.
        Cancelled: ends at once, and its connection is closed.
        """


@runtime_checkable
class SpellingModel(Protocol):
    """What a model may also have: the conversation before the turn comes to it as it has spelled it.

    It comes in the request's `earlier`, and only the rest comes as entries. So a long conversation is not
    encoded anew for each call.
    """

    spell: Spell


class RefreshingKey(Protocol):
    """A key to models whose secret can be renewed: a file that is read again, a login that is refreshed.

    Attributes:
        secret: the one to begin with.
    """

    secret: Secret

    async def refresh(self, refused: Secret, kind: ModelFailure) -> Secret:
        """Return the secret to use from now on, after the provider refused `refused`.

        Called for one request at a time; it has 30 s. If several processes share a login, the stored secret
        counts: look at it first, under a lock. If it differs from `refused`, return it. Else make a new one,
        and make that durable before it is returned. Returning `refused` says that there is no other.

        Args:
            refused: the secret that was refused.
            kind: "auth", or "quota" if the allowance behind it is used up.

        An exception says that there is no other, too. Cancelled: do not lose a secret that was issued.
        """


class ModelContext(Struct, frozen=True, kw_only=True):
    """What a provider makes a model of: the table of an endpoint, and what the daemon adds to that.

    Args:
        base_url, name, first_byte_s, between_bytes_s, answer_tokens: as in `[model]`.
        clock: the wall clock, for errors that name a date.
        client: opens the HTTP client that the models of a daemon share, an `HttpClient`. It is the daemon's.
    """

    base_url: str
    name: str
    first_byte_s: float
    between_bytes_s: float
    answer_tokens: int | None
    clock: WallClock
    client: Callable[[], Awaitable[Any]]

    def limits(self) -> dict[str, Any]:
        """`first_byte_s`, `between_bytes_s`, `answer_tokens` and `clock`, by name."""
        names = ("first_byte_s", "between_bytes_s", "answer_tokens", "clock")
        return {name: getattr(self, name) for name in names}


class ModelProvider(Struct, frozen=True, kw_only=True):
    """A provider as a configuration names it: entry-point group `hermes_trio.providers`.

    Args:
        make: makes a model. Raises nothing: what is wrong shows when the model is asked. Cancelled: nothing
            is left open.
        base_url, name, keys: what a `[model]` table need not say; a key is written "env:NAME". A provider
            without `base_url` needs no address, one without `keys` no key; without `name` each table has one.
    """

    make: Callable[[ModelContext], Awaitable[Model]]
    base_url: str = ""
    name: str = ""
    keys: tuple[str, ...] = ()

    def table(self) -> dict[str, Any]:
        """The keys of a `[model]` table that need not be written."""
        return {"base_url": self.base_url, "name": self.name, "keys": list(self.keys)}
