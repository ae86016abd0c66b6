"""What providers really stream is read for what it means, however it is cut into pieces."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.errors import ModelFailed
from hermes_trio.http.client import open_http_client
from tests.fakes.http_server import Response, serve_http
from tests.models.provider_cases import Side
from tests.models.streams import ANTHROPIC, OPENAI, Row

ROWS = [("openai", row) for row in OPENAI] + [("anthropic", row) for row in ANTHROPIC]


async def heard(provider: str, row: Row, piece: int):
    """The answer, and what was shown of it."""

    async def stream(send) -> None:
        for at in range(0, len(row.body), piece):
            await send(row.body[at : at + piece])

    async def handler(request) -> Response:
        return Response(200, {"content-type": row.label}, stream)

    async with trio.open_nursery() as nursery, open_http_client(connect_s=2, read_s=5) as client:
        side = Side(provider, client)
        side.url = await nursery.start(serve_http, handler)
        try:
            answer = await side.ask()
        except ModelFailed as error:
            answer = error
        nursery.cancel_scope.cancel()
    return answer, "".join(side.said)


@pytest.mark.parametrize("piece", [1 << 20, 7], ids=["whole", "in sevens"])
@pytest.mark.parametrize(("provider", "row"), ROWS, ids=[f"{provider}: {row.name}" for provider, row in ROWS])
async def test_it_says(provider, row, piece):
    answer, shown = await heard(provider, row, piece)
    if row.text is None:
        assert isinstance(answer, ModelFailed), answer
        assert answer.kind == row.finish
        return
    assert not isinstance(answer, ModelFailed), answer
    assert (answer.text, answer.finish) == (row.text, row.finish)
    assert tuple((call.name, call.arguments) for call in answer.calls) == row.calls
    assert len({call.id for call in answer.calls}) == len(row.calls)
    assert all(call.id for call in answer.calls)
    assert shown.endswith(answer.text)


async def test_a_web_page_is_not_asked_for_again():
    answer, _ = await heard("openai", next(row for row in OPENAI if row.name == "a web page"), 7)
    assert answer.status == 404
    assert "/chat/completions" in answer.why


async def test_nor_is_a_text():
    answer, _ = await heard("openai", next(row for row in OPENAI if row.name == "ollama: a text"), 7)
    assert answer.status == 404
    assert answer.why.startswith("404: Ollama is running (asked ")
