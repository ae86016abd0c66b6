"""What a failed turn means for its messages and its user."""

from __future__ import annotations

import pytest

from hermes_trio.errors import LimitReached, ModelFailed, NoCredentials, StepMismatch, TurnTimedOut
from hermes_trio.turns.endings import ending_of


@pytest.mark.parametrize(
    ("error", "reason", "sentence", "outcome"),
    [
        (
            ValueError("secret detail"),
            "ValueError",
            "Something went wrong while I worked on this (turn 7). Please try again.",
            "failed",
        ),
        (
            StepMismatch("step 'a'"),
            "StepMismatch",
            "Something went wrong while I worked on this (turn 7). Please try again.",
            "failed",
        ),
        (TurnTimedOut("x"), "deadline", "I stopped: this took longer than a turn may take.", "failed"),
        (
            ModelFailed("overload", "provider text"),
            "model: overload",
            "I could not answer: the model is overloaded at the moment (turn 7).",
            "failed",
        ),
        (
            ModelFailed("unknown", "provider text"),
            "model: unknown",
            "I could not answer: the model failed (turn 7). Whoever runs me can see why, and mend it.",
            "failed",
        ),
        (
            NoCredentials(1060.0, "quota"),
            "no_credentials",
            "I could not answer: no model key can be used at the moment (quota used up)."
            " Send it again in 60 s.",
            "refused",
        ),
        (
            NoCredentials(1030.0, "overload"),
            "no_credentials",
            "I could not answer: no model key can be used at the moment (the model is overloaded)."
            " Send it again in 30 s.",
            "refused",
        ),
        (
            NoCredentials(None),
            "no_credentials",
            "I could not answer: no model key can be used at the moment (credentials refused)."
            " Whoever runs me can see why, and mend it.",
            "refused",
        ),
        (
            NoCredentials(None, defer=True),
            "no_credentials",
            "I could not answer: no model key can be used at the moment (credentials refused)."
            " Whoever runs me can see why, and mend it.",
            "refused",
        ),
        (
            LimitReached("this took more than 60 steps"),
            "limit: this took more than 60 steps",
            "I stopped: this took more than 60 steps.",
            "failed",
        ),
    ],
)
def test_ending_of(error, reason, sentence, outcome):
    ending = ending_of(error, 7, now=1000.0, asked_at=900.0)
    assert (ending.reason, ending.sentence, ending.outcome) == (reason, sentence, outcome)


def test_no_foreign_text_reaches_the_user():
    for error in (ValueError("detail"), ModelFailed("auth", "detail"), TurnTimedOut("detail")):
        assert "detail" not in ending_of(error, 7, now=0.0, asked_at=0.0).sentence


@pytest.mark.parametrize(
    ("until", "asked_at", "kept_until", "sentence"),
    [
        (
            1600.0,
            900.0,
            1600.0,
            "(quota used up). Your message is kept",
        ),
        (1000.0, 900.0, 1001.0, "when one can, in 1 s at the earliest."),
        (900.0, 900.0, 1001.0, "when one can, in 1 s at the earliest."),
        (1600.0, 1000.0 - 86_399.0, 1600.0, "Your message is kept"),
        (1600.0, 1000.0 - 86_400.0, None, "I could not answer: no model key can be used"),
        (1600.0, 5000.0, 1600.0, "Your message is kept"),
    ],
    ids=["later", "now", "past", "a day nearly", "a day", "the clock was set back"],
)
def test_a_turn_that_may_be_deferred(until, asked_at, kept_until, sentence):
    ending = ending_of(NoCredentials(until, "quota", defer=True), 7, now=1000.0, asked_at=asked_at)
    assert ending.until == kept_until
    assert sentence in ending.sentence
