"""Turns on each engine, beside what `check_store` asks of every store: what stands in the rows."""

from __future__ import annotations

import pytest

from hermes_trio.errors import StaleTurn
from hermes_trio.store.promise_store import PromiseStore
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import Address
from hermes_trio.values.stored import Closing, Opened, Reply, StepRow
from hermes_trio.values.transcript import AssistantEntry
from tests.store.kit import KEY, RULES, a_message, a_store

pytestmark = pytest.mark.usefixtures("each_engine")
ADA = Address("memory", "main", "ada", None, "ada")


def a_reply(text="done", **more) -> Reply:
    return Reply(address=ADA, parts=(Part(text),), **more)


async def a_turn(kit, *texts: str) -> Opened:
    await kit.accept(*(texts or ("hello",)))
    return await kit.store.next_turn(KEY, 1)


# --- what is known of a conversation


async def known_after(kit, *texts):
    """The mark of a session's third turn, when the turns before it have ended."""
    for text in texts:
        opened = await a_turn(kit, text)
        await kit.store.close_turn(opened.turn, Closing(state="finished", entries=[AssistantEntry(text="x")]))
    await kit.accept("and now")
    return await kit.store.next_turn(KEY, 1, history=1000)


CHANGES = {
    "moved": "update entry set session = 7 where id = 2",
    "gone": "delete from entry where id = 2",
    "another": "update entry set body = (select body from entry where id = 1) where id = 2",
}


@pytest.mark.parametrize("how", CHANGES)
async def test_what_is_known_of_a_conversation_is_void_when_it_was_changed(autojump_clock, how):
    async with a_store() as kit:
        known = (await known_after(kit, "one", "two")).history.mark
        kit.db.execute(CHANGES[how])
        again = await kit.store.next_turn(KEY, 1, history=1000, known=known)
        assert again.history.known is None
        assert list(again.history.entries) == list(await kit.store.history(1, 1000, again.turn))
        # And what is known now holds again.
        third = await kit.store.next_turn(KEY, 1, history=1000, known=again.history.mark)
        assert (third.history.known, third.history.entries) == (again.history.mark, ())


async def test_what_is_known_is_read_anew_where_the_oldest_of_it_fits_no_longer(autojump_clock):
    async with a_store() as kit:
        opened = await known_after(kit, "a" * 400, "b" * 400)
        long = [AssistantEntry("c" * 200)]
        await kit.store.close_turn(opened.turn, Closing(state="finished", entries=long))
        await kit.accept("next")
        again = await kit.store.next_turn(KEY, 1, history=1000, known=opened.history.mark)
        assert again.history.known is None
        assert [entry.text[0] for entry in again.history.entries] == ["x", "b", "x", "a", "c"]


async def test_what_is_told_to_one_turn_only_is_known_to_none_after_it(autojump_clock):
    async with a_store() as kit:
        opened = await known_after(kit, "one", "two")
        await kit.store.begin_boot()
        await kit.store.abandon(opened.turn, "too old", "It was too long ago.")
        await kit.accept("next")
        told = await kit.store.next_turn(KEY, 1, history=1000, known=opened.history.mark)
        assert (told.history.known, told.history.mark) == (None, None)
        assert told.history.entries[-1].about == "cut_short"
        await kit.store.close_turn(told.turn, Closing(state="finished"))
        await kit.accept("and on")
        after = await kit.store.next_turn(KEY, 1, history=1000, known=opened.history.mark)
        assert [entry.text for entry in after.history.entries] == ["and now", "next"]
        assert after.history.known == opened.history.mark


# --- fences


async def writes(kit, turn: int):
    """Every write of a turn, by name."""
    store = kit.store
    step = StepRow(name="x", n=1)
    return {
        "begin_step": lambda: store.begin_step(turn, step),
        "an ask": lambda: store.begin_step(turn, StepRow(name="ask", n=1), a_reply(said="prompt")),
        "end_step": lambda: store.end_step(turn, step, entries=[AssistantEntry(text="x")], reply=a_reply()),
        "asked": lambda: store.asked(turn, step),
        "close_turn": lambda: store.close_turn(turn, Closing(state="finished", reply=a_reply())),
        "reset": lambda: store.reset(KEY, None, "late", turn=turn),
    }


@pytest.mark.parametrize("end", ["stopped", "reset", "closed", "held by a later boot", "never was"])
async def test_every_write_of_a_turn_that_is_not_running_here_is_refused(autojump_clock, end):
    async with a_store() as kit:
        opened = await a_turn(kit)
        match end:
            case "stopped":
                await kit.store.stop(KEY, None, "test")
            case "reset":
                await kit.store.reset(KEY, None, "test")
            case "closed":
                await kit.store.close_turn(opened.turn, Closing(state="finished"))
            case "held by a later boot":
                kit.db.execute("update turn set boot = 2")
            case "never was":
                kit.db.execute("delete from turn")
        before = list(kit.db.iterdump())
        for name, write in (await writes(kit, opened.turn)).items():
            with pytest.raises(StaleTurn):
                await write()
            assert list(kit.db.iterdump()) == before, name


# --- next_turn


async def test_a_turn_that_this_boot_lost_is_adopted_after_the_command_that_may_end_it(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        await kit.accept("/status")
        assert await kit.store.next_turn(KEY, 1) is None
        await kit.store.settle(2, "answered", "", None)
        assert (await kit.store.next_turn(KEY, 1)).turn == opened.turn


async def test_a_steered_message_behind_an_unsettled_command_is_not_taken_in(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        await kit.accept("/status", "behind")
        assert await kit.store.end_step(opened.turn, StepRow(name="x", n=1, state="done"), steer=True) == ()
        await kit.store.settle(2, "answered", "", None)
        taken = await kit.store.end_step(opened.turn, StepRow(name="x", n=2, state="done"), steer=True)
        assert [(c.message.text, c.step) for c in taken] == [("behind", "x#2")]


# --- commands


async def test_a_reset_without_a_command_keeps_what_waits_and_says_it_in_the_new_session(autojump_clock):
    async with a_store() as kit:
        interrupting = type(RULES)(busy="interrupt")
        await a_turn(kit, "one")
        await kit.store.accept("memory/main", [a_message("two")], None, interrupting)
        new = await kit.store.reset(KEY, None, "operator")
        opened = await kit.store.next_turn(KEY, new, history=1000)
        assert [c.message.text for c in opened.messages] == ["one", "two"]
        assert [e.text for e in await kit.store.history(new, 1000)] == ["one", "two"]
        assert await kit.store.history(1, 1000) == []


# --- boots


async def test_a_checkpoint_is_written_on_every_running_turn_of_this_boot(autojump_clock):
    async with a_store() as kit:
        await a_turn(kit)
        assert await kit.store.checkpoint("stop") == 1
        assert kit.rows("select checkpoint_why, checkpoint_at from turn") == [("stop", kit.clock.now())]
        await kit.store.begin_boot()
        assert await kit.store.checkpoint("again") == 0


async def test_the_store_is_what_its_port_says():
    from hermes_trio.ports.store import Store

    methods = [name for name in dir(Store) if not name.startswith("_") and callable(getattr(Store, name))]
    assert [name for name in methods if not hasattr(PromiseStore, name)] == []
