"""The Store port's clauses about writing: atomic, fenced, in order, with consequences, under cancels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import trio

from hermes_trio.errors import StaleSession, StaleTurn, StoreClosed
from hermes_trio.testing.conformance.clauses import Unable, expect
from hermes_trio.testing.conformance.store_trial import (
    ACCOUNT,
    RULES,
    Calendar,
    StoreTrial,
    decided,
    key,
    raises,
    reply,
    same,
)
from hermes_trio.values.consequences import WakeKey
from hermes_trio.values.stored import Closing, Opened, StepRow
from hermes_trio.values.transcript import AssistantEntry

CUTS = 8
ENDS = ("stopped", "reset", "closed", "held by an older boot", "there is none")


async def acts_before_the_caller_wakes(trial: StoreTrial) -> None:
    """What follows from a commit is performed once, before whoever asked for it goes on."""
    await trial.accept("hello")
    same(trial.followed, [WakeKey(key("ada"), await trial.session())], "what followed")


async def acts_on_nothing_that_failed(trial: StoreTrial) -> None:
    """A promise that is refused has written nothing, and nothing follows from it."""
    await trial.accept("hello")
    trial.forget()
    before = await trial.everything()
    closing = Closing(state="finished", reply=reply())
    await raises(StaleTurn, lambda: trial.store.close_turn(99, closing), "a turn that is not there")
    same(trial.followed, [], "what followed")
    same(await trial.everything(), before, "what is stored")


async def undoes_one_caller_alone(trial: StoreTrial) -> None:
    """Of several that write at once, the error of one undoes that one, and no other."""
    refused: list[str] = []

    async def stale() -> None:
        try:
            await trial.store.close_turn(99, Closing(state="finished"))
        except StaleTurn:
            refused.append("one")

    async with trio.open_nursery() as nursery:
        for n in range(20):
            nursery.start_soon(partial(trial.accept, f"m{n}"))
            if n % 7 == 3:
                nursery.start_soon(stale)
    same(len(refused), 3, "how many were refused")
    same(len(await trial.store.ledger()), 20, "how many messages are there")
    same(len(trial.follows(WakeKey)), 20, "how many times the key was woken")


async def writes_in_the_order_of_its_callers(trial: StoreTrial) -> None:
    """What one task writes after another is numbered and performed in that order, others notwithstanding."""

    async def write(user: str) -> None:
        for n in range(10):
            await trial.accept(f"m{n}", user=user)

    async with trio.open_nursery() as nursery:
        for user in ("ada", "bob", "eve"):
            nursery.start_soon(write, user)
    rows = await trial.store.ledger()
    for user in ("ada", "bob", "eve"):
        natives = [row.native for row in rows if row.chat == user]
        same(natives, [f"{user}: m{n}" for n in range(10)], f"what {user} wrote, in its order")
    woken = [one.key.chat for one in trial.follows(WakeKey)]
    same(woken, [row.chat for row in rows], "whom the commits woke, in the order of the rows")


async def writes_nothing_when_cancelled_before(trial: StoreTrial) -> None:
    """In a scope that is cancelled already nothing is written, and the call ends as Cancelled."""
    with trio.CancelScope() as scope:
        scope.cancel()
        await trial.accept("never")
    expect(scope.cancelled_caught, "Cancelled", "it returned")
    await trial.accept("later")
    same([row.native for row in await trial.store.ledger()], ["ada: later"], "what is there")


async def tells_its_result_or_wrote_nothing(trial: StoreTrial) -> None:
    """Wherever a cancel falls: the caller has its result and it is written, or neither."""
    for rounds in range(CUTS):
        results: list[object] = []

        async def write(text: str, results: list[object] = results) -> None:
            results.append(await trial.accept(text, user="bob"))

        trial.forget()
        text = f"cut {rounds}"
        async with trio.open_nursery() as nursery:
            nursery.start_soon(write, text)
            for _ in range(rounds):
                await trio.lowlevel.checkpoint()
            nursery.cancel_scope.cancel()
        written = f"bob: {text}" in [row.native for row in await trial.store.ledger()]
        same(bool(results), written, f"cancelled after {rounds} rounds: told, and written")
        same(bool(trial.follows(WakeKey)), written, f"cancelled after {rounds} rounds: acted, and written")


async def commits_what_was_asked_before_it_closes(trial: StoreTrial) -> None:
    """What was asked for is written before the store is left; after that it is StoreClosed."""
    clock = Calendar()
    async with trial.make(f"{trial.name} again", clock) as store:
        await store.begin_boot()
        await store.accept(ACCOUNT, [decided("hello")], "7", RULES)
    await raises(StoreClosed, lambda: store.accept(ACCOUNT, [decided("late")], None, RULES), "a write")
    await raises(StoreClosed, store.ledger, "a look")


async def keeps_what_was_written(trial: StoreTrial) -> None:
    """What a call has returned for is there when the store is opened again."""
    if not trial.keeps:
        raise Unable("it keeps nothing")
    async with trial.make(f"{trial.name} kept", trial.clock) as store:
        await store.begin_boot()
        await store.accept(ACCOUNT, [decided("hello")], "7", RULES)
    async with trial.make(f"{trial.name} kept", trial.clock) as store:
        booted = await store.begin_boot()
        same(booted.boot, 2, "which boot this is")
        same([row.native for row in await store.ledger()], ["ada: hello"], "what is there")
        same(await store.cursor(ACCOUNT), "7", "the cursor")


async def refuses_a_turn_that_does_not_run_here(trial: StoreTrial) -> None:
    """Every write of a turn that has ended, or that another boot holds, is StaleTurn, and writes nothing."""
    for n, end in enumerate(ENDS):
        user = f"user{n}"
        opened = await trial.turn(user=user)
        turn = 999 if end == "there is none" else await _end(trial, opened, user, end)
        before = await trial.everything()
        store, step = trial.store, StepRow(name="x", n=1)
        writes: dict[str, Callable[[], Any]] = {
            "begin_step": partial(store.begin_step, turn, step),
            "an ask": partial(store.begin_step, turn, StepRow(name="ask", n=1), reply(said="prompt")),
            "end_step": partial(store.end_step, turn, step, entries=[AssistantEntry("x")], reply=reply()),
            "asked": partial(store.asked, turn, step),
            "close_turn": partial(store.close_turn, turn, Closing(state="finished", reply=reply())),
            "reset": partial(store.reset, key(user), None, "late", turn=turn),
        }
        for name, write in writes.items():
            await raises(StaleTurn, write, f"{name} of a turn ({end})")
            same(await trial.everything(), before, f"what is stored after {name}")


async def refuses_a_session_that_has_ended(trial: StoreTrial) -> None:
    """An ended session has no next turn: StaleSession. What waits goes on in the next one."""
    await trial.accept("hello")
    first = await trial.session()
    second = await trial.store.reset(key("ada"), None, "test")
    for gone in (first, 999):
        await raises(StaleSession, partial(trial.store.next_turn, key("ada"), gone), f"session {gone}")
        await raises(StaleSession, partial(trial.store.stop, gone, None, "late"), f"a stop of {gone}")
        await raises(StaleSession, partial(trial.store.reset, gone, None, "late"), f"a reset of {gone}")
    opened = await trial.store.next_turn(key("ada"), second)
    expect(isinstance(opened, Opened), "the next session has its turn", opened)


async def _end(trial: StoreTrial, opened: Opened, user: str, end: str) -> int:
    match end:
        case "stopped":
            await trial.store.stop(key(user), None, "test")
        case "reset":
            await trial.store.reset(key(user), None, "test")
        case "closed":
            await trial.store.close_turn(opened.turn, Closing(state="finished"))
        case "held by an older boot":
            await trial.store.begin_boot()
    return opened.turn


WRITING = (
    acts_before_the_caller_wakes,
    acts_on_nothing_that_failed,
    undoes_one_caller_alone,
    writes_in_the_order_of_its_callers,
    writes_nothing_when_cancelled_before,
    tells_its_result_or_wrote_nothing,
    commits_what_was_asked_before_it_closes,
    keeps_what_was_written,
    refuses_a_turn_that_does_not_run_here,
    refuses_a_session_that_has_ended,
)
