"""What one endpoint was found to refuse, so that it is asked without from then on.

A request that is refused for a part that can be left out is asked again at once without that part. What
helped is remembered as long as the process lives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from hermes_trio.entries import ModelAnswer
from hermes_trio.errors import ModelFailed, ModelFailure
from hermes_trio.models.quirks import QUIRKS, Fields, Quirk

DOUBTED: frozenset[ModelFailure] = frozenset({"malformed", "unknown", "overload"})
"""Kinds of refusals that may name a part of the request. Templates that fail are a 500."""


class Endpoint:
    """Asks, and learns from refusals what to leave out.

    Attributes:
        quirks: what is left out, or put in.
    """

    def __init__(self) -> None:
        self.quirks: tuple[Quirk, ...] = ()
        self._took: Fields = {}

    async def complete(
        self,
        once: Callable[[Sequence[Quirk]], Awaitable[ModelAnswer]],
        *,
        fields: Fields,
        body: Callable[[Sequence[Quirk]], bytes],
        said: Callable[[], bool],
    ) -> ModelAnswer:
        """Ask until what is refused has no part that may be left out.

        Args:
            once: asks once.
            fields: what goes with the conversation, if nothing is left out.
            body: all that is sent.
            said: whether some of the answer was handed on; what fails then is not asked again.

        Cancelled: nothing is learnt.

        Raises:
            ModelFailed: of the last call.
        """
        tried = self.quirks
        while True:
            try:
                answer = await once(tried)
            except ModelFailed as error:
                more = () if said() else self._suspects(error, tried, body)
                if not more:
                    raise
                tried = (*tried, *more)
            else:
                if tried is not self.quirks:
                    known = {*self.quirks, *(one for one in tried if one.lasting)}
                    self.quirks = tuple(one for one in QUIRKS if one in known)
                if not tried and ("tools" in fields or not self._took):
                    self._took = fields
                return answer

    def _suspects(
        self, error: ModelFailed, tried: Sequence[Quirk], body: Callable[[Sequence[Quirk]], bytes]
    ) -> Sequence[Quirk]:
        """What to leave out next: what the refusal names, else all that it may mean."""
        if error.status is None or error.kind not in DOUBTED:
            return ()
        open_ = [one for one in QUIRKS if one not in tried and _changes(one, tried, body)]
        named = [one for one in open_ if one.is_named(error.said)]
        if named or error.kind != "malformed":
            return named[:1]
        return [one for one in open_ if one.optional and not self._took_it(one)]

    def _took_it(self, quirk: Quirk) -> bool:
        """Whether the endpoint once took a request with this in it, so that this cannot be at fault."""
        return quirk.fields is not None and quirk.fields(self._took) != self._took


def _changes(quirk: Quirk, tried: Sequence[Quirk], body: Callable[[Sequence[Quirk]], bytes]) -> bool:
    return body((*tried, quirk)) != body(tried)


def fields_without(fields: Fields, quirks: Sequence[Quirk]) -> Fields:
    """The request's fields as the endpoint takes them."""
    for quirk in quirks:
        fields = quirk.fields(fields) if quirk.fields is not None else fields
    return fields


def messages_without(told: Sequence[bytes], quirks: Sequence[Quirk]) -> Sequence[bytes]:
    """The conversation, in pieces of JSON, as the endpoint takes it."""
    changes = [quirk.messages for quirk in quirks if quirk.messages is not None]
    if not changes:
        return told
    messages = msgspec.json.decode(b"".join(told))
    for change in changes:
        messages = change(messages)
    return (msgspec.json.encode(messages),)
