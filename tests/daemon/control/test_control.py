"""The operator's socket: who asks is answered, who does not behave is bounded."""

from __future__ import annotations

import contextlib
import socket
from functools import partial

import pytest
import trio

from hermes_trio.daemon.control import server as control_server
from hermes_trio.daemon.control.requests import (
    AskSessions,
    AskStatus,
    Done,
    No,
    NobodyAnswers,
    RestartDaemon,
    StopSession,
    ask,
)
from hermes_trio.daemon.control.server import serve_control
from hermes_trio.errors import ConfigWrong


async def answer(request):
    if isinstance(request, AskSessions):
        raise RuntimeError("the store is away")
    if isinstance(request, RestartDaemon):
        await trio.sleep_forever()
    return Done(text=f"stopped {request.session}")


async def asked(state_dir, request):
    return await trio.to_thread.run_sync(partial(ask, state_dir, request))


async def raw(state_dir, data):
    """What is answered to these bytes."""
    async with await trio.open_unix_socket(str(state_dir / "control.sock")) as stream:
        await stream.send_all(data)
        await stream.send_eof()
        return b"".join([piece async for piece in stream])


@pytest.fixture
async def served(tmp_path, nursery):
    await nursery.start(serve_control, tmp_path, answer)
    return tmp_path


async def test_a_request_is_answered(served):
    assert await asked(served, StopSession(session=7)) == Done(text="stopped 7")


async def test_a_failure_of_the_gateway_is_told_and_ends_nothing(served):
    assert await asked(served, AskSessions()) == No(why="RuntimeError: the store is away")
    assert await asked(served, StopSession(session=7)) == Done(text="stopped 7")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"hello\n",
        b"\xff\xfe\n",
        b'{"type":"explode"}\n',
        b'{"type":"stop","session":"7"}\n',
        b'{"type":"stop","session":99999999999999999999}\n',
        b'{"type":"stop","session":-1}\n',
        b"[" * 10_000 + b"\n",
    ],
)
async def test_what_is_no_request_is_refused_and_ends_nothing(served, data):
    said = await raw(served, data)
    assert said.startswith(b'{"type":"no","why":"not a request')
    assert await asked(served, StopSession(session=7)) == Done(text="stopped 7")


async def test_a_line_without_an_end_is_not_read_to_its_end(served):
    with contextlib.suppress(trio.BrokenResourceError):
        await raw(served, b" " * 1_000_000)
    assert await asked(served, StopSession(session=7)) == Done(text="stopped 7")


async def test_an_answer_that_is_late_is_not_waited_for(served):
    with trio.fail_after(control_server.ANSWER_S + 1):
        assert await asked(served, RestartDaemon()) == No(why="not in time")


async def test_clients_that_say_nothing_keep_nobody_out_and_are_not_waited_for(served):
    with trio.fail_after(control_server.REQUEST_S + 1):
        streams = [await trio.open_unix_socket(str(served / "control.sock")) for _ in range(100)]
        with trio.fail_after(control_server.REQUEST_S / 2):
            assert await asked(served, StopSession(session=7)) == Done(text="stopped 7")
        for stream in streams:
            async with stream:
                assert b"".join([piece async for piece in stream]) == b""


async def test_more_than_can_be_answered_at_once_are_told_so(served):
    async with trio.open_nursery() as nursery:
        said = []

        async def wait():
            said.append(await raw(served, b'{"type":"restart"}\n'))

        for _ in range(control_server.CLIENTS_MAX + 3):
            nursery.start_soon(wait)
    assert said.count(b'{"type":"no","why":"too many ask at once"}\n') == 3
    assert said.count(b'{"type":"no","why":"not in time"}\n') == control_server.CLIENTS_MAX


class Unspeakable(Exception):
    """What an adapter of somebody's might raise."""

    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (AskStatus(), "UnicodeEncodeError: "),
        (AskSessions(), "Unspeakable: its text cannot be read"),
        (StopSession(session=1), "TypeError: "),
        (RestartDaemon(), "OSError: lone \ufffd"),
    ],
)
async def test_an_answer_that_cannot_be_said_ends_nothing(tmp_path, nursery, request_, why):
    async def odd(request):
        match request:
            case AskStatus():
                return Done(text="nick \ud83d in use")
            case AskSessions():
                raise Unspeakable
            case StopSession():
                return Done(text=object())
        raise OSError("lone \ud83d")

    await nursery.start(serve_control, tmp_path, odd)
    for _ in range(2):
        answered = await asked(tmp_path, request_)
        assert isinstance(answered, No)
        assert answered.why.startswith(why)


async def test_a_client_that_is_gone_before_its_answer_ends_nothing(served):
    for _ in range(3):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(served / "control.sock"))
            sock.sendall(b'{"type":"stop","session":7}\n')
    assert await asked(served, StopSession(session=7)) == Done(text="stopped 7")


async def test_a_path_longer_than_a_sockets_address_works(tmp_path, nursery):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    await nursery.start(serve_control, deep, answer)
    assert await asked(deep, StopSession(session=7)) == Done(text="stopped 7")


async def test_a_dead_daemons_socket_is_replaced(tmp_path, nursery):
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    with pytest.raises(NobodyAnswers):
        await asked(tmp_path, AskStatus())
    await nursery.start(serve_control, tmp_path, answer)
    assert await asked(tmp_path, StopSession(session=7)) == Done(text="stopped 7")


async def test_a_folder_that_takes_no_socket_is_the_configurations_fault(tmp_path):
    with pytest.raises(ConfigWrong):
        await serve_control(tmp_path / "missing", answer)


async def test_a_socket_that_somebody_removed_is_named_and_what_brings_it_back(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        (place.state_dir / "control.sock").unlink()
        status = await place.hermes("status")
        assert status.returncode != 0
        assert "control.sock is not there (yet); if somebody removed it, the next start" in status.stderr
        assert await daemon.stop() == 0
