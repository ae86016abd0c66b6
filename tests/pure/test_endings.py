"""What a failed turn means for its messages and its user."""

from __future__ import annotations

import pytest

from hermes_trio.errors import LimitReached, ModelFailed, NoCredentials, StepMismatch, TurnTimedOut
from hermes_trio.pure.endings import ending_of


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
            "I could not answer: the model failed (turn 7).",
            "failed",
        ),
        (
            NoCredentials(1060.0, "quota"),
            "no_credentials",
            "I could not answer: no model key can be used at the moment (quota used up). Try again in 60 s.",
            "refused",
        ),
        (
            NoCredentials(None),
            "no_credentials",
            "I could not answer: no model key can be used at the moment (credentials refused).",
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
    ending = ending_of(error, 7, 1000.0)
    assert (ending.reason, ending.sentence, ending.outcome) == (reason, sentence, outcome)


def test_no_foreign_text_reaches_the_user():
    for error in (ValueError("detail"), ModelFailed("auth", "detail"), TurnTimedOut("detail")):
        assert "detail" not in ending_of(error, 7, 0.0).sentence
