"""How often a model that is overloaded, silent or broken off is asked again, by who else can be asked."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.errors import NoCredentials
from tests.models.desk import Desk, Scripted, failed


async def test_a_service_that_is_overloaded_for_a_moment_is_asked_again_where_nobody_else_can_be(
    autojump_clock,
):
    model = Scripted(script=[failed("overload"), failed("overload"), "ok"])
    desk = Desk(model)
    assert (await desk.ask()).text == "ok from m"
    assert model.keys == ["a", "a", "a"]
    assert trio.current_time() <= 10
    assert [view.state for view in desk.pools[0].views()] == ["ready"]


async def test_one_that_stays_overloaded_rests_after_three_calls(autojump_clock):
    model = Scripted(by_key={"a": failed("overload")})
    with pytest.raises(NoCredentials) as told:
        await Desk(model).ask()
    assert told.value.kind == "overload"
    assert model.keys == ["a", "a", "a"]


async def test_an_overloaded_one_that_says_how_long_or_has_a_spare_or_a_fallback_is_not_asked_again(
    autojump_clock,
):
    slow = Scripted(by_key={"a": failed("overload", retry_after_s=300)})
    with pytest.raises(NoCredentials):
        await Desk(slow).ask()
    spare = Scripted(by_key={"a": failed("overload")})
    await Desk(spare, keys="ab").ask()
    first, second = Scripted("one", by_key={"a": failed("overload")}), Scripted("two")
    await Desk(first, second).ask()
    assert (slow.keys, spare.keys, first.keys, second.keys) == (["a"], ["a", "b"], ["a"], ["a"])
    assert trio.current_time() == 0


async def test_a_model_that_is_silent_for_long_is_asked_once_where_another_can_be(autojump_clock):
    """A silence of two minutes was waited for three times, and then the fallback answered at once."""
    silent, other = Scripted("silent", script=[120.0] * 3), Scripted("other")
    desk = Desk(silent, other)
    assert (await desk.ask()).text == "ok from other"
    assert (trio.current_time(), len(silent.keys)) == (120.0, 1)


async def test_with_nobody_else_to_ask_it_is_asked_three_times(autojump_clock):
    silent, other = Scripted("silent", script=[120.0] * 3), Scripted("other", script=[120.0, 120.0])
    desk = Desk(silent, other)
    assert (await desk.ask()).text == "ok from other"
    assert (len(silent.keys), len(other.keys)) == (1, 3)


async def test_silences_that_are_short_are_tried_again_as_long_as_they_are_short_together(autojump_clock):
    silent, other = Scripted("silent", script=[5.0] * 3), Scripted("other")
    assert (await Desk(silent, other).ask()).text == "ok from other"
    assert len(silent.keys) == 2


async def test_a_model_that_broke_off_amid_its_answer_is_asked_again(autojump_clock):
    begun = Scripted("begun", script=[("Half", 60.0)])
    assert (await Desk(begun, Scripted("other")).ask()).text == "ok from begun"
