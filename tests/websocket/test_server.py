"""The server as a client of another make sees it: the `websockets` library, in a thread."""

import contextlib
import json

import pytest
import trio
from hermes_websocket import Options, Websocket
from hermes_websocket.before_hello import PLACES
from hermes_websocket.websocket import CONNECTIONS_MAX
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from hermes_trio.errors import NotSent
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.values.delivery import Choice, Part, Span
from hermes_trio.values.identity import Address
from tests.heard_intake import HeardIntake
from tests.websocket.conftest import delivery


class Witness:
    """A client that speaks the protocol by hand."""

    def __init__(self, url):
        self._stack = contextlib.ExitStack()
        self._ws = self._stack.enter_context(connect(url, max_size=2**23, compression=None))

    def send(self, frame):
        self._ws.send(frame if isinstance(frame, str | bytes) else json.dumps(frame))

    def receive(self):
        return json.loads(self._ws.recv(timeout=5))

    def close_code(self):
        """Read until the server closes."""
        try:
            while True:
                self._ws.recv(timeout=5)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    def close(self):
        self._stack.close()

    def drop(self):
        """Vanish without a word."""
        self._ws.socket.close()


@contextlib.asynccontextmanager
async def witness(served, hello=None):
    made = await trio.to_thread.run_sync(Witness, served.url)
    try:
        if hello is not None:
            await call(made.send, hello)
            assert await call(made.receive) == {"type": "welcome"}
        yield made
    finally:
        with trio.CancelScope(shield=True):
            await call(made.close)


async def call(function, *args):
    return await trio.to_thread.run_sync(function, *args)


@pytest.mark.parametrize(
    ("first", "code"),
    [
        ({"type": "hello", "token": "wrong", "client": "desk"}, 4401),
        ({"type": "hello", "token": "", "client": "desk"}, 4401),
        ({"type": "hello", "token": "wröng \ud800"[:6], "client": "desk"}, 4401),
        ({"type": "hello", "token": "x", "client": "a/b"}, 4400),
        ({"type": "hello", "token": "x", "client": ""}, 4400),
        ({"type": "hello", "client": "desk"}, 4400),
        ({"type": "message", "id": "1", "text": "let me in"}, 4400),
        ("garbage", 4400),
        (b"bytes", 4400),
        ("[" * 100_000, 4400),
    ],
)
async def test_who_does_not_say_hello_with_the_token_is_sent_away(served, first, code):
    async with witness(served) as client:
        await call(client.send, first)
        assert await call(client.close_code) == code
    assert served.intake.heard == []


async def test_a_message_is_accepted_when_it_is_durable_and_not_before(served):
    served.intake.shut()
    async with witness(served, served.hello()) as client:
        await call(client.send, {"type": "message", "id": "m1", "text": "hé", "chat": "t"})
        await trio.sleep(0.05)
        assert served.intake.heard == []
        served.intake.reopen()
        assert await call(client.receive) == {"type": "accepted", "id": "m1"}
    (message,) = served.intake.heard
    assert (message.native, message.text, message.message_id) == ("desk/m1", "hé", "m1")
    assert message.address == Address("websocket", "main", "desk", "t", "local")


async def test_the_same_message_again_has_the_same_native_id_and_is_accepted_again(served):
    for _ in range(2):
        async with witness(served, served.hello()) as client:
            await call(client.send, {"type": "message", "id": "m1", "text": "x"})
            assert await call(client.receive) == {"type": "accepted", "id": "m1"}
    assert [m.native for m in served.intake.heard] == ["desk/m1", "desk/m1"]


async def test_a_press_is_a_message_with_its_choice(served):
    async with witness(served, served.hello()) as client:
        await call(client.send, {"type": "press", "id": "p", "choice": "tok"})
        assert await call(client.receive) == {"type": "accepted", "id": "p"}
    assert [(m.native, m.choice) for m in served.intake.heard] == [("desk/p", "tok")]


async def test_a_delivery_is_done_when_the_client_has_confirmed_it(served, nursery):
    receipts = []

    async def deliver(what):
        receipts.append(await served.platform.deliver(what))

    async with witness(served, served.hello()) as client:
        part = Part("b c", (Span(0, 1, "bold"), Span(2, 3, "link", "https://x.y")))
        choices = (Choice("t", "Yes"),)
        what = delivery(part, key="k1", said="prompt", choices=choices, reply_to="m1", thread="t")
        nursery.start_soon(deliver, what, name="deliver")
        assert await call(client.receive) == {
            "type": "send",
            "id": "k1",
            "key": "k1",
            "said": "prompt",
            "text": "b c",
            "spans": [[0, 1, "bold", ""], [2, 3, "link", "https://x.y"]],
            "reply_to": "m1",
            "choices": [["t", "Yes"]],
            "chat": "t",
        }
        await trio.sleep(0.02)
        assert receipts == []
        await call(client.send, {"type": "receipt", "id": "another"})
        await call(client.send, {"type": "receipt", "id": "k1"})
        nursery.start_soon(deliver, delivery("b", "edit", message_id="k1", key="k1"), name="deliver")
        edit = await call(client.receive)
        assert edit == {"type": "edit", "id": "k1", "key": edit["key"], "said": "final", "text": "b"}
        assert edit["key"] != "k1"
        await call(client.send, {"type": "receipt", "id": edit["key"]})
        nursery.start_soon(deliver, delivery(op="delete", message_id="k1"), name="deliver")
        deletion = await call(client.receive)
        assert (deletion["type"], deletion["id"]) == ("delete", "k1")
        await call(client.send, {"type": "receipt", "id": deletion["key"]})
        await served.platform.deliver(delivery(op="typing", thread="t"))
        assert await call(client.receive) == {"type": "typing", "chat": "t"}
    assert [receipt.message_id for receipt in receipts] == ["k1", "k1", "k1"]


async def test_half_a_surrogate_pair_does_not_stop_an_answer(served, nursery):
    async with witness(served, served.hello()) as client:
        nursery.start_soon(served.platform.deliver, delivery("a\ud83db", key="k"), name="deliver")
        assert (await call(client.receive))["text"] == "a?b"
        await call(client.send, {"type": "receipt", "id": "k"})


async def test_to_a_client_that_is_not_connected_nothing_is_sent(served):
    with pytest.raises(NotSent, match="not connected"):
        await served.platform.deliver(delivery("x", key="k"))
    with pytest.raises(NotSent):
        await served.platform.deliver(delivery(op="typing"))
    async with witness(served, served.hello("other")):
        with pytest.raises(NotSent):
            await served.platform.deliver(delivery("x", key="k"))


async def test_what_was_not_confirmed_is_sent_again_with_its_key_after_a_reconnect(served):
    async with trio.open_nursery() as nursery:
        async with witness(served, served.hello()) as client:
            nursery.start_soon(served.platform.deliver, delivery("x", key="k"), name="deliver")
            first = await call(client.receive)
            await call(client.drop)
        with trio.fail_after(5):
            async with witness(served, served.hello()) as client:
                assert await call(client.receive) == first
                await call(client.send, {"type": "receipt", "id": "k"})
                await trio.testing.wait_all_tasks_blocked(0.02)
                assert not any("deliver" in task.name for task in nursery.child_tasks)


async def test_what_the_client_has_seen_is_not_sent_again(served):
    async with trio.open_nursery() as nursery:
        async with witness(served, served.hello()) as client:
            nursery.start_soon(served.platform.deliver, delivery("x", key="k"), name="deliver")
            await call(client.receive)
            await call(client.drop)
        with trio.fail_after(5):
            async with witness(served, served.hello(seen="k")) as client:
                await served.platform.deliver(delivery("x", key="k"))  # a later try of the same part
                await served.platform.deliver(delivery(op="typing"))
                assert await call(client.receive) == {"type": "typing"}


async def test_of_two_connections_of_a_client_the_newer_wins(served, nursery):
    async with witness(served, served.hello()) as older, witness(served, served.hello()) as newer:
        assert await call(older.close_code) == 4409
        nursery.start_soon(served.platform.deliver, delivery("x", key="k"), name="deliver")
        assert (await call(newer.receive))["key"] == "k"
        await call(newer.send, {"type": "receipt", "id": "k"})


async def test_twenty_reconnects_at_once_leave_one_connection(served):
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(witness(served)) for _ in range(20)]
        codes, one_left = [], trio.Event()

        async def enter(client):
            await call(client.send, served.hello())
            codes.append(await call(client.close_code))
            if codes == [4409] * 19:
                one_left.set()

        async with trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(enter, client, name="enter")
            with trio.fail_after(10):
                await one_left.wait()
            for client in clients:
                await call(client.close)
        assert codes[19:] == [1000]


async def test_an_over_long_frame_ends_its_connection_and_no_other(served):
    async with witness(served, served.hello("good")) as good:
        async with witness(served, served.hello("bad")) as bad:
            await call(bad.send, {"type": "message", "id": "1", "text": "x" * 2**20})
            assert await call(bad.close_code) == 1009
        await call(good.send, {"type": "message", "id": "1", "text": "y" * (2**20 - 100)})
        assert await call(good.receive) == {"type": "accepted", "id": "1"}
    assert [m.native for m in served.intake.heard] == ["good/1"]


@pytest.mark.parametrize(
    "garbage",
    [
        "{",
        "[]",
        '{"type":"x"}',
        '{"type":"message","id":"","text":"x"}',
        b"\xff\x00",
        "[" * 100_000,
        '{"type":"hello","token":"","client":"a"}',
    ],
)
async def test_a_garbage_frame_is_answered_with_an_error_and_the_next_is_taken(served, garbage):
    async with witness(served, served.hello()) as client:
        await call(client.send, garbage)
        answer = await call(client.receive)
        assert answer["type"] == "error"
        assert served.token not in answer["why"]
        await call(client.send, {"type": "message", "id": "1", "text": "x"})
        assert await call(client.receive) == {"type": "accepted", "id": "1"}


async def test_what_is_no_websocket_harms_nobody(served):
    upgrade = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    key = b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    async with witness(served, served.hello()) as client:
        for bytes_ in (
            b"",
            b"\x00\xff" * 500,
            b"GET / HTTP/1.1\r\n\r\n",
            upgrade + b"\r\n",
            upgrade + key + b"\xff" * 99,
        ):
            stream = await trio.open_tcp_stream(served.host, served.port)
            await stream.send_all(bytes_)
            await trio.sleep(0.01)
            await stream.aclose()
        await call(client.send, {"type": "message", "id": "1", "text": "x"})
        assert await call(client.receive) == {"type": "accepted", "id": "1"}


async def test_a_hundred_connections_are_answered_and_the_next_one_is_not(served):
    async with contextlib.AsyncExitStack() as stack:
        for number in range(100):
            ws = await stack.enter_async_context(served.raw())
            await ws.send_message(json.dumps(served.hello(f"c{number}")))
            assert json.loads(await ws.get_message()) == {"type": "welcome"}
        stream = await trio.open_tcp_stream(served.host, served.port)
        with trio.fail_after(2), contextlib.suppress(trio.BrokenResourceError):
            assert await stream.receive_some() == b""
        await stream.aclose()
        await ws.aclose()
        await trio.sleep(0.05)
        async with witness(served, served.hello("late")):
            pass


async def test_strangers_who_only_connect_keep_nobody_out_and_lose_their_places_to_who_comes(served):
    async with contextlib.AsyncExitStack() as stack:
        strangers = [
            await stack.enter_async_context(await trio.open_tcp_stream(served.host, served.port))
            for _ in range(2 * PLACES)
        ]
        with trio.fail_after(2):
            async with witness(served, served.hello()) as client:
                await call(client.send, {"type": "message", "id": "1", "text": "x"})
                assert await call(client.receive) == {"type": "accepted", "id": "1"}
            for stranger in strangers[:PLACES]:
                with contextlib.suppress(trio.BrokenResourceError):
                    assert await stranger.receive_some() == b""


async def test_clients_that_all_come_at_once_are_all_let_in(served):
    let_in = []

    async def come(number):
        async with served.raw() as ws:
            await ws.send_message(json.dumps(served.hello(f"c{number}")))
            let_in.append(json.loads(await ws.get_message())["type"])

    async with trio.open_nursery() as nursery:
        for number in range(CONNECTIONS_MAX):
            nursery.start_soon(come, number)
    assert let_in == ["welcome"] * CONNECTIONS_MAX


async def test_of_a_stranger_nothing_is_kept_but_a_hello(served):
    half = b"\x81\xff" + (1_000_000).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 900_000
    upgrade = (
        f"GET / HTTP/1.1\r\nHost: {served.host}:{served.port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    async with await trio.open_tcp_stream(served.host, served.port) as stream:
        with trio.fail_after(2), contextlib.suppress(trio.BrokenResourceError):
            await stream.send_all(upgrade.encode() + half)
            while await stream.receive_some():
                pass
    async with witness(served, served.hello()):
        pass


async def test_who_comes_back_is_reachable(served):
    for _ in range(2):
        async with witness(served, served.hello("desk")):
            pass
    assert served.intake.reached == ["desk", "desk"]


async def test_when_the_gateway_goes_down_clients_are_told_and_the_door_is_shut(tmp_path):
    intake = HeardIntake()
    platform = Websocket(Options(host="localhost"), state_dir=tmp_path, chance=seeded_chance("door"))
    async with platform.open():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(platform.serve, intake, name="serve")
            await intake.until(lambda: intake.cycles)
            from tests.websocket.conftest import Served

            served = Served(platform, intake, tmp_path)
            made = await call(Witness, served.url)
            await call(made.send, served.hello())
            await call(made.receive)
            nursery.cancel_scope.cancel()
        assert not (tmp_path / "websocket.port").exists()
        with pytest.raises(OSError, match="connect"):
            await trio.open_tcp_stream(served.host, served.port)
    assert await call(made.close_code) == 1001


async def test_who_is_connected_is_told_what_is_owed_when_nothing_is_taken_any_more(served, nursery):
    async with witness(served, served.hello()) as client:
        await served.stop_serving()
        await call(client.send, {"type": "message", "id": "late", "text": "too late"})
        nursery.start_soon(served.platform.deliver, delivery("owed", key="k1"), name="deliver")
        frame = await call(client.receive)
        assert (frame["type"], frame["text"]) == ("send", "owed")
        assert served.intake.heard == []
