"""What is kept of conversations between their turns: at most so many bytes, those used last."""

from __future__ import annotations

import pytest

from hermes_trio.models.providers.openai_spelling import OpenAISpelling
from hermes_trio.transcript.cache import OVERHEAD_BYTES, Kept, Memory
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.stored import Mark
from hermes_trio.values.transcript import Spelled

SIZE = 10_000
WHOLE = SIZE + OVERHEAD_BYTES


def a_key(n):
    return ConversationKey("memory", "main", f"chat{n}")


def kept(session=1, size=SIZE):
    return Kept(Mark(session, 1, size, 0), size, {OpenAISpelling(): Spelled(b"," * size, 1)})


def test_what_was_used_longest_ago_is_forgotten_first():
    memory = Memory(3 * WHOLE)
    for n in (1, 2, 3, 1, 4):
        memory.keep(a_key(n), kept(n))
    assert [memory.of(a_key(n)) is not None for n in (1, 2, 3, 4)] == [True, False, True, True]
    assert memory.bytes == 3 * WHOLE


def test_of_each_key_there_is_one():
    memory = Memory(9 * WHOLE)
    memory.keep(a_key(1), kept(1))
    memory.keep(a_key(1), kept(2))
    assert memory.of(a_key(1)).mark.session == 2
    assert memory.bytes == WHOLE


def test_what_has_ended_is_forgotten():
    memory = Memory(9 * WHOLE)
    memory.keep(a_key(1), kept())
    memory.forget(a_key(1))
    memory.forget(a_key(2))
    assert (memory.of(a_key(1)), memory.bytes) == (None, 0)


@pytest.mark.parametrize("size", [0, 3 * WHOLE])
def test_nothing_and_too_much_is_not_kept_and_neither_is_what_was_before(size):
    memory = Memory(3 * WHOLE)
    memory.keep(a_key(1), kept())
    memory.keep(a_key(1), kept(size=size))
    assert (memory.of(a_key(1)), memory.bytes) == (None, 0)
