"""The installed `hermes-trio` as a process: started, watched through its log, killed, asked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import trio

PROGRAM = str(Path(sys.executable).with_name("hermes-trio"))
PATIENCE_S = 20.0
"""Nothing here takes so long; a machine that is busy with other things may."""


class Daemon:
    """One life of the daemon. Its log lines are kept.

    Args:
        config: the config file.
        environ: all of its environment.

    Attributes:
        ended_at: wall time at which it was seen to be gone.
    """

    def __init__(self, config: Path, environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = dict(environ)
        self.lines: list[str] = []
        self.process: trio.Process | None = None
        self.ended_at = 0.0
        self._changed = trio.Event()
        self._silent = trio.Event()

    async def run(self, *options: str, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Start it, and read what it says until it is gone. Cancelled: it is killed."""
        command = [PROGRAM, "run", "--config", str(self._config), *options]
        process = await trio.lowlevel.open_process(
            command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self._environ
        )
        self.process = process
        try:
            task_status.started()
            await self._read(process)
            await process.wait()
        finally:
            with trio.CancelScope(shield=True):
                if process.returncode is None:
                    process.kill()
                await process.wait()
            self.ended_at = time.time()
            self._silent.set()
            self._tell()

    async def _read(self, process: trio.Process) -> None:
        assert process.stderr is not None
        rest = b""
        async with process.stderr as stream:
            async for data in stream:
                *lines, rest = (rest + data).split(b"\n")
                self.lines += [line.decode() for line in lines]
                self._tell()
        if rest:
            self.lines.append(rest.decode())

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self.process is not None
        return self.process.pid

    def holds(self) -> tuple[int, int]:
        """How many file descriptors it has open, and how many threads run in it.

        Connections are left out: how many are kept says how many chats happened to be at work at once.
        """
        of = Path("/proc", str(self.pid))
        open_now = [one for one in (of / "fd").iterdir() if not _leads_to(one).startswith("socket:")]
        return len(open_now), len(os.listdir(of / "task"))

    @property
    def is_over(self) -> bool:
        """It is gone, and all it said is known."""
        return self._silent.is_set()

    def said(self, event: str, *more: str) -> list[str]:
        """Its log lines of this event that hold all of `more`."""
        name = f"event={event}" if event.isalpha() else f'event="{event}"'
        return [line for line in self.lines if f" {name} " in f"{line} " and all(one in line for one in more)]

    async def until(self, condition: Callable[[], object], within_s: float = PATIENCE_S) -> None:
        """Return when this is true, looked at after each log line.

        Raises:
            AssertionError: the daemon has ended without it.
            trio.TooSlowError: it did not come true in time.
        """
        with trio.fail_after(within_s):
            while not condition():
                assert not self._silent.is_set(), "\n".join(["the daemon has ended:", *self.lines])
                await self._changed.wait()

    async def says(self, event: str, *more: str, count: int = 1, within_s: float = PATIENCE_S) -> None:
        """Return when it has logged such an event, or so many."""
        await self.until(lambda: len(self.said(event, *more)) >= count, within_s)

    async def ready(self) -> None:
        """Return when it is ready."""
        await self.says("ready")

    def signal(self, number: int) -> None:
        """Send it a signal, unless it is gone."""
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, within_s: float = PATIENCE_S) -> int:
        """Return its exit code when it is gone; -9 if it was killed."""
        with trio.fail_after(within_s):
            await self._silent.wait()
        assert self.process is not None
        assert self.process.returncode is not None
        return self.process.returncode

    async def stop(self) -> int:
        """Stop it as an operator does; returns its exit code."""
        self.signal(signal.SIGTERM)
        return await self.ended()


async def ask(config: Path, environ: Mapping[str, str], *words: str) -> Any:
    """What `hermes-trio WORDS --json` says, decoded."""
    return msgspec.json.decode(await run(config, environ, *words, "--json"))


async def run(config: Path, environ: Mapping[str, str], *words: str) -> bytes:
    """What `hermes-trio WORDS` says."""
    command: Sequence[str] = [PROGRAM, *words, "--config", str(config)]
    with trio.fail_after(PATIENCE_S):
        done = await trio.run_process(
            command, capture_stdout=True, capture_stderr=True, env=dict(environ), check=False
        )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _leads_to(descriptor: Path) -> str:
    """What a link in /proc says. One that was closed meanwhile can have been a connection only."""
    try:
        return os.readlink(descriptor)
    except FileNotFoundError:
        return "socket: closed meanwhile"
