"""One model of one service: asks it, reads its answer, and learns what it refuses.

A request that is refused for a part that can be left out is asked again at once without that part. What
helped is remembered as long as the process lives.

How a request is written and how an answer is read is its protocol's: `openai.py`, `anthropic.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, runtime_checkable

import msgspec
from msgspec import Struct

from hermes_trio.errors import ModelFailed, ModelFailure
from hermes_trio.models.providers.growing_answer import GrowingAnswer, unnamed_calls
from hermes_trio.models.providers.quirks import QUIRKS, Quirk, RequestFields
from hermes_trio.models.providers.spelling import Spelling
from hermes_trio.models.providers.sse import StreamEvent
from hermes_trio.models.providers.streamed_call import Exchange, Sign
from hermes_trio.values.transcript import ModelAnswer, ModelRequest

DOUBTED: frozenset[ModelFailure] = frozenset({"malformed", "unknown", "overload"})
"""Kinds of refusals that may name a part of the request. Templates that fail are a 500."""


class Stream(Protocol):
    """Takes the events of one answer."""

    def take(self, event: StreamEvent) -> Sign:
        """Take one event, or an answer that came at once. Raises NotJson, or ModelFailed for a refusal."""
        ...


class Written(Struct, frozen=True):
    """A request, as its protocol writes it.

    Args:
        headers: with the key where the service wants it.
        fields: what goes with the conversation, if nothing is left out.
        body: all that is sent, with these quirks.
    """

    headers: Mapping[str, str]
    fields: RequestFields
    body: Callable[[Sequence[Quirk]], bytes]


class LearningEndpoint:
    """Asks, and learns from refusals what to leave out.

    Args:
        spell: whose model it is, and how it was told the conversation.
        stream: reads an answer into one that grows, with what makes the error of a refusal amid it.

    Attributes:
        address: what is asked.
        quirks: what is left out, or put in.
    """

    def __init__(
        self,
        exchange: Exchange,
        spell: Spelling,
        stream: Callable[[GrowingAnswer, Callable[[bytes], ModelFailed]], Stream],
    ) -> None:
        self.address = exchange.url
        self._exchange = exchange
        self._spell = spell
        self._stream = stream
        self.quirks: tuple[Quirk, ...] = ()
        self._took: RequestFields = {}

    async def complete(
        self, request: ModelRequest, written: Written, *, key: str, on_text: Callable[[str], None]
    ) -> ModelAnswer:
        """Ask until what is refused has no part that may be left out.

        Args:
            request: what is asked, as it was before it was `written`.
            key: the secret in the headers.
            on_text: is handed the text, piece by piece; what fails after that is not asked again.

        Cancelled: the connection is closed, nothing is learnt.

        Raises:
            ModelFailed: of the last call.
        """
        tried, unnamed = self.quirks, unnamed_calls(request, self._spell)
        while True:
            answer = GrowingAnswer(on_text, unnamed, self._spell.of)
            try:
                await self._ask(written, tried, key, answer)
                whole = answer.result()
            except ModelFailed as error:
                more = () if answer.begun else self._suspects(error, tried, written.body)
                if not more:
                    raise
                tried = (*tried, *more)
            else:
                self._learn(tried, written.fields)
                return whole

    async def _ask(self, written: Written, tried: Sequence[Quirk], key: str, answer: GrowingAnswer) -> None:
        stream = self._stream(answer, lambda event: self._exchange.failure(None, {}, event, key))
        encode = partial(written.body, tried)
        await self._exchange.post(written.headers, encode, key=key, take=stream.take)

    def _learn(self, tried: Sequence[Quirk], fields: RequestFields) -> None:
        if tried is not self.quirks:
            known = {*self.quirks, *(one for one in tried if one.lasting)}
            self.quirks = tuple(one for one in QUIRKS if one in known)
        if not tried and ("tools" in fields or not self._took):
            self._took = fields

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


@runtime_checkable
class OfEndpoint(Protocol):
    """What a model may also have: an endpoint that can be named."""

    endpoint: LearningEndpoint


def with_extra(fields: dict[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """The request's fields with those of the configuration, whose tools come after the agent's."""
    tools = [*fields.get("tools", ()), *extra.get("tools", ())]
    return fields | dict(extra) | ({"tools": tools} if tools else {})


def fields_without(fields: RequestFields, quirks: Sequence[Quirk]) -> RequestFields:
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
