"""What `hermes-trio check --online` finds: each model is really asked, and all else that is needed tried."""

from __future__ import annotations

import re

import trio

from hermes_trio.config.load import Config, Endpoint
from hermes_trio.daemon.checks.surroundings import Found, surroundings
from hermes_trio.daemon.configured_agent import open_models
from hermes_trio.errors import ModelFailed
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


NOBODY = frozenset({404, 405, 410, 501})
"""What servers say where they have nothing of the kind."""

NO_PLACE = re.compile(r"unexpected endpoint|no route|unknown (route|endpoint|path)|it is at ", re.IGNORECASE)
"""How others say it: LM Studio with 200; a server that has moved."""

VERSION = re.compile(r"/v\d")
TOO_LONG = re.compile(r"(?P<version>/v\d\w*)(?P=version)+$|((/chat)?/completions|/messages|/responses)$")
"""Addresses with more than their beginning: the version twice, or what is asked for."""


async def tried(config: Config) -> list[Found]:
    """Try all that a daemon of this configuration needs from outside. Costs one short answer of each key.

    Cancelled: what is under way ends; nothing is left behind.
    """
    return [*await asked(config), *await surroundings(config)]


async def asked(config: Config) -> list[Found]:
    """Ask each model with each of its keys, one after the other. Costs one short answer each.

    Cancelled: the call ends, and its connection is closed.
    """
    redact = Redactor(config.secrets)
    log = standard_log(redact)
    found: list[Found] = []
    async with open_models(
        config, clock=SystemClock(), chance=system_chance(), log=log, learn=redact.learn
    ) as models:
        endpoints = (config.model, *config.model.fallback)
        for candidate, endpoint in zip(models.all, endpoints, strict=True):
            for number, key in enumerate(endpoint.keys or (None,), start=1):
                place = f"{endpoint.name}, key {number}/{len(endpoint.keys)}" if key else endpoint.name
                good, said = await _ask(candidate.model, endpoint, key.reveal() if key else "")
                found.append(Found(good, redact(f"online: {place}: {said}")))
    return found


async def _ask(model: Model, endpoint: Endpoint, key: str) -> tuple[bool, str]:
    try:
        with trio.fail_after(ASKED_S):
            answer = await model.complete(REQUEST, key=key, on_text=lambda _: None)
    except ModelFailed as error:
        return False, _refused(error, model, endpoint)
    except trio.TooSlowError:
        return False, f"no answer within {ASKED_S:.0f} s"
    return _taken(answer, model)


def _taken(answer: ModelAnswer, model: Model) -> tuple[bool, str]:
    good = bool(answer.calls or answer.text.strip())
    answers = "answers" if good else "gives an empty answer"
    called = "calls tools" if answer.calls else "called no tool, though it was asked to"
    ended = "" if answer.finish in ("stop", "tool_calls") else f"; its end was {answer.finish!r}"
    quirks = getattr(getattr(model, "endpoint", None), "quirks", ())
    without = f"; it is asked otherwise: {', '.join(one.name for one in quirks)}" if quirks else ""
    return good, f"{answers}, {called}{ended}{without}"


def _refused(error: ModelFailed, model: Model, endpoint: Endpoint) -> str:
    if error.status not in NOBODY and NO_PLACE.search(error.why) is None:
        return f"{error.kind}: {error.why}"
    address = getattr(model, "address", endpoint.base_url)
    return f"not_found: nobody answers at {address}: {_mend(error, endpoint)} ({error.why})"


def _mend(error: ModelFailed, endpoint: Endpoint) -> str:
    """What is most likely meant, of an address where nobody answers."""
    base = endpoint.base_url.rstrip("/")
    if "model" in error.said.lower() or endpoint.name in error.said:
        return "is the name right?"
    if (shorter := TOO_LONG.sub(r"\g<version>", base)) != base:
        return f"is it {shorter}?"
    if endpoint.provider == "openai" and VERSION.search(base) is None:
        return f"is it {base}/v1?"
    return "are the address and the name right?"
