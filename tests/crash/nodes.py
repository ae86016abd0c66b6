"""Several daemons that are one gateway on one PostgreSQL, and what must be true whatever happened to them.

Each node reaches PostgreSQL by a wire of its own, and Telegram and the model by doors of its own: so a test
spoils the way of one, and knows who called. What is checked is what people outside see, and the rows.
"""

from __future__ import annotations

import itertools
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import trio

from tests.crash import checks, logs
from tests.crash.effects import TOOLS
from tests.crash.outside import Tick, door
from tests.crash.process import Daemon, ask
from tests.crash.stage import CONFIG
from tests.crash.surroundings import CHATS, KEY, Surroundings
from tests.fakes.botapi import TOKEN
from tests.fakes.wire import Wire
from tests.postgres_server import Server

_numbers = itertools.count()
LEASE_S = 8.0
LOOK_S = 0.05
READY_S = 60.0
SETTLED_S = 60.0
"""I12: so long after the last fault everything is answered."""
STORE = """
[store]
url = "postgresql://hermes@127.0.0.1:{port}/{database}"
node = "{node}"
lease_s = {lease_s}
"""
_BUSIEST = (
    "select node from turn join boot on boot.id = turn.boot where turn.state = 'running'"
    " and ended_at is null and buried_at is null group by node order by count(*) desc, node limit 1"
)
_UNSETTLED = (
    "select (select count(*) from inbound where outcome is null)"
    " + (select count(*) from outbound where state in ('held', 'owed', 'sending', 'live'))"
)


class Node:
    """A machine of the gateway, and the daemons that ran on it.

    Attributes:
        wire: its way to PostgreSQL.
        absent_at: when it was killed or frozen, by trio's clock.
        thawed_at: when it went on after it had been frozen, by the wall clock.
    """

    def __init__(self, name: str, config: Path, wire: Wire) -> None:
        self.name = name
        self.config = config
        self.wire = wire
        self.lives: list[Daemon] = []
        self.absent_at: list[float] = []
        self.thawed_at: list[float] = []

    @property
    def daemon(self) -> Daemon:
        """The life that runs, or ran last."""
        return self.lives[-1]

    @property
    def lives_now(self) -> bool:
        """It runs."""
        return bool(self.lives) and not self.daemon.is_over

    async def kill9(self) -> None:
        """Kill it where it stands, and see that it is dead."""
        self.absent_at.append(trio.current_time())
        self.daemon.signal(signal.SIGKILL)
        assert await self.daemon.ended() == -signal.SIGKILL, self.daemon.lines

    def freeze(self) -> None:
        """It does nothing more, and does not know it."""
        self.absent_at.append(trio.current_time())
        self.daemon.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """It goes on in the middle of a line."""
        self.thawed_at.append(time.time())
        self.absent_at.append(trio.current_time())
        self.daemon.signal(signal.SIGCONT)


class Nodes(Surroundings):
    """The gateway of several nodes, and its world. Made by `open_nodes`."""

    def __init__(self, folder: Path, nursery: trio.Nursery, server: Server, tick: Tick) -> None:
        super().__init__(folder, nursery, tick)
        self.server = server
        self.database = f"nodes{next(_numbers)}"
        self.nodes: list[Node] = []
        self._ended: dict[str, int] = {}

    async def build(self, count: int) -> None:
        """Start the fakes, make the database, write a config for each node."""
        self.server.make_database(self.database)
        await self._nursery.start(self.effects.serve)
        for number in range(1, count + 1):
            await self._add_node(f"node{number}")

    async def _add_node(self, name: str) -> None:
        wire = Wire(partial(trio.open_unix_socket, self.server.socket))
        port = await self._nursery.start(wire.serve)
        telegram, model = self.telegram, self.model
        doors = (
            partial(door, telegram.handle, name, telegram.connections),
            partial(door, model.handle, name, model.counts),
        )
        urls = [await self._nursery.start(one) for one in doors]
        config = self.folder / f"{name}.toml"
        config.write_text(
            CONFIG.format(
                state_dir=self.folder / name,
                stuck_after=12,  # a busy machine ends leases too
                telegram=urls[0],
                model=urls[1],
                tools=", ".join(f'"{tool}"' for tool in TOOLS),
                users=", ".join(map(str, CHATS)),
            )
            + STORE.format(port=port, database=self.database, node=name, lease_s=LEASE_S)
        )
        self.nodes.append(Node(name, config, wire))

    # -- what happens to nodes

    async def start(self, *nodes: Node) -> None:
        """Begin a life of each, by default of all; returns when they are ready."""
        began = [await self.begin(node) for node in nodes or self.nodes]
        for daemon in began:
            await daemon.says("ready", within_s=READY_S)

    async def begin(self, node: Node) -> Daemon:
        """Begin a life; returns when there is a process."""
        daemon = Daemon(node.config, self.environ)
        node.lives.append(daemon)
        self.lives.append(daemon)
        await self._nursery.start(daemon.run)
        return daemon

    def node(self, name: str) -> Node:
        """The node of this name."""
        return next(node for node in self.nodes if node.name == name)

    @property
    def living(self) -> list[Node]:
        """The nodes that run, frozen ones among them."""
        return [node for node in self.nodes if node.lives_now]

    def busiest(self) -> Node:
        """The node that works on most turns; if there is none, the first that runs."""
        with self.store() as db:
            row = db.execute(_BUSIEST).fetchone()
        return self.node(row[0]) if row else self.living[0]

    async def stop(self) -> None:
        """Ask them to stop, all at once, as an operator does; returns when they have."""
        for node in self.living:
            node.daemon.signal(signal.SIGTERM)
        for node in self.nodes:
            assert await node.daemon.ended() == 0, node.daemon.lines

    # -- what is seen from outside

    @contextmanager
    def store(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection to the database, past all wires."""
        with psycopg.connect(self.server.url(self.database), autocommit=True) as db:
            yield db

    def files(self) -> list[Path]:
        """The store as a dump, and what nodes keep beside it."""
        dump = self.folder / "store.sql"
        self.server.dump(self.database, dump)
        kept = [file for node in self.nodes for file in (self.folder / node.name).glob("*") if file.is_file()]
        return [dump, *kept]

    async def answered(self, within_s: float = SETTLED_S) -> None:
        """Return when all that was said has its outcome, and nothing is left to say."""
        with trio.fail_after(within_s):
            await self.telegram.wait_confirmed(within_s)
            while not self._is_settled():  # noqa: ASYNC110 (what other processes do is no event here)
                await trio.sleep(LOOK_S)

    def _is_settled(self) -> bool:
        with self.store() as db:
            row = db.execute(_UNSETTLED).fetchone()
        return row == (0,)

    def remember_the_ended(self) -> None:
        """From now on writers whose boot has ended write nothing; see `late_writes`."""
        with self.store() as db:
            ended = db.execute("select nonce, serial from writer where ended")
            self._ended |= {nonce: serial for nonce, serial in ended if nonce not in self._ended}

    def late_writes(self) -> int:
        """How many commits writers made whose boot had ended before."""
        with self.store() as db:
            now: dict[str, int] = dict(db.execute("select nonce, serial from writer").fetchall())
        return sum(now.get(nonce, serial) - serial for nonce, serial in self._ended.items())

    def late_sends(self) -> int:
        """How many sends came from nodes that had been frozen, before they began another boot."""
        found = 0
        for node in self.nodes:
            for thawed in node.thawed_at:
                until = self._begins_again(node, thawed)
                found += sum(
                    who == node.name and thawed <= call.at < until
                    for call, who in zip(self.telegram.calls, self.telegram.callers, strict=True)
                    if call.method in ("sendMessage", "editMessageText")
                )
        return found

    def _begins_again(self, node: Node, after: float) -> float:
        with self.store() as db:
            row = db.execute(
                "select min(started_at) from boot where node = %s and started_at > %s", (node.name, after)
            ).fetchone()
        return float(row[0]) if row and row[0] is not None else time.time()

    # -- what must be true

    async def verify(self) -> list[dict[str, Any]]:
        """All was answered, once, in order, and nothing else happened. Stops the nodes; returns the ledger.

        Every answer that is visible twice is marked; how many are is for the caller to count.
        """
        rows = await self._told_by_all()
        await self.stop()
        with self.explaining():
            assert await self._told_by_all() == rows  # up or down, the ledger says the same
            with self.store() as db:
                checks.all_confirmed_is_held(self, db)
            checks.one_outcome_each(self, rows)
            checks.one_answer_each(self, rows, repeats=len(rows))
            checks.in_order(self, frozenset(), may_overlap=self._is_absent)
            checks.effects_once(self)
            checks.no_secrets(self, TOKEN, KEY)
            logs.none_told_twice(self, rows)
            logs.typing_in_turns(self)
            assert self.late_writes() == 0
        return rows

    async def _told_by_all(self) -> list[dict[str, Any]]:
        """The ledger, which is the same wherever it is asked for."""
        told = [await ask(node.config, self.environ, "ledger") for node in self.nodes]
        rows: list[dict[str, Any]] = told[0]
        for other in told[1:]:
            assert [two for two in zip(rows, other, strict=True) if two[0] != two[1]] == []
        return rows

    def _is_absent(self, older: Any, newer: Any) -> bool:
        """The node of the older call was killed or frozen while it was in flight."""
        node = self.node(self.model.caller(older))
        return any(older.at <= at <= newer.at for at in node.absent_at)


@asynccontextmanager
async def open_nodes(
    folder: Path, server: Server, count: int, tick: Tick = lambda: None
) -> AsyncIterator[Nodes]:
    """So many nodes on a new database of this server; none of them runs yet. At the end all are killed.

    Args:
        tick: called whenever the world sees a sign of a daemon.
    """
    async with trio.open_nursery() as nursery:
        nodes = Nodes(folder, nursery, server, tick)
        await nodes.build(count)
        yield nodes
        nursery.cancel_scope.cancel()
