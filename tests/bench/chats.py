"""People who write to the fake Bot API, and the fake model; both serve within the bench's own process.

So a message is pushed and its answer seen by the same clock, and nothing stands between the load and the
server. Answers are compared with what was asked: a run with a wrong, lost or doubled answer is no run.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any

import trio

from tests.fakes.botapi import FakeBotApi
from tests.fakes.http_server import Raw, Request, Response
from tests.fakes.model_script import Called, Item
from tests.fakes.openai_server import OpenAIFake

HOLD = "hold"
WITHIN_S = 30.0


class BenchModel(OpenAIFake):
    """Says "you said: ..." after `delay_s`. A message that begins with "hold" is held until released.

    Attributes:
        arrived: by the text of the last message, when its call came.
    """

    def __init__(self) -> None:
        super().__init__(Item(echo=True))
        self.calls = deque(maxlen=0)  # a long run keeps nothing
        self.arrived: dict[str, float] = {}
        self._came = trio.Event()

    def answer_after(self, delay_s: float) -> None:
        """From now on."""
        self.default = Item(echo=True, delay_ms=delay_s * 1000)

    async def until_asked(self, text: str) -> float:
        """When the call for this message came."""
        with trio.fail_after(WITHIN_S):
            while text not in self.arrived:
                await self._came.wait()
        return self.arrived[text]

    async def until_all_asked(self, count: int) -> None:
        """Return when calls for so many messages have come; raise trio.TooSlowError when no more come."""
        while len(self.arrived) < count:
            with trio.fail_after(WITHIN_S):
                await self._came.wait()

    async def _answer(self, request: Request, item: Item, called: Called) -> Response | Raw:
        text = called.messages[-1]["content"]
        self.arrived[text] = perf_counter()
        self._came.set()
        self._came = trio.Event()
        return await super()._answer(request, Item(hold=0) if text.startswith(HOLD) else item, called)


class Chats(FakeBotApi):
    """The Bot API, and people in private chats who write and wait for their answers.

    Attributes:
        took: seconds from a message to its answer, in order of the answers. Clear it before a measure.
    """

    def __init__(self) -> None:
        super().__init__(keep_calls=False)
        self.took: list[float] = []
        self._asked: dict[int, tuple[str, float]] = {}
        self._then: Callable[[int], None] | None = None
        self._answered = trio.Event()

    def write(self, chat: int, text: str) -> float:
        """Somebody writes and waits for the answer; returns when."""
        at = perf_counter()
        self._asked[chat] = (f"you said: {text}", at)
        self.push_many(1, [chat], text)
        return at

    def write_all(self, texts: dict[int, str]) -> None:
        """Many write at the same moment."""
        for chat, text in texts.items():
            self._asked[chat] = (f"you said: {text}", perf_counter())
            self._queue({"message": self._user_message(chat, None, text)})
        self._wake_pollers()

    def say(self, chat: int, text: str) -> float:
        """As `write`, but nobody waits for an answer."""
        at = perf_counter()
        self.push_many(1, [chat], text)
        return at

    def waits(self, chat: int) -> bool:
        """Somebody waits for an answer there."""
        return chat in self._asked

    async def answer(self) -> None:
        """Return when somebody is answered."""
        with trio.fail_after(WITHIN_S):
            await self._answered.wait()

    async def all_answered(self) -> None:
        """Return when nobody waits for an answer; raise trio.TooSlowError when no more answers come."""
        while self._asked:
            await self.answer()

    async def converse(
        self,
        chats: Sequence[int],
        warm: int,
        count: int,
        look: Callable[[], Any],
        *,
        text: Callable[[object], str] = lambda n: f"hello {n}",
    ) -> Any:
        """Everybody writes the next message when the answer has come.

        Returns what `look` gave when `warm` answers had come, and `count` answers later. From then on
        nobody writes any more, so that all chats are in conversation as long as it is measured.
        """
        seen: list[Any] = []
        left = warm + count + len(chats)

        def then(chat: int) -> None:
            nonlocal left
            left -= 1
            if left in (count + len(chats), len(chats)):
                seen.append(look())
            if left >= len(chats):
                self.write(chat, text(left))

        self._then = then
        self.write_all({chat: text(f"first {chat}") for chat in chats})
        await self.all_answered()
        self._then = None
        return seen

    def _send_message(self, params: dict[str, Any]) -> dict[str, Any]:
        message = super()._send_message(params)
        chat, text = params["chat_id"], message["text"]
        if chat in self._asked and text == self._asked[chat][0]:
            self.took.append(perf_counter() - self._asked.pop(chat)[1])
            if self._then is not None:
                self._then(chat)
            self._answered.set()
            self._answered = trio.Event()
        elif text.startswith("you said"):
            raise AssertionError(f"chat {chat} was told {text!r}, and waits for {self._asked.get(chat)}")
        return message
