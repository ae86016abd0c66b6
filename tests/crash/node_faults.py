"""What happens to nodes that share a PostgreSQL, while people write: each ends with everything well again.

| | |
|---|---|
| kill | the busiest node is killed with kill -9, and begins again a little later |
| kill two | the two busiest are |
| freeze | the busiest is stopped (SIGSTOP) for three leases, and goes on |
| freeze inside | it is frozen inside of a transaction, for three leases |
| cut | its connections to PostgreSQL are reset, again and again |
| cut a commit | they are reset when a COMMIT has gone through, and before its answer comes back |
| refuse | it cannot connect for two leases |
| slow | each piece is late by up to 0.2 s, for a lease |
| half close | PostgreSQL sees it go, and it does not see that |
| swallow | nothing arrives on either side for two leases, and then what was sent does |
| restart | PostgreSQL ends as by `pg_ctl restart -m immediate` |
| outage | PostgreSQL is away for longer than a lease |
| no connections | others have all of its connections, while a node is to connect again |
| full disk | its disk is full for a lease; where this is possible: root, and a file system in memory |
| dump | `pg_dump` runs, and the busiest node is killed |
| deploy | each node in turn is asked to stop, and begins again |
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random

import psycopg
import trio

from tests.crash.nodes import LEASE_S, Node, Nodes

FROZEN_S = 3 * LEASE_S + 1.0
DEAF_S = 2 * LEASE_S + 1.0
INSIDE = (b"begin\0", 12)
"""A transaction begins, and how many pieces later it is surely over."""


async def kill(nodes: Nodes, chance: Random) -> None:
    """The busiest node is killed, and begins again."""
    node = nodes.busiest()
    await node.kill9()
    await trio.sleep(chance.choice((0.0, LEASE_S * 1.5 * chance.random())))
    await nodes.start(node)


async def kill_two(nodes: Nodes, chance: Random) -> None:
    """The two busiest, one a moment after the other."""
    first = nodes.busiest()
    await first.kill9()
    await trio.sleep(chance.random())
    second = nodes.busiest()
    if second is first:
        second = nodes.living[-1]
    await second.kill9()
    await trio.sleep(LEASE_S * chance.random())
    await nodes.start(first, second)


async def freeze(nodes: Nodes, chance: Random) -> None:
    """The busiest node sleeps for three leases."""
    await _asleep(nodes, nodes.busiest())


async def _asleep(nodes: Nodes, node: Node) -> None:
    node.freeze()
    await trio.sleep(FROZEN_S)
    nodes.remember_the_ended()
    node.thaw()
    await node.daemon.says("lease over")


async def freeze_inside(nodes: Nodes, chance: Random) -> None:
    """The busiest node sleeps inside of a transaction."""
    node = nodes.busiest()
    inside = trio.Event()
    begin, most = INSIDE
    pieces = [0, chance.randrange(1, most)]

    def see(data: bytes) -> None:
        if begin in data:
            pieces[0] = 1
        elif b"commit\0" in data:
            pieces[0] = 0
        elif pieces[0]:
            pieces[0] += 1
        if pieces[0] >= pieces[1] and not inside.is_set():
            node.freeze()
            inside.set()

    await _act_when_seen(node, see, inside)
    await _asleep(nodes, node)


async def _act_when_seen(node: Node, see: Callable[[bytes], None], seen: trio.Event) -> None:
    node.wire.seen = see
    with trio.fail_after(LEASE_S * 3):
        await seen.wait()
    node.wire.seen = lambda data: None


async def cut(nodes: Nodes, chance: Random) -> None:
    """Its connections are reset, some times."""
    node = nodes.busiest()
    for _ in range(chance.randrange(1, 12)):
        node.wire.cut()
        await trio.sleep(chance.random())


async def cut_a_commit(nodes: Nodes, chance: Random) -> None:
    """Its connection is lost between a COMMIT and its answer, three times."""
    node = nodes.busiest()
    for _ in range(3):
        lost = trio.Event()

        def see(data: bytes, lost: trio.Event = lost) -> None:
            if b"commit\0" in data and not lost.is_set():
                lost.set()
                node.wire.lose_answers()

        await _act_when_seen(node, see, lost)
        await trio.sleep(chance.random() / 2)
        node.wire.cut()
        node.wire.heal()
        await trio.sleep(chance.random() * 2)


async def refuse(nodes: Nodes, chance: Random) -> None:
    """It cannot connect."""
    node = nodes.busiest()
    node.wire.refuse()
    await trio.sleep(DEAF_S)
    nodes.remember_the_ended()
    node.wire.heal()


async def slow(nodes: Nodes, chance: Random) -> None:
    """Its way is slow."""
    node = nodes.busiest()
    node.wire.slow(0.02 + 0.18 * chance.random())
    await trio.sleep(LEASE_S)
    node.wire.heal()


async def half_close(nodes: Nodes, chance: Random) -> None:
    """PostgreSQL sees it go."""
    node = nodes.busiest()
    node.wire.half_close()
    await trio.sleep(DEAF_S)
    nodes.remember_the_ended()
    node.wire.heal()


async def swallow(nodes: Nodes, chance: Random) -> None:
    """Nothing arrives any more; then all does."""
    node = nodes.busiest()
    node.wire.swallow()
    await trio.sleep(DEAF_S)
    nodes.remember_the_ended()
    node.wire.heal()


async def restart(nodes: Nodes, chance: Random) -> None:
    """PostgreSQL is ended at once, and recovers."""
    await _away(nodes, 0.0)


async def outage(nodes: Nodes, chance: Random) -> None:
    """PostgreSQL is away for longer than a lease."""
    await _away(nodes, LEASE_S + 1.0)


async def _away(nodes: Nodes, seconds: float) -> None:
    await trio.to_thread.run_sync(nodes.server.end)
    await trio.sleep(seconds)
    await trio.to_thread.run_sync(nodes.server.start)


async def no_connections(nodes: Nodes, chance: Random) -> None:
    """Others have all connections, and a node has lost its own."""
    node = nodes.busiest()
    with ExitStack() as stack:
        await _take_all(nodes, stack)
        node.wire.cut()
        with trio.move_on_after(LEASE_S * (0.3 + chance.random())):
            while True:
                await _take_all(nodes, stack)


async def _take_all(nodes: Nodes, stack: ExitStack) -> None:
    with suppress(psycopg.OperationalError):
        while True:
            stack.enter_context(psycopg.connect(nodes.server.url(nodes.database), autocommit=True))
    await trio.sleep(0.01)  # somebody may go and make room


async def full_disk(nodes: Nodes, chance: Random) -> None:
    """Nothing more can be written where PostgreSQL keeps its data."""
    ballast = nodes.server.folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        _fill(file.fileno())
    await trio.sleep(LEASE_S)
    ballast.unlink()
    if not nodes.server.lives:  # it ends itself when it cannot write its log
        await trio.to_thread.run_sync(nodes.server.end)
        await trio.to_thread.run_sync(nodes.server.start)


def _fill(file: int) -> None:
    size = 1 << 20
    while size:
        try:
            os.write(file, bytes(size))
        except OSError:
            size //= 2


async def dump(nodes: Nodes, chance: Random) -> None:
    """A dump is made, and a node is killed meanwhile."""
    file: Path = nodes.folder / "dump.sql"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.to_thread.run_sync, nodes.server.dump, nodes.database, file)
        await kill(nodes, chance)
    assert "PostgreSQL database dump complete" in await trio.Path(file).read_text()


async def deploy(nodes: Nodes, chance: Random) -> None:
    """Each node is asked to stop, and begins again."""
    for node in nodes.nodes:
        assert await node.daemon.stop() == 0, node.daemon.lines
        await nodes.start(node)


FAULTS: dict[str, Callable[[Nodes, Random], Awaitable[None]]] = {
    "kill": kill,
    "kill two": kill_two,
    "freeze": freeze,
    "freeze inside": freeze_inside,
    "cut": cut,
    "cut a commit": cut_a_commit,
    "refuse": refuse,
    "slow": slow,
    "half close": half_close,
    "swallow": swallow,
    "restart": restart,
    "outage": outage,
    "no connections": no_connections,
    "full disk": full_disk,
    "dump": dump,
    "deploy": deploy,
}
