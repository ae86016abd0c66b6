"""The buttons below the questions of a chat in memory, and which of them still answer one."""

from __future__ import annotations

import sqlite3

from hermes_trio.store.promises.questions import read_question
from hermes_trio.store.tx import reads
from hermes_trio.testing.memory_platform import MemoryPlatform


class Buttons:
    """What a chat shows to be pressed, now and later.

    Args:
        db: the store, which knows the open questions.
        service: the chat service.
        chat, thread: the place.
    """

    def __init__(
        self, db: sqlite3.Connection, service: MemoryPlatform, chat: str, thread: str | None
    ) -> None:
        self._db = db
        self._service = service
        self._chat = chat
        self._place = (chat, thread)

    async def confirmed(self, user: str) -> None:
        """Return when the gateway has what this user wrote before, as far as it is connected.

        What the user said or pressed may have answered a question already.
        """
        while self._service.connected and self._service.has_unread_of(user):
            await self._service.changed()

    async def token(self, label: str, *, also_closed: bool) -> str:
        """The newest button with this label of an open question, or of any, as soon as there is one."""
        while (token := (self._shown() if also_closed else self._of_open()).get(label)) is None:
            await self._service.changed()
        return token

    def awaited(self, label: str) -> str:
        """That this one was waited for, and which there are."""
        shown, of_open = (", ".join(labels) or "none" for labels in (self._shown(), self._of_open()))
        return f"a button {label!r} in {self._chat}, which shows {shown}; of open questions {of_open}"

    def _of_open(self) -> dict[str, str]:
        values = self._db.execute("select value from step where state = 'intent' and asked is not null")
        questions = [read_question(value) for (value,) in values if reads(read_question, value)]
        return self._shown({choice.token for question in questions for choice in question.choices})

    def _shown(self, only: set[str] | None = None) -> dict[str, str]:
        """Tokens by their labels; of two alike the newer one's."""
        return {
            choice.label: choice.token
            for call in self._service.calls
            if call.shown and (call.delivery.address.chat, call.delivery.address.thread) == self._place
            for choice in call.delivery.choices
            if only is None or choice.token in only
        }
