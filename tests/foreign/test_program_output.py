"""What a program prints is read in pieces of which none holds the loop for long, whatever stands in it."""

from __future__ import annotations

import time

import pytest

from hermes_trio.processes.output import Cleaner
from hermes_trio.processes.system import READ_BYTES
from hermes_trio.runtime.redaction import Redactor, seeks
from hermes_trio.values.identity import Secret
from tests.foreign.test_holds import HOLD_S, SECRET

PRINTED = {
    "carriage returns": b"a\r",
    "nothing but returns": b"\r",
    "backspaces": b"ab\x08",
    "wide characters that are taken back": "界\x08".encode(),
    "erased lines": b"\x1b[K",
    "moves to the right": b"\x1b[9999C",
    "moves to the left": b"\x1b[9D",
    "titles without end": b"\x1b]0;",
    "all bytes": bytes(range(256)),
    "a secret over a secret": SECRET.encode() + b"\r",
}


def longest_piece(printed):
    """Seconds of CPU for the piece of a program's output that takes longest."""
    cleaner, took = Cleaner(seeks(Redactor([Secret(SECRET)]))), [0.0]
    for at in range(0, len(printed), READ_BYTES):
        began = time.process_time()
        cleaner.feed(printed[at : at + READ_BYTES])
        took.append(time.process_time() - began)
    return max(took)


@pytest.mark.parametrize("kind", PRINTED)
def test_no_piece_holds_the_loop(kind):
    printed = PRINTED[kind] * (400_000 // len(PRINTED[kind]))
    # What else a step does with it (lines, what is kept of it) takes a tenth of that.
    assert min(longest_piece(printed) for _ in range(3)) < 0.8 * HOLD_S
