"""What one act of a person brings in lines: a paste is one message, or it is refused aloud."""

import os
import select

import pytest
import trio
from hermes_terminal.lines import LINE_MAX, Line
from hermes_terminal.paste import Gather

from hermes_trio.values.message import Undecodable
from tests.terminal.conftest import delivery, serve


async def test_a_paste_of_several_lines_is_one_message(tty, intake, nursery):
    await serve(tty, intake, nursery)
    tty.type("def f(x):\n    return x\n\nwhat is it?\n")
    await intake.hears(1)
    await tty.shows("> def f(x):\n    return x\n\nwhat is it?\n>")
    tty.type("typed\n")
    await intake.hears(2)
    assert [message.text for message in intake.heard] == ["def f(x):\n    return x\n\nwhat is it?", "typed"]


async def test_a_marked_paste_is_one_message_however_slowly_it_comes_and_shows_without_its_marks(
    tty, intake, nursery
):
    await serve(tty, intake, nursery)
    tty.type("\x1b[200~def f(x):\n")
    await trio.sleep(0.2)
    tty.type("    return x\x1b[201~")
    await trio.sleep(0.2)
    tty.type(" # mine\n")
    await intake.hears(1)
    assert [message.text for message in intake.heard] == ["def f(x):\n    return x # mine"]
    tty.type("\x1b[200~one line\x1b[201~\n")
    await intake.hears(2)
    await tty.terminal.deliver(delivery("seen"))
    await tty.shows("> def f(x):\n>     return x # mine\n> one line\nseen\n>")


async def test_lines_that_begin_with_a_slash_are_messages_of_their_own(tty, intake, nursery):
    await serve(tty, intake, nursery)
    tty.type("one\ntwo\n/status\n/new\nthree\n")
    await intake.hears(4)
    assert [message.text for message in intake.heard] == ["one\ntwo", "/status", "/new", "three"]


@pytest.mark.parametrize("marks", [("", ""), ("\x1b[200~", "\x1b[201~")])
async def test_a_line_that_the_system_cuts_is_refused_aloud_and_the_next_heard(tty, intake, nursery, marks):
    await serve(tty, intake, nursery)
    nursery.start_soon(trio.to_thread.run_sync, tty.type, ("b" * 6000).join(marks) + "\n")
    await intake.hears(1)
    [cut] = intake.heard
    assert isinstance(cut, Undecodable)
    with trio.fail_after(3):
        while "I did not take that" not in tty.display.text.replace("\n", ""):
            await trio.lowlevel.wait_readable(tty.master)
            tty.display.feed(os.read(tty.master, 65536))
    tty.type("next\n")
    await intake.hears(2)
    assert intake.heard[1].text == "next"


async def test_of_a_paste_whose_line_the_system_cuts_nothing_is_a_message(tty, intake, nursery):
    await serve(tty, intake, nursery)
    pasted = "\x1b[200~first\n" + "x" * 5000 + "\nlast\nof it\x1b[201~\n"
    nursery.start_soon(trio.to_thread.run_sync, tty.type, pasted)
    await intake.hears(1)
    tty.type("hello\n")
    await intake.hears(2)
    refused, message = intake.heard
    assert isinstance(refused, Undecodable)
    assert message.text == "hello"


def test_what_follows_of_a_paste_that_is_too_long_is_no_message_until_its_end():
    gather = Gather()
    long = [Line(1, b"\x1b[200~a", 9), *(Line(n, b"x" * 4000, 4000) for n in range(2, 300))]
    assert not list(gather.feed(long, paused=True))
    assert not list(gather.feed([Line(300, b"rm -rf x", 8)], paused=True))
    (refused,) = gather.feed([Line(301, b"its end\x1b[201~", 13)], paused=True)
    assert refused.line.length > LINE_MAX >= len(refused.line.raw)
    assert [said.line.raw for said in gather.feed([Line(302, b"hello", 5)], paused=True)] == [b"hello"]


def test_of_lines_that_come_without_a_pause_and_are_too_many_nothing_is_a_message():
    gather = Gather()
    assert not list(gather.feed([Line(n, b"x" * 4000, 4000) for n in range(1, 300)], paused=False))
    assert not list(gather.feed([Line(300, b"/new", 4), Line(301, b"rm -rf x", 8)], paused=False))
    assert gather.ends_after_s == 0.03
    (refused,) = gather.end()
    assert refused.line.length > LINE_MAX
    assert [said.line.raw for said in gather.feed([Line(302, b"hello", 5)], paused=True)] == [b"hello"]


async def test_lines_without_a_pause_are_one_message_however_long_they_take(
    tty, intake, nursery, autojump_clock
):
    autojump_clock.autojump_threshold = 0.02  # what is typed is there a moment later
    await serve(tty, intake, nursery)
    pasted = [f"line {n}" for n in range(60)]
    for line in pasted:
        tty.type(f"{line}\n")
        await trio.sleep(0.02)
    await intake.hears(1)
    assert trio.current_time() > 1.0
    assert intake.texts == ["\n".join(pasted)]


async def test_lines_that_are_too_many_are_refused_aloud(tty, intake, nursery, autojump_clock):
    autojump_clock.autojump_threshold = 0.005
    await serve(tty, intake, nursery)
    for _ in range(LINE_MAX // 4000 + 1):
        tty.type("x" * 4000 + "\n")
        await trio.sleep(0.01)
        while select.select([tty.master], [], [], 0)[0]:
            os.read(tty.master, 65536)  # what is typed is echoed
    await intake.hears(1)
    [refused] = intake.heard
    assert isinstance(refused, Undecodable)
    with trio.fail_after(3):
        while "I did not take that: it is longer" not in tty.display.text.replace("\n", " "):
            await trio.lowlevel.wait_readable(tty.master)
            tty.display.feed(os.read(tty.master, 65536))


async def test_no_clock_ends_a_marked_paste(tty, intake, nursery, autojump_clock):
    autojump_clock.autojump_threshold = 0.02
    await serve(tty, intake, nursery)
    tty.type("\x1b[200~first\n")
    await trio.sleep(3600)
    tty.type("last\x1b[201~\n")
    await intake.hears(1)
    assert intake.texts == ["first\nlast"]


async def test_the_rest_of_a_refused_paste_is_no_message_though_it_comes_late(
    tty, intake, nursery, autojump_clock
):
    autojump_clock.autojump_threshold = 0.02
    await serve(tty, intake, nursery)
    tty.type("\x1b[200~first\n")
    tty.type("x" * 4095 + "\n")
    for line in ("rm -rf x\n", "/new\n", "more\n"):
        await trio.sleep(0.9)
        tty.type(line)
    assert intake.heard == []
    await trio.sleep(1.1)
    [refused] = intake.heard
    assert isinstance(refused, Undecodable)
    tty.type("hello\n")
    await intake.hears(2)
    assert intake.heard[1].text == "hello"
