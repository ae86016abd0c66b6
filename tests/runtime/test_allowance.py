"""Time that is given ends when it is over, whatever the clock does."""

import pytest
import trio

from hermes_trio.runtime.allowance import Allowance, Allowances
from hermes_trio.testing import rounds


@pytest.mark.parametrize(("before_s", "given_s", "stood_still_s"), [(0.25, 0.7, 4000.2), (0.25, 0.7, 0.0)])
async def test_what_is_left_too_little_for_a_clock_to_tell_is_over(
    mock_clock, before_s, given_s, stood_still_s, nursery
):
    # Of 0.7 s after a stop of 4,000 there are 4e-13 left at last: as a time from now that is now.
    allowances, went = Allowances(), []
    mock_clock.jump(before_s)
    nursery.start_soon(allowances.serve)
    await trio.testing.wait_all_tasks_blocked()

    async def work():
        given = Allowance(allowances, given_s)
        with given:
            await trio.sleep_forever()
        went.append(given.passed)

    nursery.start_soon(work)
    await trio.testing.wait_all_tasks_blocked()
    mock_clock.jump(stood_still_s)
    for _ in range(100):
        # To when it looks next: where that is now for ever, no time passes.
        mock_clock.jump(max(0.0, allowances._looks_at - trio.current_time()) if allowances._given else 0.0)
        await trio.testing.wait_all_tasks_blocked() if went else await rounds(5)
    assert went == [True]
    nursery.cancel_scope.cancel()
