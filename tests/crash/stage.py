"""A daemon that is killed, the world around it, and what must be true of both whatever happened.

The fakes run in the test's own loop, so a test waits for what they see: nothing here sleeps. What is
checked is what people outside see: the chats, the ledger of the command line, the model's requests, the
effects of tools. The store is read only as a copy, made of a daemon that is dead.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import trio
from msgspec import to_builtins

from hermes_trio.cli.tables import ledger_data
from hermes_trio.daemon.control import (
    NAME,
    Answer,
    AskLedger,
    AwaitRest,
    Done,
    Ledger,
    Request,
    decode_answer,
    encode,
    folder_address,
)
from hermes_trio.pure.texts import MAY_BE_MISSING
from tests.crash.effects import TOOLS, Effects
from tests.crash.outside import Model, Telegram, users
from tests.crash.process import PATIENCE_S, Daemon, ask
from tests.fakes.botapi import TOKEN

MARK = " ↻"
KEY = "sk-planted-secret"
CHATS = tuple(range(41, 61))
CONFIG = """
[gateway]
state_dir = "{state_dir}"
drain_timeout_s = 10.0
stuck_after = {stuck_after}
[model]
provider = "openai"
base_url = "{model}/v1"
name = "fake"
keys = ["env:MODEL_KEY"]
[tools]
enable = ["now", "sleep", {tools}]
[platforms.telegram]
token = "env:BOT_TOKEN"
api_url = "{telegram}"
allow_users = [{users}]
require_mention = false
"""


class Gone(Exception):
    """The daemon that was asked is dead."""


class Stage:
    """A daemon's world. Made by `open_stage`.

    Attributes:
        said: per chat what its person wrote, by message id, in order.
        daemon: the life that runs, or ran last.
        lives: all of them.
        more_environ: what a test adds to the daemon's environment.
    """

    def __init__(self, folder: Path, nursery: trio.Nursery) -> None:
        self.folder = folder
        self.telegram = Telegram(self._tick)
        self.model = Model(self._tick)
        self.effects = Effects(folder, self._tick)
        self.said: dict[int, dict[int, str]] = defaultdict(dict)
        self.lives: list[Daemon] = []
        self.more_environ: dict[str, str] = {}
        self.sprung = trio.Event()
        self._ticks_left = 0
        self._after_s = 0.0
        self._config = folder / "hermes.toml"
        self._nursery = nursery

    async def build(self, *, stuck_after: int) -> None:
        """Start the fakes and write the config."""
        telegram = await self._nursery.start(self.telegram.serve)
        model = await self._nursery.start(lambda task_status: self.model.serve(task_status=task_status))
        await self._nursery.start(self.effects.serve)
        self._config.write_text(
            CONFIG.format(
                state_dir=self.state_dir,
                stuck_after=stuck_after,
                model=model,
                telegram=telegram,
                tools=", ".join(f'"{name}"' for name in TOOLS),
                users=", ".join(map(str, CHATS)),
            )
        )

    @property
    def state_dir(self) -> Path:
        return self.folder / "state"

    @property
    def environ(self) -> dict[str, str]:
        own = {"BOT_TOKEN": TOKEN, "MODEL_KEY": KEY, "HOME": str(self.folder)}
        return {"PATH": os.environ["PATH"], **own, **self.effects.environ, **self.more_environ}

    @property
    def daemon(self) -> Daemon:
        return self.lives[-1]

    # -- what happens to the daemon

    async def start(self, *options: str) -> Daemon:
        """Begin a life; returns when it is ready."""
        daemon = await self.begin(*options)
        await daemon.ready()
        return daemon

    async def begin(self, *options: str) -> Daemon:
        """Begin a life; returns when there is a process."""
        daemon = Daemon(self._config, self.environ)
        self.lives.append(daemon)
        await self._nursery.start(daemon.run, *options)
        return daemon

    async def kill9(self) -> None:
        """Kill it where it stands, and see that it is dead."""
        self.daemon.signal(signal.SIGKILL)
        await self.see_dead()

    async def see_dead(self) -> None:
        """Wait until it is dead and the world has seen that, and look at what it left."""
        assert await self.daemon.ended() == -signal.SIGKILL, self.daemon.lines
        await self.telegram.connections.all_closed(PATIENCE_S)
        await self.model.counts.all_closed(PATIENCE_S)
        self.look_at_the_dead()

    def freeze(self) -> None:
        """From now on what it is sent arrives, and it does not read it. It does not thaw: kill it."""
        self.daemon.signal(signal.SIGSTOP)

    def set_trap(self, ticks: int, after_s: float = 0.0) -> None:
        """Kill it when the world has seen so many more signs of it: in that moment, or so much later."""
        self.sprung = trio.Event()
        self._ticks_left = ticks
        self._after_s = after_s

    def _tick(self) -> None:
        self._ticks_left -= 1
        if self._ticks_left == 0:
            if self._after_s:
                self._nursery.start_soon(self._spring_later, self.daemon)
            else:
                self._spring()

    async def _spring_later(self, daemon: Daemon) -> None:
        await trio.sleep(self._after_s)
        if self.daemon is daemon and not daemon.is_over:
            self._spring()

    def _spring(self) -> None:
        self.daemon.signal(signal.SIGKILL)
        self.sprung.set()

    async def run_into_trap(self, ticks: int, after_s: float = 0.0) -> None:
        """Begin a life that ends in a trap; if everything was answered before, it is killed then."""
        self.set_trap(ticks, after_s)
        await self.begin()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cancel_when_sprung, nursery.cancel_scope)
            try:
                await self.daemon.ready()
                await self.answered()
            except (Gone, AssertionError):
                if not self.sprung.is_set():
                    raise
            nursery.cancel_scope.cancel()
        if not self.sprung.is_set():
            self._ticks_left = 0
            self._spring()
        await self.see_dead()

    async def _cancel_when_sprung(self, scope: trio.CancelScope) -> None:
        await self.sprung.wait()
        scope.cancel()

    async def stop(self) -> None:
        """Ask it to stop, as an operator does; returns when it has."""
        assert await self.daemon.stop() == 0, self.daemon.lines

    # -- what happens in the world

    def say(self, chat: int, text: str, *, user: int | None = None, thread: int | None = None) -> int:
        """Somebody writes; no text is written twice. Returns the message id.

        Args:
            user, thread: in a group, where a thread is a conversation.
        """
        assert all(text not in texts.values() for texts in self.said.values())
        message = self.telegram.push(chat, text, user=user, thread=thread)
        self.said[chat][message] = text
        return message

    async def rest(self, *chats: int) -> None:
        """Return when the daemon has nothing to do and nothing to say in these chats (by default: all).

        Raises:
            Gone: it is dead.
        """
        for chat in chats or tuple(self.said):
            with trio.fail_after(2 * PATIENCE_S):
                while not await self._is_at_rest(chat):
                    pass  # it says "not yet" after a while

    async def _is_at_rest(self, chat: int) -> bool:
        return isinstance(await self._ask(AwaitRest(account="telegram/main", chat=str(chat))), Done)

    async def _ask(self, request: Request) -> Answer:
        with folder_address(self.state_dir) as folder:
            try:
                async with await trio.open_unix_socket(f"{folder}/{NAME}") as stream:
                    await stream.send_all(encode(request))
                    line = b"".join([data async for data in stream])
            except (OSError, trio.BrokenResourceError) as error:
                raise Gone from error
        if not line:
            raise Gone
        return decode_answer(line)

    async def answered(self) -> None:
        """Return when everything that was said is with the daemon and settled, and its chats are at rest."""
        await self.telegram.wait_confirmed(PATIENCE_S)
        await self.rest()

    # -- what people see

    async def ledger(self) -> list[dict[str, Any]]:
        """The ledger, as the daemon that runs tells it."""
        answer = await self._ask(AskLedger())
        assert isinstance(answer, Ledger)
        rows: list[dict[str, Any]] = to_builtins([ledger_data(row) for row in answer.rows])
        return rows

    async def printed_ledger(self) -> list[dict[str, Any]]:
        """`hermes-trio ledger --json`."""
        rows: list[dict[str, Any]] = await ask(self._config, self.environ, "ledger")
        return rows

    async def outcomes(self, chat: int) -> list[str]:
        """The outcome of each message of the chat, in order."""
        return [row["outcome"] for row in await self.ledger() if row["chat"] == str(chat)]

    def shown(self, chat: int) -> list[str]:
        """What the chat shows of the bot now."""
        return self.telegram.texts(chat)

    # -- what must be true

    def look_at_the_dead(self) -> None:
        """A dead daemon's store is whole, and holds every update that was confirmed."""
        with self.store() as db:
            assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
            if not db.execute("select 1 from sqlite_master").fetchone():
                assert self.telegram.offsets == []
                return
            cursor = db.execute("select value from cursor").fetchone()
            held = {native for (native,) in db.execute("select native from inbound")}
        confirmed = max(self.telegram.offsets, default=0)
        assert confirmed <= int(cursor[0] if cursor else 0)
        assert {native for number, native in self.telegram.handed.items() if number < confirmed} <= held

    @contextmanager
    def store(self) -> Iterator[sqlite3.Connection]:
        """A copy of the store as it is; the daemon is dead."""
        copy = self.folder / f"copy-{len(self.lives)}"
        copy.mkdir(exist_ok=True)
        for file in self.state_dir.glob("hermes.db*"):
            if not file.name.endswith("-shm"):
                shutil.copy(file, copy)
        db = sqlite3.connect(copy / "hermes.db")
        try:
            yield db
        finally:
            db.close()
            shutil.rmtree(copy)

    async def verify(
        self, *, repeats: int = 0, but: frozenset[int] = frozenset(), fresh: frozenset[str] = frozenset()
    ) -> None:
        """Everything was answered, once, in order, and nothing else happened. Stops the daemon.

        Args:
            repeats: how many answers may be visible twice, marked.
            but: chats whose answers the test looks at itself.
            fresh: what was said in a new conversation that nobody asked for.
        """
        rows = await self.ledger()
        await self.stop()
        assert await self.printed_ledger() == rows  # up or down, the ledger says the same
        self.look_at_the_dead()
        self._one_outcome_each(rows)
        self._one_answer_each([row for row in rows if int(row["chat"]) not in but], repeats)
        self._in_order(fresh)
        self._effects_once()
        self._quiet()

    def _one_outcome_each(self, rows: list[dict[str, Any]]) -> None:
        natives = [f"{chat}/{message}" for chat, texts in self.said.items() for message in texts]
        assert sorted(row["native"] for row in rows) == sorted(natives)
        assert [row for row in rows if row["outcome"] is None] == []

    def _one_answer_each(self, rows: list[dict[str, Any]], repeats: int) -> None:
        last: dict[int, dict[int, str]] = defaultdict(dict)
        in_doubt: dict[int, set[str]] = defaultdict(set)
        for row in rows:
            assert row["outcome"] == "answered", row
            chat, message = (int(part) for part in row["native"].split("/"))
            last[chat][row["turn"]] = self.said[chat][message]
            if row["reply"] != "said":
                assert row["reply"] == "maybe", row
                in_doubt[chat].add(self.said[chat][message])
        extra = 0
        for chat, texts in last.items():
            arrived, given_up = self._recorded(chat)
            shown = self.shown(chat)
            # I2: whose answer was given up, having been in doubt twice, is told so each time.
            assert shown.count(MAY_BE_MISSING) == given_up
            shown = [text for text in shown if text != MAY_BE_MISSING]
            answers = [self._answer_to(chat, text) for text in shown]
            expected = [texts[turn] for turn in sorted(texts)]
            assert in_doubt[chat].issuperset(set(expected) - set(answers))
            assert list(dict.fromkeys(answers)) == [said for said in expected if said in answers]
            assert max(Counter(shown).values()) == 1  # so of two that say the same one is marked
            assert arrived <= sum(text.endswith(MARK) for text in shown) <= arrived + given_up
            extra += len(answers) - len(set(answers))
        assert extra <= repeats

    def _answer_to(self, chat: int, shown: str) -> str:
        """What was said that this is the answer to: "you said: THAT; ..."."""
        found = [
            said
            for said in self.said[chat].values()
            if f"{shown.removesuffix(MARK)}; ".startswith(f"you said: {said}; ")
        ]
        assert found, shown
        return max(found, key=len)

    def _recorded(self, chat: int) -> tuple[int, int]:
        """How many messages to the chat are recorded as possible repeats: arrived, and given up.

        A repeat whose sending was cut off too may not have arrived, where the first had.
        """
        with self.store() as db:
            rows = db.execute("select address, state from outbound where marked").fetchall()
        states = [state for address, state in rows if json.loads(address)[2] == str(chat)]
        return len(states) - states.count("unknown"), states.count("unknown")

    def _in_order(self, fresh: frozenset[str]) -> None:
        """No conversation had two calls at once, and each was shown what was said: all, once, in order."""
        assert self.model.overlapping == []
        conversations = [
            talk for texts in self.said.values() for talk in _conversations(texts.values(), fresh)
        ]
        for called in self.model.calls:
            assert called.became != "refused", called.body
            shown = [said for said in users(called) if not said.startswith("[note of the system: ")]
            assert any(shown == talk[: len(shown)] for talk in conversations), shown

    def _effects_once(self) -> None:
        """No charge was made twice, and every charge that was reported as made was made."""
        charges = [effect for effect in self.effects.done if effect["tool"] == "charge"]
        assert max(Counter(effect["op"] for effect in charges).values(), default=1) == 1
        made = Counter(effect["what"] for effect in charges)
        assert max(made.values(), default=1) == 1
        for chat in self.said:
            for text in self.shown(chat):
                told = [part for part in text.removesuffix(MARK).split("; ") if part.endswith(": done")]
                charged = [part.split()[1].rstrip(":") for part in told if part.startswith("charge ")]
                assert set(charged) <= set(made), text

    def _quiet(self) -> None:
        """No life logged an error, none a secret, and the store holds none."""
        for daemon in self.lives:
            for line in daemon.lines:
                assert "level=error" not in line
                assert "Traceback" not in line
                assert TOKEN not in line
                assert KEY not in line
        for file in self.state_dir.glob("hermes.db*"):
            data = file.read_bytes()
            assert TOKEN.encode() not in data
            assert KEY.encode() not in data


def _conversations(texts: Iterable[str], fresh: frozenset[str]) -> list[list[str]]:
    """What was said in a chat, cut where a new session began, without commands."""
    talks: list[list[str]] = [[]]
    for text in texts:
        if text == "/new" or text in fresh:
            talks.append([])
        if not text.startswith("/"):
            talks[-1].append(text)
    return talks


@asynccontextmanager
async def open_stage(folder: Path, *, stuck_after: int = 3) -> AsyncIterator[Stage]:
    """A stage in this folder; a daemon that still runs at the end is killed."""
    async with trio.open_nursery() as nursery:
        stage = Stage(folder, nursery)
        await stage.build(stuck_after=stuck_after)
        yield stage
        nursery.cancel_scope.cancel()
