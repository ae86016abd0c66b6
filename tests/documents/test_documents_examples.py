"""The examples in the documents do what the documents say."""

from __future__ import annotations

import os
import sys
from contextlib import asynccontextmanager

import pytest
import trio

from tests.documents import pages
from tests.fakes.botapi import FakeBotApi

PROGRAMS = {
    "bot.py": [
        ("hello\n", ["That is the 1. thing you say: hello"]),
        ("again\n", ["That is the 2. thing you say: again"]),
    ],
    "gateway.py": [("hello\n", ["HELLO"])],
}


def test_every_python_block_has_a_role():
    """It is a file, a program, a test, or says why it is not run."""
    idle = [str(block) for block in pages.of("python") if "def test_" not in block.text]
    assert idle == []


def test_every_program_is_run():
    assert {block.name for block in pages.of("python", "program")} == {*PROGRAMS, "telegram_bot.py"}


async def test_the_bot_on_telegram_answers_who_may_speak(tmp_path, nursery):
    """As it stands, but for its owner's id and the address of the service."""
    service = FakeBotApi()
    where = await nursery.start(service.serve)
    source = pages.program("telegram_bot.py")
    placed = source.replace("allow_users=[123456789]", f"allow_users=[42], api_url={where!r}")
    assert placed != source
    (tmp_path / "telegram_bot.py").write_text(placed)
    command = [sys.executable, "-W", "error", "telegram_bot.py"]
    environ = {**os.environ, "TELEGRAM_BOT_TOKEN": service.token}
    async with running(command, tmp_path, environ):
        service.push(43, "let me in")
        service.push(42, "hello")
        assert await service.wait_sent(42, within_s=20) == ["HELLO"]
        assert service.sent(43) == []


@asynccontextmanager
async def running(command, folder, environ):
    process = await trio.lowlevel.open_process(command, cwd=folder, env=environ)
    try:
        yield
    finally:
        process.kill()
        with trio.move_on_after(10, shield=True):
            await process.wait()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_says_what_it_should(name, examples, tmp_path):
    (tmp_path / name).write_text(pages.program(name))
    for said, shown in PROGRAMS[name]:
        done = examples.run(sys.executable, "-W", "error", name, cwd=tmp_path, input=said)
        assert (done.returncode, done.stderr, done.stdout.splitlines()) == (0, "", shown)


def test_the_tests_in_the_documents_pass(examples, tmp_path):
    command = [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider", "-q", examples.tests]
    done = examples.run(*command, cwd=examples.tests, timeout_s=120)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    blocks = [block for block in pages.of("python") if "def test_" in block.text]
    assert done.stdout.count(".") >= len(blocks)
