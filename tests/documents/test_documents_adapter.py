"""The adapters of the pages: installed from its wheel, found by entry point, served by the daemon."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from tests.documents import pages
from tests.documents.conftest import HERMES

WAIT_S = 10.0


def configuration(platform):
    [block] = [block for block in pages.of("toml") if f"[platforms.{platform}]" in block.text]
    return block.text


def put(folder, user, name, text):
    (folder / "in" / user).mkdir(parents=True, exist_ok=True)
    (folder / "new").write_text(text)
    (folder / "new").rename(folder / "in" / user / name)


def seen(folder, count):
    """What is in Ada's folder, once it is so much."""
    give_up_at = time.monotonic() + WAIT_S
    found: list[str] = []
    while len(found) < count and time.monotonic() < give_up_at:
        time.sleep(0.02)
        found = [text for path in sorted(folder.glob("out/ada/*.txt")) if (text := path.read_text())]
    return found


@pytest.fixture
def place(tmp_path):
    """The page's configuration in a folder, looking at its files more often than once a second."""
    (tmp_path / "hermes.toml").write_text(configuration("folder") + "every_s = 0.02\n")
    return tmp_path


@pytest.fixture
def daemon(place, examples):
    """Starts daemons; each ends with the test, if it has not before."""
    running = []

    def start():
        environ = {"HOME": str(place), "PATH": os.environ["PATH"], "PYTHONPATH": str(examples.site)}
        with (place / "log").open("a") as log:
            process = subprocess.Popen(
                [HERMES, "run", "--config", "hermes.toml"],
                cwd=place,
                env=environ,
                stdin=subprocess.DEVNULL,
                stderr=log,
            )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_check_knows_it(place, examples):
    done = examples.run(HERMES, "check", cwd=place)
    assert (done.returncode, done.stderr) == (0, "")
    assert "account: folder/main: 1 may speak" in done.stdout


def test_check_knows_the_one_with_a_socket(tmp_path, examples):
    (tmp_path / "hermes.toml").write_text(configuration("line"))
    done = examples.run(HERMES, "check", cwd=tmp_path, LINE_TOKEN="a-token-of-a-line")
    assert (done.returncode, done.stderr) == (0, "")
    assert "account: line/main: 1 may speak" in done.stdout


def test_its_messages_are_answered_also_after_kill_9(place, daemon):
    first = daemon()
    put(place / "mail", "ada", "1.txt", "hello")
    assert seen(place / "mail", 1) == ["you said: hello"], (place / "log").read_text()
    first.kill()
    first.wait()
    put(place / "mail", "ada", "2.txt", "again")
    second = daemon()
    assert sorted(seen(place / "mail", 2)) == ["you said: again", "you said: hello"]
    second.terminate()
    assert second.wait(WAIT_S) == 0


@pytest.mark.parametrize(
    ("group", "name"), [("hermes_trio.platforms", "folder"), ("hermes_trio.commands", "cc")]
)
def test_an_entry_point_leads_to_it(group, name, examples, tmp_path):
    code = (
        f"from hermes_trio.runtime.plugins import installed; found = installed({group!r})[{name!r}]()\n"
        "print(type(found).__module__, found.__class__.__name__)"
    )
    done = examples.run(sys.executable, "-c", code, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
