"""The life of a process, from its start to its end.

    work nursery
    └ process 3          reads it, looks at its lines, waits for its end, writes that down

Who ends a process writes first: a reset and a stop commit the end of its row, and `Background.end` follows
from that commit. A stop of the gateway only cancels the task: the row stays `running`, and the next boot
marks it as lost. However the task is left, the reaper gets the process group.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import trio

from hermes_trio.errors import Fenced
from hermes_trio.ports.process import Process, Processes
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.processes.denylist import refused
from hermes_trio.processes.environment import process_environment
from hermes_trio.processes.output import Cleaner, HeadAndTail, Lines, last_of
from hermes_trio.processes.reaper import Reaper
from hermes_trio.processes.watched_lines import INTERVAL_S, PER_PROCESS, PER_SESSION, Watch
from hermes_trio.runtime.redaction import seeks
from hermes_trio.runtime.retry import uncut, until_stored
from hermes_trio.runtime.supervise import attempt, first_leaf
from hermes_trio.runtime.threads import Aside, unless_short
from hermes_trio.text import sentences
from hermes_trio.text.foreign_errors import told
from hermes_trio.values.process import LeftProcesses, NewProcess, ProcessEnd

HEAD_CHARS, TAIL_CHARS = 16_000, 48_000
TOLD_CHARS = 2000
LAST_WORDS_S = 0.5
SHORT_COMMAND = 4096
"""A longer command (in characters) is checked in a thread. To check one of this length takes 10 ms at most,
and one of 32 KiB up to 0.1 s."""

RESTS, REST_MAX_S = 9.0, 1.0
"""After a piece of output was taken, the process is not read for a pause: `RESTS` times as long as that took,
at most `REST_MAX_S`. (It may have taken long only because the machine was busy.)"""


class LiveProcess:
    """A process of this boot that runs.

    Attributes:
        left: set when the program has ended.
        ended: set when its task has left; its end is written down by then, if the disk took it.
        code: its exit code, once the program has ended.
    """

    def __init__(
        self, id: int, born: NewProcess, process: Process, watch: Watch | None, redact: Callable[[str], str]
    ) -> None:
        self.id = id
        self.born = born
        self.process = process
        self.began = trio.current_time()
        self.scope = trio.CancelScope()
        self.ended = trio.Event()
        self.code: int | None = None
        self.killed = False
        self.watch = watch
        self.matched = trio.Event()
        self.left = trio.Event()
        self.read_out = trio.Event()
        self._cleaner = Cleaner(seeks(redact))
        self._kept = HeadAndTail(HEAD_CHARS, TAIL_CHARS)
        self._lines = Lines()

    def take(self, data: bytes) -> None:
        """Take a piece of its output; b"": there is no more."""
        text = self._cleaner.feed(data) if data else self._cleaner.end()
        self._kept.add(text)
        if self.watch is None:
            return
        lines = self._lines.add(text)
        if self.watch.look(lines if data else [*lines, *self._lines.end()]):
            self.matched.set()

    def text(self, since: int = 0) -> str:
        """What it has printed from this position on. The middle of a long output is not kept."""
        return self._kept.since(since) + self._cleaner.open_line

    @property
    def position(self) -> int:
        """The end of what it has printed so far: the `since` of the next `text`."""
        return self._kept.length


class Background:
    """The processes of this boot.

    Args:
        environ: the gateway's own environment. A process gets of it what a shell needs.
        redact: replaces secrets in commands and outputs.
        aside: runs the check of a long command in a thread.
        nursery: owns the tasks of the processes.
        may_act: called right before a program is started; returns if the boot may still act.
        folder: makes the folder of a conversation, in which its programs begin; None: it has none.
    """

    def __init__(
        self,
        store: Store,
        processes: Processes,
        reaper: Reaper,
        environ: Mapping[str, str],
        redact: Callable[[str], str],
        aside: Aside,
        log: Log,
        nursery: trio.Nursery,
        may_act: Callable[[], Awaitable[None]],
        folder: Callable[[int], Awaitable[str | None]],
    ) -> None:
        self.store = store
        self.redact = redact
        self._processes = processes
        self._reaper = reaper
        self._environ = environ
        self._aside = aside
        self._log = log
        self._nursery = nursery
        self._may_act = may_act
        self._folder = folder
        self.live: dict[int, LiveProcess] = {}

    def cancel(self, why: str) -> None:
        """The gateway stops: end every process. Its row stays `running`, for the next boot."""
        for live in self.live.values():
            live.scope.cancel(reason=why)

    def reap(self, left: LeftProcesses) -> None:
        """End what older boots have left running."""
        if left.any:
            self._reaper.take(self._processes.left(left), "older boots")

    def end(self, processes: Sequence[int]) -> None:
        """End these processes. Returns at once. A row that has no end yet will say `killed`."""
        for id in processes:
            live = self.live.get(id)
            if live is not None and not live.killed:
                live.killed = True
                self._reaper.take(live.process, f"process {id}", close=False)

    async def start(
        self, born: NewProcess, command: str, session: int, watch: Sequence[str] = ()
    ) -> LiveProcess:
        """Start a command: write its row, then start the program.

        Raises:
            PermissionError: the denylist refuses it.
            StaleTurn: the turn has ended.
            OSError: the machine could not start it.
        Cancelled: either it was not started, and its row says that it has ended, or it runs on by itself.
        """
        if not self._processes.confined:
            await self._look_at(command)
        folder = await self._folder(session)
        mark = await until_stored(lambda: self.store.begin_process(born))
        env = process_environment(
            self._environ,
            mark=mark.mark,
            boot=mark.boot,
            session=session,
            turn=born.turn,
            process=mark.process,
        )
        try:
            await self._may_act()
            process = await self._processes.start(command, env, stdin=not born.foreground, folder=folder)
        except BaseException:
            await self._never_was(mark.process)
            raise
        live = LiveProcess(mark.process, born, process, Watch(watch) if watch else None, self.redact)
        self.live[live.id] = live
        self._nursery.start_soon(self._live, live, name=f"process {live.id}")
        self._log.info("process started", process=live.id, key=str(born.key), turn=born.turn, pid=process.pid)
        return live

    async def _look_at(self, command: str) -> None:
        """Raises PermissionError: the denylist refuses it."""
        look = partial(refused, command)
        if (why := await unless_short(self._aside, look, len(command), short=SHORT_COMMAND)) is not None:
            raise PermissionError(f"refused: {why}. No setting allows this command")

    async def _never_was(self, process: int) -> None:
        """Write the end of a row whose program was not started, also if the caller was cancelled."""

        async def end() -> None:
            await until_stored(uncut(lambda: self.store.end_process(process, "killed", None, "", "")))

        try:
            await end()
        except trio.Cancelled:
            self._nursery.start_soon(end, name=f"end of process {process}")
            raise

    async def _live(self, live: LiveProcess) -> None:
        failed: Exception | None = None
        try:
            with live.scope:
                failed = (await attempt(lambda: self._follow(live)))[1]
        finally:
            self._reaper.take(live.process, f"process {live.id}")
            self.live.pop(live.id, None)
            live.ended.set()
        if failed is not None and not isinstance(first_leaf(failed), Fenced):
            self._log.error("process failed", process=live.id, error=told(first_leaf(failed)))

    async def _follow(self, live: LiveProcess) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._record, live, name=f"pid of process {live.id}")
            nursery.start_soon(self._read, live, name=f"output of process {live.id}")
            if live.watch is not None:
                nursery.start_soon(self._report, live, live.watch, name=f"lines of process {live.id}")
            code = await live.process.exited()
            live.left.set()
            # A program that it has left in its group may hold the output open.
            with trio.move_on_after(LAST_WORDS_S):
                await live.read_out.wait()
            nursery.cancel_scope.cancel(reason="it has ended")
        live.take(b"")
        live.code = code
        await self._write_end(live, code)

    async def _record(self, live: LiveProcess) -> None:
        process = live.process
        runs = await until_stored(
            uncut(lambda: self.store.process_runs(live.id, process.pid, process.started))
        )
        if not runs:
            self.end([live.id])

    async def _read(self, live: LiveProcess) -> None:
        """Take what the process prints. All processes together get a tenth of the loop's time: one that
        prints more than that waits at its full pipe. After its end the rest is taken at once."""
        while data := await live.process.read():
            began = trio.current_time()
            live.take(data)
            took = trio.current_time() - began
            with trio.move_on_after(min(took * RESTS * len(self.live), REST_MAX_S)):
                await live.left.wait()
        live.read_out.set()

    async def _report(self, live: LiveProcess, watch: Watch) -> None:
        while True:
            await live.matched.wait()
            if not await self._tell_lines(live, watch):
                live.watch = None
                return
            await trio.sleep(INTERVAL_S)

    async def _tell_lines(self, live: LiveProcess, watch: Watch) -> bool:
        live.matched = trio.Event()
        told = sentences.process_match_note(live.id, live.born.command, watch.take())
        match = partial(self.store.match_process, live.id, told)
        return await until_stored(uncut(lambda: match(per_process=PER_PROCESS, per_session=PER_SESSION)))

    async def _write_end(self, live: LiveProcess, code: int) -> None:
        born, seconds = live.born, trio.current_time() - live.began
        if live.watch is not None and live.matched.is_set() and not born.notify:
            await self._tell_lines(live, live.watch)
        output = self.redact(live.text())
        told = (
            ""
            if born.foreground
            else sentences.process_exit_note(
                live.id, born.command, code, seconds, last_of(output, TOLD_CHARS)
            )
        )
        shown = "" if born.foreground else output
        how: ProcessEnd = "killed" if live.killed else "exited"
        await until_stored(uncut(lambda: self.store.end_process(live.id, how, code, shown, told)))
        self._log.info(
            "process ended", process=live.id, key=str(born.key), state=how, code=code, seconds=seconds
        )
