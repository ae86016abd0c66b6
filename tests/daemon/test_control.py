"""The operator's socket: who asks is answered, who does not behave is bounded."""

from __future__ import annotations

import contextlib
import socket
from functools import partial

import pytest
import trio

from hermes_trio.daemon import control_server
from hermes_trio.daemon.control import (
    AskSessions,
    AskStatus,
    Done,
    No,
    NobodyAnswers,
    Restart,
    StopSession,
    ask,
)
from hermes_trio.daemon.control_server import serve_control
from hermes_trio.errors import ConfigWrong


async def answer(request):
    if isinstance(request, AskSessions):
        raise RuntimeError("the store is away")
    if isinstance(request, Restart):
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
        assert await asked(served, Restart()) == No(why="not in time")


async def test_clients_that_say_nothing_are_bounded_in_number_and_time(served):
    said = []
    with trio.fail_after(control_server.REQUEST_S + 1):
        streams = [await trio.open_unix_socket(str(served / "control.sock")) for _ in range(40)]
        for stream in reversed(streams):
            async with stream:
                said.append(b"".join([piece async for piece in stream]))
    assert said == [b'{"type":"no","why":"too many ask at once"}\n'] * 8 + [b""] * 32
    assert await asked(served, StopSession(session=7)) == Done(text="stopped 7")


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
