"""Each notice of the store has its sentence, and a cut its line."""

from __future__ import annotations

from typing import get_args

import pytest

from hermes_trio.text import notices as table
from hermes_trio.text import sentences
from hermes_trio.text.notices import cut_line, sentence
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.notices import Cut, LastReport, Notice, Plain, QueueFull
from hermes_trio.values.stored import Stopped

KEY = ConversationKey("memory", "main", "ada")


def test_each_notice_has_its_sentence_and_each_cut_its_line():
    plain, *with_slots = get_args(Notice)
    assert set(table._PLAIN) == set(get_args(plain)) == set(get_args(Plain))
    assert set(table._SLOTS) == set(with_slots)
    assert set(table._LINES) == set(get_args(Cut))


@pytest.mark.parametrize(
    ("notice", "said"),
    [
        ("back", sentences.BACK),
        (QueueFull(3), sentences.queue_full(3)),
        (LastReport("one"), f"one\n{sentences.MUTED_NOTE}"),
        (Stopped(KEY, 7, 0), "Stopped."),
        (Stopped(KEY, 7, 1), "Stopped. 1 message is still to come."),
        (Stopped(KEY, None, 0), "Nothing is running."),
        (Stopped(KEY, None, 2), "Nothing is running. 2 messages are waiting."),
    ],
)
def test_what_is_said_of_a_notice(notice, said):
    assert sentence(notice) == said


def test_what_a_cut_turn_showed_ends_with_a_line_of_how_it_was_cut():
    assert [cut_line(how) for how in ("stopped", "reset", "interrupted", "cut_short")] == [
        "(stopped)",
        "(ended by a new session)",
        "(interrupted)",
        "(cut short)",
    ]
