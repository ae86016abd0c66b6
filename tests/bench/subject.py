"""What is measured, as a process: the daemon or the bare loop, with fake servers of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter

import trio

from tests.bench.chats import BenchModel, Chats
from tests.fakes.botapi import TOKEN

GATEWAY, BARE = "gateway", "bare loop"
READY_WITHIN_S = 30.0
GONE_WITHIN_S = 15.0
ROOT = Path(__file__).parents[2]
TICKS = os.sysconf("SC_CLK_TCK")

CONFIG = """
[gateway]
state_dir = "state"
turns_max = {turns_max}

[model]
provider = "openai"
base_url = "{model}/v1"
name = "bench"
keys = ["env:BENCH_MODEL_KEY"]

[platforms.telegram]
token = "env:BENCH_TOKEN"
api_url = "{api}"
allow_users = ["*"]
"""


class Failed(Exception):
    """There is nothing to measure."""


class Servers:
    """A fake Bot API and a fake model that serve."""

    def __init__(self) -> None:
        self.chats = Chats()
        self.model = BenchModel()
        self.api_url = ""
        self.model_url = ""
        self._next_chat = 1000

    async def start(self, nursery: trio.Nursery) -> Servers:
        """Serve within the nursery."""
        self.api_url = await nursery.start(partial(self.chats.serve, port=0))
        self.model_url = await nursery.start(partial(self.model.serve, port=0))
        return self

    def new_chats(self, count: int) -> list[int]:
        """Chats that nobody has written in."""
        self._next_chat += count
        return list(range(self._next_chat - count, self._next_chat))


class Subject:
    """A process that answers.

    Args:
        more: of the daemon's config.

    Attributes:
        chats, model: the servers it talks to.
        ready_s: from its start to its line `ready`.
        folder: holds its log, and the daemon's config and state.
    """

    def __init__(self, kind: str, servers: Servers, folder: Path, more: str = "") -> None:
        self.kind = kind
        self._more = more
        self.chats = servers.chats
        self.model = servers.model
        self.new_chats = servers.new_chats
        self.folder = folder
        self.pid = 0
        self.ready_s = 0.0
        self._log = folder / "log"
        self._servers = servers

    def command(self) -> list[str]:
        """How it is started."""
        if self.kind == GATEWAY:
            return [sys.executable, "-m", "hermes_trio", "run", "--config", str(self.folder / "hermes.toml")]
        servers = self._servers
        return [sys.executable, "-m", "tests.bench.bare", servers.api_url, TOKEN, servers.model_url]

    def write_config(self, turns_max: int) -> None:
        """What the daemon reads."""
        servers = self._servers
        text = CONFIG.format(model=servers.model_url, api=servers.api_url, turns_max=turns_max)
        (self.folder / "hermes.toml").write_text(text + self._more, encoding="utf-8")

    async def until_ready(self, began: float) -> None:
        """Wait for the line; it comes when there has been a first poll."""
        with trio.move_on_after(READY_WITHIN_S):
            while b"ready" not in (said := self._log.read_bytes()):
                if b"Traceback" in said or is_gone(self.pid):
                    raise Failed(f"{self.kind} did not start:\n{said.decode()}")
                await trio.sleep(0.001)
            self.ready_s = perf_counter() - began
            return
        raise Failed(f"{self.kind} was not ready in time:\n{self._log.read_text()}")

    def cpu_s(self) -> float:
        """CPU seconds it has used, user and system, threads that have ended included."""
        return time.clock_gettime(_clock_of(self.pid))

    def main_cpu_s(self) -> float:
        """Those of its main thread."""
        ran_ns = Path(f"/proc/{self.pid}/schedstat").read_text(encoding="ascii").split()[0]
        return int(ran_ns) / 1e9

    def memory_mib(self, field: str = "VmRSS") -> float:
        """Its memory now; "VmHWM": the most it has had."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        [line] = [line for line in status.splitlines() if line.startswith(f"{field}:")]
        return int(line.split()[1]) / 1024


def is_gone(pid: int) -> bool:
    """It has ended, though nobody may have been told yet."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return True
    return state == "Z"


def _clock_of(pid: int) -> int:
    """The process' clock of CPU time, which counts nanoseconds (`stat` in /proc has ticks of 10 ms)."""
    return (~pid << 3) | 2


def machine_busy_s() -> float:
    """CPU seconds that anybody on this machine has used."""
    user, nice, system, _, _, irq, softirq, *_ = (
        int(field) for field in Path("/proc/stat").read_text(encoding="ascii").split("\n")[0].split()[1:]
    )
    return (user + nice + system + irq + softirq) / TICKS


@asynccontextmanager
async def open_servers(
    kind: str, folder: Path, *, state: Path | None = None, turns_max: int = 2000, more: str = ""
) -> AsyncIterator[Subject]:
    """What it talks to, and a folder for it, until the block is left. `alive` runs it.

    Args:
        kind: GATEWAY or BARE.
        folder: a new folder is made in it.
        state: use this state_dir of an earlier run.
        more: of the daemon's config.
    """
    home = Path(mkdtemp(dir=folder))
    if state is not None:
        (home / "state").symlink_to(state)
    async with trio.open_nursery() as nursery:
        subject = Subject(kind, await Servers().start(nursery), home, more)
        subject.write_config(turns_max)
        yield subject
        nursery.cancel_scope.cancel()


@asynccontextmanager
async def alive(subject: Subject, *, kill: bool = True) -> AsyncIterator[None]:
    """Run it until the block is left; then end it at once, or let it say goodbye."""
    environ = {**os.environ, "BENCH_TOKEN": TOKEN, "BENCH_MODEL_KEY": "sk-bench"}
    with (subject.folder / "log").open("wb") as log:
        began = perf_counter()
        process = subprocess.Popen(  # noqa: ASYNC220 - a millisecond, and trio's own would use a thread
            subject.command(), stdin=subprocess.DEVNULL, stderr=log, stdout=log, env=environ, cwd=ROOT
        )
    subject.pid = process.pid
    try:
        await subject.until_ready(began)
        yield
        if is_gone(process.pid):
            raise Failed(f"the {subject.kind} has ended")
        if not kill:
            await _goodbye(process)
    except BaseException as error:
        last = (subject.folder / "log").read_text()[-2000:]
        error.add_note(f"The log of the {subject.kind} ends so:\n{last}")
        raise
    finally:
        process.kill()
        process.wait()


@asynccontextmanager
async def open_subject(
    kind: str, folder: Path, *, state: Path | None = None, kill: bool = True
) -> AsyncIterator[Subject]:
    """Run it, with servers of its own, until the block is left: see `open_servers` and `alive`."""
    async with open_servers(kind, folder, state=state) as subject, alive(subject, kill=kill):
        yield subject


async def _goodbye(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    with trio.move_on_after(GONE_WITHIN_S):
        while process.poll() is None:  # noqa: ASYNC110 - there is no event of another process's
            await trio.sleep(0.002)
