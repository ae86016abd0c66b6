"""Our own client against our own server, and what waits for a receipt, on a clock that jumps."""

import random

import pytest
import trio
from hermes_websocket import Known, connect
from hermes_websocket.connection import Connection, Refused, greet
from hermes_websocket.connections import Connections
from hermes_websocket.door import find_door
from hermes_websocket.translate import frame_of
from hermes_websocket.wire import Welcome

from hermes_trio.errors import AccountRefused, NotSent, PlatformDown, SendUnknown
from hermes_trio.values.delivery import Choice, Part, Span
from hermes_trio.values.identity import Secret
from tests.websocket.conftest import delivery


def conversation(served, known=None, client="desk"):
    return connect(served.state_dir, client=client, chance=random.Random(client), known=known)


async def test_a_client_says_something_and_reads_what_comes(served, nursery):
    async with conversation(served) as conn:
        message_id = await conn.say("hello", chat="t")
        await conn.press("token")
        assert [(m.native, m.text, m.choice) for m in served.intake.heard] == [
            (f"desk/{message_id}", "hello", None),
            (served.intake.heard[1].native, "", "token"),
        ]
        part = Part("hi", (Span(0, 2, "bold"),))
        sent = delivery(part, key="k", said="prompt", choices=(Choice("t", "Yes"),), thread="t")
        nursery.start_soon(served.platform.deliver, sent, name="deliver")
        seen = await anext(conn)
        assert (seen.op, seen.part, seen.message_id, seen.key) == ("send", part, "k", "k")
        assert (seen.said, seen.choices, seen.address) == (sent.said, sent.choices, sent.address)
        nursery.start_soon(served.platform.deliver, delivery("ho", "edit", message_id="k"), name="deliver")
        assert (await anext(conn)).part == Part("ho")


async def test_saying_and_reading_at_once_do_not_wait_for_each_other(served, nursery):
    seen = []

    async def read(conn):
        async for one in conn:
            seen.append(one.part.text)

    async with conversation(served) as conn:
        nursery.start_soon(read, conn, name="read")
        with trio.fail_after(5):
            for number in range(10):
                await conn.say(f"q{number}")
                await served.platform.deliver(delivery(f"a{number}", key=f"k{number}"))
    assert seen == [f"a{number}" for number in range(10)]
    assert [m.text for m in served.intake.heard] == [f"q{number}" for number in range(10)]


async def test_a_key_that_was_shown_is_confirmed_again_and_not_shown_again(served, nursery):
    known = Known()
    assert known.is_new("k")
    assert known.is_new("other")
    async with conversation(served, known) as conn:
        nursery.start_soon(served.platform.deliver, delivery("x", key="k"), name="deliver")
        nursery.start_soon(served.platform.deliver, delivery("y", key="new"), name="deliver")
        with trio.fail_after(5):
            assert (await anext(conn)).key == "new"


async def test_the_iteration_ends_with_the_connection(served):
    async with conversation(served) as older, conversation(served):
        with trio.fail_after(5):
            assert [one async for one in older] == []
            with pytest.raises((NotSent, SendUnknown)):
                await older.say("x")


async def test_without_a_gateway_or_with_a_wrong_token_there_is_no_conversation(served, tmp_path):
    with pytest.raises(PlatformDown):
        async with connect(tmp_path / "none", client="desk", chance=random.Random(1)):
            pass
    (served.state_dir / "websocket.token").write_text("f" * 64)
    with pytest.raises(AccountRefused):
        async with conversation(served):
            pass
    (served.state_dir / "websocket.port").write_text("1\n127.0.0.1\n")
    with pytest.raises(PlatformDown):
        async with conversation(served):
            pass
    assert find_door(served.state_dir)[2] == Secret("f" * 64)


async def test_an_error_of_the_caller_leaves_as_it_is(served):
    with pytest.raises(KeyError, match="mine"):
        async with conversation(served):
            raise KeyError("mine")


class Quiet:
    """A connection whose client takes frames and confirms nothing."""

    def __init__(self, client="desk"):
        self.client, self.left = client, trio.Event()
        self.put_frames = []

    async def put(self, frame):
        await trio.lowlevel.checkpoint()
        self.put_frames.append(frame)
        return True

    def replace(self):
        self.left.set()


class Leaving(Quiet):
    """A connection that goes as it is given a frame."""

    def __init__(self, connections):
        super().__init__()
        self.connections = connections

    async def put(self, frame):
        await trio.lowlevel.checkpoint()
        self.connections.leave(self)
        return False


async def test_without_a_receipt_for_ten_seconds_nobody_knows(autojump_clock):
    connections, connection = Connections(), Quiet()
    await connections.enter(connection)
    began = trio.current_time()
    with pytest.raises(SendUnknown):
        await connections.ask("desk", frame_of(delivery("x", key="k"), "k"))
    assert trio.current_time() - began == 10
    assert connections.missed("desk") == []


async def test_a_receipt_that_comes_late_answers_the_next_try(autojump_clock):
    connections, connection = Connections(), Quiet()
    await connections.enter(connection)
    frame = frame_of(delivery("x", key="k"), "k")
    with pytest.raises(SendUnknown):
        await connections.ask("desk", frame)
    connections.confirm("desk", "k")
    await connections.ask("desk", frame)
    assert len(connection.put_frames) == 1


async def test_a_connection_that_ended_before_it_took_the_frame_did_not_get_it(autojump_clock):
    connections = Connections()
    await connections.enter(Leaving(connections))
    with pytest.raises(NotSent):
        await connections.ask("desk", frame_of(delivery("x", key="k"), "k"))


async def test_a_client_that_says_nothing_is_sent_away_after_five_seconds(autojump_clock):
    class Silent:
        async def get_message(self):
            await trio.sleep_forever()

    began = trio.current_time()
    with pytest.raises(Refused) as refused:
        await greet(Silent(), Secret("x"))
    assert (refused.value.code, trio.current_time() - began) == (4408, 5)


async def test_a_client_that_reads_nothing_is_cut_off_after_ten_seconds(autojump_clock):
    class Stuck:
        async def send_message(self, message):
            await trio.sleep_forever()

        async def get_message(self):
            await trio.sleep_forever()

    connection, began = Connection(Stuck(), "desk"), trio.current_time()
    await connection.run(None, "main", None, [])
    assert trio.current_time() - began == 10
    assert not await connection.put(Welcome())


async def test_a_cancelled_caller_is_just_cancelled(served):
    with trio.move_on_after(0.05) as scope:
        async with conversation(served) as conn:
            await anext(conn)
    assert scope.cancelled_caught
