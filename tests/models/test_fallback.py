"""Keys and models are walked in order; nothing is asked that cannot help."""

from __future__ import annotations

import itertools
import json
import random

import pytest
import trio

from hermes_trio.errors import ModelFailed, NoCredentials
from hermes_trio.models.errors import failure
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.models.key_pool import KeyPool
from hermes_trio.values.identity import Secret
from hermes_trio.values.transcript import ModelAnswer
from tests.models.desk import REQUEST, START, Calendar, Desk, Log, Scripted, failed
from tests.models.test_model_errors import BODIES


async def test_one_good_key_of_ten_is_found_and_each_bad_one_is_called_once(autojump_clock):
    keys = "abcdefghij"
    model = Scripted(by_key={key: failed("rate_limit") for key in keys[:9]})
    desk = Desk(model, keys=keys)
    assert (await desk.ask()).text == "ok from m"
    assert model.keys == list(keys)
    assert (await desk.ask()).text == "ok from m"
    assert model.keys[10:] == ["j"]
    assert trio.current_time() == 0


REFUSALS = [body for body in BODIES if body[4] in ("quota", "auth", "rate_limit", "overload")]


@pytest.mark.parametrize(
    ("status", "headers", "body"), [body[1:4] for body in REFUSALS], ids=[body[0] for body in REFUSALS]
)
async def test_whatever_a_provider_says_a_key_is_called_once_and_the_spare_answers(status, headers, body):
    raw = body if isinstance(body, str) else json.dumps(body)
    model = Scripted(by_key={"a": failure(status, headers, raw.encode(), now=START)})
    desk = Desk(model, keys="ab")
    for _ in range(3):
        assert (await desk.ask()).text == "ok from m"
    assert model.keys == ["a", "b", "b", "b"]


@pytest.mark.parametrize("kind", ["quota", "auth", "rate_limit", "overload"])
async def test_no_key_left_is_told_with_class_and_time(kind, autojump_clock):
    model = Scripted(by_key={key: failed(kind) for key in "abc"})
    desk = Desk(model, keys="abc")
    for _ in range(2):
        with pytest.raises(NoCredentials) as none:
            await desk.ask()
        # A rest is advice: of keys that all rest one is tried half a minute later.
        assert (none.value.kind, none.value.until) == (kind, pytest.approx(START + trio.current_time() + 30))
    assert model.keys == ["a", "b", "c", *(["c", "c"] if kind == "overload" else [])]
    assert [event for event, _ in desk.log.lines] == ["key cooled down"] * 3 + ["pool empty"] * 2
    await trio.sleep(30)
    model.by_key = {}
    assert (await desk.ask()).text == "ok from m"
    assert model.keys[-1] == "a"


async def test_no_key_at_all_is_told_and_nothing_is_sent():
    model = Scripted()
    desk = Desk(model, keys=["", " \n"])
    with pytest.raises(NoCredentials) as none:
        await desk.ask()
    assert none.value.until is None
    assert model.keys == []


async def test_a_model_that_needs_a_key_never_goes_without_a_pool():
    model = Scripted()
    with pytest.raises(NoCredentials):
        await (
            Candidates([Candidate(model)], chance=random.Random(1))
            .walk()
            .complete(REQUEST, print, on_restart=print)
        )
    assert model.keys == []


async def test_a_model_without_keys_is_asked_without():
    model = Scripted(needs_key=False, script=[failed("overload")])
    assert (await Desk(model).ask()).text == "ok from m"
    assert model.keys == ["", ""]


async def test_a_lone_key_is_probed_every_thirty_seconds_by_one_request_at_a_time(autojump_clock):
    model = Scripted(by_key={"a": failed("quota")})
    desk = Desk(model)
    with pytest.raises(NoCredentials) as none:
        await desk.ask()
    assert none.value.until == START + 30
    await trio.sleep(29)
    with pytest.raises(NoCredentials):
        await desk.ask()
    assert len(model.keys) == 1
    await trio.sleep(1)
    refused = 0

    async def one() -> None:
        nonlocal refused
        try:
            await desk.ask()
        except NoCredentials:
            refused += 1

    async with trio.open_nursery() as nursery:
        for _ in range(5):
            nursery.start_soon(one)
    assert (len(model.keys), refused) == (2, 5)
    model.by_key = {}
    await trio.sleep(30)
    assert (await desk.ask()).text == "ok from m"
    assert (await desk.ask()).text == "ok from m"


async def test_a_cancelled_probe_does_not_use_up_its_turn(autojump_clock):
    model = Scripted(script=[failed("quota"), "hang", "ok"])
    desk = Desk(model)
    with pytest.raises(NoCredentials):
        await desk.ask()
    await trio.sleep(30)
    with trio.move_on_after(5):
        await desk.ask()
    assert (await desk.ask()).text == "ok from m"


async def test_a_rate_limit_of_one_model_does_not_bench_the_key_for_another_but_a_used_up_one_does():
    for kind, asked in (("rate_limit", ["a"]), ("quota", [])):
        first, second = Scripted("one", [failed(kind)]), Scripted("two")
        log = Log()
        pool = KeyPool([Secret("a")], clock=Calendar(), chance=random.Random(1), log=log)
        both = Candidates([Candidate(first, pool), Candidate(second, pool)], chance=random.Random(1), log=log)
        try:
            await both.walk().complete(REQUEST, lambda _: None, on_restart=lambda: None)
        except NoCredentials:
            assert kind == "quota"
        assert second.keys == asked


async def test_the_time_a_provider_names_is_kept(autojump_clock):
    model = Scripted(script=[failed("rate_limit", retry_after_s=7.0)])
    desk = Desk(model)
    with pytest.raises(NoCredentials) as none:
        await desk.ask()
    assert none.value.until == START + 7
    await trio.sleep(7)
    assert (await desk.ask()).text == "ok from m"


@pytest.mark.parametrize("kind", ["transport", "unknown"])
async def test_what_is_no_keys_fault_is_tried_three_times_with_the_same_key(kind, autojump_clock):
    model = Scripted(script=[failed(kind)] * 2)
    desk = Desk(model)
    assert (await desk.ask()).text == "ok from m"
    assert model.keys == ["a"] * 3
    assert 0 < trio.current_time() < 3
    model.script = [failed(kind)] * 3
    with pytest.raises(ModelFailed) as last:
        await desk.ask()
    assert last.value.kind == kind
    assert len(model.keys) == 6
    assert desk.log.lines == []


async def test_rotation_spends_no_retries(autojump_clock):
    script = [failed("transport"), failed("auth"), failed("transport"), failed("rate_limit"), "ok"]
    desk = Desk(Scripted(script=script), keys="abc")
    assert (await desk.ask()).text == "ok from m"


@pytest.mark.parametrize("kind", ["context", "malformed"])
async def test_a_request_at_fault_is_given_up_at_once(kind):
    first, second = Scripted("one", [failed(kind)]), Scripted("two")
    desk = Desk(first, second, keys="ab")
    with pytest.raises(ModelFailed) as at_once:
        await desk.ask()
    assert at_once.value.kind == kind
    assert (first.keys, second.keys) == (["a"], [])


async def test_a_model_that_is_not_there_is_not_asked_again():
    first, second = Scripted("one", [failed("unknown", status=404)]), Scripted("two")
    assert (await Desk(first, second).ask()).text == "ok from two"
    assert len(first.keys) == 1


FAULTS = ["rate_limit", "overload", "transport", "auth", "unknown"]


@pytest.mark.parametrize(("first", "second"), list(itertools.product(FAULTS, FAULTS)))
async def test_the_third_candidate_answers_whatever_the_first_two_do(first, second, autojump_clock):
    one = Scripted("one", by_key={"a": failed(first)})
    two = Scripted("two", by_key={"a": failed(second)})
    three = Scripted("three")
    desk = Desk(one, two, three)
    assert (await desk.ask()).text == "ok from three"
    assert len(three.keys) == 1
    assert max(len(one.keys), len(two.keys)) <= 3


async def test_a_turn_goes_along_the_list_once(autojump_clock):
    one, two = Scripted("one", [failed("transport")] * 3), Scripted("two")
    desk = Desk(one, two)
    walk = desk.candidates.walk()
    assert walk.model is one
    for _ in range(3):
        assert (await desk.ask(walk)).text == "ok from two"
    assert walk.model is two
    assert len(one.keys) == 3
    assert (await desk.ask()).text == "ok from one"


async def test_when_all_fail_the_earliest_time_is_told(autojump_clock):
    one = Scripted("one", by_key={"a": failed("auth"), "b": failed("auth")})
    two = Scripted("two", by_key={"a": failed("rate_limit"), "b": failed("rate_limit", retry_after_s=20.0)})
    with pytest.raises(NoCredentials) as none:
        await Desk(one, two, keys="ab").ask()
    assert (none.value.until, none.value.kind) == (START + 20, "rate_limit")


async def test_a_failure_that_is_no_keys_fault_is_told_rather_than_a_time(autojump_clock):
    one, two = Scripted("one", [failed("transport")] * 3), Scripted("two", by_key={"a": failed("quota")})
    with pytest.raises(ModelFailed) as told:
        await Desk(one, two).ask()
    assert told.value.kind == "transport"


@pytest.mark.parametrize("order", [1, -1])
async def test_where_messages_are_kept_a_used_up_key_beside_a_model_that_is_down_keeps_them(
    autojump_clock, order
):
    one, two = Scripted("one", [failed("transport")] * 3), Scripted("two", by_key={"a": failed("quota")})
    desk = Desk(*(one, two)[::order], on_exhausted="defer")
    with pytest.raises(NoCredentials) as told:
        await desk.ask()
    assert told.value.defer
    assert START < told.value.until <= START + 60  # a lone key is probed every 30 s


async def test_text_of_a_failed_try_is_void_and_the_caller_is_told(autojump_clock):
    desk = Desk(Scripted(script=[("half an", failed("transport")), failed("transport"), "ok"]))
    await desk.ask()
    assert desk.shown == ["ok from m"]


async def test_an_answer_that_ended_before_it_began_is_asked_for_again(autojump_clock):
    desk = Desk(Scripted(script=[ModelAnswer(finish="partial"), "ok"]))
    assert (await desk.ask()).text == "ok from m"


async def test_half_an_answer_is_an_answer():
    desk = Desk(Scripted(script=[ModelAnswer(text="half", finish="partial")]))
    assert (await desk.ask()).text == "half"


async def test_no_key_is_in_the_log_or_an_error(autojump_clock):
    desk = Desk(Scripted(by_key={"sk-secret": failed("auth")}), keys=["sk-secret"])
    with pytest.raises(NoCredentials) as none:
        await desk.ask()
    assert "sk-secret" not in f"{desk.log.lines} {none.value!r} {desk.pools[0].__dict__}"
    assert desk.log.lines[0][1]["key"] == "1/1"
