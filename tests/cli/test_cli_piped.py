"""`run` and `chat` without a terminal: lines of a pipe or a file are answered one by one, then exit 0."""

from __future__ import annotations

import os
import subprocess

import pytest
import trio

from tests.daemon.process import HERMES, program

ANSWERS = "you said: hi\nyou said: there\nyou said: you\n"
COMMANDS = pytest.mark.parametrize("command", ["run", "chat"])


@COMMANDS
async def test_each_line_of_a_pipe_gets_its_answer(run, command):
    done = await run(command, stdin=b"hi\nthere\n\nyou")
    assert (done.returncode, done.stdout) == (0, ANSWERS), done.stderr


@COMMANDS
async def test_each_line_of_a_file_gets_its_answer(start, tmp_path, command):
    (tmp_path / "lines").write_text("hi\nthere\nyou\n")
    file = os.open(tmp_path / "lines", os.O_RDONLY)
    try:
        async with start(command, stdin=file) as asked:
            shown = b""
            while piece := await asked.process.stdout.receive_some():
                shown += piece
            assert (shown.decode(), await asked.ends()) == (ANSWERS, 0)
    finally:
        os.close(file)


@COMMANDS
async def test_no_line_is_refused_for_those_before_it(run, command):
    lines = "".join(f"line {n}\n" for n in range(150))
    done = await run(command, stdin=lines.encode())
    assert done.returncode == 0
    assert done.stdout == "".join(f"you said: line {n}\n" for n in range(150))


@COMMANDS
async def test_an_empty_pipe_ends_well(run, command):
    done = await run(command, stdin=b"")
    assert (done.returncode, done.stdout) == (0, "")


@COMMANDS
async def test_with_nothing_to_read_it_says_what_to_do(run, command):
    done = await run(command, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.count("\n") == 1
    assert "standard input is no terminal, pipe or file" in done.stderr
    assert "pipe lines into it" in done.stderr


@COMMANDS
async def test_a_closed_input_is_nothing_to_read(tmp_path, command):
    async with program("sh", "-c", 'exec "$@" <&-', "sh", HERMES, command, home=tmp_path) as daemon:
        assert await daemon.ends() == 78
    assert "standard input is no terminal, pipe or file" in daemon.text


@COMMANDS
async def test_a_pipe_that_never_ends_is_answered_and_can_be_stopped(start, command):
    async with start(command, stdin=subprocess.PIPE) as daemon:
        await daemon.process.stdin.send_all(b"hi\n")
        with trio.fail_after(8):
            assert await daemon.process.stdout.receive_some() == b"you said: hi\n"
        assert await daemon.stop() == 0
