"""Every model of the tree keeps the contract of its port, and each clause is broken by something."""

from __future__ import annotations

from functools import partial
from typing import get_args

import pytest

from hermes_trio.models.providers.anthropic import AnthropicModel
from hermes_trio.models.providers.openai import OpenAIModel
from hermes_trio.models.providers.quirks import QUIRKS
from hermes_trio.testing import Broken, check_model
from hermes_trio.testing.conformance.model import MODEL_CLAUSES
from hermes_trio.testing.conformance.model_answers import ANSWERS
from hermes_trio.testing.conformance.model_provider import Part
from tests.conformance.broken_models import BROKEN, BROKEN_SERVED
from tests.conformance.model_sides import asking, echo, echo_side, script_side, scripted, server_side


def skipped(report):
    return {one.clause for one in report.skipped}


def heeding(*parts):
    return {f"heeds_a_refusal_of_{part.replace(' ', '_')}" for part in parts}


BOTH = ("schema keywords", "calls without tools")
OF_ANTHROPIC = ("cache_control", "thinking")
PARTS = [quirk.name for quirk in QUIRKS]


@pytest.mark.parametrize(
    ("kind", "parts", "lacks"),
    [
        (OpenAIModel, [part for part in PARTS if part not in OF_ANTHROPIC], {"goes_on_where_it_paused"}),
        (AnthropicModel, [*BOTH, *OF_ANTHROPIC], {"shows_no_thinking_that_stands_in_the_text"}),
    ],
)
async def test_a_providers_model(kind, parts, lacks):
    report = await check_model(asking, server_side(kind))
    assert skipped(report) == (heeding(*PARTS) - heeding(*parts)) | lacks


def test_there_is_a_clause_for_each_row_of_what_endpoints_refuse():
    assert list(get_args(Part)) == PARTS


async def test_the_scripted_model(autojump_clock):
    report = await check_model(scripted, script_side)
    assert skipped(report) == {
        "silence_before_the_answer_is_bounded",
        "silence_within_the_answer_is_bounded",
        "shows_it_its_own_thoughts_again",
        "speaks_in_turn",
        "goes_on_where_it_paused",
        *heeding(*PARTS),
        *(check.__name__ for check in ANSWERS),
    }


async def test_the_echo(autojump_clock):
    report = await check_model(echo, echo_side)
    assert set(report.kept) == {
        "says_its_name",
        "gives_the_answer_in_pieces_and_whole",
        "says_nothing_after_its_end",
        "yields_on_every_path",
        "asks_nothing_when_cancelled_before",
    }


@pytest.mark.parametrize(
    ("clause", "broken"), BROKEN, ids=[f"{clause}-{kind.__name__}" for clause, kind in BROKEN]
)
async def test_a_broken_model_is_named(autojump_clock, clause, broken):
    with pytest.raises(Broken) as failed:
        await check_model(broken, script_side, only=[clause])
    assert failed.value.clauses == (clause,)
    assert f"model.{clause}: " in str(failed.value)


@pytest.mark.parametrize(
    ("clause", "broken"), BROKEN_SERVED, ids=[f"{clause}-{kind.__name__}" for clause, kind in BROKEN_SERVED]
)
async def test_a_broken_model_of_a_provider_is_named(clause, broken):
    protocol = AnthropicModel if issubclass(broken, AnthropicModel) else OpenAIModel
    with pytest.raises(Broken) as failed:
        await check_model(partial(asking, kind=broken), server_side(protocol), only=[clause])
    assert failed.value.clauses == (clause,)


def test_every_clause_is_broken_by_something():
    assert {clause for clause, _ in BROKEN + BROKEN_SERVED} == {check.__name__ for check in MODEL_CLAUSES}
