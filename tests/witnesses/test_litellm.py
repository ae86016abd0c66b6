"""Our models against LiteLLM's own proxy, which also translates between the protocols of our two fakes."""

from __future__ import annotations

import pytest

from hermes_trio.errors import ModelFailed
from hermes_trio.http.client import open_http_client
from hermes_trio.models.providers.anthropic import AnthropicModel
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.values.transcript import AssistantEntry, ModelRequest, ToolEntry, ToolSpec, UserEntry
from tests.fakes.anthropic_server import AnthropicFake
from tests.fakes.model_script import Call, Item
from tests.fakes.openai_server import OpenAIFake
from tests.models.provider_cases import Calendar
from tests.witnesses.proxy import KEY, PROGRAM, proxy

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="`make witnesses` installs LiteLLM")

MODELS = {"openai": OpenAIModel, "anthropic": AnthropicModel}
FAKES = {"openai": OpenAIFake, "anthropic": AnthropicFake}
SCHEMA = {"type": "object", "properties": {"zone": {"type": "string"}}}
ASKED = ModelRequest(
    prompt="be kind", entries=(UserEntry("time?"),), tools=(ToolSpec("now", "the time", SCHEMA),)
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    with proxy(tmp_path_factory.mktemp("litellm")) as one:
        yield one


@pytest.fixture
async def asking(runs):
    async with open_http_client(connect_s=5, read_s=60) as client:

        def model(name, protocol="openai"):
            base = f"{runs.url}/v1" if protocol == "openai" else runs.url
            waits = {"first_byte_s": 60.0, "between_bytes_s": 60.0, "clock": Calendar()}
            return MODELS[protocol](client, base, name, **waits)

        yield model


async def ask(model, request=ASKED, key=KEY):
    said = []
    answer = await model.complete(request, key=key, on_text=said.append)
    assert "".join(said) == answer.text
    return answer


async def test_an_answer_is_read_to_its_end(asking):
    answer = await ask(asking("says"))
    assert (answer.text, answer.finish) == ("Hello from the proxy.", "stop")
    assert answer.tokens_in > 0


@pytest.mark.parametrize(
    ("name", "key", "kind"),
    [
        ("limited", KEY, "rate_limit"),
        ("long", KEY, "context"),
        ("nobody", KEY, "unknown"),
        ("says", "sk-another", "auth"),
    ],
)
async def test_a_refusal_is_what_it_is(asking, name, key, kind):
    with pytest.raises(ModelFailed) as refused:
        await ask(asking(name), key=key)
    assert refused.value.kind == kind


@pytest.mark.parametrize("behind", FAKES)
@pytest.mark.parametrize("before", MODELS)
async def test_calls_and_their_results_go_through(asking, runs, nursery, before, behind):
    """The fakes refuse what real services refuse: a call without its result, roles out of turn."""
    fake = FAKES[behind]()
    await nursery.start(lambda *, task_status: fake.serve(port=runs.fakes[behind], task_status=task_status))
    fake.push(Item(text="I look.", calls=[Call("now", '{"zone": "UTC"}'), Call("now")]))
    model = asking(f"of-{behind}", before)
    called = await ask(model)
    assert [(call.name, call.arguments) for call in called.calls] == [
        ("now", '{"zone": "UTC"}'),
        ("now", "{}"),
    ]
    entry = AssistantEntry(called.text, called.calls, called.finish, keepsake=called.keepsake)
    results = [ToolEntry(call.id, call.name, "noon") for call in called.calls]
    entries = (*ASKED.entries, entry, *results, UserEntry("thanks"))
    answer = await ask(model, ModelRequest(prompt="be kind", entries=entries, tools=ASKED.tools))
    assert answer.text == "you said: thanks"
    assert [call.became for call in fake.calls] == ["answered", "answered"]
    nursery.cancel_scope.cancel()
