"""Events are what the HTML standard says they are, however the bytes are cut."""

from __future__ import annotations

import itertools
import random
import time

import pytest

from hermes_trio.models.providers.sse import EventStream, EventTooLarge, StreamEvent

STREAMS = {
    "one line": (b"data: hello\n\n", [("message", "hello")]),
    "several lines": (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10")]),
    "comment, fields without space, empty data": (
        b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
        [("message", "first event"), ("message", "second event"), ("message", " third event")],
    ),
    "empty data are events": (b"data\n\ndata\ndata\n\ndata:", [("message", ""), ("message", "\n")]),
    "a type": (b"event: ping\ndata: {}\n\ndata: x\n\n", [("ping", "{}"), ("message", "x")]),
    "a type without data is none": (b"event: ping\n\ndata: x\n\n", [("message", "x")]),
    "carriage returns": (
        b"data: a\r\rdata: b\r\n\r\ndata: c\n\n",
        [("message", "a"), ("message", "b"), ("message", "c")],
    ),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [("message", "a")]),
    "the end is not an event": (b"data: a\n\ndata: b\n", [("message", "a")]),
    "colons and unicode": ("data: a: ü😀\n\n".encode(), [("message", "a: ü😀")]),
    "broken utf-8": (b"data: \xff\n\n", [("message", "\ufffd")]),
    "an error as llama.cpp says it": (
        b'data: {}\n\nerror: {"code":400}\n\nerror: none\n\n',
        [("message", "{}"), ("error", ' {"code":400}')],
    ),
    "unknown fields": (b"datum: x\nretry: 5\ndata: y\n\n", [("message", "y")]),
}


@pytest.mark.parametrize("name", STREAMS)
def test_whole_and_byte_by_byte_it_is_the_same(name):
    raw, expected = STREAMS[name]
    events = [StreamEvent(*pair) for pair in expected]
    assert EventStream().feed(raw) == events
    stream = EventStream()
    assert [e for i in range(len(raw)) for e in stream.feed(raw[i : i + 1])] == events


def test_any_cut_gives_the_same_events():
    chance = random.Random(7)
    raw = b"".join(raw for raw, _ in STREAMS.values() if raw.endswith((b"\n\n", b"\r\r")))
    whole = EventStream().feed(raw)
    for _ in range(200):
        stream, events, rest = EventStream(), [], raw
        while rest:
            cut = chance.randint(1, 9)
            events += stream.feed(rest[:cut])
            rest = rest[cut:]
        assert events == whole


@pytest.mark.parametrize("ends", list(itertools.product((b"\n", b"\r", b"\r\n"), repeat=4)), ids=repr)
def test_line_ends_of_each_sort_may_follow_each_other(ends):
    raw = b"data: a%b%bdata: b%b%b" % ends
    stream = EventStream()
    assert [e for byte in raw for e in stream.feed(bytes([byte]))] == EventStream().feed(raw)


@pytest.mark.parametrize("raw", [b"data: " + b"x" * 200, b"data: xxxxxxxxxx\n" * 20, b"x" * 200])
def test_an_event_past_the_limit_is_refused(raw):
    with pytest.raises(EventTooLarge):
        EventStream(event_bytes_max=100).feed(raw)


def test_many_small_events_are_under_the_limit():
    stream = EventStream(event_bytes_max=100)
    assert len(stream.feed(b": a comment\nevent: x\ndata: xxxxxxxxxx\n\n" * 1000)) == 1000


def test_an_event_in_a_million_crumbs_takes_no_time_to_speak_of():
    stream = EventStream()
    began = time.process_time()
    for _ in range(100_000):
        stream.feed(b"xxxxxxxxxx")
    assert time.process_time() - began < 2
