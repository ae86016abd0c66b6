"""The Bot API's fake, under trial of `check_platform`."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio
from hermes_telegram import Options, Telegram

from hermes_trio.testing import Service
from hermes_trio.values.identity import Address, Secret
from tests.fakes.botapi import TOKEN, FakeBotApi

REFUSALS = {
    "not_sent": (503, "Service Unavailable"),
    "refused": (400, "Bad Request: message is too long"),
    "gone": (403, "Forbidden: bot was blocked by the user"),
    "markup": (400, "Bad Request: can't parse entities: unexpected end"),
}


class TelegramSide(Service):
    """Users of a bot: two who write to it, and a topic of a group."""

    secrets = (TOKEN,)

    def __init__(self, nursery: trio.Nursery) -> None:
        self.fake = fake = FakeBotApi()
        self._nursery = nursery
        self.places = [
            Address("telegram", "main", "42", None, "42"),
            Address("telegram", "main", "43", None, "43"),
            Address("telegram", "main", "-100", "5", "42"),
        ]
        for place in self.places:
            fake.chat(int(place.chat))
        fake.topic(-100, 5)
        self._pushed = self._port = 0

    async def push(self, text, place):
        thread = {"thread": int(place.thread)} if place.thread else {}
        self.fake.push(int(place.chat), text, user=int(place.user), **thread)
        self._pushed += 1

    async def push_in_group(self, text, *, called):
        entities = []
        if called and text.startswith("/"):
            text = f"{text}@hermes_bot"
            entities = [{"type": "bot_command", "offset": 0, "length": len(text)}]
        elif called:
            text = f"@hermes_bot {text}"
            entities = [{"type": "mention", "offset": 0, "length": 11}]
        self.fake.push(-100, text, user=42, more={"entities": entities})
        self._pushed += 1

    async def shown(self, place):
        thread = int(place.thread) if place.thread else None
        return [shown.text for shown in self.fake.sent(int(place.chat)) if shown.thread == thread]

    async def confirmed(self):
        return self._pushed - len(self.fake.pending)

    async def push_rubbish(self):
        self.fake.push_raw(b'{"update_id":%d,"message":{"message_id":"x"}}')

    async def press(self, place, label):
        shown = self.fake.sent(int(place.chat))[-1]
        self.fake.press(int(place.chat), shown.message_id, label=label)

    async def fail_next(self, trouble):
        if trouble == "wait":
            self.fake.refuse("sendMessage", 429, retry_after=5)
        elif trouble == "unknown":
            self.fake.drop_conn("sendMessage", accepted=True)
        else:
            self.fake.refuse("sendMessage", *REFUSALS[trouble])

    async def hold(self):
        self.fake.hold("sendMessage")

    async def held(self):
        await self.fake.wait_held("sendMessage")

    async def release(self):
        self.fake.release()

    async def disconnect(self):
        self._scope.cancel()
        await self.fake.connections.all_closed()

    async def connect(self):
        self._scope = trio.CancelScope()
        self.url = await self._nursery.start(self._serve)
        self._port = int(self.url.rpartition(":")[2])

    async def _serve(self, task_status):
        with self._scope:
            await self.fake.serve(port=self._port, task_status=task_status)

    async def refuse_account(self):
        self.fake.set_token("another")

    async def take_account(self):
        self.fake.refuse("getUpdates", 409, "Conflict: terminated by other getUpdates request", times=None)


@asynccontextmanager
async def telegram_side():
    async with trio.open_nursery() as nursery:
        side = TelegramSide(nursery)
        await side.connect()
        yield side
        nursery.cancel_scope.cancel()


def bot(side):
    """The adapter, told to poll the fake."""
    return Telegram(Options(token=Secret(TOKEN), api_url=side.url, poll_timeout_s=2), "main")
