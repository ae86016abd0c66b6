"""`hermes-trio chat`: the terminal as the daemon's one platform, or as a client of the daemon that runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import termios

import pytest
import trio

from tests.terminal.display import Display


async def test_a_line_in_a_pipe_gets_exactly_its_answer(run, tmp_path):
    done = await run("chat", stdin=b"hi\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, "you said: hi\n", "")
    log = (tmp_path / ".local/state/hermes-trio/hermes.log").read_text()
    assert "event=ready" in log


async def test_the_end_of_the_input_waits_until_every_line_has_its_outcome(run):
    lines = "".join(f"line {n}\n" for n in range(50))
    done = await run("chat", stdin=lines.encode())
    assert done.returncode == 0
    assert done.stdout.endswith("you said: line 49\n")
    ledger = await run("ledger", "--json")
    assert ledger.stdout.count('"outcome": "answered"') == 50


async def test_the_next_chat_goes_on_with_the_same_session(run):
    await run("chat", stdin=b"one\n")
    await run("chat", stdin=b"two\n")
    sessions = await run("sessions", "--json")
    assert sessions.stdout.count('"key": "terminal/main/local"') == 1
    assert '"turns": 2' in sessions.stdout


async def test_with_a_key_the_model_is_openai(run):
    done = await run("check", OPENAI_API_KEY="sk-1")
    assert "model: openai/gpt-5.5" in done.stdout


async def test_an_empty_input_ends_at_once(run):
    done = await run("chat", stdin=b"")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


class Terminal:
    """What a user sees of a command that runs on a pseudo-terminal."""

    def __init__(self, master):
        self.master = master
        self.display = Display(60, 20)

    def type(self, text):
        os.write(self.master, text.encode())

    async def shows(self, text, within_s=5):
        with trio.move_on_after(within_s):
            while text not in self.display.text:
                await trio.lowlevel.wait_readable(self.master)
                with contextlib.suppress(OSError):
                    self.display.feed(os.read(self.master, 65536))
        assert text in self.display.text, self.display.text


@pytest.fixture
async def on_a_terminal(tmp_path):
    """Start a command on a terminal: (process, what its user sees)."""
    from tests.daemon.process import HERMES, environ_of

    async with contextlib.AsyncExitStack() as stack:

        async def begin(*arguments):
            master, slave = os.openpty()
            stack.callback(os.close, master)
            termios.tcsetwinsize(slave, (20, 60))
            process = await trio.lowlevel.open_process(
                [HERMES, *map(str, arguments)],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                env=environ_of(tmp_path),
                cwd=tmp_path,
                start_new_session=True,
            )
            os.close(slave)

            async def end():
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()

            stack.push_async_callback(end)
            return process, Terminal(master)

        yield begin


@pytest.mark.parametrize("command", ["chat", "run"])
async def test_on_a_terminal_there_are_answers_and_no_log_lines(on_a_terminal, command):
    process, terminal = await on_a_terminal(command)
    await terminal.shows(">")
    terminal.type("hello\n")
    await terminal.shows("you said: hello")
    terminal.type("\x04")
    with trio.fail_after(5):
        assert await process.wait() == 0
    assert "event=" not in terminal.display.text


async def test_ctrl_c_ends_a_chat_as_asked(on_a_terminal):
    process, terminal = await on_a_terminal("chat")
    await terminal.shows(">")
    process.send_signal(signal.SIGINT)
    with trio.fail_after(5):
        assert await process.wait() == 0
    assert "Traceback" not in terminal.display.text


@pytest.fixture
def with_door(tmp_path):
    (tmp_path / "hermes.toml").write_text(
        '[gateway]\nstate_dir = "state"\n[model]\nprovider = "echo"\n[platforms.websocket]\n'
    )


async def test_a_running_daemon_is_attached_to(with_door, start, run):
    async with start("run") as daemon:
        await daemon.ready()
        done = await run("chat", stdin=b"hi\nthere\n")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "you said: hi\nyou said: there\n"
        assert "websocket/main/pipe-" in (await run("ledger")).stdout
        assert await daemon.stop() == 0


async def test_leaving_an_attached_chat_leaves_the_daemon_alone(with_door, start, on_a_terminal):
    async with start("run") as daemon:
        await daemon.ready()
        process, terminal = await on_a_terminal("chat")
        await terminal.shows(">")
        terminal.type("hello\n")
        await terminal.shows("you said: hello")
        process.send_signal(signal.SIGINT)
        with trio.fail_after(5):
            assert await process.wait() == 0
        assert daemon.process.returncode is None


async def test_a_chat_says_when_its_daemon_goes_away(with_door, start, run):
    async with start("run") as daemon:
        await daemon.ready()
        async with start("chat", stdin=subprocess.PIPE) as chat:
            await chat.process.stdin.send_all(b"hi\n")
            assert await chat.process.stdout.receive_some() == b"you said: hi\n"
            await daemon.stop()
            assert await chat.ends() == 1
            assert "went away" in chat.text
            await chat.process.stdin.aclose()


async def test_a_daemon_without_that_door_says_so(place, run):
    async with place.daemon() as daemon:
        await daemon.ready()
        done = await run("chat", stdin=b"hi\n")
        assert done.returncode == 1
        assert "[platforms.websocket]" in done.stderr
        assert f"pid {daemon.pid}" in done.stderr
