"""What a process prints becomes text: clean, without secrets, bounded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hermes_trio.processes.output import LINE_MAX, SECRET_MAX, Cleaner, HeadAndTail, Lines, last_of
from hermes_trio.runtime.redaction import Redactor, seeks
from hermes_trio.values.identity import Secret

SECRET = "sk-canary-0123456789"


redact = Redactor([Secret(SECRET)])


def cleaned(*pieces: bytes) -> str:
    cleaner = Cleaner(redact)
    return "".join(cleaner.feed(piece) for piece in pieces) + cleaner.end()


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n", "plain\n"),
        ("Größe 👍\n".encode(), "Größe 👍\n"),
        (b"\xff\xfe bad\n", "\ufffd\ufffd bad\n"),
        (b"a\x00b\x07c\x7f\n", "abc\n"),
        (b"\x1b[1;31mred\x1b[0m\n", "red\n"),
        (b"\x1b]0;title\x07text\n", "text\n"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\\n", "link\n"),
        (b"\x1b(Bx\x1b7y\x1bMz\n", "xyz\n"),
        (b"10%\r20%\r\ndone", "20%\ndone"),
        (b"\rDownloading 9 of 10\rDownloading 10 of 10\nSaved\n", "Downloading 10 of 10\nSaved\n"),
        (b"wait |\b/\b-\b\bdone\n", "waitdone\n"),
        (b"long line\rshort\x1b[K\n", "short\n"),
        (b"long line\r\x1b[2Kx\n", "x\n"),
        (b"abc\x1b[2Dx\x1b[5Gy\x1b[1Cz\n", "axc y z\n"),
        (b"\x1b[999Cx\n", " " * 256 + "x\n"),
        (b"\x1b[999Gx\n", " " * 256 + "x\n"),
        (b"a" * 300 + b"\r\x1b[999Cx\n", "a" * 300 + "x\n"),
        (b"long line\rno    \n", "no    ine\n"),
        (b"a\r\nb\rc", "a\nc"),
        (b"tab\there", "tab\there"),
        ("\x9b31mred\n".encode(), "red\n"),
        (b"cut \x1b[31", "cut 31"),
    ],
)
def test_clean(data, text):
    assert cleaned(data) == text


@given(
    some.lists(
        some.sampled_from(
            [
                b"\x1b[1m",
                "é".encode(),
                b"x",
                b"\r\n",
                b"\n",
                b"\x00",
                SECRET.encode(),
                b"\r",
                b"\b",
                b"\x1b[K",
            ]
        )
    ),
    some.data(),
)
def test_how_it_is_cut_makes_no_difference(parts, data):
    whole = b"".join(parts)
    cuts = sorted(data.draw(some.lists(some.integers(0, len(whole)), max_size=8)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert cleaned(*pieces) == cleaned(whole)


@given(some.integers(1, len(SECRET) - 1))
def test_a_secret_cut_in_two_is_redacted(at):
    secret = SECRET.encode()
    assert cleaned(b"key " + secret[:at], secret[at:] + b" end\n") == "key *** end\n"


def test_a_secret_that_is_written_over_is_redacted_first():
    assert cleaned(b"key " + SECRET.encode() + b"\rnew\n") == "new ***\n"


IN_PIECES = f"{SECRET[:5]}\x1b[3D\x1b[3C{SECRET[5:12]}\b\x1b[1C\x1b[12G{SECRET[12:]}"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"key {SECRET}\rKEY\x1b[12Gx\n", "KEY ***x***\n"),
        (f"{IN_PIECES}\rnew key\n", "new key***\n"),
        (f"{SECRET[:9]}\n{SECRET[9:]} is it\n", "*** is it\n"),
    ],
)
def test_of_a_secret_that_is_written_over_no_rest_is_left_however_it_is_cut(written, shown):
    data = written.encode()
    assert cleaned(data) == shown
    assert {cleaned(data[:at], data[at:]) for at in range(len(data))} == {shown}
    assert cleaned(*(data[at : at + 1] for at in range(len(data)))) == shown


def test_a_row_that_is_drawn_for_ever_keeps_no_secret_and_not_all_that_it_was():
    cleaner = Cleaner(redact)
    bar = b"".join(b"\r%d %% %s" % (n, SECRET.encode()) for n in range(3000))
    for at in range(0, len(bar), 1000):
        assert cleaner.feed(bar[at : at + 1000]) == ""
    assert cleaner.end() == "2999 % ***"
    drawn = Cleaner(redact)
    given = "".join(drawn.feed(b"\b" + b"x" * 5000) for _ in range(20))
    assert len(given) + len(drawn.end()) == 99_981
    assert len(given) > 60_000


@given(some.integers(6, len(SECRET) - 1))
def test_of_a_line_that_is_not_complete_no_beginning_of_a_secret_is_shown(at):
    cleaner = Cleaner(redact)
    assert cleaner.feed(b"one\n" + SECRET[:at].encode()) == "one\n"
    assert cleaner.open_line == ""
    assert cleaner.feed(b"\n") == ""
    assert cleaner.feed(b"no\n") == f"{SECRET[:at]}\nno\n"


def test_a_redaction_of_ones_own_is_asked_in_the_same_way():
    cleaner = Cleaner(seeks(lambda text: text.replace(SECRET, "GONE")))
    assert cleaner.feed(f"{SECRET} {SECRET}\n{SECRET}\rKEY\nreally? ".encode()) == "GONE GONE\nKEY***\n"
    assert cleaner.open_line == "really? "


def test_a_progress_bar_costs_its_last_state():
    bar = b"".join(b"\rDownloading %d of 3000 blocks" % n for n in range(3001))
    assert cleaned(bar[:30_000], bar[30_000:], b"\nSaved\n") == "Downloading 3000 of 3000 blocks\nSaved\n"


def test_a_secret_that_colours_cut_is_redacted():
    assert cleaned(b"sk-canary-\x1b[1m0123456789\n") == "***\n"


def test_a_line_without_end_is_not_kept_for_ever():
    cleaner = Cleaner(redact)
    given = cleaner.feed(b"x" * (3 * SECRET_MAX))
    assert len(given) == 2 * SECRET_MAX
    assert len(cleaner.open_line) == SECRET_MAX


def test_a_question_that_waits_for_input_is_seen():
    cleaner = Cleaner(redact)
    assert cleaner.feed(b"one\nreally? ") == "one\n"
    assert cleaner.open_line == "really? "


@given(some.lists(some.text(alphabet="ab\n", max_size=30)), some.integers(0, 20), some.integers(1, 20))
def test_the_beginning_and_the_end_are_kept(pieces, head, tail):
    kept = HeadAndTail(head, tail)
    for piece in pieces:
        kept.add(piece)
    whole = "".join(pieces)
    assert kept.length == len(whole)
    if len(whole) <= head + tail:
        assert kept.text() == whole
    else:
        left_out = len(whole) - head - tail
        assert kept.text() == f"{whole[:head]}\n[{left_out} characters left out]\n{whole[-tail:]}"


@given(some.text(alphabet="abc", max_size=40), some.integers(0, 45))
def test_reading_on_from_a_position(whole, at):
    kept = HeadAndTail(10, 10)
    kept.add(whole)
    got = kept.since(at)
    if len(whole) <= 20 or at >= len(whole) - 10:
        assert got == whole[at:]
    else:
        assert got.endswith(whole[-10:])
        assert got.startswith(whole[at:10])


def test_lines_are_complete_and_bounded():
    lines = Lines()
    assert lines.add("one\ntw") == ["one"]
    assert lines.add("o\n") == ["two"]
    assert lines.add("y" * (LINE_MAX + 5)) == ["y" * LINE_MAX]
    assert lines.end() == ["y" * 5]
    assert lines.end() == []


def test_the_end_of_a_text():
    assert last_of("short", 100) == "short"
    assert last_of("first line\nsecond\nthird\n", 16) == "[...]\nsecond\nthird\n"
