"""`make demo`: a conversation that is cut short by kill -9, and goes on where it was. No account, no key.

A real daemon is asked over its websocket to take five steps: three stamps with sleeps between them. It is
killed in the middle of the second sleep and started again. What happens is printed as it happens, and each
claim is checked: the exit code is 1 if one of them is not so. `make picture` writes what was told to
`docs/picture.svg`, if all of it was so.
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import SystemRandom

import trio
from hermes_websocket import Known, connect

from hermes_trio.daemon.control.requests import AskStatus, Status, ask
from hermes_trio.daemon.state_dir.folder import STORE
from tests.crash.effects import offer_tools
from tests.crash.process import Daemon
from tests.crash.process import ask as ask_program
from tests.demo.picture import Line, draw, same_each_run
from tests.demo.telling import LOOK_S, NotSo, Teller

CONFIG = """
[gateway]
state_dir = "state"
[model]
provider = "echo"
[tools]
enable = ["stamp", "sleep"]
[platforms.websocket]
"""
WISH = """\
!tool stamp {"text": "first"}
!tool sleep {"s": 2}
!tool stamp {"text": "second"}
!tool sleep {"s": 2}
!tool stamp {"text": "third"}
all done?"""
ANSWER = """\
you said: all done?
stamp: stamped
sleep: Slept 2 s.
stamp: stamped
sleep: Slept 2 s.
stamp: stamped"""
STEPS = ("stamp", "sleep", "stamp", "sleep", "stamp")
LONGEST_S = 50.0
MUST_LINE_UP_S = 0.1


class Demo(Teller):
    """The folder of a demo, its daemon, and what has been told so far."""

    def __init__(self, folder: Path, told: list[Line]) -> None:
        super().__init__(told)
        self._folder = folder
        self._config = folder / "hermes.toml"
        self._stamps = folder / "stamps"
        self._known = Known()
        self.answers: list[str] = []
        self._config.write_text(CONFIG)
        offer_tools(folder / "site", Path(__file__).with_name("stamp_tool.py"), ["stamp"])

    @property
    def _state_dir(self) -> Path:
        return self._folder / "state"

    @property
    def _environ(self) -> dict[str, str]:
        own = {"PYTHONPATH": str(self._folder / "site"), "STAMPS": str(self._stamps)}
        return {"PATH": os.environ["PATH"], "HOME": str(self._folder), **own}

    # -- the story

    async def play(self) -> None:
        """Play it. Raises NotSo."""
        async with trio.open_nursery() as nursery:
            first = await self._start(nursery)
            await self._say()
            await self._see_stamped(2)
            await self._until_second_sleep()
            await self._kill(first)
            second = await self._start(nursery)
            await self._see_it_resumed(second)
            await self._hear(second)
        self._see_the_stamps(first, second)
        await self._see_the_ledger()

    async def _start(self, nursery: trio.Nursery) -> Daemon:
        daemon = Daemon(self._config, self._environ)
        await nursery.start(daemon.run)
        await daemon.ready()
        self.tell(f"the daemon is ready: pid {daemon.pid}", style="bold")
        return daemon

    async def _say(self) -> None:
        async with self._conversation() as conversation:
            await conversation.say(WISH)
        self.tell("you ask for five steps, and the daemon has your message for good:")
        for number, line in enumerate(WISH.splitlines()[: len(STEPS)], 1):
            self.tell(f"    step {number}: {line.removeprefix('!tool ')}", style="dim")

    def _conversation(self):
        return connect(self._state_dir, client="you", chance=SystemRandom(), known=self._known)

    def _stamps_made(self) -> list[list[str]]:
        if not self._stamps.exists():
            return []
        return [line.split() for line in self._stamps.read_text().splitlines()]

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110 (what another process does is no event here)
            await trio.sleep(LOOK_S)

    async def _see_stamped(self, number: int) -> None:
        """Tell of so many stamps, each as it is made."""
        for seen in range(number):
            await self._until(lambda seen=seen: len(self._stamps_made()) > seen)
            text, pid, _ = self._stamps_made()[seen]
            self.tell(f"step {2 * seen + 1} is done: the stamp {text!r}, by pid {pid}")

    async def _until_second_sleep(self) -> None:
        """It sleeps for the second time, as an operator sees it."""

        def sleeps() -> bool:
            status = ask(self._state_dir, AskStatus())
            assert isinstance(status, Status)
            assert status.store is not None
            return any(turn.step.startswith("tool sleep#2") for turn in status.store.running)

        await self._until(sleeps)
        await trio.sleep(0.5)
        self.tell("step 4, the second sleep, is under way")

    async def _kill(self, daemon: Daemon) -> None:
        daemon.signal(signal.SIGKILL)
        await daemon.ended()
        self.tell(f"kill -9 {daemon.pid}", style="bold red")
        with closing(sqlite3.connect(f"file:{self._state_dir / STORE}?mode=ro", uri=True)) as store:
            steps = store.execute("select name, state from step where name like 'tool %'").fetchall()
        done = sum(state == "done" and "/" not in name for name, state in steps)
        sleeps = [name.partition("#")[0] for name, state in steps if state == "intent"]
        self.claim(
            (done, sleeps) == (3, ["tool sleep"]),
            "on its disk: steps 1, 2, 3 with their results; step 4 with the time when it ends; nothing of 5",
        )

    async def _see_it_resumed(self, daemon: Daemon) -> None:
        await daemon.says("turn opened")
        resumed = len(daemon.said("turn opened", "turn=1", "attempt=2")) == 1
        self.claim(resumed, "it found turn 1 interrupted and goes on with it: attempt 2, from step 4")

    async def _hear(self, daemon: Daemon) -> None:
        """Read what it says until it has stopped: that is all it ever said."""
        async with self._conversation() as conversation:
            async for delivery in conversation:
                if delivery.said == "final" and delivery.part is not None:
                    self.answers.append(delivery.part.text)
                    self.tell("the answer:")
                    for line in delivery.part.text.splitlines():
                        self.tell(f"    {line}", style="cyan")
                    daemon.signal(signal.SIGTERM)
        self.claim(await daemon.ended() == 0, "the daemon was asked to stop and has stopped")
        self.claim(self.answers == [ANSWER], "the answer came whole, and once")

    def _see_the_stamps(self, first: Daemon, second: Daemon) -> None:
        made = self._stamps_made()
        by = [(text, int(pid)) for text, pid, _ in made]
        once = [("first", first.pid), ("second", first.pid), ("third", second.pid)]
        self.claim(
            by == once, "steps 1, 3 and 5 ran once each: two stamps by the first pid, one by the second"
        )
        slept = float(made[2][2]) - float(made[1][2])
        self.claim(slept >= 2 - MUST_LINE_UP_S, f"step 4 slept {slept:.1f} s in all, the kill included")

    async def _see_the_ledger(self) -> None:
        rows = await ask_program(self._config, self._environ, "ledger")
        self.claim(
            [(row["outcome"], row["turn"]) for row in rows] == [("answered", 1)],
            "hermes-trio ledger: 1 message in, answered, by turn 1",
        )


async def play(told: list[Line]) -> int:
    """Play the demo in a folder that is gone afterwards; its lines are in `told`. Returns the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="hermes-trio-demo-"))
    code = 0
    try:
        with trio.fail_after(LONGEST_S):
            await Demo(folder, told).play()
    except* NotSo:
        code = 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return code


def main(picture: str = "") -> int:
    """Play the demo, and draw it into the file `picture` if all of it was so. Returns the exit code."""
    told: list[Line] = []
    code = trio.run(play, told)
    if picture and code == 0:
        Path(picture).write_text(draw(same_each_run(told)), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
