"""The Store port's clauses about boots: how the last one ended, and what becomes of what it left."""

from __future__ import annotations

from functools import partial

from hermes_trio.errors import StaleTurn
from hermes_trio.testing.conformance.store_trial import StoreTrial, address, key, raises, reply, same
from hermes_trio.values.consequences import WakeCommands, WakeKey, WakeLane
from hermes_trio.values.delivery import Part
from hermes_trio.values.stored import Closing, Reply


async def knows_how_the_last_boot_ended(trial: StoreTrial) -> None:
    """A boot is clean if the one before wrote its end and left no turn running; each has the next number."""
    opened = await trial.turn()
    await trial.store.end_boot()
    second = await trial.store.begin_boot()
    same((second.boot, second.first, second.clean), (2, False, False), "a boot after one that left a turn")
    await trial.store.stop(key("ada"), None, "test")
    same((await trial.store.begin_boot()).clean, False, "after one that wrote no end")
    await trial.store.end_boot()
    last = await trial.store.begin_boot()
    same((last.boot, last.clean, last.interrupted), (4, True, ()), "after one that ended well")
    same(opened.attempt, 1, "the attempt of a first turn")


async def counts_interruptions_once_a_boot(trial: StoreTrial) -> None:
    """A boot adds one to each session with a turn left running, sets every other to 0; nothing else does."""
    await trial.turn()
    await trial.accept("hello", user="bob")

    async def counts() -> list[int]:
        return [(await trial.store.sessions(key(user)))[0].interrupted for user in ("ada", "bob")]

    await trial.store.checkpoint("stop")
    same(await counts(), [0, 0], "the counts in the first boot")
    for boots in (1, 2, 3):
        booted = await trial.store.begin_boot()
        same([one.interruptions for one in booted.interrupted], [boots], "what the boot says")
        same(await counts(), [boots, 0], f"the counts after {boots} boots")
    await trial.store.stop(key("ada"), None, "test")
    same(await counts(), [3, 0], "the counts after a stop")
    await trial.store.begin_boot()
    same(await counts(), [0, 0], "the counts of the boot after it")


async def forgets_interruptions_when_an_answer_has_arrived(trial: StoreTrial) -> None:
    """The count is 0 when the last part of a finished turn's answer is delivered, and not before."""
    opened = await trial.turn()
    await trial.store.begin_boot()
    await trial.next()
    parts = (Part("one"), Part("two"))
    final = Reply(address=address("ada"), parts=parts)
    await trial.store.close_turn(opened.turn, Closing(state="finished", reply=final))
    for wanted in (1, 0):
        begun = await trial.begun()
        await trial.store.record_delivery(begun.row, "m")
        [view] = await trial.store.sessions(key("ada"))
        same(view.interrupted, wanted, "the count")


async def checkpoints_what_runs(trial: StoreTrial) -> None:
    """A checkpoint is written on each turn that this boot runs, and on no other."""
    await trial.turn()
    await trial.turn(user="bob")
    same(await trial.store.checkpoint("stop"), 2, "how many")
    await trial.store.begin_boot()
    same(await trial.store.checkpoint("again"), 0, "how many in the next boot")


async def closes_what_an_older_boot_left(trial: StoreTrial) -> None:
    """Only a turn of an older boot can be abandoned or concluded, once: its messages and chat are told."""
    ada, bob = await trial.turn(), await trial.turn(user="bob")
    store = trial.store
    await raises(StaleTurn, partial(store.abandon, ada.turn, "too_old", "sorry"), "abandon in its boot")
    await raises(StaleTurn, partial(store.conclude, bob.turn, [Part("done")]), "conclude in its boot")
    await store.begin_boot()
    await store.abandon(ada.turn, "too_old", "sorry")
    await store.conclude(bob.turn, [Part("done")])
    await raises(StaleTurn, partial(store.abandon, ada.turn, "too_old", "sorry"), "a second abandon")
    await raises(StaleTurn, partial(store.conclude, bob.turn, [Part("done")]), "a second conclude")
    rows = [(row.outcome, row.reason) for row in await store.ledger()]
    same(rows[0], ("failed", "too_old"), "the message of the one that was abandoned")
    same(rows[1][0], "answered", "the message of the one that was concluded")
    same(await trial.say(), [("notice", "sorry")], "what the one chat is told")
    same(await trial.say("bob"), [("final", "done")], "what the other is")


async def pauses_and_releases(trial: StoreTrial) -> None:
    """A paused turn is no next turn, its chat is told once; `release` lets it go on."""
    opened = await trial.turn()
    await trial.store.begin_boot()
    await trial.store.pause(opened.turn, "later")
    same(await trial.store.next_turn(key("ada"), opened.session), None, "what is next")
    same(await trial.say(), [("notice", "later")], "what is said")
    trial.forget()
    same(await trial.store.release(), 1, "how many go on")
    same({one.key.chat for one in trial.follows(WakeKey)}, {"ada"}, "whom it wakes")
    same((await trial.next()).turn, opened.turn, "what is next then")


async def wakes_what_has_rows(trial: StoreTrial) -> None:
    """`wake_all` wakes each key and lane with rows to look at, `commands_waiting` each with commands."""
    await trial.turn("running")
    await trial.accept("waits", user="bob")
    await trial.accept("/new", user="eve")
    done = await trial.turn("done", user="kim")
    await trial.store.close_turn(done.turn, Closing(state="finished", reply=reply(user="kim")))
    trial.forget()
    await trial.store.wake_all()
    same({one.key.chat for one in trial.follows(WakeKey)}, {"ada", "bob"}, "the keys")
    same([one.lane.chat for one in trial.follows(WakeLane)], ["kim"], "the lanes")
    trial.forget()
    same(await trial.store.commands_waiting(), 1, "how many commands")
    same([one.key.chat for one in trial.follows(WakeCommands)], ["eve"], "their keys")


BOOTS = (
    knows_how_the_last_boot_ended,
    counts_interruptions_once_a_boot,
    forgets_interruptions_when_an_answer_has_arrived,
    checkpoints_what_runs,
    closes_what_an_older_boot_left,
    pauses_and_releases,
    wakes_what_has_rows,
)
