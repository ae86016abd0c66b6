"""Every platform of the tree keeps the contract of its port, and what could not be looked at is named."""

from __future__ import annotations

import random
from functools import partial

from hermes_trio.testing import CrashingStore, WorldClock, check_platform
from hermes_trio.testing.conformance.platform import PLATFORM_CLAUSES
from hermes_trio.testing.conformance.platform_probing import PROBING
from hermes_trio.testing.incarnation import CutLine, Incarnation
from tests.conformance.memory_side import ALL, Line, memory_side
from tests.conformance.telegram_side import bot, telegram_side
from tests.conformance.terminal_side import terminal, terminal_side
from tests.conformance.websocket_side import listening, websocket_side

PROBES = {check.__name__ for check in PROBING}


def skipped(report):
    return {one.clause for one in report.skipped}


async def test_the_one_in_memory_that_can_everything(autojump_clock):
    report = await check_platform(Line, memory_side)
    assert skipped(report) == set()


async def test_the_one_in_memory_that_can_nothing(autojump_clock):
    report = await check_platform(Line, partial(memory_side, **dict.fromkeys(ALL, False)))
    assert skipped(report) == {
        "deletes_what_the_receipt_names",
        "edits_what_the_receipt_names",
        "says_a_key_once",
    }


async def test_the_line_of_one_life_of_a_world(autojump_clock):
    """What a World puts between its gateway and the platform in memory changes nothing while that lives."""
    life = Incarnation(1, CrashingStore(None, WorldClock(), random.Random(1), 0.0))
    by_the_side = {
        "returns_at_the_end_of_its_input",
        "says_that_another_receives",
        "says_that_the_account_is_refused",
        *PROBES,
    }
    all_others = {check.__name__ for check in PLATFORM_CLAUSES} - by_the_side
    report = await check_platform(lambda side: CutLine(side.memory, life), memory_side, only=all_others)
    assert skipped(report) == set()


async def test_telegram():
    report = await check_platform(bot, telegram_side)
    assert skipped(report) == {"returns_at_the_end_of_its_input", "says_a_key_once"}


async def test_the_websocket():
    report = await check_platform(listening, websocket_side)
    assert skipped(report) == {
        # what is sent to a client is shown or not; a client refuses nothing
        "a_chat_that_is_gone_says_so",
        "markup_that_is_refused_says_so",
        "refused_is_refused",
        "told_to_wait_says_how_long",
        "turned_away_is_not_sent",
        # ten seconds without a receipt; tests/websocket has it
        "a_lost_answer_is_unknown",
        # there is always another client; nonsense is told to it; port and token have one owner
        "returns_at_the_end_of_its_input",
        "hands_over_what_it_cannot_read",
        "hears_its_name_in_a_group",
        "says_that_another_receives",
        *PROBES,
    }


async def test_the_terminal():
    report = await check_platform(terminal, terminal_side)
    assert skipped(report) == {
        # a pipe confirms nothing and keeps nothing; a screen refuses nothing
        "a_chat_that_is_gone_says_so",
        "a_lost_answer_is_unknown",
        "a_connection_that_dies_is_unknown",
        "comes_back_after_a_lost_line",
        "confirms_only_what_is_durable",
        "does_not_hand_over_what_was_confirmed",
        "hands_over_again_what_was_not_durable",
        "hears_its_name_in_a_group",
        "markup_that_is_refused_says_so",
        "not_connected_is_not_sent",
        "refused_is_refused",
        "yields_when_nobody_is_there",
        "says_a_key_once",
        "says_that_another_receives",
        "says_that_nobody_is_there",
        "says_that_the_account_is_refused",
        "told_to_wait_says_how_long",
        "turned_away_is_not_sent",
        # one user, one place, and a million characters
        "carries_the_thread_of_what_it_hears",
        "speaks_in_several_places_at_once",
        "speaks_in_the_thread",
        "takes_a_text_of_full_length",
        # nobody has an account here
        *PROBES,
    }
