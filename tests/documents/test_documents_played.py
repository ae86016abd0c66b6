"""What the documents show of a terminal is what a terminal shows, times and numbers aside."""

from __future__ import annotations

import re
import subprocess
import time

import pytest

from tests.documents import pages
from tests.documents.conftest import HERMES

WRONG = "[gateway]\ndrain_timeout = 20\n[model]\nprovider = 'openay'\n"
DAEMON = "[gateway]\nstate_dir = 'state'\n[model]\nprovider = 'echo'\n[platforms.websocket]\n"
READY_S = 10.0


def plain(text):
    """Times, numbers, folders and white space aside."""
    text = re.sub(r"\S+/hermes\.toml", "hermes.toml", text)
    text = re.sub(r"\d[\d:.-]*", "0", text)
    return [" ".join(line.split()) for line in text.splitlines()]


class Stage:
    """A folder in which command lines of the documents are played."""

    def __init__(self, folder, examples):
        self.folder, self._examples = folder, examples

    def run(self, line, input=""):
        """What a command line writes, both streams as they come."""
        words = line.replace("hermes-trio", f"{HERMES}")
        done = self._examples.run("sh", "-c", f"({words}) 2>&1", cwd=self.folder, input=input)
        return done.stdout

    def play(self, block):
        """The block as the terminal shows it now."""
        lines = re.findall(r"^\$ (.+)$", block.text, re.MULTILINE)
        return "".join(f"$ {line}\n{self.run(line)}" for line in lines)


def played(name):
    [block] = [
        block for block in pages.of("console", "played") + pages.of("", "played") if block.name == name
    ]
    return block


@pytest.fixture
def stage(tmp_path, examples):
    return Stage(tmp_path, examples)


@pytest.fixture
def daemon(stage, examples):
    """A daemon that has had one message, and its log lines; it ends with the test."""
    (stage.folder / "hermes.toml").write_text(DAEMON)
    log = stage.folder / "log"
    with log.open("w") as err:
        process = subprocess.Popen(
            [HERMES, "run", "--config", "hermes.toml"],
            cwd=stage.folder,
            stdin=subprocess.DEVNULL,
            stderr=err,
            env={"HOME": str(stage.folder)},
        )
    try:
        give_up_at = time.monotonic() + READY_S
        while "event=ready" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < give_up_at, log.read_text()
            time.sleep(0.02)
        stage.run("hermes-trio chat", input="hello\n")
        yield log
        process.terminate()
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.wait()


def test_every_played_block_is_played():
    blocks = pages.of("console", "played") + pages.of("", "played")
    assert sorted(block.name for block in blocks) == ["after a chat", "daemon", "pipe", "ready", "wrong"]


def test_a_wrong_configuration(stage):
    (stage.folder / "hermes.toml").write_text(WRONG)
    assert plain(stage.play(played("wrong"))) == plain(played("wrong").text)


def test_a_first_conversation(stage):
    stage.run("hermes-trio chat", input="hello\n/nwe\n")
    assert plain(stage.play(played("after a chat"))) == plain(played("after a chat").text)


def test_a_pipe(stage):
    assert plain(stage.play(played("pipe"))) == plain(played("pipe").text)


def test_a_daemon(stage, daemon):
    assert plain(stage.play(played("daemon"))) == plain(played("daemon").text)
    [ready] = [line for line in daemon.read_text().splitlines() if "event=ready" in line]
    assert plain(ready) == plain(played("ready").text)
