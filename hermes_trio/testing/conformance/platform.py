"""`check_platform`: what every Platform must do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TypeVar

from hermes_trio.ports.platform import Platform
from hermes_trio.testing.conformance.clauses import Report, hold_against
from hermes_trio.testing.conformance.platform_failing import FAILING
from hermes_trio.testing.conformance.platform_probing import PROBING
from hermes_trio.testing.conformance.platform_receiving import RECEIVING
from hermes_trio.testing.conformance.platform_sending import SENDING
from hermes_trio.testing.conformance.platform_service import Service
from hermes_trio.testing.conformance.platform_splitting import LEAVING, SPLITTING
from hermes_trio.testing.conformance.platform_trial import PlatformTrial

PLATFORM_CLAUSES = (*SPLITTING, *RECEIVING, *SENDING, *FAILING, *PROBING, *LEAVING)
S = TypeVar("S", bound=Service)


async def check_platform(
    make: Callable[[S], Platform],
    service: Callable[[], AbstractAsyncContextManager[S]],
    *,
    only: Collection[str] = (),
) -> Report:
    """Hold a platform against the contract of its port, clause by clause, each with a new service.

    Args:
        make: makes a platform for the account of this service; called again, it is the account after a
            restart of the process.
        service: opens the other side: a Service, served while the body runs.
        only: names of clauses to look at; empty: all.

    Cancelled, the clause that is looked at is left with everything it opened.

    Raises:
        Broken: an AssertionError whose text names each clause that is broken, what was seen, what is wanted.
    """

    @asynccontextmanager
    async def trial() -> AsyncIterator[PlatformTrial]:
        async with service() as other:
            yield PlatformTrial(other, lambda: make(other))

    return await hold_against("platform", PLATFORM_CLAUSES, trial, only)
