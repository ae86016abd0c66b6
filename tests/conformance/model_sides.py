"""The other sides of the models: the script, the echo, and the fakes of both providers."""

from __future__ import annotations

from contextlib import asynccontextmanager

import msgspec
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.http.client import open_http_client
from hermes_trio.models.providers.anthropic import AnthropicModel
from hermes_trio.models.providers.echo import EchoModel
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.testing import Provider, ScriptedModel, Unable, fails, hangs
from hermes_trio.testing.scripted_model import Line
from hermes_trio.values.transcript import ModelAnswer, ToolCall
from tests.fakes.model_script import Call, Item
from tests.fakes.particular import ParticularAnthropic, ParticularOpenAI
from tests.models import streams
from tests.models.provider_cases import Calendar
from tests.models.quirk_cases import CASES

KEY = "sk-averysecretkey0123456789"
LIMIT_S = 0.6
LIMIT_TOKENS = 99


class ScriptSide(Provider):
    """A script."""

    key = KEY

    def __init__(self):
        self.model = ScriptedModel(needs_key=True)

    async def answer(self, *pieces, calls=(), finish="stop"):
        if finish == "partial":
            calls = ()
        made = tuple(ToolCall(f"c{n}", *call) for n, call in enumerate(calls))
        answer = ModelAnswer(text="".join(pieces), calls=made, finish=finish)
        self.model.script(Line(answer, pieces, between_s=0.01))

    async def fail(self, kind, *, retry_after_s=None):
        self.model.script(fails(kind, retry_after_s=retry_after_s))

    async def break_off(self, *pieces):
        self.model.script(fails("transport"))

    async def hang(self, *pieces):
        self.model.script(hangs(*pieces))

    async def hanging(self):
        await wait_all_tasks_blocked()

    async def connections(self):
        return self.model.in_flight

    async def asked(self):
        request = self.model.requests[-1]
        shown = [without_others(entry) for entry in request.entries]
        return msgspec.json.encode(msgspec.structs.replace(request, entries=shown)).decode()

    async def key_used(self):
        return self.model.keys[-1]


def without_others(entry):
    """A script has no service that could have given it anything to show again."""
    return msgspec.structs.replace(entry, keepsake=None) if hasattr(entry, "keepsake") else entry


@asynccontextmanager
async def script_side():
    yield ScriptSide()


class EchoSide(Provider):
    """Nothing but what was said."""

    async def answer(self, *pieces, calls=(), finish="stop"):
        if ("".join(pieces), calls, finish) != ("you said: hello", (), "stop"):
            raise Unable("it only repeats what was said")


@asynccontextmanager
async def echo_side():
    yield EchoSide()


REFUSALS = {
    "rate_limit": Item(status=429, body={"error": {"message": "slow down"}}),
    "quota": Item(status=402, body={"error": {"message": "no credits left"}}),
    "auth": Item(status=401, body={"error": {"message": f"Incorrect API key provided: {KEY}."}}),
    "overload": Item(status=529, body={"error": {"type": "overloaded_error", "message": "busy"}}),
    "context": Item(status=400, body={"error": {"message": "prompt is too long: 300000 tokens"}}),
    "malformed": Item(status=400, body={"error": {"message": "messages: wrong"}}),
    "transport": Item(status=408, body={"error": {"message": "timeout"}}),
    "unknown": Item(body={"hello": "this is no stream"}),
}


def odd(piece):
    return int(piece) if piece.isdigit() else [{"type": "text", "text": piece}]


class OddOpenAI:
    """Answers that some endpoints of OpenAI's protocol really give."""

    alive = b": keep-alive\n\n" + streams.said("")

    @staticmethod
    def types(pieces):
        return [*(streams.said(odd(piece)) for piece in pieces), streams.STOP]

    @staticmethod
    def twice(tool, arguments):
        return [*(streams.call(place, "c", tool, arguments) for place in (0, 1)), streams.CALLED]

    @staticmethod
    def filtered(text):
        return [streams.said(text), streams.chunk({}, "content_filter"), streams.DONE]

    @staticmethod
    def failing(text, body):
        return [streams.said(text), streams.data(body)]


class OddAnthropic:
    """The same of Anthropic's."""

    alive = streams.event("ping")

    @staticmethod
    def types(pieces):
        deltas = [{"type": "text_delta", "text": odd(piece)} for piece in pieces]
        return [
            streams.START,
            streams.block(0, {"type": "text", "text": None}, *deltas),
            streams.end("end_turn"),
        ]

    @staticmethod
    def twice(tool, arguments):
        begin = {"type": "tool_use", "id": "c", "name": tool, "input": {}}
        blocks = [
            streams.block(place, begin, {"type": "input_json_delta", "partial_json": arguments})
            for place in (0, 1)
        ]
        return [streams.START, *blocks, streams.end("tool_use")]

    @staticmethod
    def filtered(text):
        return [streams.START, streams.words(text), streams.end("refusal")]

    @staticmethod
    def failing(text, body):
        return [streams.START, streams.words(text), streams.data({"type": "error", **body})]


class ServerSide(Provider):
    """A fake of a provider, over HTTP."""

    key = KEY
    patience_s = LIMIT_S

    def __init__(self, kind, client, nursery):
        self.fake = ParticularOpenAI() if kind is OpenAIModel else ParticularAnthropic()
        self.odd = OddOpenAI if kind is OpenAIModel else OddAnthropic
        self.kind, self.client, self.nursery = kind, client, nursery
        self.url = ""

    async def answer(self, *pieces, calls=(), finish="stop"):
        long = "length" if self.kind is OpenAIModel else "max_tokens"
        self.fake.push(
            Item(
                pieces=list(pieces),
                calls=[Call(*call) for call in calls],
                finish=long if finish == "length" else "",
                end=finish != "partial",
                gap_ms=1,
            )
        )

    async def fail(self, kind, *, retry_after_s=None):
        item = msgspec.structs.replace(REFUSALS[kind])
        if retry_after_s is not None:
            item.headers = {"retry-after": f"{retry_after_s:.0f}"}
        self.fake.push(item)

    async def sign(self):
        self.fake.signs = True

    async def be_strict(self):
        self.fake.strict = True

    async def lack(self, part):
        case = next((one for one in CASES if one.name == part and self.plays(one)), None)
        if case is None:
            raise Unable(f"no request of this protocol has such: {part}")
        self.fake.lacks, self.fake.thinks = case, case.own is not None

    def plays(self, case):
        return isinstance(self.fake, case.fake) and case.extra in (None, {"max_tokens": LIMIT_TOKENS})

    async def answer_in_odd_types(self, *pieces):
        self.fake.push(Item(events=self.odd.types(pieces)))

    async def think_in_the_text(self, thought, *pieces):
        if self.kind is not OpenAIModel:
            raise Unable("what it thinks is a block of its own")
        self.fake.push(Item(pieces=[f"<think>{thought}", "</think>\n\n", *pieces]))

    async def pause(self, *pieces):
        if self.kind is not AnthropicModel:
            raise Unable("chat completions have no such pause")
        self.fake.pauses = True
        call = streams.block(1, {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {}})
        said = streams.words("".join(pieces))
        self.fake.push(Item(events=[streams.START, said, call, streams.end("pause_turn")]))

    async def call_twice(self, tool, arguments):
        self.fake.push(Item(events=self.odd.twice(tool, arguments)))

    async def end_badly(self, *pieces):
        self.fake.push(Item(events=self.odd.filtered("".join(pieces))))

    async def fail_amid(self, kind, *pieces):
        self.fake.push(Item(events=self.odd.failing("".join(pieces), REFUSALS[kind].body)))

    async def keep_alive(self):
        self.fake.push(Item(events=[self.odd.alive] * 1000, gap_ms=20))

    async def break_off(self, *pieces):
        self.fake.push(Item(pieces=list(pieces), cut=True))

    async def hang(self, *pieces):
        # the head, which is no text, is sent first
        self.fake.push(Item(pieces=[*pieces, "more"], hold=len(pieces) + 1 if pieces else 0))

    async def hanging(self):
        await self.fake.until_held()

    async def connections(self):
        return self.fake.counts.now

    async def asked(self):
        return msgspec.json.encode(self.fake.calls[-1].body).decode()

    async def key_used(self):
        return self.fake.calls[-1].key


def server_side(kind):
    @asynccontextmanager
    async def side():
        async with trio.open_nursery() as nursery, open_http_client(connect_s=2, read_s=5) as client:
            made = ServerSide(kind, client, nursery)
            made.url = await nursery.start(made.fake.serve)
            yield made
            nursery.cancel_scope.cancel()

    return side


def asking(side, kind=None):
    """Our model of this provider, or a broken kind of it."""
    base = f"{side.url}/v1" if side.kind is OpenAIModel else side.url
    waits = {"first_byte_s": LIMIT_S, "between_bytes_s": LIMIT_S}
    waits |= {"answer_tokens": LIMIT_TOKENS} if side.kind is OpenAIModel else {}
    return (kind or side.kind)(side.client, base, "some-model", clock=Calendar(), **waits)


def scripted(side):
    return side.model


def echo(side):
    return EchoModel()


__all__ = ["AnthropicModel", "OpenAIModel"]
