"""Run a child for ever: a crash is logged and isolated, and the child starts again after a while.

This is a border: exception groups are opened here and go no further.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import trio

from hermes_trio.errors import AccountRefused, PollConflict
from hermes_trio.ports.system import Chance, Log
from hermes_trio.runtime.backoff import backoff_s
from hermes_trio.runtime.tracebacks import traceback_of
from hermes_trio.text.foreign_errors import told_in_short

P = ParamSpec("P")
T = TypeVar("T")
HEALTHY_S = 30.0
FIRST_S = 1.0
CAP_S = 60.0
CONFLICT_S = 30.0


async def supervise(
    serve: Callable[[], Awaitable[None]],
    *,
    name: str,
    log: Log,
    chance: Chance,
    down: Callable[[BaseException], None],
) -> bool:
    """Run `serve` until it returns or is refused; restart it with full-jitter backoff otherwise.

    Args:
        serve: owns all of its resources, so that the next run starts from nothing.
        down: told of each end that was not asked for, before the wait.

    Returns:
        True if `serve` returned by itself, False if its credentials were refused.
    """
    failures = 0
    conflicting = False
    while True:
        began = trio.current_time()
        failed: BaseExceptionGroup[Exception] | None = None
        try:
            await serve()
        except* Exception as group:
            failed = group
        if failed is None:
            return True
        error = _telling_leaf(failed)
        why = told_in_short(error)
        down(error)
        if isinstance(error, AccountRefused):
            log.error("account refused", account=name, why=why)
            return False
        if trio.current_time() - began > HEALTHY_S:
            failures = 0
        wait_s = backoff_s(failures, chance.random(), first_s=FIRST_S, cap_s=CAP_S)
        if isinstance(error, PollConflict):
            wait_s = CONFLICT_S + wait_s / 2
        if (trace := traceback_of(error)) is not None:
            log.error("account failed", account=name, error=why, traceback=trace)
        if not (conflicting and isinstance(error, PollConflict)):
            log.warning("account restarts", account=name, why=why, again_s=wait_s)
        conflicting = isinstance(error, PollConflict)
        failures += 1
        await trio.sleep(wait_s)


async def attempt(
    call: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs
) -> tuple[T | None, Exception | None]:
    """Call what is not ours, and return its failure beside its value instead of raising it.

    Cancelled: a nursery in it may fail and be cancelled at once. Then its failure is dropped: left in one
    group with the cancel it would pass each border but the last, and end the gateway.
    """
    value: T | None = None
    failed: Exception | None = None
    try:
        value = await call(*args, **kwargs)
    except Exception as error:
        failed = error
    except BaseExceptionGroup as group:
        raise only_cancels(group) from None
    return value, failed


def only_cancels(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Of a group of cancels and failures the cancels."""
    return group.split(Exception)[1] or group


def _telling_leaf(error: BaseException) -> BaseException:
    """Of several errors at once the one that says most about the account."""
    for kind in (AccountRefused, PollConflict):
        if isinstance(error, BaseExceptionGroup) and (found := error.subgroup(kind)) is not None:
            return first_leaf(found)
    return first_leaf(error)


def first_leaf(error: BaseException) -> BaseException:
    """The first exception that is no group. An error of a nursery is always a group of them."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
