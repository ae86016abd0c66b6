"""A daemon that is killed, the world around it, and what must be true of both whatever happened.

The fakes run in the test's own loop, so a test waits for what they see: nothing here sleeps. What is
checked is what people outside see: the chats, the ledger of the command line, the model's requests, the
effects of tools. The store is read only as a copy, made of a daemon that is dead.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import trio
from msgspec import to_builtins

from hermes_trio.cli.tables import ledger_data
from hermes_trio.daemon.control.requests import (
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
from tests.crash import checks, logs
from tests.crash.effects import TOOLS
from tests.crash.process import PATIENCE_S, Daemon, ask
from tests.crash.surroundings import CHATS, KEY, Surroundings
from tests.crash.trap import Trap
from tests.fakes.botapi import TOKEN

CHAT = 42
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


class Stage(Surroundings):
    """A daemon's world. Made by `open_stage`.

    Attributes:
        said_in: the native ids of what was written while a life ran, by its number.
        daemon: the life that runs, or ran last.
    """

    def __init__(self, folder: Path, nursery: trio.Nursery) -> None:
        self.trap = Trap(nursery, lambda: self.daemon)
        super().__init__(folder, nursery, self.trap.tick)
        self.said_in: dict[int, set[str]] = defaultdict(set)
        self._config = folder / "hermes.toml"

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
        checks.the_dead(self)

    async def lives_again(self) -> None:
        """It is killed, and begins again in a world that keeps nothing back; everybody is answered."""
        await self.kill9()
        self.let_go()
        await self.start()
        await self.answered()

    def freeze(self) -> None:
        """From now on what it is sent arrives, and it does not read it. It does not thaw: kill it."""
        self.daemon.signal(signal.SIGSTOP)

    async def run_into_trap(self, ticks: int, after_s: float = 0.0) -> None:
        """Begin a life that ends in a trap; if everything was answered before, it is killed then."""
        self.trap.set(ticks, after_s)
        await self.begin()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._cancel_when_sprung, nursery.cancel_scope)
            try:
                await self.daemon.ready()
                await self.answered()
            except (Gone, AssertionError):
                if not self.trap.sprung.is_set():
                    raise
            nursery.cancel_scope.cancel()
        self.trap.spring()
        await self.see_dead()

    async def _cancel_when_sprung(self, scope: trio.CancelScope) -> None:
        await self.trap.sprung.wait()
        scope.cancel()

    async def stop(self) -> None:
        """Ask it to stop, as an operator does; returns when it has."""
        assert await self.daemon.stop() == 0, self.daemon.lines

    # -- what happens in the world

    def say(self, chat: int, text: str, *, user: int | None = None, thread: int | None = None) -> int:
        """See `Surroundings`."""
        message = super().say(chat, text, user=user, thread=thread)
        self.said_in[len(self.lives)].add(f"{chat}/{message}")
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

    # -- what must be true

    def files(self) -> list[Path]:
        """See `Surroundings`."""
        return sorted(self.state_dir.glob("hermes.db*"))

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
        with self.explaining():
            assert await self.printed_ledger() == rows  # up or down, the ledger says the same
            checks.the_dead(self)
            checks.one_outcome_each(self, rows)
            checks.one_answer_each(self, [row for row in rows if int(row["chat"]) not in but], repeats)
            checks.in_order(self, fresh)
            checks.effects_once(self)
            checks.no_secrets(self, TOKEN, KEY)
            logs.quiet(self)
            logs.one_line_each(self, rows)
            logs.typing_in_turns(self)


@asynccontextmanager
async def open_stage(folder: Path, *, stuck_after: int = 3) -> AsyncIterator[Stage]:
    """A stage in this folder; a daemon that still runs at the end is killed."""
    async with trio.open_nursery() as nursery:
        stage = Stage(folder, nursery)
        await stage.build(stuck_after=stuck_after)
        yield stage
        nursery.cancel_scope.cancel()
