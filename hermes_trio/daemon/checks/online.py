"""What `hermes-trio check --online` finds: each model is really asked, and all else that is needed tried."""

from __future__ import annotations

import trio

from hermes_trio.config.load import Config
from hermes_trio.config.options import ECHO
from hermes_trio.daemon.checks.surroundings import Tried, surroundings
from hermes_trio.daemon.configured_agent import open_models
from hermes_trio.errors import ModelFailed
from hermes_trio.models.failure_advice import EMPTY, is_not_found
from hermes_trio.models.failure_advice import asked as asked_at
from hermes_trio.models.providers.endpoint import OfEndpoint
from hermes_trio.models.written_calls import written_call
from hermes_trio.ports.model import Model
from hermes_trio.runtime.clock import SystemClock, system_chance
from hermes_trio.runtime.log import standard_log
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.values.transcript import ModelAnswer, ModelRequest, ToolSpec, UserEntry

ASKED_S = 120.0
"""For one answer."""

TOOL = ToolSpec("now", "Says what time it is.", {"type": "object", "properties": {}})
REQUEST = ModelRequest(
    prompt="You are tried out. Use the tool.",
    entries=(UserEntry("What time is it? Call the tool `now`, and say nothing else."),),
    tools=(TOOL,),
)


READS_NONE = (
    "the model wrote one as text (vLLM needs --enable-auto-tool-choice and --tool-call-parser,"
    " llama.cpp --jinja)"
)


async def tried(config: Config) -> list[Tried]:
    """Try all that a daemon of this configuration needs from outside. Costs one short answer of each key.

    Cancelled: what is under way ends; nothing is left behind.
    """
    return [*await asked(config), *await surroundings(config)]


async def asked(config: Config) -> list[Tried]:
    """Ask each model with each of its keys, one after the other. Costs one short answer each.

    Cancelled: the call ends, and its connection is closed.
    """
    redact = Redactor(config.secrets)
    log = standard_log(redact)
    found: list[Tried] = []
    async with open_models(
        config, clock=SystemClock(), chance=system_chance(), log=log, learn=redact.learn
    ) as models:
        endpoints = (config.model, *config.model.fallback)
        for candidate, endpoint in zip(models.all, endpoints, strict=True):
            if endpoint.is_echo:
                found.append(Tried(True, f"online: echo: {ECHO}"))
                continue
            for number, key in enumerate(endpoint.keys or (None,), start=1):
                place = f"{endpoint.name}, key {number}/{len(endpoint.keys)}" if key else endpoint.name
                good, said = await _ask(candidate.model, key.reveal() if key else "")
                found.append(Tried(good, redact(f"online: {place}: {said}")))
    return found


async def _ask(model: Model, key: str) -> tuple[bool, str]:
    try:
        with trio.fail_after(ASKED_S):
            answer = await model.complete(REQUEST, key=key, on_text=lambda _: None)
    except ModelFailed as error:
        return False, f"{'not_found' if is_not_found(error) else error.kind}: {error.why}"
    except trio.TooSlowError:
        return False, f"no answer within {ASKED_S:.0f} s"
    return _taken(answer, model)


def _taken(answer: ModelAnswer, model: Model) -> tuple[bool, str]:
    good = bool(answer.calls or answer.text.strip())
    answers = "answers" if good else "gives an empty answer"
    endpoint = model.endpoint if isinstance(model, OfEndpoint) else None
    where = f" {asked_at(endpoint.address, model.name, EMPTY)}" if endpoint is not None and not good else ""
    called = "calls tools" if answer.calls else "called no tool, though it was asked to"
    if not answer.calls and written_call(answer.text, (TOOL.name,)):
        called = f"its server reads no calls: {READS_NONE}"
    ended = "" if answer.finish in ("stop", "tool_calls") else f"; its end was {answer.finish!r}"
    quirks = ", ".join(one.name for one in endpoint.quirks) if endpoint is not None else ""
    without = f"; it is asked otherwise: {quirks}" if quirks else ""
    return good, f"{answers}, {called}{ended}{without}{where}"
