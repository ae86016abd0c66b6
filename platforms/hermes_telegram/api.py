"""One call of the Bot API over HTTP. Foreign errors end here; no text that leaves here holds the token."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx
import msgspec
import trio

from hermes_telegram.answer import ANSWER_BYTES_MAX, Answer, decode_answer
from hermes_trio import HttpClient, NotJson, NotSent, SendUnknown, open_http_client

CONNECT_S = 10.0
READ_S = 20.0
_HEADERS = {"content-type": "application/json"}
_NEVER_BEGUN = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


class BotApi:
    """The Bot API as one bot may call it.

    Args:
        client: its requests time out by themselves when connecting.
        api_url: the server.
        token: the bot's; it becomes part of every URL.
        connect_s: what the client's connecting may take, in seconds; a call takes so much longer at most.
    """

    def __init__(self, client: HttpClient, api_url: str, token: str, *, connect_s: float) -> None:
        self._client = client
        self._connect_s = connect_s
        self._base = f"{api_url.rstrip('/')}/bot{token}/"

    async def call(self, method: str, body: bytes, *, read_s: float = READ_S) -> Answer:
        """Call `method` with a JSON body and return its answer, which may be a refusal.

        Cancelled: the connection is closed, and Telegram may have done it.

        Args:
            method: "sendMessage".
            body: JSON.
            read_s: how long to wait for the answer, in seconds, beside the time it takes to connect.

        Raises:
            NotSent: certain that Telegram did not have the whole request.
            SendUnknown: the request went out and nothing readable came back.
        """
        status, content = await self._post(method, body, read_s)
        try:
            answer = decode_answer(content)
        except NotJson:
            why = f"{method}: HTTP {status} without an answer of the Bot API"
            # A redirect or refusal of something in between: it has not passed the request on.
            raise (NotSent if 300 <= status < 500 else SendUnknown)(why) from None
        if not answer.ok and not answer.error_code:
            return msgspec.structs.replace(answer, error_code=status)
        return answer

    async def _post(self, method: str, body: bytes, read_s: float) -> tuple[int, bytes]:
        try:
            with trio.CancelScope(deadline=trio.current_time() + self._connect_s + read_s):
                return await self._client.ask_whole(
                    self._base + method, body, _HEADERS, most_bytes=ANSWER_BYTES_MAX
                )
            raise SendUnknown(f"{method}: no answer in time")
        except _NEVER_BEGUN as error:
            raise NotSent(f"{method}: not connected ({type(error).__name__})") from None
        except httpx.HTTPError as error:
            raise SendUnknown(f"{method}: no answer ({type(error).__name__})") from None


@asynccontextmanager
async def open_api(api_url: str, token: str, *, connect_s: float = CONNECT_S) -> AsyncGenerator[BotApi]:
    """Own the HTTP client of one bot."""
    async with open_http_client(connect_s=connect_s, read_s=READ_S) as client:
        yield BotApi(client, api_url, token, connect_s=connect_s)
