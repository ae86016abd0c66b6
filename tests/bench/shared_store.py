"""PostgreSQL as the store: beside SQLite with one daemon, and with several that share it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from functools import partial
from itertools import cycle
from pathlib import Path
from statistics import median
from tempfile import mkdtemp
from time import perf_counter

import msgspec
import trio

from tests.bench.measures import MODEL_S, Look, Sizes, Window
from tests.bench.report import ELSEWHERE, Goal, Line, line
from tests.bench.subject import GATEWAY, TICKS, Servers, Subject, alive, open_servers
from tests.fakes.wire import Wire
from tests.postgres_server import Server, open_server, programs

SQLITE = "SQLite"
STORE = """
[store]
url = "{url}"
node = "{node}"
"""


async def shared_store(folder: Path, sizes: Sizes) -> list[Line]:
    """All of it; nothing where there is no PostgreSQL."""
    bin = programs()
    if bin is None:
        return []
    with ExitStack() as stack:
        server = await trio.to_thread.run_sync(stack.enter_context, open_server(bin))
        return [*await _beside_sqlite(folder, server, sizes), *await _nodes(folder, server, sizes)]


# --- one daemon, on either -----------------------------------------------------------------------


async def _beside_sqlite(folder: Path, server: Server, sizes: Sizes) -> list[Line]:
    url = server.make_database("beside")
    async with (
        open_servers(GATEWAY, folder) as on_sqlite,
        open_servers(GATEWAY, folder, more=STORE.format(url=url, node="one")) as on_postgres,
        alive(on_sqlite),
        alive(on_postgres),
    ):
        both = {SQLITE: on_sqlite, "": on_postgres}
        seen: dict[str, list[Window]] = {name: [] for name in both}
        server_ms = []
        for _ in range(sizes.rounds):
            for name, subject in both.items():
                window, cpu_ms = await _conversation(subject, server, sizes)
                seen[name].append(window)
                if subject is on_postgres:
                    server_ms.append(cpu_ms)
        took = await _singles(both, sizes)
    ours, others = seen[""], seen[SQLITE]
    cpu_ms = [[window.cpu_ms for window in one] for one in (ours, others)]
    name = f"on PostgreSQL, {sizes.chats} chats, model {MODEL_S * 1000:.0f} ms: messages/s"
    quick, cheap, late = Goal("value", ">=", 350), Goal("ratio", "<=", 2.5), Goal("difference", "<=", 8)
    return [
        _pair(name, "", [w.per_s for w in ours], [w.per_s for w in others], quick),
        _pair(
            "  CPU of the daemon per message",
            "ms",
            [w.cpu_ms for w in ours],
            [w.cpu_ms for w in others],
            cheap,
        ),
        line("  CPU of PostgreSQL per message", "ms", server_ms),
        line(ELSEWHERE, "", [w.elsewhere for w in ours]),
        _pair("  one message at rest, model 0 ms: latency", "ms", took[""], took[SQLITE], late),
    ]


def _pair(name: str, unit: str, values: list[float], others: list[float], goal: Goal) -> Line:
    return line(name, unit, values, beside=f"on {SQLITE}", others=others, goal=goal)


async def _conversation(subject: Subject, server: Server, sizes: Sizes) -> tuple[Window, float]:
    """All chats in conversation; what the server took for each message, in ms."""
    subject.model.answer_after(MODEL_S)
    (first, began_s), (last, ended_s) = await subject.chats.converse(
        subject.new_chats(sizes.chats),
        sizes.chats,
        sizes.messages,
        lambda: (Look.now(subject), server_cpu_s(server.pid)),
    )
    subject.model.answer_after(0)
    window = Window.between(first, last, sizes.messages)
    return window, (ended_s - began_s) / sizes.messages * 1000


async def _singles(both: dict[str, Subject], sizes: Sizes) -> dict[str, list[float]]:
    """Milliseconds of single messages, now on one and now on the other."""
    chats = {name: subject.new_chats(20) for name, subject in both.items()}
    for n in range(-5, sizes.singles):
        for name, subject in both.items():
            if n == 0:
                subject.chats.took.clear()
            subject.chats.write(chats[name][n % 20], f"hello {n}")
            await subject.chats.all_answered()
            await trio.sleep(sizes.pause_s)
    return {name: [one * 1000 for one in subject.chats.took] for name, subject in both.items()}


def server_cpu_s(pid: int) -> float:
    """CPU seconds of a server whose first process this is, with its children and those that have ended."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat.parent.name) == pid:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == pid:
            ticks += sum(map(int, fields[11:13]))
    return ticks / TICKS


# --- several daemons -----------------------------------------------------------------------------


class Shared(msgspec.Struct):
    """What a message took, at so many messages a second. Milliseconds; of all nodes together."""

    latency_ms: float
    round_trips: float
    commits: float
    nodes_ms: float
    server_ms: float


class Counted:
    """The way of a node to the server, which counts what is asked.

    Attributes:
        round_trips: pieces that the node has sent: each waits for its answer.
        commits: of them those that commit.
    """

    def __init__(self, server: Server) -> None:
        self.wire = Wire(partial(trio.open_unix_socket, server.socket))
        self.wire.seen = self._see
        self.round_trips = 0
        self.commits = 0

    def _see(self, data: bytes) -> None:
        self.round_trips += 1
        self.commits += b"commit\0" in data


async def _nodes(folder: Path, server: Server, sizes: Sizes) -> list[Line]:
    lines: list[Line] = []
    alone: list[Shared] = []
    for count in sizes.nodes:
        rounds = [await _offered(folder, server, sizes, count) for _ in range(sizes.node_rounds)]
        alone = alone or rounds
        name = f"{count} on one PostgreSQL, {sizes.offered} messages/s offered: latency"
        crosses = (Goal("difference", "<=", 4), Goal("difference", "<=", 1)) if count > 1 else (None, None)
        lines += [
            _more(name, "ms", "latency_ms", rounds, alone),
            _more("  statements per message", "", "round_trips", rounds, alone, crosses[0]),
            _more("  commits per message", "", "commits", rounds, alone, crosses[1]),
            _more("  CPU of the daemons per message", "ms", "nodes_ms", rounds, alone),
            _more("  CPU of PostgreSQL per message", "ms", "server_ms", rounds, alone),
        ]
    return lines


def _more(
    name: str, unit: str, field: str, rounds: list[Shared], alone: list[Shared], goal: Goal | None = None
) -> Line:
    values = [[getattr(one, field) for one in some] for some in (rounds, alone)]
    return line(name, unit, values[0], beside="one daemon", others=values[1], goal=goal)


async def _offered(folder: Path, server: Server, sizes: Sizes, count: int) -> Shared:
    """So many daemons, and so many messages a second, whether they are answered or not."""
    async with _open_nodes(folder, server, count) as (nodes, ways):
        chats = nodes[0].chats
        people = nodes[0].new_chats(sizes.offered * 4)
        await _say(nodes[0], people, sizes.offered, max(1, sizes.offered_s // 3))
        chats.took.clear()
        before = [_sums(nodes, ways), server_cpu_s(server.pid)]
        await _say(nodes[0], people, sizes.offered, sizes.offered_s)
        after = [_sums(nodes, ways), server_cpu_s(server.pid)]
        messages = len(chats.took)
    trips, commits, cpu_s = (late - early for early, late in zip(before[0], after[0], strict=True))
    return Shared(
        latency_ms=median(chats.took) * 1000,
        round_trips=trips / messages,
        commits=commits / messages,
        nodes_ms=cpu_s / messages * 1000,
        server_ms=(after[1] - before[1]) / messages * 1000,
    )


def _sums(nodes: list[Subject], ways: list[Counted]) -> tuple[float, float, float]:
    trips, commits = sum(way.round_trips for way in ways), sum(way.commits for way in ways)
    return trips, commits, sum(node.cpu_s() for node in nodes)


async def _say(subject: Subject, people: list[int], per_s: int, seconds: int) -> None:
    """So many write in a second, in turn, who wait for no answer; returns when all are answered."""
    chats, turns = subject.chats, cycle(people)
    began = perf_counter()
    for n in range(per_s * seconds):
        await trio.sleep(max(0.0, began + n / per_s - perf_counter()))
        while all(map(chats.waits, people)):
            await chats.answer()
        chats.write(next(chat for chat in turns if not chats.waits(chat)), f"hello {n}")
    await chats.all_answered()


@asynccontextmanager
async def _open_nodes(
    folder: Path, server: Server, count: int
) -> AsyncIterator[tuple[list[Subject], list[Counted]]]:
    """So many daemons that are one bot, on a new database; each by a way that counts."""
    database = f"nodes{count}_{server_cpu_s(server.pid):.2f}".replace(".", "_")
    server.make_database(database)
    async with trio.open_nursery() as nursery, AsyncExitStack() as stack:
        servers = await Servers().start(nursery)
        nodes, ways = [], []
        for number in range(count):
            way = Counted(server)
            port = await nursery.start(way.wire.serve)
            url = f"postgresql://hermes@127.0.0.1:{port}/{database}"
            home = Path(mkdtemp(dir=folder))
            node = Subject(GATEWAY, servers, home, more=STORE.format(url=url, node=f"node{number}"))
            node.write_config(2000)
            await stack.enter_async_context(alive(node))
            nodes.append(node)
            ways.append(way)
        yield nodes, ways
        await stack.aclose()
        nursery.cancel_scope.cancel()
