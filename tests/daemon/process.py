"""The installed `hermes-trio` as its operator meets it: a process, its exit code, what it writes."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trio

HERMES = Path(sys.executable).with_name("hermes-trio")
_FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


def environ_of(home, **more):
    """The environment of an operator whose home is this folder, and nothing else of ours."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    if (Path(home) / "hermes.toml").exists():
        kept["HERMES_TRIO_CONFIG"] = "hermes.toml"
    return {**kept, "HOME": str(home), "PYTHONWARNINGS": "error", **more}


def fields(line):
    """The fields of a log line."""
    return {name: shlex.split(value)[0] if value else "" for name, value in _FIELD.findall(line)}


class Daemon:
    """A running process, and the log lines it has written to standard error."""

    def __init__(self, process):
        self.process = process
        self.text = ""
        self._more = trio.Event()

    @property
    def pid(self):
        return self.process.pid

    @property
    def lines(self):
        return [fields(line) for line in self.text.splitlines() if line.startswith("ts=")]

    def said(self, event):
        """The lines of this event."""
        return [line for line in self.lines if line["event"] == event]

    async def until_said(self, event, count=1, within_s=8):
        with trio.move_on_after(within_s):
            while len(self.said(event)) < count:
                await self._more.wait()
        assert len(self.said(event)) >= count, self.text
        return self.said(event)[count - 1]

    async def ready(self):
        return await self.until_said("ready")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    async def ends(self, within_s=8):
        """Its exit code, once it has ended by itself."""
        with trio.move_on_after(within_s):
            return await self.process.wait()
        raise AssertionError(f"still runs after {within_s} s:\n{self.text}")

    async def stop(self):
        self.signal()
        return await self.ends()

    async def kill(self):
        self.process.kill()
        await self.process.wait()

    async def reads_more(self):
        """Return when it has written more to standard error."""
        await self._more.wait()

    async def read(self):
        with suppress(trio.ClosedResourceError):
            async for piece in self.process.stderr:
                self.text += piece.decode()
                self._more.set()
                self._more = trio.Event()


def started(*arguments, home, **more):
    """The installed program with these arguments: see `program`."""
    return program(HERMES, *arguments, home=home, **more)


@asynccontextmanager
async def program(*command, home, stdin=subprocess.DEVNULL, **environ):
    """A process that is killed at the end, if it has not ended before."""
    process = await trio.lowlevel.open_process(
        [*map(str, command)],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ_of(home, **environ),
        cwd=home,
    )
    daemon = Daemon(process)
    async with process.stdout, process.stderr, trio.open_nursery() as nursery:
        nursery.start_soon(daemon.read)
        try:
            yield daemon
        finally:
            with trio.move_on_after(5, shield=True), suppress(ProcessLookupError):
                await daemon.kill()
            nursery.cancel_scope.cancel()


async def hermes(*arguments, home, stdin=b"", **environ):
    """Run it to its end: returncode, stdout and stderr as text."""
    done = await trio.run_process(
        [HERMES, *map(str, arguments)],
        stdin=stdin,
        capture_stdout=True,
        capture_stderr=True,
        check=False,
        env=environ_of(home, **environ),
        cwd=home,
    )
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    return done
