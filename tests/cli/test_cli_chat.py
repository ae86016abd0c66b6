"""`hermes-trio chat`: the terminal as the daemon's one platform, or as a client of the daemon that runs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import termios

import pytest
import trio

from tests.daemon.process import program
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
    assert done.stdout.replace("you said: ", "") == lines
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


async def test_each_websocket_has_its_own_door_and_the_first_is_attached_to(run, start, tmp_path):
    (tmp_path / "hermes.toml").write_text(
        '[gateway]\nstate_dir = "state"\n[model]\nprovider = "echo"\n'
        "[platforms.websocket.desk]\n[platforms.websocket.door]\n"
    )
    async with start("run") as daemon:
        assert (await daemon.ready())["receiving"] == "websocket/desk,websocket/door"
        names = [f"websocket.{account}.{what}" for account in ("desk", "door") for what in ("port", "token")]
        assert sorted(path.name for path in (tmp_path / "state").glob("websocket.*")) == names
        assert (await run("chat", stdin=b"hi\n")).stdout == "you said: hi\n"
        assert "websocket/desk/pipe-" in (await run("ledger")).stdout
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


async def reads(chat, text):
    """What the chat prints until this has come."""
    shown = b""
    with trio.fail_after(8):
        while text.encode() not in shown:
            shown += await chat.process.stdout.receive_some()
    return shown.decode()


async def went_away(chat, count):
    with trio.fail_after(8):
        while chat.text.count("went away") < count:
            await chat.reads_more()


async def test_a_chat_survives_its_daemon(with_door, start):
    """Killed or stopped, it is started again: what was said meanwhile is answered, all of it once."""
    async with start("run") as first:
        await first.ready()
        async with start("chat", stdin=subprocess.PIPE) as chat:
            await chat.process.stdin.send_all(b"one\n")
            assert await reads(chat, "one") == "you said: one\n"
            await first.kill()
            await went_away(chat, 1)
            await chat.process.stdin.send_all(b"two\n")
            async with start("run") as second:
                assert await reads(chat, "two") == "you said: two\n"
                assert await second.stop() == 0
                await went_away(chat, 2)
                async with start("run") as third:
                    await chat.process.stdin.send_all(b"three\n")
                    assert await reads(chat, "three") == "you said: three\n"
                    await chat.process.stdin.aclose()
                    assert await chat.ends() == 0
                    assert await third.stop() == 0


async def test_what_is_said_around_a_restart_is_answered(with_door, start, run):
    """The drain says what it owes, at once; the chat waits in peace, and its end for what is not answered."""
    async with start("run") as daemon:
        await daemon.ready()
        done = await run("chat", stdin=b"hi\n/restart\nthere\nand now\n")
        assert done.returncode == 0
        for line in ("you said: hi", "Restarting.", "there", "and now"):
            assert line in done.stdout
        assert done.stderr.count("went away") <= 1
        await daemon.ready()
        await daemon.until_said("restarting")
        events = [line["event"] for line in daemon.lines]
        assert "send retried" not in events[: events.index("restarting")]
        (stopping,), (stopped,) = daemon.said("stopping"), daemon.said("stopped")
        assert float(stopped["ts"]) - float(stopping["ts"]) < 4


async def test_a_chat_without_its_daemon_can_be_left(with_door, start):
    async with start("run") as daemon:
        await daemon.ready()
        async with start("chat", stdin=subprocess.PIPE) as chat:
            await chat.process.stdin.send_all(b"one\n")
            await reads(chat, "one")
            await daemon.kill()
            await went_away(chat, 1)
            chat.signal(signal.SIGINT)
            assert await chat.ends() == 0


async def test_a_daemon_that_does_not_come_back_is_not_waited_for_for_ever(with_door, start, tmp_path):
    impatient = (
        "import sys, trio; from pathlib import Path; from hermes_trio.daemon import chat, life;"
        " from hermes_trio.runtime.log import standard_log;"
        " from hermes_trio.runtime.redaction import Redactor;"
        " host = life.system_host(standard_log(), Redactor());"
        " trio.run(lambda: chat.attach(Path('state'), host, returns_s=0.2))"
    )
    async with start("run") as daemon:
        await daemon.ready()
        async with program(sys.executable, "-c", impatient, home=tmp_path, stdin=subprocess.PIPE) as chat:
            await chat.process.stdin.send_all(b"one\n")
            await reads(chat, "one")
            await daemon.kill()
            assert await chat.ends() == 1
            assert "CannotChat: the daemon did not come back" in chat.text


async def test_a_daemon_without_that_door_says_so(place, run):
    async with place.daemon() as daemon:
        await daemon.ready()
        done = await run("chat", stdin=b"hi\n")
        assert done.returncode == 1
        assert "[platforms.websocket]" in done.stderr
        assert f"pid {daemon.pid}" in done.stderr
