"""An adapter's receiving side may crash, conflict, be refused or end: nobody else is harmed by it."""

import pytest
import trio

from hermes_trio.errors import AccountRefused, PlatformDown, PollConflict
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.runtime.supervise import supervise
from tests.gateway.lines import Lines


class Serve:
    """Fails as it is told, each time after `after_s`; then serves for ever, or returns."""

    def __init__(self, *errors, after_s=0.0, returns=False):
        self.errors, self.after_s, self.returns = list(errors), after_s, returns
        self.at = []

    async def __call__(self):
        self.at.append(trio.current_time())
        await trio.sleep(self.after_s)
        if self.errors:
            raise self.errors.pop(0)
        if not self.returns:
            await trio.sleep_forever()

    def waits(self):
        return [b - a - self.after_s for a, b in zip(self.at, self.at[1:], strict=False)]


async def supervised(serve, *, until_s=3600.0):
    """Supervise for so long; (what it returned, log lines, what it was told)."""
    log, told, result = Lines(), [], None
    with trio.move_on_after(until_s):
        result = await supervise(
            serve, name="memory/main", log=log, chance=seeded_chance("s"), down=lambda e: told.append(e)
        )
    return result, log.lines, told


async def test_a_crash_is_restarted_with_full_jitter_backoff_for_ever(autojump_clock):
    serve = Serve(*[ValueError("x")] * 12)
    result, lines, told = await supervised(serve)
    assert result is None
    assert len(serve.at) == 13
    for n, wait in enumerate(serve.waits()):
        ceiling = min(60.0, 2.0**n)
        assert 0.1 * ceiling <= wait <= ceiling
    assert len(told) == 12
    # A fault in an adapter's code is told with where it was raised, beside what is done about it.
    assert [event for event, _ in lines] == ["account failed", "account restarts"] * 12


async def test_a_service_that_is_down_is_no_fault_of_its_adapter(autojump_clock):
    _, lines, _ = await supervised(Serve(*[PlatformDown("x")] * 12))
    assert [event for event, _ in lines] == ["account restarts"] * 12


async def test_one_that_was_well_for_half_a_minute_begins_its_backoff_again(autojump_clock):
    serve = Serve(*[ValueError("x")] * 12, after_s=31.0)
    await supervised(serve)
    assert all(0.1 <= wait <= 1.0 for wait in serve.waits())


async def test_refused_credentials_stop_it(autojump_clock):
    serve = Serve(AccountRefused("401"))
    result, lines, told = await supervised(serve)
    assert result is False
    assert [event for event, _ in lines] == ["account refused"]
    assert len(serve.at) == len(told) == 1


@pytest.mark.parametrize(
    "beside", [[ValueError("b"), AccountRefused("401")], [AccountRefused("401"), OSError()]]
)
async def test_also_when_something_else_failed_at_the_same_time(autojump_clock, beside):
    result, _, _ = await supervised(Serve(ExceptionGroup("nursery", [ExceptionGroup("inner", beside)])))
    assert result is False


async def test_another_poller_makes_it_wait_half_a_minute_and_says_so_once(autojump_clock):
    serve = Serve(*[PollConflict("409")] * 10)
    _, lines, _ = await supervised(serve)
    assert all(30.0 <= wait <= 60.0 for wait in serve.waits())
    assert [fields["why"] for _, fields in lines] == ["PollConflict: 409"]


async def test_and_says_so_again_when_it_comes_back(autojump_clock):
    serve = Serve(PollConflict("409"), PollConflict("409"), PlatformDown("x"), PollConflict("409"))
    _, lines, _ = await supervised(serve)
    assert [fields["why"].split(":")[0] for _, fields in lines] == [
        "PollConflict",
        "PlatformDown",
        "PollConflict",
    ]


async def test_one_that_returns_is_done(autojump_clock):
    result, lines, _ = await supervised(Serve(PlatformDown("x"), returns=True))
    assert result is True
    assert len(lines) == 1


async def test_a_cancel_goes_through(autojump_clock):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(supervised, Serve())
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
