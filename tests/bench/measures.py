"""What is measured. Each measure runs the daemon and what it is compared with alternately, in one go."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter

import msgspec
import trio

from tests.bench.chats import HOLD
from tests.bench.full_store import fill
from tests.bench.report import ELSEWHERE, Goal, Line, line, p95
from tests.bench.subject import (
    BARE,
    GATEWAY,
    Failed,
    Subject,
    alive,
    machine_busy_s,
    open_servers,
    open_subject,
)


class Sizes(msgspec.Struct, frozen=True, kw_only=True):
    """How much of everything."""

    chats: int = 200
    messages: int = 2000
    rounds: int = 5
    singles: int = 150
    pause_s: float = 0.02
    burst: int = 1000
    bursts: int = 3
    starts: int = 9
    stored_sessions: int = 100_000
    stored_turns: int = 5
    full_starts: int = 5
    idlers: int = 1000
    wave: int = 50
    resets: int = 60
    others: int = 1000
    settle_s: float = 1.0
    burst_model_s: float = 1.0
    long_chats: int = 12
    long_looks: int = 20
    long: int = 300
    cut: int = 10_000
    offered: int = 150
    offered_s: int = 12
    nodes: tuple[int, ...] = (1, 2, 4)
    node_rounds: int = 3


QUICK = Sizes(
    messages=1000,
    rounds=2,
    singles=40,
    bursts=1,
    starts=3,
    stored_sessions=10_000,
    full_starts=3,
    resets=20,
    long_looks=6,
    cut=1000,
    offered_s=8,
    node_rounds=1,
)
TINY = Sizes(
    chats=5,
    messages=20,
    rounds=1,
    singles=3,
    pause_s=0,
    burst=10,
    bursts=1,
    starts=1,
    stored_sessions=20,
    full_starts=1,
    idlers=10,
    wave=5,
    resets=2,
    others=5,
    settle_s=0.05,
    burst_model_s=0.1,
    long_chats=2,
    long_looks=2,
    long=60,
    cut=10,
    offered=20,
    offered_s=1,
    nodes=(1, 2),
    node_rounds=1,
)
MODEL_S = 0.05
TYPING_S = 4.0
HELD_S = 600.0


async def at_work(folder: Path, sizes: Sizes, commit_ms: float) -> list[Line]:
    """What one daemon and one bare loop do under load, at rest, and when a turn is cut short."""
    async with open_subject(BARE, folder) as bare, open_subject(GATEWAY, folder) as gateway:
        return [
            *await _throughput(bare, gateway, sizes),
            *await _latency(bare, gateway, sizes, commit_ms),
            *await _new_in_a_turn(bare, gateway, sizes),
        ]


async def _throughput(bare: Subject, gateway: Subject, sizes: Sizes) -> list[Line]:
    """Chats in conversation: messages a second, CPU per message; who else used the machine."""
    seen: dict[str, list[Window]] = {GATEWAY: [], BARE: []}
    for _ in range(sizes.rounds):
        for subject in (bare, gateway):
            subject.model.answer_after(MODEL_S)
            first, last = await subject.chats.converse(
                subject.new_chats(sizes.chats),
                sizes.chats,
                sizes.messages,
                lambda: Look.now(subject),  # noqa: B023 - called while this round lasts
            )
            seen[subject.kind].append(Window.between(first, last, sizes.messages))
            subject.model.answer_after(0)

    def both(name: str, unit: str, of: Callable[[Window], float], goal: Goal | None = None) -> Line:
        values, others = [of(one) for one in seen[GATEWAY]], [of(one) for one in seen[BARE]]
        return line(name, unit, values, beside=BARE, others=others, goal=goal)

    model = f"model {MODEL_S * 1000:.0f} ms"
    return [
        both(f"{sizes.chats} chats, {model}: messages/s", "", lambda w: w.per_s, Goal("value", ">=", 400)),
        both("  CPU per message", "ms", lambda w: w.cpu_ms, Goal("ratio", "<=", 1.5)),
        both("    of this in the main thread", "ms", lambda w: w.main_ms),
        both("  share of a core: what is measured", "", lambda w: w.busy),
        both("  share of a core: fake servers and load", "", lambda w: w.fakes),
        both(ELSEWHERE, "", lambda w: w.elsewhere),
        both("  polls per message", "", lambda w: w.polls),
    ]


class Look(msgspec.Struct):
    """What clocks show at one moment."""

    at: float
    cpu_s: float
    main_s: float
    fakes_s: float
    machine_s: float
    polls: int

    @classmethod
    def now(cls, subject: Subject) -> Look:
        """Look at them."""
        return cls(
            perf_counter(),
            subject.cpu_s(),
            subject.main_cpu_s(),
            time.process_time(),
            machine_busy_s(),
            subject.chats.counts["getUpdates"],
        )


class Window(msgspec.Struct):
    """What happened between two looks."""

    per_s: float
    cpu_ms: float
    main_ms: float
    busy: float
    fakes: float
    elsewhere: float
    polls: float

    @classmethod
    def between(cls, first: Look, last: Look, messages: int) -> Window:
        """The window in which so many messages were answered."""
        seconds, cpu_s = last.at - first.at, last.cpu_s - first.cpu_s
        fakes_s = last.fakes_s - first.fakes_s
        return cls(
            per_s=messages / seconds,
            cpu_ms=cpu_s / messages * 1000,
            main_ms=(last.main_s - first.main_s) / messages * 1000,
            busy=cpu_s / seconds,
            fakes=fakes_s / seconds,
            elsewhere=max(0.0, last.machine_s - first.machine_s - cpu_s - fakes_s) / seconds,
            polls=(last.polls - first.polls) / messages,
        )


async def _latency(bare: Subject, gateway: Subject, sizes: Sizes, commit_ms: float) -> list[Line]:
    """A single message, while there is nothing else to do."""
    pair = (bare, gateway)
    chats = {subject.kind: subject.new_chats(20) for subject in pair}
    for n in range(-5, sizes.singles):
        for subject in pair:
            if n == 0:
                subject.chats.took.clear()
            subject.chats.write(chats[subject.kind][n % 20], f"hello {n}")
            await subject.chats.all_answered()
            await trio.sleep(sizes.pause_s)
    took = [one * 1000 for one in gateway.chats.took], [one * 1000 for one in bare.chats.took]
    added = median(took[0]) - median(took[1])
    goal = Goal("difference", "<=", 5)
    return [
        line(
            "one message at rest, model 0 ms: latency", "ms", took[0], beside=BARE, others=took[1], goal=goal
        ),
        line("  p95", "ms", [p95(took[0])], beside=BARE, others=[p95(took[1])]),
        line("  added", "ms", [added], beside="one durable commit; it waits for four", others=[commit_ms]),
    ]


async def burst(folder: Path, sizes: Sizes) -> list[Line]:
    """Many messages at the same moment, each in a chat of its own."""
    seen: dict[str, list[tuple[float, float, float, float]]] = {GATEWAY: [], BARE: []}
    for _ in range(sizes.bursts):
        for kind in (BARE, GATEWAY):
            async with open_subject(kind, folder) as subject:
                subject.model.answer_after(sizes.burst_model_s)
                began_s = subject.cpu_s()
                subject.chats.write_all({chat: f"hello {chat}" for chat in subject.new_chats(sizes.burst)})
                await subject.chats.all_answered()
                took, cpu_ms = subject.chats.took, (subject.cpu_s() - began_s) / sizes.burst * 1000
                seen[kind].append((len(took), p95(took), cpu_ms, subject.memory_mib("VmHWM")))
    answered, slow, cpu, memory = zip(*seen[GATEWAY], strict=True)
    bare_answered, bare_slow, bare_cpu, bare_memory = zip(*seen[BARE], strict=True)
    name = f"{sizes.burst} turns at once, model {sizes.burst_model_s:g} s: answered"
    whole = Goal("value", ">=", sizes.burst)
    quick, small = Goal("value", "<=", 2.5), Goal("value", "<=", 150)
    return [
        line(name, "answers", answered, beside=BARE, others=bare_answered, goal=whole),
        line("  p95", "s", slow, beside=BARE, others=bare_slow, goal=quick),
        line("  CPU per message, connecting included", "ms", cpu, beside=BARE, others=bare_cpu),
        line("  peak memory", "MiB", memory, beside=BARE, others=bare_memory, goal=small),
    ]


async def cut_short(folder: Path, sizes: Sizes) -> list[Line]:
    """Everything runs and is killed: the start after it answers all, in about the time of fresh ones."""
    count = sizes.cut
    async with open_servers(GATEWAY, folder, turns_max=2 * count) as subject:
        async with alive(subject):
            subject.model.answer_after(MODEL_S)
            fresh_s = await _all_say(subject, subject.new_chats(count))
    async with open_servers(GATEWAY, folder, turns_max=2 * count) as subject:
        chats = subject.new_chats(count)
        async with alive(subject):
            subject.model.answer_after(HELD_S)
            subject.chats.write_all({chat: f"hello {chat}" for chat in chats})
            await subject.model.until_all_asked(count)
            memory = subject.memory_mib("VmHWM")
        subject.model.answer_after(MODEL_S)
        began = perf_counter()
        async with alive(subject):
            await subject.chats.all_answered()
            cut_s = perf_counter() - began
    name, whole = f"{count} turns killed, started again: answered", Goal("value", ">=", count)
    late, small = Goal("ratio", "<=", 3), Goal("value", "<=", 400)
    answered = len(subject.chats.took)
    return [
        line(name, "answers", [answered], beside="asked", others=[count], goal=whole),
        line("  the last one after", "s", [cut_s], beside="as many at once", others=[fresh_s], goal=late),
        line(
            "  peak memory of as many turns at once",
            "MiB",
            [memory],
            beside="count",
            others=[count],
            goal=small,
        ),
    ]


async def _all_say(subject: Subject, chats: Sequence[int]) -> float:
    """Seconds until all who write at the same moment are answered."""
    began = perf_counter()
    subject.chats.write_all({chat: f"hello {chat}" for chat in chats})
    await subject.chats.all_answered()
    return perf_counter() - began


async def start(folder: Path, sizes: Sizes) -> list[Line]:
    """From the start of the process to `ready`; also over a store that has grown for years."""
    states = {name: folder / name for name in ("state of a new daemon", "state of an old daemon")}
    new, old = states.values()
    for state in (new, old):
        state.mkdir(mode=0o700)
    await trio.to_thread.run_sync(
        lambda: fill(old / "hermes.db", sessions=sizes.stored_sessions, turns=sizes.stored_turns)
    )
    took: dict[str, list[float]] = {BARE: [], "new": [], "old": []}

    async def once(name: str, kind: str, state: Path | None) -> None:
        async with open_subject(kind, folder, state=state, kill=state is None) as subject:
            took[name].append(subject.ready_s)

    await once("new", GATEWAY, new)
    took["new"].clear()  # it made the store, and the compiled modules
    for n in range(sizes.starts):
        await once(BARE, BARE, None)
        await once("new", GATEWAY, new)
        if n < sizes.full_starts:
            await once("old", GATEWAY, old)
    entries = 2 * sizes.stored_turns * sizes.stored_sessions
    name = f"  with {sizes.stored_sessions:,} sessions and {entries:,} entries stored"
    quick, flat = Goal("value", "<=", 0.6), Goal("ratio", "<=", 1.5)
    return [
        line("start to `ready`", "s", took["new"], beside=BARE, others=took[BARE], goal=quick),
        line(name, "s", took["old"], beside="with an empty store", others=took["new"], goal=flat),
    ]


async def memory(folder: Path, sizes: Sizes) -> list[Line]:
    """At rest, and at rest again after many sessions have come and gone."""
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    for kind in (BARE, GATEWAY):
        async with open_subject(kind, folder) as subject:
            await trio.sleep(sizes.settle_s)
            before[kind] = subject.memory_mib()
            for _ in range(sizes.idlers // sizes.wave):
                chats = subject.new_chats(sizes.wave)
                subject.chats.write_all({chat: f"hello {chat}" for chat in chats})
                await subject.chats.all_answered()
            await trio.sleep(sizes.settle_s)
            after[kind] = subject.memory_mib()
    small, flat = Goal("value", "<=", 60), Goal("ratio", "<=", 1.1)
    name = f"  after {sizes.idlers} sessions, {sizes.wave} at a time, went to rest"
    return [
        line("memory at rest", "MiB", [before[GATEWAY]], beside=BARE, others=[before[BARE]], goal=small),
        line(name, "MiB", [after[GATEWAY]], beside="before", others=[before[GATEWAY]], goal=flat),
        line("  the bare loop, likewise", "MiB", [after[BARE]], beside="before", others=[before[BARE]]),
    ]


async def _new_in_a_turn(bare: Subject, gateway: Subject, sizes: Sizes) -> list[Line]:
    """From `/new` during a turn to the model call of the message behind it."""
    plain = await _repeated(sizes, lambda n: _asked(bare, n))
    alone = await _repeated(sizes, lambda n: _reset(gateway, n))
    await _fill_with_turns(gateway, sizes.others)
    crowded = await _repeated(sizes, lambda n: _reset(gateway, sizes.resets + n))
    if gateway.model.held < sizes.others:
        raise Failed(f"of {sizes.others} turns only {gateway.model.held} are still running")
    goal = Goal("value", "<=", 10)
    beside = "bare loop, message to model call"
    among = f"  with {sizes.others} other turns running"
    return [
        line("/new in a turn to the next model call", "ms", alone, beside=beside, others=plain, goal=goal),
        line("  p95", "ms", [p95(alone)], beside=beside, others=[p95(plain)]),
        line(among, "ms", crowded, beside="alone", others=alone, goal=goal),
        line("  p95", "ms", [p95(crowded)], beside="alone", others=[p95(alone)]),
    ]


async def _repeated(sizes: Sizes, once: Callable[[int], Awaitable[float]]) -> list[float]:
    took = []
    for n in range(-2, sizes.resets):
        seconds = await once(n)
        if n >= 0:
            took.append(seconds * 1000)
        await trio.sleep(sizes.pause_s)
    return took


async def _asked(subject: Subject, n: int) -> float:
    [chat] = subject.new_chats(1)
    began = subject.chats.write(chat, f"plain {n}")
    asked = await subject.model.until_asked(f"plain {n}")
    await subject.chats.all_answered()
    return asked - began


async def _reset(subject: Subject, n: int) -> float:
    [chat] = subject.new_chats(1)
    held = f"{HOLD} {chat}"
    subject.chats.say(chat, held)
    await subject.model.until_asked(held)
    began = subject.chats.say(chat, "/new")
    subject.chats.write(chat, f"after {n}")
    asked = await subject.model.until_asked(f"after {n}")
    await subject.chats.all_answered()
    return asked - began


async def _fill_with_turns(subject: Subject, count: int) -> None:
    """Turns that run and run. They do not begin at the same moment, nor do their typing signs come so."""
    for chat in subject.new_chats(count):
        subject.chats.say(chat, f"{HOLD} {chat}")
        await trio.sleep(TYPING_S / max(count, 1000))
    await subject.model.until_held(count, within_s=30)
