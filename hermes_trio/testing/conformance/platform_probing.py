"""The Platform port's clauses about `probe`, for platforms that have one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from hermes_trio.errors import AccountRefused, HermesError, PlatformDown
from hermes_trio.ports.platform import Platform, Probed, Probing
from hermes_trio.testing.conformance.clauses import Unable, expect
from hermes_trio.testing.conformance.platform_trial import PlatformTrial


async def probes_without_a_trace(trial: PlatformTrial) -> None:
    """With `probe` the account's name is told within `open`; nothing is received by it, and nothing said."""
    await trial.service.push("hello", trial.place)
    async with _open(trial) as platform:
        said = await platform.probe()
        expect(isinstance(said, Probed) and bool(said.name), "Probed, with a name", said)
        await trial.shows()
    async with trial.serving() as serving:
        [message] = await serving.received(1)
        expect(message.text == "hello", "what was written is heard after it", message.text)


async def probe_says_that_the_account_is_refused(trial: PlatformTrial) -> None:
    """Credentials that are not taken end `probe` with AccountRefused."""
    await _ends(trial, trial.service.refuse_account, AccountRefused)


async def probe_says_that_nobody_is_there(trial: PlatformTrial) -> None:
    """`probe` without a service ends with PlatformDown."""
    await _ends(trial, trial.service.disconnect, PlatformDown)


async def _ends(
    trial: PlatformTrial, trouble: Callable[[], Awaitable[None]], kind: type[HermesError]
) -> None:
    async with _open(trial) as platform:
        await trouble()
        try:
            said = await platform.probe()
        except HermesError as error:
            expect(isinstance(error, kind), kind.__name__, repr(error))
            trial.hides_secrets(error)
        else:
            expect(False, kind.__name__, said)


@asynccontextmanager
async def _open(trial: PlatformTrial) -> AsyncIterator[Probing]:
    platform: Platform = trial.make()
    if not isinstance(platform, Probing):
        raise Unable("it has no probe")
    async with platform.open():
        yield platform


PROBING = (
    probes_without_a_trace,
    probe_says_that_the_account_is_refused,
    probe_says_that_nobody_is_there,
)
