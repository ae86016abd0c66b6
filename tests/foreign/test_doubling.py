"""Twice the text costs at most two and a half times the time, at each border where somebody else writes."""

from __future__ import annotations

import time
import tracemalloc
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hermes_telegram.answer import decode_answer
from hermes_telegram.wire import Me, decode_update
from hermes_websocket.wire import decode_client

from hermes_trio.config.foreign_toml import NotToml, read_toml
from hermes_trio.config.toml_lines import toml_lines
from hermes_trio.daemon.control.requests import decode_request
from hermes_trio.errors import NotJson
from hermes_trio.intake.slash import is_command, take_apart
from hermes_trio.models.errors import failure
from hermes_trio.models.providers.growing_calls import arguments_object
from hermes_trio.models.providers.sse import EventStream
from hermes_trio.models.providers.thinking_in_text import Thinking
from hermes_trio.models.retry_after import retry_after_s
from hermes_trio.processes.output import Cleaner, Lines
from hermes_trio.runtime.redaction import Redactor, certain, redacted_parts
from hermes_trio.text.chunking import split_part
from hermes_trio.text.foreign_json import ForeignJson
from hermes_trio.text.markdown import render
from hermes_trio.text.nearest import nearest
from hermes_trio.text.sanitize import clean
from hermes_trio.transcript.assembly import assemble, says_nothing
from hermes_trio.transcript.compaction import shortened
from hermes_trio.values.delivery import Part, Span
from hermes_trio.values.identity import Secret
from hermes_trio.values.transcript import AssistantEntry, ToolCall, UserEntry

SMALL, DOUBLINGS = 64 * 1024, 4
KNOWN = ("new", "stop", "resume", "status", "help", "queue", "steer", "restart")
read = ForeignJson(Any, most_bytes=2 << 20)


def refuses(take, error=NotJson):
    def refused(text):
        with suppress(error):
            take(text)

    return refused


def split(text):
    return split_part(Part(text), limit=4092, unit="utf16")


def in_crumbs(begin):
    def take(text):
        thinking = Thinking()
        thinking.take(begin)
        for at in range(0, len(text), 8):
            thinking.take(text[at : at + 8])

    return take


def output(data):
    cleaner, lines = Cleaner(redact), Lines()
    for at in range(0, len(data), 4096):
        lines.add(cleaner.feed(data[at : at + 4096]))
    lines.add(cleaner.end())


def answers_links(size):
    links = [
        {"type": "text_link", "offset": n, "length": 1, "url": "http://a.b/"} for n in range(size // 256)
    ]
    replied = {"message_id": 1, "text": "é" * (size // 3), "entities": links}
    message = {
        "message_id": 2,
        "chat": {"id": 7, "type": "private"},
        "text": "a",
        "reply_to_message": replied,
    }
    return msgspec.json.encode({"update_id": 1, "message": message})


def says(**error):
    return msgspec.json.encode({"error": error})


def conversation(calls):
    asked = (AssistantEntry(text="", calls=(ToolCall(str(n), "now", "{}"),)) for n in range(calls))
    return [UserEntry(text="hi"), *asked]


def long_chat(size):
    return [one for n in range(size) for one in (UserEntry(text="a"), AssistantEntry(text="b"))]


redact = Redactor([Secret("sk_live_very_secret_key_4f9a7b"), Secret("another-Secret/of+1234")])


def in_bold(secrets):
    return tuple(Span(31 * at, 31 * at + 30, "bold") for at in range(secrets))


BORDERS = {
    "redaction: a word": (lambda n: "QUJD" * (n // 4), redact),
    "redaction: beginnings": (lambda n: "sk_live_very_" * (n // 13), redact),
    "redaction: percents": (lambda n: "%73%6b" * (n // 6), redact),
    "redaction: backslashes": (lambda n: "\\" * n, redact),
    "redaction: an escape of escapes": (lambda n: "%" + "25" * (n // 2), redact),
    "redaction: an entity of entities": (lambda n: "&" + "amp;" * (n // 4), redact),
    "redaction: different entities": (lambda n: "".join(f"&#{at};" for at in range(n // 8)), redact),
    "redaction: a secret": (lambda n: "sk_live_very_secret_key_4f9a7b " * (n // 31), redact),
    "redaction: a secret, escaped": (
        lambda n: "sk%5flive%5fvery%5fsecret%5fkey%5f4f9a7b " * (n // 41),
        redact,
    ),
    "redaction: secrets in bold": (
        lambda n: Part("sk_live_very_secret_key_4f9a7b " * (n // 31), in_bold(n // 31)),
        lambda part: redacted_parts([part], redact),
    ),
    "redaction: secrets in parts": (
        lambda n: [Part("sk_live_very_secret_key_4f9a7b ")] * (n // 31),
        lambda parts: redacted_parts(parts, redact),
    ),
    "stream: a word": (lambda n: "x" * n, lambda text: certain(redact, text)),
    "stream: words": (lambda n: "xxxxxxxxx " * (n // 10), lambda text: certain(redact, text)),
    "chat: characters": (lambda n: "é" * n, clean),
    "chat: a command": (lambda n: "/a@" + "b" * n, lambda text: is_command(text) and take_apart(text)),
    "chat: white space": (lambda n: "/a" + " " * n + "b", take_apart),
    "chat: an unknown command": (lambda n: "a" * n, lambda word: nearest(word, KNOWN)),
    "model: silence": (lambda n: "[SILENT]" * (n // 8), says_nothing),
    "model: white space in crumbs": (lambda n: "\n " * (n // 2), in_crumbs("")),
    "model: white space behind thinking": (lambda n: "\u00a0" * n, in_crumbs("<think>a</think>")),
    "model: thinking in crumbs": (lambda n: "</think " * (n // 8), in_crumbs("<think>")),
    "model: brackets": (lambda n: "[" * n, render),
    "model: tables": (lambda n: "|a|b|\n|-|-|\n" * (n // 12), render),
    "parts: flags": (
        lambda n: "🇩🇪" * (n // 2),
        split,
    ),
    "parts: marks": (
        lambda n: "a" + "\u0301" * n,
        split,
    ),
    "json: deep": (lambda n: b"[" * n, refuses(read)),
    "json: lists": (lambda n: b"[" + b"[]," * (n // 3), refuses(read)),
    "json: escapes": (lambda n: b'"' + b'\\"' * (n // 2), refuses(read)),
    "json: code": (lambda n: msgspec.json.encode('if (a[i]) { b("x"); }\n' * (n // 22)), read),
    "json: closed": (lambda n: b"[]" * 70 + b"]" * n, refuses(read)),
    "arguments": (lambda n: '{"a":' * (n // 5), arguments_object),
    "events: lines": (lambda n: b"data: {}\n\n" * (n // 10), lambda data: EventStream().feed(data)),
    "events: empty": (lambda n: b"\n" * n, lambda data: EventStream().feed(data)),
    "error: a key": (lambda n: says(message="sk-a " * (n // 5)), lambda b: failure(400, {}, b, now=0.0)),
    "error: words": (lambda n: says(message="exceeds " * (n // 8)), lambda b: failure(400, {}, b, now=0.0)),
    "error: deep": (lambda n: b"[" * n, lambda b: failure(400, {}, b, now=0.0)),
    "error: a delay": (
        lambda n: says(details=[{"retryDelay": "1" * n}]),
        lambda b: failure(429, {}, b, now=0.0),
    ),
    "error: many codes": (
        lambda n: says(details=[{"reason": "a"}] * (n // 15)),
        lambda b: failure(429, {}, b, now=0.0),
    ),
    "header: a wait": (lambda n: {"retry-after": "1" * n}, lambda h: retry_after_s(h, (), now=0.0)),
    "header: a date": (lambda n: {"retry-after": "(" * n}, lambda h: retry_after_s(h, (), now=0.0)),
    "header: a reset": (
        lambda n: {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1" * n},
        lambda h: retry_after_s(h, (), now=0.0),
    ),
    "program: a line": (lambda n: b"x" * n, output),
    "program: sequences": (lambda n: b"\x1b]" * (n // 2), output),
    "program: columns": (lambda n: b"\x1b[9999Gx\n" * (n // 10), output),
    "program: line ends": (lambda n: b"\r" * n, output),
    "telegram: backslashes": (lambda n: b'{"ok":true,"description":"' + b"\\" * n, refuses(decode_answer)),
    "telegram: escapes": (
        lambda n: b'{"ok":true,"description":"' + b"\\na" * (n // 3),
        refuses(decode_answer),
    ),
    "telegram: halves": (
        lambda n: b'{"ok":true,"description":"' + b"\\ud800" * (n // 6),
        refuses(decode_answer),
    ),
    "telegram: links": (answers_links, lambda raw: decode_update(raw, account="main", me=Me(id=1))),
    "websocket": (lambda n: '{"type":"message","id":"1","text":"' + "[" * n, refuses(decode_client, NotJson)),
    "config: dots": (lambda n: "a" + ".a" * (n // 2) + " = 1", refuses(read_toml, NotToml)),
    "config: dots between words": (
        lambda n: f'"{"w" * 90}".' * (n // 93) + "a = 1",
        refuses(read_toml, NotToml),
    ),
    "config: dots between quotes": (lambda n: '"\\"".' * (n // 5) + "a = 1", refuses(read_toml, NotToml)),
    "config: quotes": (lambda n: '\\"' * (n // 2), refuses(read_toml, NotToml)),
    "config: where dots stand": (lambda n: "www." * (n // 4) + "a = 1", toml_lines),
    "config: where a table's dots stand": (lambda n: "[" + "w." * (n // 2) + "a]", toml_lines),
    "config: comments": (lambda n: "#\n" * (n // 2), toml_lines),
    "config: a word": (lambda n: "a" * n, refuses(read_toml, NotToml)),
    "config: lists": (lambda n: "a = " + "[" * n, refuses(read_toml, NotToml)),
    "config: keys": (lambda n: "".join(f"k{i} = 1\n" for i in range(n // 12)), read_toml),
    "config: where keys stand": (lambda n: "".join(f"k{i} = 1\n" for i in range(n // 10)), toml_lines),
    "control socket": (lambda n: b'{"type":"status","x":' + b"[" * n, refuses(decode_request)),
    "conversation: calls": (lambda n: conversation(n // 256), assemble),
    "conversation: turns": (
        lambda n: long_chat(n // 256),
        lambda chat: shortened(chat, len(chat) - 1, 100, asked=1),
    ),
}


MOST_OF_ITS_SIZE = 48
"""So many bytes a byte of text takes at the most while it is looked through: a list in JSON takes twenty, one
escape that is as long as the text forty-three."""


def takes(work, text):
    """How many bytes more there are while it works than before, at the most."""
    tracemalloc.start()
    try:
        work(text)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def cost(work, text, enough=0.0):
    """The best of three times, in seconds of CPU; what is good enough is not tried again."""
    best = float("inf")
    for _ in range(3):
        began = time.process_time()
        work(text)
        best = min(best, time.process_time() - began)
        if best <= enough:
            break
    return best


@pytest.mark.parametrize("border", BORDERS)
def test_a_text_takes_no_more_memory_than_so_many_times_its_size(border):
    make, work = BORDERS[border]
    assert takes(work, make(SMALL)) <= MOST_OF_ITS_SIZE * SMALL


@pytest.mark.parametrize("border", BORDERS)
def test_a_longer_text_costs_what_it_is_longer(border):
    make, work = BORDERS[border]
    small = cost(work, make(SMALL))
    # A thousandth of a second is too little to be compared with. 0.5 s at the most, of an honest megabyte in
    # pieces; the worst of these took hours.
    most = min(2.5**DOUBLINGS * max(small, 0.001), 3.0)
    assert cost(work, make(SMALL << DOUBLINGS), enough=most) <= most
