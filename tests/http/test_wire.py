"""The fake way to a server: what it does to a connection, on both sides of it."""

from __future__ import annotations

from functools import partial

import pytest
import trio

from tests.fakes.wire import Wire

WITHIN_S = 5.0


class Echo:
    """A server that says what it hears, and knows when its clients have gone."""

    def __init__(self) -> None:
        self.gone = trio.Event()
        self.port = 0

    async def answer(self, stream: trio.SocketStream) -> None:
        try:
            while data := await stream.receive_some():
                await stream.send_all(data)
        except trio.BrokenResourceError:
            pass
        self.gone.set()

    async def connect(self) -> trio.SocketStream:
        return await trio.open_tcp_stream("127.0.0.1", self.port)


@pytest.fixture
async def echo(nursery):
    made = Echo()
    [listener] = await nursery.start(partial(trio.serve_tcp, made.answer, 0, host="127.0.0.1"))
    made.port = listener.socket.getsockname()[1]
    return made


@pytest.fixture
async def wire(nursery, echo):
    made = Wire(echo.connect)
    made.port = await nursery.start(made.serve)
    return made


@pytest.fixture
async def client(wire):
    async with await trio.open_tcp_stream("127.0.0.1", wire.port) as stream:
        yield stream


async def says(client, text=b"hello"):
    await client.send_all(text)
    with trio.fail_after(WITHIN_S):
        return await client.receive_some()


async def test_what_is_said_is_passed_on_both_ways_and_seen(wire, client):
    seen = []
    wire.seen = seen.append
    assert await says(client) == b"hello"
    assert seen == [b"hello"]
    assert wire.ever == 1


async def test_a_cut_is_a_reset_on_both_sides_and_the_next_connection_is_well(wire, client, echo):
    await says(client)
    wire.cut()
    with pytest.raises(trio.BrokenResourceError):
        await says(client)
    with trio.fail_after(WITHIN_S):
        await echo.gone.wait()
    async with await trio.open_tcp_stream("127.0.0.1", wire.port) as again:
        assert await says(again) == b"hello"


async def test_where_it_refuses_new_connections_are_reset_until_it_is_healed(wire, client):
    wire.refuse()
    async with await trio.open_tcp_stream("127.0.0.1", wire.port) as again:
        with pytest.raises(trio.BrokenResourceError):
            await says(again)
    wire.heal()
    async with await trio.open_tcp_stream("127.0.0.1", wire.port) as again:
        assert await says(again) == b"hello"


async def test_half_closed_the_server_sees_an_end_and_the_client_nothing(wire, client, echo):
    await says(client)
    wire.half_close()
    with trio.fail_after(WITHIN_S):
        await echo.gone.wait()
    await client.send_all(b"is anybody there?")
    with trio.move_on_after(0.1) as scope:
        await client.receive_some()
    assert scope.cancelled_caught
    wire.heal()
    with trio.fail_after(WITHIN_S):
        assert await client.receive_some() == b""


async def test_a_slow_way_is_late_each_way(wire, client):
    wire.slow(0.05)
    began = trio.current_time()
    assert await says(client) == b"hello"
    assert trio.current_time() - began >= 0.1


async def test_what_was_swallowed_arrives_when_it_is_healed(wire, client):
    wire.swallow()
    await client.send_all(b"hello")
    with trio.move_on_after(0.1) as scope:
        await client.receive_some()
    assert scope.cancelled_caught
    wire.heal()
    with trio.fail_after(WITHIN_S):
        assert await client.receive_some() == b"hello"


async def test_an_answer_that_was_lost_was_asked_for(wire, client):
    seen = []
    wire.seen = seen.append
    wire.lose_answers()
    await client.send_all(b"hello")
    with trio.move_on_after(0.1) as scope:
        await client.receive_some()
    assert scope.cancelled_caught
    assert seen == [b"hello"]
    wire.cut()
    with pytest.raises(trio.BrokenResourceError):
        await says(client)
