"""On a terminal: a prompt, an answer that grows in place, a progress line that goes, and no tricks."""

import os

import pytest
import trio
from hermes_terminal.modes import has_colour, is_dumb

from hermes_trio.values.delivery import Choice, Part, Span
from tests.terminal.conftest import Tty, delivery, serve


async def test_a_line_typed_is_a_message_and_its_answer_stands_above_a_new_prompt(tty, intake, nursery):
    await serve(tty, intake, nursery)
    tty.type("hello\n")
    await intake.hears(1)
    await tty.terminal.deliver(delivery("hi there"))
    await tty.shows("> hello\nhi there\n>")
    tty.type("again\n")
    await intake.hears(2)
    assert [message.text for message in intake.heard] == ["hello", "again"]


async def test_a_streamed_answer_grows_in_place_and_is_seen_once(tty, intake, nursery):
    await serve(tty, intake, nursery)
    tty.type("q\n")
    await intake.hears(1)
    receipt = await tty.terminal.deliver(delivery("one", said="preview"))
    await tty.shows("> q\none\n>")
    for text in ("one two", "one two three, and so it is longer than a row of this"):
        await tty.terminal.deliver(delivery(text, "edit", message_id=receipt.message_id, said="preview"))
    await tty.shows(
        "> q\none two three, and so it is longer than a\n row of this\n>".replace(
            "than a\n row", "than\n a row"
        )
    )
    await tty.terminal.deliver(delivery("one two three.", "edit", message_id=receipt.message_id))
    await tty.shows("> q\none two three.\n>")


async def test_a_preview_taller_than_the_screen_shows_its_end_and_its_answer_once(tty, intake, nursery):
    await serve(tty, intake, nursery)
    lines = [f"line {n}" for n in range(30)]
    receipt = await tty.terminal.deliver(delivery("line 0", said="preview"))
    for count in (5, 12, 30):
        text = "\n".join(lines[:count])
        await tty.terminal.deliver(delivery(text, "edit", message_id=receipt.message_id, said="preview"))
    await tty.shows("\n".join([*lines[-8:], ">"]))
    await tty.terminal.deliver(delivery("\n".join(lines), "edit", message_id=receipt.message_id))
    await tty.shows("\n".join([*lines, ">"]))


async def test_a_progress_line_is_replaced_and_erased(tty, intake, nursery):
    await serve(tty, intake, nursery)
    await tty.terminal.deliver(delivery("before", said="say"))
    progress = await tty.terminal.deliver(delivery("working, 3 min", said="progress"))
    await tty.shows("before\nworking, 3 min\n>")
    await tty.terminal.deliver(
        delivery("working, 6 min", "edit", message_id=progress.message_id, said="progress")
    )
    await tty.shows("before\nworking, 6 min\n>")
    await tty.terminal.deliver(delivery(op="delete", message_id=progress.message_id))
    await tty.shows("before\n>")


async def test_what_is_said_meanwhile_stands_above_what_is_still_being_made(tty, intake, nursery):
    await serve(tty, intake, nursery)
    tty.type("long question\n")
    await intake.hears(1)
    preview = await tty.terminal.deliver(delivery("thinki", said="preview"))
    await tty.terminal.deliver(delivery("3 turns", said="reply"))
    await tty.shows("> long question\n3 turns\nthinki\n>")
    tty.type("/status\n")
    await tty.shows("> long question\n3 turns\n> /status\nthinki\n>")
    await tty.terminal.deliver(delivery("thinking done", "edit", message_id=preview.message_id))
    await tty.shows("> long question\n3 turns\n> /status\nthinking done\n>")


async def test_an_edit_of_the_last_answer_is_made_in_place_and_of_an_older_one_below(tty, intake, nursery):
    await serve(tty, intake, nursery)
    first = await tty.terminal.deliver(delivery("frist", said="say"))
    await tty.terminal.deliver(delivery("first", "edit", message_id=first.message_id, said="say"))
    await tty.shows("first\n>")
    await tty.terminal.deliver(delivery("second"))
    await tty.terminal.deliver(delivery("First", "edit", message_id=first.message_id, said="say"))
    await tty.shows("first\nsecond\nFirst\n>")
    await tty.terminal.deliver(delivery("First", "edit", message_id=first.message_id, said="say"))
    await tty.terminal.deliver(delivery("end"))
    await tty.shows("first\nsecond\nFirst\nend\n>")


async def test_formats_are_shown_and_a_link_keeps_its_address(tty, intake, nursery):
    await serve(tty, intake, nursery)
    spans = (Span(0, 4, "bold"), Span(5, 9, "link", "https://x.y"), Span(10, 14, "code"))
    await tty.terminal.deliver(delivery(Part("bold link co\nd plain", spans)))
    await tty.shows("bold link (https://x.y) co\nd plain\n>")
    assert tty.display.styled == "boldlinkcod"


async def test_text_cannot_steer_the_terminal(tty, intake, nursery):
    await serve(tty, intake, nursery)
    evil = "a\x1b[2Jb\x1b]0;title\x07c\x9b31md\x08\re\x00\x7f"
    preview = await tty.terminal.deliver(delivery(evil, said="preview"))
    await tty.terminal.deliver(
        delivery(Part(evil, (Span(0, 5, "bold"),)), "edit", message_id=preview.message_id)
    )
    link = Part("x", (Span(0, 1, "link", "https://\x1b[2J"),))
    await tty.terminal.deliver(delivery(link))
    await tty.shows("a[2Jb]0;titlec31mde\nx (https://[2J)\n>")


async def test_wide_characters_are_counted_as_they_are_shown(tty, intake, nursery):
    await serve(tty, intake, nursery)
    wide = await tty.terminal.deliver(delivery("x" + "漢" * 30, said="say"))
    await tty.terminal.deliver(delivery("short", "edit", message_id=wide.message_id, said="say"))
    await tty.shows("short\n>")


@pytest.mark.parametrize("typed", ["2", "no", "NO"])
async def test_a_choice_is_pressed_by_its_number_or_label(tty, intake, nursery, typed):
    await serve(tty, intake, nursery)
    choices = (Choice("tok-y", "Yes"), Choice("tok-n", "No"))
    await tty.terminal.deliver(delivery("Sure?", said="prompt", choices=choices))
    await tty.shows("Sure?\n  1. Yes\n  2. No\n>")
    tty.type(typed + "\n")
    await intake.hears(1)
    tty.type("2\n")
    await intake.hears(2)
    assert [(m.text, m.choice) for m in intake.heard] == [("No", "tok-n"), ("2", None)]


async def test_ctrl_d_ends_the_input_and_answers_are_still_printed(tty, intake):
    async with trio.open_nursery() as nursery:
        await serve(tty, intake, nursery)
        tty.type("last\n\x04")
        await intake.hears(1)
    await tty.terminal.deliver(delivery("bye"))
    await tty.shows("> last\n>\nbye\n")


async def test_the_shared_terminal_stays_in_blocking_mode(tty, intake, nursery):
    await serve(tty, intake, nursery)
    await tty.terminal.deliver(delivery("x"))
    assert os.get_blocking(tty.slave)


async def test_a_terminal_that_hung_up_is_the_end_of_the_input(intake):
    gone = Tty(40, 10)
    os.close(gone.master)
    with trio.fail_after(2):
        await gone.terminal.serve(intake)
    os.close(gone.slave)
    assert intake.heard == []


async def test_what_turns_the_order_of_characters_round_is_not_shown(tty, intake, nursery):
    await serve(tty, intake, nursery)
    await tty.terminal.deliver(delivery("run \u202egnp.exe\u202c \u2066now\u2069 \u200fa\U000e0041b"))
    await tty.shows("run gnp.exe now ab\n>")


async def test_a_backspace_erases_a_whole_character(tty, intake, nursery):
    async with tty.terminal.open():
        async with trio.open_nursery() as serving:
            serving.start_soon(tty.terminal.serve, intake, name="serve")
            await tty.shows(">")
            assert tty.display.modes == {"?2004": "h"}
            tty.type("héé界\x7f\x7fx\n")
            await intake.hears(1)
            serving.cancel_scope.cancel()
    assert [message.text for message in intake.heard] == ["héx"]
    with trio.fail_after(3):
        while tty.display.modes == {"?2004": "h"}:
            await trio.lowlevel.wait_readable(tty.master)
            tty.display.feed(os.read(tty.master, 65536))


# --- what a terminal is asked for, and what its keys send


async def test_keys_that_move_a_cursor_are_no_text(tty, intake, nursery):
    await serve(tty, intake, nursery)
    tty.type("he\x1b[D\x1b[1;5Cllo\x1bOP\x1b[3~\x07 you\x1b\n")
    await intake.hears(1)
    await tty.shows("> hello you\n>")
    tty.type("\x1b[A\n")
    tty.type("next\n")
    await intake.hears(2)
    assert intake.texts == ["hello you", "next"]


async def test_a_dumb_terminal_gets_text_and_nothing_else(intake, nursery):
    dumb = Tty(40, 10, dumb=True)
    nursery.start_soon(dumb.terminal.serve, intake, name="serve")
    dumb.type("hello\n")
    await intake.hears(1)
    preview = await dumb.terminal.deliver(delivery("h", said="preview"))
    bold = Part("hi there", (Span(0, 2, "bold"),))
    await dumb.terminal.deliver(delivery(bold, "edit", message_id=preview.message_id))
    shown = b""
    with trio.fail_after(3):
        while shown != b"hello\r\nhi there\r\n":
            await trio.lowlevel.wait_readable(dumb.master)
            shown += os.read(dumb.master, 65536)
    nursery.cancel_scope.cancel()
    dumb.close()


async def test_without_colour_formats_stay(intake, nursery):
    plain = Tty(40, 10, colour=False)
    await serve(plain, intake, nursery)
    spans = (Span(0, 4, "bold"), Span(5, 9, "code"))
    await plain.terminal.deliver(delivery(Part("bold code", spans)))
    await plain.shows("bold code\n>")
    assert plain.display.styled == "bold"
    nursery.cancel_scope.cancel()
    plain.close()


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, (False, True)),
        ({"TERM": "xterm"}, (False, True)),
        ({"TERM": "dumb"}, (True, True)),
        ({"TERM": "unknown", "NO_COLOR": "1"}, (True, False)),
        ({"NO_COLOR": ""}, (False, True)),
    ],
)
def test_what_the_environment_says_of_a_terminal(environment, said):
    assert (is_dumb(environment), has_colour(environment)) == said


async def test_a_window_that_becomes_narrower_leaves_no_copy_of_what_was_being_made(tty, intake, nursery):
    await serve(tty, intake, nursery)
    await tty.terminal.deliver(delivery("before", said="say"))
    preview = await tty.terminal.deliver(delivery("one two three four five six seven", said="preview"))
    await tty.shows("before\none two three four five six seven\n>")
    tty.resize(20)
    await tty.terminal.deliver(delivery("one two.", "edit", message_id=preview.message_id))
    await tty.shows("before\none two.\n>")


@pytest.mark.parametrize(("width", "height"), [(1, 1), (2, 2), (3, 1), (40, 1)])
async def test_a_window_of_a_few_cells_is_a_window(intake, nursery, width, height):
    tiny = Tty(width, height)
    nursery.start_soon(tiny.terminal.serve, intake, name="serve")
    tiny.type("漢字\n")
    await intake.hears(1)
    preview = await tiny.terminal.deliver(delivery("漢字 and more", said="preview"))
    await tiny.terminal.deliver(delivery("漢字 and more.", "edit", message_id=preview.message_id))
    shown = b""
    with trio.fail_after(3):
        while "漢字 and more.".encode() not in shown:
            await trio.lowlevel.wait_readable(tiny.master)
            shown += os.read(tiny.master, 65536)
    nursery.cancel_scope.cancel()
    tiny.close()


async def test_who_leaves_leaves_a_line_of_its_own_to_the_next_program(tty, intake):
    async with tty.terminal.open(), trio.open_nursery() as serving:
        serving.start_soon(tty.terminal.serve, intake, name="serve")
        await tty.shows(">")
        serving.cancel_scope.cancel()
    await tty.shows(">\n")
    assert tty.display.modes == {"?2004": "l"}


async def test_what_is_half_typed_when_an_answer_comes_is_kept_and_shown_with_ctrl_r(tty, intake, nursery):
    await serve(tty, intake, nursery)
    tty.type("hel")
    await tty.shows("> hel")
    await tty.terminal.deliver(delivery("an answer"))
    await tty.shows("an answer\n>")
    tty.type("\x12")
    await tty.shows("an answer\n> ^R\nhel")
    tty.type("lo\n")
    await intake.hears(1)
    assert intake.texts == ["hello"]
