"""Through pipes and files: every line once, every answer once, and the loop never stands still."""

import os
import random
from pathlib import Path

import pytest
import trio
from hermes_terminal import Options, Terminal, adapter
from hermes_terminal.lines import LINE_MAX

from hermes_trio.errors import SendRefused
from hermes_trio.ports.platform import Platform
from hermes_trio.values.delivery import Part, Span
from hermes_trio.values.identity import Address
from hermes_trio.values.message import Undecodable
from tests.terminal.conftest import delivery


def terminal(input_fd, output_fd, seed=1):
    return Terminal(chance=random.Random(seed), input_fd=input_fd, output_fd=output_fd)


async def read_all(fd):
    """What is in the pipe now, without waiting for more."""
    os.set_blocking(fd, False)
    return os.read(fd, 1 << 20).decode()


async def test_each_line_is_a_message_and_the_end_of_the_pipe_ends_serve(pipes, intake):
    in_write, in_read, _, out_write = pipes
    os.write(in_write, "one\n\n  \r\ntwo\\\r\ndrei ü\nno end".encode())
    os.close(in_write)
    with trio.fail_after(2):
        await terminal(in_read, out_write).serve(intake)
    assert [m.text for m in intake.heard] == ["one", "two\\", "drei ü", "no end"]
    token = intake.heard[0].native.partition("/")[0]
    assert [m.native for m in intake.heard] == [f"{token}/{n}" for n in (1, 4, 5, 6)]
    assert {m.address for m in intake.heard} == {Address("terminal", "main", "local", None, "local")}


async def test_two_lives_never_use_the_same_ids(pipes):
    _, in_read, _, out_write = pipes
    one, other = terminal(in_read, out_write, 1), terminal(in_read, out_write, 2)
    assert (await one.deliver(delivery("x"))).message_id != (await other.deliver(delivery("x"))).message_id
    assert one._token != other._token


async def test_it_says_that_it_listens_before_anything_is_typed(pipes, intake, nursery):
    _, in_read, _, out_write = pipes
    nursery.start_soon(terminal(in_read, out_write).serve, intake, name="serve")
    await intake.until(lambda: intake.cycles)


async def test_a_line_that_comes_in_pieces_is_one_message(pipes, intake, nursery):
    in_write, in_read, _, out_write = pipes
    nursery.start_soon(terminal(in_read, out_write).serve, intake, name="serve")
    for piece in ("a\xfc".encode()[:2], "\xfc".encode()[1:], b"b\nnext\n"):
        os.write(in_write, piece)
        await trio.testing.wait_all_tasks_blocked(0.01)
    await intake.hears(2)
    assert [m.text for m in intake.heard] == ["aüb", "next"]


async def test_bytes_that_are_not_utf8_are_replaced_and_it_is_said(pipes, intake):
    in_write, in_read, _, out_write = pipes
    os.write(in_write, b"caf\xe9\n")
    os.close(in_write)
    await terminal(in_read, out_write).serve(intake)
    assert intake.heard[0].text == "caf\ufffd\n(some bytes of this line were not UTF-8)"
    assert intake.heard[0].raw == b"caf\xe9"


async def test_a_mark_of_the_byte_order_is_no_text(pipes, intake):
    in_write, in_read, _, out_write = pipes
    os.write(in_write, b"\xef\xbb\xbf/status\r\nhello\r\n")
    os.close(in_write)
    await terminal(in_read, out_write).serve(intake)
    assert intake.texts == ["/status", "hello"]


async def test_an_over_long_line_cannot_be_decoded_and_the_next_one_can(tmp_path, pipes, intake):
    path = tmp_path / "input"
    path.write_bytes(b"x" * (LINE_MAX + 1) + b"\nafter\n" + b"y" * LINE_MAX)
    with path.open("rb") as file, trio.fail_after(5):
        await terminal(file.fileno(), pipes[3]).serve(intake)
    first, after, longest = intake.heard
    assert isinstance(first, Undecodable)
    assert str(LINE_MAX + 1) in first.why
    assert (after.text, len(longest.text)) == ("after", LINE_MAX)


async def test_a_file_and_the_null_device_are_inputs_too(tmp_path, pipes, intake):
    path = tmp_path / "input"
    path.write_text("a\nb\n" * 20_000)
    for source, count in ((path, 40_000), (Path("/dev/null"), 40_000)):
        with source.open("rb") as file, trio.fail_after(5):
            await terminal(file.fileno(), pipes[3]).serve(intake)
        assert len(intake.heard) == count


async def test_into_a_pipe_goes_only_what_stays_and_once(pipes):
    _, in_read, out_read, out_write = pipes
    platform = terminal(in_read, out_write)
    progress = await platform.deliver(delivery("working", said="progress"))
    preview = await platform.deliver(delivery("an an", said="preview"))
    await platform.deliver(delivery("an answer", "edit", message_id=preview.message_id, said="preview"))
    await platform.deliver(delivery(op="delete", message_id=progress.message_id))
    for _ in range(2):
        await platform.deliver(delivery("an answer.", "edit", message_id=preview.message_id))
    for said in ("say", "reply", "prompt", "notice", "refusal"):
        await platform.deliver(delivery(said, said=said))
    assert await read_all(out_read) == "an answer.\nsay\nreply\nprompt\nnotice\nrefusal\n"


async def test_a_pipe_gets_no_formats_and_no_control_characters(pipes):
    _, in_read, out_read, out_write = pipes
    part = Part("b\x1b[2Jold\tx", (Span(0, 5, "bold"), Span(9, 10, "link", "https://x.y")))
    await terminal(in_read, out_write).deliver(delivery(part))
    assert await read_all(out_read) == "b[2Jold\tx (https://x.y)\n"


async def test_a_slow_reader_holds_up_neither_the_loop_nor_the_order(pipes, nursery):
    _, in_read, out_read, out_write = pipes
    platform = terminal(in_read, out_write)
    big = "x" * 300_000
    done = []

    async def say(text):
        await platform.deliver(delivery(text))
        done.append(text)

    nursery.start_soon(say, big, name="first")
    await trio.testing.wait_all_tasks_blocked(0.01)
    nursery.start_soon(say, "second", name="second")
    await trio.sleep(0.05)  # the loop runs although the pipe is full
    assert done == []
    seen = b""
    with trio.fail_after(5):
        while len(seen) < len(big) + 8:
            await trio.lowlevel.wait_readable(out_read)
            seen += os.read(out_read, 1 << 16)
    assert seen.decode() == big + "\nsecond\n"


async def test_a_cancelled_delivery_leaves_a_loop_that_goes_on(pipes):
    _, in_read, out_read, out_write = pipes
    with trio.move_on_after(0.05) as scope:
        await terminal(in_read, out_write).deliver(delivery("x" * 300_000))
    assert scope.cancelled_caught
    os.close(out_read)  # ends the thread


async def test_when_nobody_reads_any_more_a_send_is_refused_as_gone(pipes):
    _, in_read, out_read, out_write = pipes
    os.close(out_read)
    with pytest.raises(SendRefused) as refused:
        await terminal(in_read, out_write).deliver(delivery("x"))
    assert refused.value.kind == "gone"


async def test_an_output_that_takes_nothing_refuses_it(pipes):
    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(SendRefused, match="No space left") as refused:
        await terminal(pipes[1], full).deliver(delivery("x"))
    os.close(full)
    assert refused.value.kind == "other"


async def test_ops_it_does_not_have_are_refused(pipes):
    platform = terminal(pipes[1], pipes[3])
    for op in ("typing", "react", "unreact"):
        with pytest.raises(SendRefused, match=op):
            await platform.deliver(delivery("x", op))


async def test_it_is_a_platform_that_allows_its_user_and_nobody_else(tmp_path):
    class Context:
        chance = random.Random(3)

    platform = adapter.build(Options(), "main", Context())
    assert isinstance(platform, Platform)
    assert (platform.name, platform.account, adapter.name) == ("terminal", "main", "terminal")
    assert platform.policy.allow_users == platform.policy.admins == ("local",)
    async with platform.open():
        assert [part.text for part in platform.split("**hi**")] == ["hi"]
