"""The bare loop: what the same conversation costs without a gateway, written by hand and kept lean.

One long poll after another; a task per chat; for each message one streamed model call and one sendMessage.
Our own HTTP transport, msgspec for JSON. What was said in a chat is a list that is encoded with each call. It
writes nothing down, retries nothing, and everything that goes wrong ends it.

    python -m tests.bench.bare BOT_API_URL TOKEN MODEL_URL
"""

from __future__ import annotations

import sys

import httpx
import msgspec
import trio

from hermes_trio import open_http_client

HEADERS = {"content-type": "application/json"}
MODEL_HEADERS = {**HEADERS, "authorization": "Bearer key", "accept": "text/event-stream"}
POLL_S = 50


class Chat(msgspec.Struct):
    """Where a message was written."""

    id: int


class Message(msgspec.Struct):
    """What was written."""

    chat: Chat
    text: str


class Update(msgspec.Struct):
    """What a poll gives."""

    update_id: int
    message: Message


class Updates(msgspec.Struct):
    """The answer to a poll."""

    ok: bool
    result: list[Update]


class Sent(msgspec.Struct):
    """The answer to a send."""

    ok: bool


class Delta(msgspec.Struct):
    """A piece of the model's answer."""

    content: str | None = None


class Choice(msgspec.Struct):
    """What an event says."""

    delta: Delta


class Chunk(msgspec.Struct):
    """An event of the model's stream."""

    choices: list[Choice]


encode = msgspec.json.Encoder().encode
read_updates = msgspec.json.Decoder(Updates).decode
read_sent = msgspec.json.Decoder(Sent).decode
read_chunk = msgspec.json.Decoder(Chunk).decode


class Loop:
    """Both servers as one client reaches them."""

    def __init__(self, client: httpx.AsyncClient, api: str, token: str, model: str) -> None:
        self._client = client
        self._poll_url = httpx.URL(f"{api}/bot{token}/getUpdates")
        self._send_url = httpx.URL(f"{api}/bot{token}/sendMessage")
        self._model_url = httpx.URL(f"{model}/v1/chat/completions")
        self._chats: dict[int, trio.MemorySendChannel[str]] = {}

    async def run(self) -> None:
        """Poll and answer until killed; says `ready` after the first poll."""
        offset, timeout_s = 0, 0
        async with trio.open_nursery() as nursery:
            while True:
                action = {
                    "limit": 100,
                    "timeout": timeout_s,
                    "allowed_updates": ["message"],
                    "offset": offset,
                }
                response = await self._client.post(self._poll_url, content=encode(action), headers=HEADERS)
                for update in read_updates(response.content).result:
                    offset = update.update_id + 1
                    self._hear(nursery, update.message)
                if not timeout_s:
                    print("ready", file=sys.stderr, flush=True)
                    timeout_s = POLL_S

    def _hear(self, nursery: trio.Nursery, message: Message) -> None:
        chat = message.chat.id
        if chat not in self._chats:
            self._chats[chat], heard = trio.open_memory_channel[str](100)
            nursery.start_soon(self._converse, chat, heard)
        self._chats[chat].send_nowait(message.text)

    async def _converse(self, chat: int, heard: trio.MemoryReceiveChannel[str]) -> None:
        said = [{"role": "system", "content": "You are a helpful assistant."}]
        async for text in heard:
            said.append({"role": "user", "content": text})
            answer = await self._ask(said)
            said.append({"role": "assistant", "content": answer})
            body = encode({"chat_id": chat, "text": answer})
            response = await self._client.post(self._send_url, content=body, headers=HEADERS)
            assert read_sent(response.content).ok

    async def _ask(self, messages: list[dict[str, str]]) -> str:
        body = encode({"model": "bench", "messages": messages, "stream": True})
        pieces: list[str] = []
        async with self._client.stream(
            "POST", self._model_url, content=body, headers=MODEL_HEADERS
        ) as response:
            assert response.status_code == 200
            rest = b""
            async for chunk in response.aiter_raw():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    if line.startswith(b"data: {"):
                        pieces += [one.delta.content or "" for one in read_chunk(line[6:]).choices]
        return "".join(pieces)


async def main(api: str, token: str, model: str) -> None:
    """Run the loop."""
    async with open_http_client(connect_s=10, read_s=POLL_S + 15) as client:
        await Loop(client, api, token, model).run()


if __name__ == "__main__":
    trio.run(main, *sys.argv[1:])
