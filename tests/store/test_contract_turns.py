"""The Store port's promises about turns: who may write, what is next, what a boot finds."""

from __future__ import annotations

import pytest

from hermes_trio.consequences import CancelTurn, ReplaceKey, WakeAsk, WakeCommands, WakeKey, WakeLane
from hermes_trio.entries import AssistantEntry, UserEntry
from hermes_trio.errors import StaleSession, StaleTurn
from hermes_trio.store_port import Closing, Hold, Opened, Reply, StepRow
from hermes_trio.stores.sqlite import SqliteStore
from hermes_trio.values import Address, Choice, Part
from hermes_trio.wishes import Prompt

from .kit import KEY, RULES, a_message, a_store

ADA = Address("memory", "main", "ada", None, "ada")


def a_reply(text="done", **more) -> Reply:
    return Reply(address=ADA, parts=(Part(text),), **more)


async def a_turn(kit, *texts: str) -> Opened:
    await kit.accept(*(texts or ("hello",)))
    return await kit.store.next_turn(KEY, 1)


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


async def test_an_ended_session_has_no_next_turn(autojump_clock):
    async with a_store() as kit:
        await kit.accept("hello")
        assert await kit.store.reset(KEY, None, "test") == 2
        with pytest.raises(StaleSession):
            await kit.store.next_turn(KEY, 1)
        with pytest.raises(StaleSession):
            await kit.store.next_turn(KEY, 99)
        assert isinstance(await kit.store.next_turn(KEY, 2), Opened)


# --- next_turn


async def test_an_interrupted_turn_is_adopted_in_its_row_with_its_steps_before_anything_else(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        await kit.store.begin_step(opened.turn, StepRow(name="a", n=1, op="op", digest="d"))
        await kit.store.end_step(opened.turn, StepRow(name="b", n=1, state="done", value=b"7"))
        await kit.accept("later")
        booted = await kit.store.begin_boot()
        assert booted.boot == 2
        assert [(i.turn, i.attempt, i.interruptions, i.waits) for i in booted.interrupted] == [
            (1, 1, 1, False)
        ]
        adopted = await kit.store.next_turn(KEY, 1)
        assert (adopted.turn, adopted.attempt) == (1, 2)
        assert [claimed.message.text for claimed in adopted.messages] == ["hello"]
        assert {(row.name, row.state, row.op, row.value) for row in adopted.steps} == {
            ("a", "intent", "op", b"null"),
            ("b", "done", "", b"7"),
        }
        await kit.store.close_turn(1, Closing(state="finished"))
        assert [c.message.text for c in (await kit.store.next_turn(KEY, 1)).messages] == ["later"]


async def test_a_turn_that_this_boot_lost_is_adopted_after_the_command_that_may_end_it(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        await kit.accept("/status")
        assert await kit.store.next_turn(KEY, 1) is None
        await kit.store.settle(2, "answered", "", None)
        assert (await kit.store.next_turn(KEY, 1)).turn == opened.turn


async def test_what_is_claimed_has_its_user_entries_in_order(autojump_clock):
    async with a_store() as kit:
        await a_turn(kit, "one", "two")
        assert list(await kit.store.history(1, 1000)) == [UserEntry(text="one"), UserEntry(text="two")]


async def test_history_is_the_newest_that_fits(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit, *(f"message {n}" for n in range(10)))
        (size,) = kit.rows("select size from entry where id = 1")[0]
        assert [e.text for e in await kit.store.history(1, 3 * size)] == [
            "message 7",
            "message 8",
            "message 9",
        ]
        assert await kit.store.history(1, 0) == []
        assert await kit.store.history(1, 10_000, before_turn=opened.turn) == []


async def test_a_fragment_is_held_from_its_arrival_on(autojump_clock):
    async with a_store() as kit:
        await kit.accept("part")
        kit.db.execute("update inbound set hold = 0.8")
        assert await kit.store.next_turn(KEY, 1) == Hold(pytest.approx(0.8))
        kit.clock.time += 0.5
        assert (await kit.store.next_turn(KEY, 1)).seconds == pytest.approx(0.3)
        kit.clock.time += 0.31
        assert isinstance(await kit.store.next_turn(KEY, 1), Opened)


async def test_nothing_behind_an_unsettled_command_is_claimed(autojump_clock):
    async with a_store() as kit:
        await kit.accept("before", "/status", "behind")
        opened = await kit.store.next_turn(KEY, 1)
        assert [c.message.text for c in opened.messages] == ["before"]
        await kit.store.close_turn(opened.turn, Closing(state="finished"))
        assert await kit.store.next_turn(KEY, 1) is None
        kit.followed.clear()
        await kit.store.settle(2, "answered", "", a_reply(said="reply"))
        assert WakeKey(KEY, 1) in kit.followed
        assert isinstance(await kit.store.next_turn(KEY, 1), Opened)


async def test_a_steered_message_behind_an_unsettled_command_is_not_taken_in(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        await kit.accept("/status", "behind")
        assert await kit.store.end_step(opened.turn, StepRow(name="x", n=1, state="done"), steer=True) == ()
        await kit.store.settle(2, "answered", "", None)
        taken = await kit.store.end_step(opened.turn, StepRow(name="x", n=2, state="done"), steer=True)
        assert [(c.message.text, c.step) for c in taken] == [("behind", "x#2")]


# --- steps


async def test_a_step_keeps_its_first_result(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        for value in (b"1", b"2"):
            await kit.store.end_step(opened.turn, StepRow(name="x", n=1, state="done", value=value))
        assert (await kit.store.asked(opened.turn, StepRow(name="x", n=1))).value == b"1"


async def test_beginning_a_step_again_gives_the_row_as_it_stands(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        await kit.store.begin_step(opened.turn, StepRow(name="x", n=1, op="first"))
        assert (await kit.store.begin_step(opened.turn, StepRow(name="x", n=1, op="second"))).op == "first"


async def test_an_answer_that_came_before_the_timer_stays(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        ask = StepRow(name="ask", n=1, wake_at=kit.clock.now() + 60)
        await kit.store.begin_step(opened.turn, ask, a_reply("Which?", said="prompt"))
        kit.followed.clear()
        await kit.accept("that one")
        assert WakeAsk(KEY, opened.turn) in kit.followed
        late = StepRow(name="ask", n=1, state="failed", value=b'["TurnTimedOut",""]')
        await kit.store.end_step(opened.turn, late)
        row = await kit.store.asked(opened.turn, ask)
        assert (row.state, row.value) == ("done", b'"that one"')


async def test_a_question_and_its_prompt_are_one_commit(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        kit.followed.clear()
        prompt = a_reply("Which?", said="prompt", choices=(Choice("1.1.0", "a"),))
        await kit.store.begin_step(opened.turn, StepRow(name="ask", n=1), prompt)
        assert kit.followed == [WakeLane(ADA.lane)]
        assert kit.rows("select said, turn from outbound") == [("prompt", opened.turn)]
        booted = await kit.store.begin_boot()
        assert [i.waits for i in booted.interrupted] == [True]


# --- ends


@pytest.mark.parametrize(
    ("state", "outcome"),
    [("finished", "answered"), ("failed", "failed"), ("stopped", "stopped"), ("reset", "superseded")],
)
async def test_a_turns_state_says_what_becomes_of_its_messages(autojump_clock, state, outcome):
    async with a_store() as kit:
        opened = await a_turn(kit, "one", "two")
        await kit.store.close_turn(opened.turn, Closing(state=state, reason="why"))
        assert [(r.outcome, r.reason, r.state) for r in await kit.store.ledger()] == [
            (outcome, "why", None)
        ] * 2


async def test_a_turns_end_is_one_commit(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        kit.followed.clear()
        await kit.store.close_turn(
            opened.turn,
            Closing(
                state="finished",
                step=StepRow(name="model", n=1, state="done", value=b'"x"'),
                entries=(AssistantEntry(text="x"),),
                reply=a_reply("x"),
            ),
        )
        assert kit.followed == [WakeLane(ADA.lane)]
        assert kit.rows("select state from step") == [("done",)]
        assert kit.rows("select said, state from outbound") == [("final", "owed")]
        assert len(await kit.store.history(1, 1000)) == 2


# --- commands


async def test_stop_cancels_by_its_consequence_and_keeps_what_waits(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        await kit.accept("waits", "/stop")
        kit.followed.clear()
        stopped = await kit.store.stop(KEY, 3, "asked")
        assert (stopped.turn, stopped.waiting) == (opened.turn, 1)
        assert CancelTurn(KEY, opened.turn, "asked") in kit.followed
        assert [row.outcome for row in await kit.store.ledger()] == ["stopped", None, "answered"]


async def test_reset_replaces_by_its_consequence_and_supersedes_lower_numbers(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        await kit.accept("waits", "/new", "behind")
        kit.followed.clear()
        assert await kit.store.reset(KEY, 3, "asked") == 2
        assert CancelTurn(KEY, opened.turn, "asked") in kit.followed
        assert [what for what in kit.followed if isinstance(what, WakeKey)] == []
        assert kit.followed[-1] == ReplaceKey(KEY, 2, "asked", "ada")
        assert [row.outcome for row in await kit.store.ledger()] == [
            "superseded",
            "superseded",
            "answered",
            None,
        ]


async def test_a_command_takes_effect_once(autojump_clock):
    async with a_store() as kit:
        await kit.accept("/new")
        await kit.store.reset(KEY, 1, "asked")
        await kit.store.settle(1, "failed", "again", a_reply(said="reply"))
        await kit.store.prompt(1, Prompt("again"), RULES)
        assert [row.outcome for row in await kit.store.ledger()] == ["answered"]
        assert kit.rows("select count(*) from outbound") == [(1,)]


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


async def test_the_interruption_count_is_settled_in_begin_boot_and_nowhere_else(autojump_clock):
    async with a_store() as kit:
        await a_turn(kit)
        await kit.accept("hello", user="bob")
        counts = "select interrupted from session order by id"
        assert kit.rows(counts) == [(0,), (0,)]
        await kit.store.checkpoint("stop")
        assert kit.rows(counts) == [(0,), (0,)]
        for boots in (1, 2, 3):
            await kit.store.begin_boot()
            assert kit.rows(counts) == [(boots,), (0,)]
        await kit.store.stop(KEY, None, "test")
        assert kit.rows(counts) == [(3,), (0,)]
        await kit.store.begin_boot()
        assert kit.rows(counts) == [(0,), (0,)]


async def test_a_checkpoint_is_written_on_every_running_turn_of_this_boot(autojump_clock):
    async with a_store() as kit:
        await a_turn(kit)
        assert await kit.store.checkpoint("stop") == 1
        assert kit.rows("select checkpoint_why, checkpoint_at from turn") == [("stop", kit.clock.now())]
        await kit.store.begin_boot()
        assert await kit.store.checkpoint("again") == 0


@pytest.mark.parametrize("running", [True, False])
async def test_a_boot_is_clean_if_it_ended_and_left_nothing_running(autojump_clock, running):
    async with a_store() as kit:
        opened = await a_turn(kit)
        if not running:
            await kit.store.close_turn(opened.turn, Closing(state="finished"))
        await kit.store.end_boot()
        booted = await kit.store.begin_boot()
        assert (booted.first, booted.clean) == (False, not running)
        again = await kit.store.begin_boot()
        assert not again.clean


async def test_only_a_turn_of_an_older_boot_can_be_abandoned_and_once(autojump_clock):
    async with a_store() as kit:
        opened = await a_turn(kit)
        with pytest.raises(StaleTurn):
            await kit.store.abandon(opened.turn, "too_old", "sorry")
        await kit.store.begin_boot()
        await kit.store.abandon(opened.turn, "too_old", "sorry")
        with pytest.raises(StaleTurn):
            await kit.store.abandon(opened.turn, "too_old", "sorry")
        assert [(row.outcome, row.reason) for row in await kit.store.ledger()] == [("failed", "too_old")]
        assert kit.rows("select said from outbound") == [("notice",)]


async def test_wake_all_wakes_every_key_and_lane_with_rows_and_no_other(autojump_clock):
    async with a_store() as kit:
        await a_turn(kit, "running")
        await kit.accept("waits", user="bob")
        await kit.accept("/new", user="eve")
        await kit.accept("done", user="kim")
        kit.db.execute("update inbound set outcome = 'answered' where native like 'kim%'")
        kit.followed.clear()
        await kit.store.wake_all()
        assert {what.key.chat for what in kit.followed if isinstance(what, WakeKey)} == {"ada", "bob"}
        kit.followed.clear()
        assert await kit.store.commands_waiting() == 1
        assert [what.key.chat for what in kit.followed if isinstance(what, WakeCommands)] == ["eve"]


async def test_the_store_is_what_its_port_says():
    from hermes_trio.store_port import Store

    methods = [name for name in vars(Store) if not name.startswith("_") and callable(getattr(Store, name))]
    assert [name for name in methods if not hasattr(SqliteStore, name)] == []
