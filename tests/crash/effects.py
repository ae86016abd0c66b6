"""The outside world that the daemon's tools act on: their package, the file of their effects, and holds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import trio

TOOLS = ("charge", "renew", "wedge")


def offer_tools(site: Path, module: Path, names: Sequence[str]) -> None:
    """Make a folder that, on PYTHONPATH, offers the tools of these names in a module, as if installed."""
    info = site / f"{module.stem}-1.dist-info"
    info.mkdir(parents=True)
    shutil.copy(module, site)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.stem}\nVersion: 1\n")
    points = "".join(f"{name} = {module.stem}:{name}\n" for name in names)
    (info / "entry_points.txt").write_text(f"[hermes_trio.tools]\n{points}")


class Effects:
    """What the tools of a daemon did, and where they are held.

    Args:
        folder: the package goes to `site` in it, the effects to `effects.jsonl`.
        tick: called whenever a tool tells where it is.
    """

    def __init__(self, folder: Path, tick: Callable[[], None] = lambda: None) -> None:
        self.site = folder / "site"
        self.file = folder / "effects.jsonl"
        self.port = 0
        self._on_tick = tick
        self.held: list[tuple[str, str]] = []
        self._holding: dict[str, trio.Event] = {}
        self._changed = trio.Event()
        offer_tools(self.site, Path(__file__).with_name("effects_tool.py"), TOOLS)

    @property
    def environ(self) -> dict[str, str]:
        """What the daemon needs to find the tools, and they to find us."""
        return {
            "PYTHONPATH": str(self.site),
            "EFFECTS": str(self.file),
            "EFFECTS_PORT": str(self.port),
        }

    @property
    def done(self) -> list[dict[str, str]]:
        """The effects, in order."""
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    def hold(self, moment: str) -> None:
        """Hold every tool "before" or "after" its effect, until `release`."""
        self._holding[moment] = trio.Event()

    def release(self) -> None:
        """Let them go on, and hold no more."""
        for event in self._holding.values():
            event.set()
        self._holding.clear()

    async def until(self, condition: Callable[[], object], within_s: float) -> None:
        """Return when this is true; raise trio.TooSlowError if it does not come true."""
        with trio.fail_after(within_s):
            while not condition():
                await self._changed.wait()

    async def wait_held(self, moment: str, count: int = 1, within_s: float = 20.0) -> None:
        """Return when so many tool calls are held at that moment."""
        await self.until(lambda: sum(at == moment for at, _ in self.held) >= count, within_s)

    async def serve(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Listen to the tools until cancelled."""
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        self.port = listeners[0].socket.getsockname()[1]
        async with trio.open_nursery() as nursery:
            await nursery.start(trio.serve_listeners, self._hear, listeners)
            task_status.started()

    async def _hear(self, stream: trio.SocketStream) -> None:
        async with stream:
            line = b""
            with suppress(trio.BrokenResourceError):  # the daemon was killed
                while not line.endswith(b"\n") and (more := await stream.receive_some()):
                    line += more
                if line:
                    await self._told(stream, *json.loads(line))

    async def _told(self, stream: trio.SocketStream, moment: str, what: str) -> None:
        self._on_tick()
        if moment in self._holding:
            self.held.append((moment, what))
            self._tell()
            try:
                await self._kept_back(stream, self._holding[moment])
            finally:
                self.held.remove((moment, what))
        self._tell()
        await stream.send_all(b".")

    async def _kept_back(self, stream: trio.SocketStream, released: trio.Event) -> None:
        """Until released, or until the tool's process is gone."""

        async def watch(scope: trio.CancelScope) -> None:
            with suppress(trio.BrokenResourceError):
                await stream.receive_some()
            scope.cancel()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch, nursery.cancel_scope)
            await released.wait()
            nursery.cancel_scope.cancel()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = trio.Event()
