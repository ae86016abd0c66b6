"""Programs in memory: they print at virtual times, end with a code, or ignore that they shall."""

from __future__ import annotations

import errno
import signal
from collections.abc import Mapping, Sequence
from typing import Literal

import trio
from msgspec import Struct

from hermes_trio.processes.environment import BOOT, boot_mark
from hermes_trio.testing.record import Record
from hermes_trio.values.process import LeftProcesses


class Program(Struct, frozen=True):
    """What a scripted command does.

    Args:
        prints: (seconds after its start, text).
        ends_s: seconds after its start it ends by itself; None: it does not.
        code: its exit code then.
        ignores_term: only KILL ends it.
        echoes: what it is given as input it prints.
    """

    prints: Sequence[tuple[float, str]] = ()
    ends_s: float | None = 0.0
    code: int = 0
    ignores_term: bool = False
    echoes: bool = False


class FakeProcess:
    """A Process that lives in the World; it survives a crash of the gateway."""

    def __init__(
        self, program: Program, command: str, env: Mapping[str, str], pid: int, record: Record
    ) -> None:
        self._record = record
        self.pid = pid
        self.started = pid
        self.command = command
        self.env = dict(env)
        self.code: int | None = None
        self.signals: list[str] = []
        self.input = b""
        self._program = program
        self._end = trio.Event()
        self._send, self._output = trio.open_memory_channel[bytes](float("inf"))

    async def live(self) -> None:
        """Run the program."""
        began = trio.current_time()
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._play, began)
                await self._end.wait()
                scope.cancel()
        self._send.close()

    async def _play(self, began: float) -> None:
        for after_s, text in self._program.prints:
            await trio.sleep_until(began + after_s)
            self._send.send_nowait(text.encode())
        if self._program.ends_s is None:
            await trio.sleep_forever()
        await trio.sleep_until(began + self._program.ends_s)
        self._stop(self._program.code)

    def _stop(self, code: int) -> None:
        if self.code is None:
            self.code = code
            self._record.add("machine", "exited", pid=self.pid, code=code)
            self._end.set()

    async def read(self) -> bytes:
        """See the port."""
        try:
            return await self._output.receive()
        except trio.EndOfChannel:
            return b""

    async def write(self, data: bytes) -> None:
        """See the port."""
        await trio.lowlevel.checkpoint()
        if self.code is not None:
            raise BrokenPipeError("it takes no more input")
        self.input += data
        if self._program.echoes:
            self._send.send_nowait(data)

    async def exited(self) -> int:
        """See the port."""
        await self._end.wait()
        assert self.code is not None
        return self.code

    def signal(self, how: Literal["term", "kill"]) -> int:
        """See the port."""
        if self.code is not None:
            return 0
        self.signals.append(how)
        self._record.add("machine", "signal", pid=self.pid, signal=how)
        if how == "kill" or not self._program.ignores_term:
            self._stop(-(signal.SIGKILL if how == "kill" else signal.SIGTERM))
        return 1

    async def gone(self) -> None:
        """See the port."""
        await self._end.wait()

    def close(self) -> None:
        """See the port."""


class FakeProcesses:
    """The machine of a World: what its commands do, and what lives on it.

    Attributes:
        started: every process, in order.
        full: it can start no more: it is out of descriptors, or of processes.
    """

    def __init__(self, nursery: trio.Nursery, record: Record | None = None) -> None:
        self._nursery = nursery
        self._record = record or Record()
        self._programs: dict[str, Program] = {}
        self.started: list[FakeProcess] = []
        self.full = False

    def script(
        self,
        command: str,
        *,
        prints: Sequence[tuple[float, str]] = (),
        ends_s: float | None = 0.0,
        code: int = 0,
        ignores_term: bool = False,
        echoes: bool = False,
    ) -> None:
        """What this command does from now on. One without a script is one that a shell does not know."""
        self._programs[command] = Program(prints, ends_s, code, ignores_term, echoes)

    @property
    def alive(self) -> list[FakeProcess]:
        """Those that live now."""
        return [process for process in self.started if process.code is None]

    confined = False

    async def start(
        self, command: str, env: Mapping[str, str], *, stdin: bool, folder: str | None = None
    ) -> FakeProcess:
        """See the port."""
        if self.full:
            self._record.add("machine", "full", command=command)
            raise OSError(errno.EMFILE, "Too many open files")
        unknown = Program(((0.0, f"sh: 1: {command.split()[0]}: not found\n"),), 0.0, 127)
        program, pid = self._programs.get(command, unknown), 1000 + len(self.started)
        process = FakeProcess(program, command, env, pid, self._record)
        self.started.append(process)
        self._record.add("machine", "started", pid=pid, command=command)
        self._nursery.start_soon(process.live, name=f"program {command}")
        return process

    def left(self, of: LeftProcesses) -> FakeGroup:
        """See the port."""
        spared = {boot_mark(of.mark, boot) for boot in (of.boot, *of.spared)}
        marked = [
            process
            for process in self.alive
            if process.env[BOOT].startswith(f"{of.mark}.") and process.env[BOOT] not in spared
        ]
        return FakeGroup(marked)


class FakeGroup:
    """A Group of programs in memory."""

    def __init__(self, processes: Sequence[FakeProcess]) -> None:
        self._processes = processes

    def signal(self, how: Literal["term", "kill"]) -> int:
        """See the port."""
        return sum(process.signal(how) for process in self._processes)

    async def gone(self) -> None:
        """See the port."""
        for process in self._processes:
            await process.gone()

    def close(self) -> None:
        """See the port."""
