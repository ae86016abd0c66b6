"""Lines on a stream: logfmt, one a line, and never a secret in any of the forms it may take there."""

import io
import json
import re

import pytest

from hermes_trio.daemon.logs.sink import LINE_MAX
from hermes_trio.runtime.log import TEXTS_MAX, stream_log
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.runtime.tracebacks import LINE_MAX as LINE_MAX_OF_SOURCE
from hermes_trio.runtime.tracebacks import traceback_of
from hermes_trio.values.identity import Secret

SECRETS = [
    "123456:AAH-plain_token",
    'quo"te and space',
    "back\\slash",
    "ümlaut-käse",
    "new\nline\ttab",
    "a=b+c/d==",
]


def lines(*secrets, **style):
    """A log with these secrets, and what it has written."""
    stream = io.StringIO()
    return stream_log(stream, lambda: 12.3456, Redactor([Secret(s) for s in secrets]), **style), stream


def test_a_line_of_json_is_an_object_with_numbers_as_numbers():
    log, stream = lines(form="json")
    log.error("turn closed", turn=7, seconds=1.23456, why=None, text='a "b"\nc=ü')
    assert json.loads(stream.getvalue()) == {
        "ts": 12.346,
        "level": "error",
        "event": "turn closed",
        "turn": 7,
        "seconds": 1.235,
        "text": 'a "b"\nc=ü',
    }
    assert stream.getvalue().count("\n") == 1


@pytest.mark.parametrize("text", ["a" * 100_000, "ü" * 3_000, "\x00" * 100_000])
def test_a_line_of_json_is_whole_however_long_its_texts_are(text):
    log, stream = lines(form="json")
    log.error("agent failed", turn=7, error=text, traceback=text)
    assert len(stream.getvalue()) <= LINE_MAX
    assert json.loads(stream.getvalue())["turn"] == 7


def longest(secret, text):
    """So much of the beginning of a secret stands in a text."""
    return max(length for length in range(len(secret) + 1) if secret[:length] in text)


@pytest.mark.parametrize("form", ["logfmt", "json", "pretty"])
def test_of_a_secret_at_which_a_text_is_cut_no_part_is_left(form):
    secret = "key-4f1d7a99b2c3d4e5f6"
    log, stream = lines(secret, form=form)
    for before in range(TEXTS_MAX[0] - len(secret) - 40, TEXTS_MAX[0] + 2):
        log.error("agent failed", error=f"{'.' * before}{secret}, and {'more ' * 500}")
    assert longest(secret, stream.getvalue()) < 4


def test_nor_where_a_traceback_is_cut(tmp_path):
    """A line of the source, what caused the error, and the whole."""
    secret = "key-4f1d7a99b2c3d4e5f6"
    log, stream = lines(secret)
    for before in range(LINE_MAX_OF_SOURCE - len(secret) - 60, LINE_MAX_OF_SOURCE + 2):
        source = tmp_path / f"bot{before}.py"
        source.write_text(
            f"def run():\n    raise ValueError('{'. ' * (before // 2)}{secret} and more') from OSError("
            f"'{'. ' * (before // 2)}{secret} and more')\n"
        )
        made = {}
        exec(compile(source.read_text(), str(source), "exec"), made)
        with pytest.raises(ValueError, match="and more") as raised:
            made["run"]()
        log.error("agent failed", traceback=traceback_of(raised.value))
    assert "caused by OSError" in stream.getvalue()
    assert longest(secret, stream.getvalue()) < 4


def test_the_pretty_form_shows_a_traceback_as_a_block_and_moves_no_cursor():
    log, stream = lines(form="pretty")
    log.error(
        "agent failed", turn=7, error="KeyError('a\x1b[2J')", traceback="bot.py:3 in agent\n    x\x1b[2J"
    )
    first, *block = stream.getvalue().splitlines()
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d error   agent failed turn=7 error=\"KeyError\('a\\x1b\[2J'\)\"", first
    )
    assert block == ["    bot.py:3 in agent", "        x\\x1b[2J"]
    assert "\x1b" not in stream.getvalue()


def test_colours_are_of_a_terminal_only():
    log, stream = lines(form="pretty", colours=True)
    log.warning("account down", account="telegram/main")
    assert "\x1b[33mwarning\x1b[0m" in stream.getvalue().replace(" ", "")


@pytest.mark.parametrize(
    ("level", "written"),
    [("debug", 3), ("info", 3), ("warning", 2), ("error", 1)],
)
def test_what_is_less_than_its_level_is_left_out(level, written):
    log, stream = lines(level=level)
    log.info("ready")
    log.warning("account down")
    log.error("agent failed")
    assert stream.getvalue().count("\n") == written


def test_a_line_is_logfmt():
    log, stream = lines()
    log.info("turn closed", turn=7, key="telegram/main/-100/2", seconds=1.23456, why=None, text='a "b"\nc=ü')
    assert stream.getvalue() == (
        'ts=12.346 level=info event="turn closed" turn=7 key=telegram/main/-100/2 seconds=1.235'
        ' text="a \\"b\\"\\nc=\\xfc"\n'
    )


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "made",
    [
        lambda s: s,
        lambda s: f"https://api.example/bot{s}/send",
        lambda s: repr(ValueError(f"no: {s}")),
        lambda s: repr(repr(s)),
        lambda s: {"k": s},
        lambda s: ["a", s],
        lambda s: s.encode(),
    ],
    ids=["bare", "url", "error", "repr", "dict", "list", "bytes"],
)
def test_a_secret_is_in_no_line(secret, made):
    log, stream = lines(*SECRETS)
    log.warning("account restarts", why=made(secret))
    line = stream.getvalue()
    assert "***" in line
    pieces = re.findall(r"[A-Za-z0-9]{4,}", secret)
    assert [piece for piece in pieces if piece in line] == []


@pytest.mark.parametrize("secret", SECRETS)
def test_nor_percent_encoded_as_in_a_url(secret):
    from urllib.parse import quote, quote_plus

    log, stream = lines(*SECRETS)
    log.info("x", a=quote(secret), b=quote(secret, safe=""), c=quote_plus(secret))
    assert stream.getvalue().count("***") == 3


def test_a_secret_as_the_name_of_an_event_too():
    log, stream = lines("hunter2")
    log.info("hunter2", hunter=1)
    assert "hunter2" not in stream.getvalue()


def test_what_is_too_short_to_be_a_secret_is_left_alone():
    log, stream = lines("abc")
    log.info("x", a="abc")
    assert "a=abc" in stream.getvalue()


def test_the_longer_of_two_secrets_goes_first():
    redact = Redactor([Secret("token"), Secret("token-and-more")])
    assert redact("token-and-more token") == "*** ***"


def test_a_secret_that_is_learned_later_is_replaced_from_then_on():
    redact = Redactor([Secret("the-first-one")])
    redact.learn(Secret("the-second-one"))
    assert redact("the-first-one the-second-one") == "*** ***"
