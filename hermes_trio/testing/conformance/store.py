"""`check_store`: what every Store must do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from itertools import count

from hermes_trio.testing.conformance.clauses import Report, hold_against
from hermes_trio.testing.conformance.store_boots import BOOTS
from hermes_trio.testing.conformance.store_delivering import DELIVERING
from hermes_trio.testing.conformance.store_processes import PROCESSES
from hermes_trio.testing.conformance.store_trial import Calendar, MakeStore, StoreTrial
from hermes_trio.testing.conformance.store_turns import TURNS
from hermes_trio.testing.conformance.store_waiting import WAITING
from hermes_trio.testing.conformance.store_writing import WRITING

STORE_CLAUSES = (*WRITING, *TURNS, *BOOTS, *DELIVERING, *WAITING, *PROCESSES)


async def check_store(make: MakeStore, *, keeps: bool = True, only: Collection[str] = ()) -> Report:
    """Hold a store against the contract of its port, promise by promise, each with a new store.

    Args:
        make: `make(name, clock)` opens the store of this name, empty when the name is new, and serves it
            while the body runs. The same name again, after that, is the same store.
        keeps: False for one that is gone when it is closed.
        only: names of clauses to look at; empty: all.

    Cancelled, the store that is looked at is closed; what was written is in it.

    Raises:
        Broken: an AssertionError whose text names each clause that is broken, what was seen, what is wanted.
    """
    numbers = count(1)

    @asynccontextmanager
    async def trial() -> AsyncIterator[StoreTrial]:
        clock, name = Calendar(), f"checked-{next(numbers)}"
        async with make(name, clock) as store:
            made = StoreTrial(store, make, name, clock, keeps)
            await store.begin_boot()
            yield made

    return await hold_against("store", STORE_CLAUSES, trial, only)
