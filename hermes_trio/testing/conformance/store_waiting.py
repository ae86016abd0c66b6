"""The Store port's clauses about what waits for a key to a model, and what is in the way."""

from __future__ import annotations

from hermes_trio.testing.conformance.clauses import expect
from hermes_trio.testing.conformance.store_delivering import owe
from hermes_trio.testing.conformance.store_trial import StoreTrial, key, lane, reply, same, texts
from hermes_trio.values.consequences import Deferred, WakeKey
from hermes_trio.values.delivery import Part
from hermes_trio.values.key_state import Cooldown, KeyCooldown
from hermes_trio.values.stored import Closing, Opened

COOLDOWN = KeyCooldown(
    fingerprint="f",
    model="",
    pool="p",
    place="1/1",
    cooldown=Cooldown("quota", 1.0, 2.0, 1, 1.0, why="no credit"),
)


async def defer(trial: StoreTrial, text: str, user: str = "ada", after_s: float = 600.0) -> Opened:
    """A message that a turn has taken and no key could answer."""
    opened = await trial.turn(text, user=user)
    notice = reply("kept", user, said="notice")
    until = trial.clock.now() + after_s
    closing = Closing(state="stopped", reason="deferred", until=until, reply=notice)
    await trial.store.close_turn(opened.turn, closing)
    return opened


async def defers_without_an_outcome(trial: StoreTrial) -> None:
    """A deferred message has no outcome and no turn before its time, and is claimed again after it."""
    opened = await defer(trial, "one")
    until = trial.clock.now() + 600
    same(trial.follows(Deferred), [Deferred(until)], "what followed")
    same([(row.state, row.outcome) for row in await trial.store.ledger()], [("deferred", None)], "the ledger")
    same(await trial.store.next_turn(key("ada"), opened.session), None, "what is next")
    same(await trial.store.retry_deferred(), until, "when to ask again")
    trial.clock.time = until
    trial.forget()
    same(await trial.store.retry_deferred(), None, "when to ask again, after its time")
    same([one.key.chat for one in trial.follows(WakeKey)], ["ada"], "whom it wakes")
    again = await trial.next()
    same(texts(again), ["one"], "the messages of the next turn")


async def keeps_the_cooldowns_of_keys(trial: StoreTrial) -> None:
    """What is known of refused keys is found by the next boot; one that works again wakes what waits."""
    await defer(trial, "a")
    await defer(trial, "b", "bob")
    await trial.store.keep_cooldowns([COOLDOWN], [])
    trial.forget()
    await trial.store.keep_cooldowns([], [("f", "")])
    same({one.key.chat for one in trial.follows(WakeKey)}, {"ada", "bob"}, "whom it wakes")
    await trial.store.keep_cooldowns([COOLDOWN], [])
    booted = await trial.store.begin_boot()
    same(booted.cooldowns, (COOLDOWN,), "the cooldowns that a boot finds")


async def drops_what_has_no_outcome(trial: StoreTrial) -> None:
    """`drop` gives the outcome `dropped` to the messages it names, unless they have one."""
    opened = await trial.turn("answered")
    await trial.store.close_turn(opened.turn, Closing(state="finished"))
    await trial.accept("waits")
    rows = await trial.store.ledger()
    await trial.store.drop([row.id for row in rows], "not allowed any more")
    same(await trial.outcomes(), ["answered", "dropped"], "the outcomes")


async def says_whether_there_is_work(trial: StoreTrial) -> None:
    """`has_work` is whether a turn goes on or a message waits, in front of any command."""
    store, ada = trial.store, key("ada")
    opened = await trial.turn()
    expect(await store.has_work(ada, opened.session), "a turn that runs is work", None)
    await store.close_turn(opened.turn, Closing(state="finished"))
    expect(not await store.has_work(ada, opened.session), "nothing is no work", None)
    await trial.accept("/status")
    await trial.accept("behind it")
    expect(not await store.has_work(ada, opened.session), "what waits behind a command is no work", None)
    await store.fail_command(ada)
    expect(await store.has_work(ada, opened.session), "a message that waits is work", None)


async def gets_what_is_in_the_way_out_of_it(trial: StoreTrial) -> None:
    """What a worker cannot get past (a turn, a command, a part) is failed, and its chat is told."""
    opened = await trial.turn()
    store = trial.store
    expect(await store.fail_next(key("ada"), opened.session) is not None, "the turn is failed", None)
    await trial.accept("/status", user="bob")
    expect(await store.fail_command(key("bob")) is not None, "the command is failed", None)
    same(await trial.outcomes(), ["failed", "failed"], "the outcomes")
    for user in ("ada", "bob"):
        same(len(await trial.say(user)), 1, f"how much {user} is told")
    await owe(trial, Part("stuck"), user="eve")
    expect(await store.fail_part(lane("eve"), True) is not None, "the part is failed", None)
    same(await trial.begin("eve"), None, "what is left to be said")
    same(await store.fail_next(key("ada"), opened.session), None, "what is in the way then")


WAITING = (
    defers_without_an_outcome,
    says_whether_there_is_work,
    keeps_the_cooldowns_of_keys,
    drops_what_has_no_outcome,
    gets_what_is_in_the_way_out_of_it,
)
