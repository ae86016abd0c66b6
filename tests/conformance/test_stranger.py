"""A stranger's package, built outside the tree, found by its entry points, and held by its own test."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "hermes-wall"
version = "1.0"
dependencies = ["hermes-trio"]

[project.entry-points."hermes_trio.platforms"]
wall = "hermes_wall:adapter"

[project.entry-points."hermes_trio.tools"]
measure = "hermes_wall:measure"

[project.entry-points."hermes_trio.commands"]
wipe = "hermes_wall:wipe"
"""

PACKAGE = '''
"""A wall that people write on: a platform in one process, a tool that measures, a command that wipes."""

from contextlib import nullcontext
from types import SimpleNamespace

import msgspec
import trio

from hermes_trio import (
    Adapter, Address, Message, NotSent, Policy, Receipt, Reset, SendRefused, Capabilities, split_markdown,
)


class Options(msgspec.Struct, forbid_unknown_fields=True):
    allow_users: tuple[str, ...] = ()


class Wall:
    """What is written, by whom, and how far it was read."""

    def __init__(self):
        self.written, self.read, self.shown, self.there = [], 0, [], True
        self.news = trio.Event()

    def write(self, user, text):
        self.written.append((user, text))
        self.news.set()


class OnTheWall:
    name = "wall"
    capabilities = Capabilities(text_max=200, unit="utf16", takes_key=True)

    def __init__(self, wall, options, account):
        self.account, self._wall = account, wall
        self.policy = Policy(allow_users=options.allow_users)

    def open(self):
        return nullcontext()

    async def serve(self, intake):
        wall = self._wall
        while True:
            intake.received()
            wall.news = trio.Event()
            found = wall.written[wall.read :]
            if not found:
                await wall.news.wait()
                continue
            updates = [
                Message(
                    native=str(wall.read + number),
                    address=Address("wall", self.account, chat="wall", user=user),
                    text=text,
                )
                for number, (user, text) in enumerate(found)
            ]
            await intake.accept(updates, cursor=str(wall.read + len(found)))
            wall.read += len(found)

    async def deliver(self, delivery):
        await trio.lowlevel.checkpoint()
        if delivery.op != "send":
            raise SendRefused(f"a wall cannot {delivery.op}")
        if not self._wall.there:
            raise NotSent("no wall")
        if delivery.key not in [key for key, _ in self._wall.shown]:
            self._wall.shown.append((delivery.key, delivery.part.text))
        return Receipt(delivery.key)

    def split(self, text):
        return split_markdown(text, limit=self.capabilities.text_max - 4, unit=self.capabilities.unit)


THE_WALL = Wall()
adapter = Adapter(
    name="wall",
    options=Options,
    build=lambda options, account, context: OnTheWall(THE_WALL, options, account),
)


class Measure:
    name = "measure"
    description = "How many characters a text has on the wall."
    parameters = {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
        "additionalProperties": False,
    }
    idempotent = True

    async def run(self, arguments, call):
        text = arguments.get("text")
        if not isinstance(text, str):
            raise ValueError("text must be a text")
        await trio.lowlevel.checkpoint()
        return {"characters": len(text)}


measure = Measure()


class Wipe:
    names = ("wipe",)
    help = "wipe the wall"
    role = "admin"

    async def run(self, call):
        return Reset("wiped")


wipe = Wipe()
'''

TESTS = '''
"""What its author tests, with public names alone."""

from contextlib import asynccontextmanager

from hermes_wall import OnTheWall, Options, Wall, measure, wipe

from hermes_trio import Address, Reset
from hermes_trio.testing import Service, check_command, check_platform, check_tool


class Street(Service):
    def __init__(self):
        self.wall = Wall()
        self.places = [Address("wall", "main", chat="wall", user="ada")]

    async def push(self, text, place):
        self.wall.write(place.user, text)

    async def shown(self, place):
        return [text for _, text in self.wall.shown]

    async def confirmed(self):
        return self.wall.read

    async def disconnect(self):
        self.wall.there = False

    async def connect(self):
        self.wall.there = True


@asynccontextmanager
async def street():
    yield Street()


async def test_the_platform(autojump_clock):
    report = await check_platform(lambda side: OnTheWall(side.wall, Options(), "main"), street)
    assert {"says_a_key_once", "hands_over_again_what_was_not_durable", "not_connected_is_not_sent"} <= {
        *report.kept
    }


async def test_the_tool(autojump_clock):
    report = await check_tool(measure, good=[{"text": "hello"}, {"text": ""}], effects=lambda: None)
    assert report.skipped == ()


async def test_the_command(autojump_clock):
    assert (await check_command(wipe, texts=["now"], actions={Reset})).skipped == ()
'''

FOUND = """
import importlib.metadata, sys
from hermes_trio import Adapter
for group, name in (("platforms", "wall"), ("tools", "measure"), ("commands", "wipe")):
    [point] = importlib.metadata.entry_points(group=f"hermes_trio.{group}", name=name)
    thing = point.load()
    print(group, type(thing).__name__, sys.modules[point.module].__file__)
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder into which pip has put the stranger's wheel, and that of its tests."""
    folder = tmp_path_factory.mktemp("stranger")
    for name, text in (
        ("hermes-wall/pyproject.toml", PROJECT),
        ("hermes-wall/hermes_wall/__init__.py", PACKAGE),
        ("tests/test_wall.py", TESTS),
        ("tests/pytest.ini", "[pytest]\ntrio_mode = true\n"),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))
    run(folder / "hermes-wall", "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "wheels")
    [wheel] = (folder / "wheels").glob("*.whl")
    run(folder, "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--target", folder / "site", wheel)
    return folder


def run(cwd: Path, *arguments, **environ):
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **environ},
        capture_output=True,
        text=True,
        timeout=80,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-5000:]
    return done.stdout


def path_to(folder):
    here = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(folder / "site"), *([here] if here else [])])


def test_its_entry_points_lead_to_it(installed):
    told = run(installed, "-c", FOUND, PYTHONPATH=path_to(installed)).splitlines()
    kinds = [line.split()[:2] for line in told]
    assert kinds == [["platforms", "Adapter"], ["tools", "Measure"], ["commands", "Wipe"]]
    assert all(str(installed / "site") in line for line in told)


def test_its_own_test_passes(installed):
    command = ("-W", "error", "-m", "pytest", "-p", "no:cacheprovider", "-q", "test_wall.py")
    told = run(installed / "tests", *command, PYTHONPATH=path_to(installed))
    assert told.startswith("...")


def test_the_environment_of_this_test_has_nothing_of_it():
    done = subprocess.run([sys.executable, "-c", "import hermes_wall"], capture_output=True, check=False)
    assert b"No module named 'hermes_wall'" in done.stderr
