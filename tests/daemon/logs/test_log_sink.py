"""Log lines neither hold up the loop nor end the daemon, and a file of them stays small."""

from __future__ import annotations

import logging
import os
import stat
import time

import pytest

from hermes_trio.daemon.logs.bridge import standard_logging_to
from hermes_trio.daemon.logs.sink import CappedFile, Sink
from hermes_trio.runtime.log import stream_log
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.values.identity import Secret


@pytest.fixture
def pipe():
    read, write = os.pipe()
    os.set_blocking(read, False)
    yield read, write
    for fd in (read, write):
        os.close(fd)


def test_a_reader_too_slow_loses_lines_and_learns_how_many(pipe):
    read, write = pipe
    with Sink(write) as sink:
        for number in range(10_000):
            sink.write(f"line {number} {'x' * 100}\n")
        before = os.read(read, 1 << 20).decode().splitlines()
        assert len(before) < 1000
        sink.write("the next\n")
    after = os.read(read, 1 << 20).decode().splitlines()
    assert after == [f"level=warning event=lines_left_out count={10_000 - len(before)}", "the next"]


def test_a_line_longer_than_a_pipe_takes_at_once_is_cut(pipe):
    read, write = pipe
    with Sink(write) as sink:
        sink.write("x" * 100_000 + "\n")
        sink.write("the next\n")
    cut, after, _ = os.read(read, 1 << 20).decode().split("\n")
    assert cut.endswith('x..."')
    assert after == "the next"


def test_a_reader_that_is_gone_hurts_nobody():
    read, write = os.pipe()
    os.close(read)
    with Sink(write) as sink:
        sink.write("hello\n")
        sink.write("hello\n")
    os.close(write)


def test_a_file_is_turned_over_at_its_size(tmp_path):
    path = tmp_path / "hermes.log"
    with CappedFile(path, size_max=100) as file:
        for number in range(30):
            file.write(f"line {number:04}\n")
    assert path.read_text().splitlines()[-1] == "line 0029"
    assert path.stat().st_size <= 100
    assert (tmp_path / "hermes.log.1").stat().st_size <= 100
    assert len(list(tmp_path.iterdir())) == 2
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_goes_on_where_the_last_life_ended(tmp_path):
    for word in ("one", "two"):
        with CappedFile(tmp_path / "hermes.log") as file:
            file.write(f"{word}\n")
    assert (tmp_path / "hermes.log").read_text() == "one\ntwo\n"


def test_what_a_library_says_over_and_over_is_a_line_a_minute_that_counts_it(tmp_path):
    begun = time.time()

    def says(text, after_s, name="trio.serve_listeners"):
        record = logging.makeLogRecord({"name": name, "levelno": logging.ERROR, "msg": text})
        record.created = begun + after_s
        logging.getLogger(name).handle(record)

    with CappedFile(tmp_path / "hermes.log") as file:
        with standard_logging_to(stream_log(file, lambda: 7.0, Redactor([]))):
            for tenth in range(900):
                says("accept returned EMFILE", tenth / 10)
            says("another thing", 61)
            says("accept returned EMFILE", -3600)
            for _ in range(2):
                says("send refused", 0, "hermes_trio.telegram")
            for number in range(1000):
                says(f"no two are alike: {number}", 0)
    lines = (tmp_path / "hermes.log").read_text().splitlines()
    assert lines[:6] == [
        'ts=7.000 level=warning event=trio.serve_listeners text="accept returned EMFILE"',
        'ts=7.000 level=warning event=trio.serve_listeners text="accept returned EMFILE" again=599',
        'ts=7.000 level=warning event=trio.serve_listeners text="another thing"',
        'ts=7.000 level=warning event=trio.serve_listeners text="accept returned EMFILE" again=299',
        'ts=7.000 level=warning event=hermes_trio.telegram text="send refused"',
        'ts=7.000 level=warning event=hermes_trio.telegram text="send refused"',
    ]
    assert len(lines) == 1006


def test_what_libraries_log_becomes_lines_without_secrets(tmp_path):
    with CappedFile(tmp_path / "hermes.log") as file:
        log = stream_log(file, lambda: 7.0, Redactor([Secret("hush-hush")]))
        with standard_logging_to(log):
            logging.getLogger("hermes_trio.telegram").info("menu not set why=%s", "hush-hush")
            logging.getLogger("elsewhere").info("chatter")
            try:
                raise OSError("no hush-hush")
            except OSError:
                logging.getLogger("elsewhere").exception("it broke")
        logging.getLogger("hermes_trio.telegram").warning("afterwards")
    assert (tmp_path / "hermes.log").read_text().splitlines() == [
        'ts=7.000 level=info event=hermes_trio.telegram text="menu not set why=***"',
        'ts=7.000 level=warning event=elsewhere text="it broke" error="OSError: no ***"',
    ]
