"""The world around daemons that are killed: people who write, Telegram, a model, what tools act on.

The fakes run in the test's own loop, so a test waits for what they see: nothing here sleeps.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import trio

from tests.crash import checks
from tests.crash.effects import Effects
from tests.crash.outside import Model, Telegram
from tests.crash.process import Daemon
from tests.fakes.botapi import TOKEN

KEY = "sk-planted-secret"
CHATS = tuple(range(41, 61))


class Surroundings(ABC):
    """What daemons meet. Its subclasses know the daemons.

    Args:
        tick: called whenever the world sees a sign of a daemon.

    Attributes:
        said: per chat what its person wrote, by message id, in order.
        lives: all daemons that ran.
        more_environ: what a test adds to their environment.
    """

    def __init__(self, folder: Path, nursery: trio.Nursery, tick: Callable[[], None]) -> None:
        self.folder = folder
        self.telegram = Telegram(tick)
        self.model = Model(tick)
        self.effects = Effects(folder, tick)
        self.said: dict[int, dict[int, str]] = defaultdict(dict)
        self.lives: list[Daemon] = []
        self.more_environ: dict[str, str] = {}
        self._nursery = nursery

    @property
    def environ(self) -> dict[str, str]:
        """That of the daemons, whole."""
        own = {"BOT_TOKEN": TOKEN, "MODEL_KEY": KEY, "HOME": str(self.folder)}
        return {"PATH": os.environ["PATH"], **own, **self.effects.environ, **self.more_environ}

    def let_go(self) -> None:
        """The world keeps nothing back any more."""
        self.model.holds.clear()
        for outside in (self.model, self.effects, self.telegram):
            outside.release()

    def say(self, chat: int, text: str, *, user: int | None = None, thread: int | None = None) -> int:
        """Somebody writes; no text is written twice. Returns the message id.

        Args:
            user, thread: in a group, where a thread is a conversation.
        """
        assert all(text not in texts.values() for texts in self.said.values())
        message = self.telegram.push(chat, text, user=user, thread=thread)
        self.said[chat][message] = text
        return message

    def shown(self, chat: int) -> list[str]:
        """What the chat shows of the bot now."""
        return self.telegram.texts(chat)

    @abstractmethod
    def store(self) -> AbstractContextManager[Any]:
        """The store as it is, to look at."""

    @abstractmethod
    def files(self) -> list[Path]:
        """Those of the store and of what daemons keep beside it."""

    def end(self) -> None:
        """Kill what runs."""
        for daemon in self.lives:
            if not daemon.is_over:
                daemon.signal(9)

    @contextmanager
    def explaining(self) -> Iterator[None]:
        """What fails in the body tells where all is that may explain it. Daemons that run are killed."""
        try:
            yield
        except BaseException as error:
            if not any(note.startswith(checks.EVIDENCE) for note in getattr(error, "__notes__", ())):
                self.end()
                error.add_note(checks.evidence(self))
            raise
