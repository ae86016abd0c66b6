"""What is not ours fails, and is cancelled, in every order."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.runtime.supervise import attempt, first_leaf


async def fails(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("error", [KeyError("no"), ExceptionGroup("", [KeyError("no")])])
async def test_a_failure_is_returned_as_it_is(error):
    assert await attempt(lambda: fails(error)) == (None, error)


async def test_a_failure_amid_a_cancel_is_no_error_of_whoever_cancels(autojump_clock):
    async def cleans_up_badly():
        try:
            await trio.sleep_forever()
        finally:
            raise KeyError("no")

    async def two():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(cleans_up_badly)
            await trio.sleep_forever()

    went_on = False
    with trio.move_on_after(1) as scope:
        await attempt(two)
        went_on = True
    assert (scope.cancelled_caught, went_on) == (True, False)


async def test_what_fails_alone_amid_a_cancel_is_returned(autojump_clock):
    async def cleans_up_badly():
        try:
            await trio.sleep_forever()
        finally:
            raise KeyError("no")

    with trio.move_on_after(1):
        _, error = await attempt(cleans_up_badly)
        assert isinstance(first_leaf(error), KeyError)
