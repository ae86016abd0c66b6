"""The Store port's clauses about what comes in, turns, steps, and commands."""

from __future__ import annotations

import msgspec

from hermes_trio.errors import StaleCommand
from hermes_trio.testing.conformance.clauses import expect
from hermes_trio.testing.conformance.store_trial import (
    ACCOUNT,
    RULES,
    StoreTrial,
    decided,
    key,
    lane,
    raises,
    reply,
    same,
    texts,
)
from hermes_trio.values.actions import Prompt
from hermes_trio.values.consequences import (
    CancelTurn,
    ReplaceKey,
    RestartAsked,
    WakeAsk,
    WakeCommands,
    WakeKey,
    WakeLane,
)
from hermes_trio.values.delivery import Choice
from hermes_trio.values.message import Decided, Undecodable
from hermes_trio.values.stored import AcceptRules, Answered, Closing, StepRow, WaitForMore
from hermes_trio.values.transcript import AssistantEntry, SummaryEntry, UserEntry

OUTCOMES = {"finished": "answered", "failed": "failed", "stopped": "stopped", "reset": "superseded"}


async def accepts_a_batch_as_one(trial: StoreTrial) -> None:
    """Messages and the platform's cursor are durable together, in their order, and their keys are woken."""
    batch = [decided("one"), decided("two"), decided("one", "bob")]
    new = await trial.store.accept(ACCOUNT, batch, "7", RULES)
    same(list(new), batch, "what was new")
    same(await trial.store.cursor(ACCOUNT), "7", "the cursor")
    same(await trial.store.cursor("memory/other"), None, "the cursor of another account")
    rows = await trial.store.ledger()
    same([row.native for row in rows], ["ada: one", "ada: two", "bob: one"], "the ledger")
    same([row.native for row in await trial.store.ledger("bob")], ["bob: one"], "the ledger of a chat")
    same({one.key.chat for one in trial.follows(WakeKey)}, {"ada", "bob"}, "whom it woke")


async def accepts_a_native_id_once(trial: StoreTrial) -> None:
    """A second update of the same account with a native id that is known is no row, in any boot."""
    await trial.accept("one")
    for _ in range(2):
        new = await trial.store.accept(ACCOUNT, [decided("one"), decided("two"), decided("two")], "8", RULES)
        await trial.store.begin_boot()
    same(list(new), [], "what was new at last")
    same(await trial.store.cursor(ACCOUNT), "8", "the cursor, which moves all the same")
    same([row.native for row in await trial.store.ledger()], ["ada: one", "ada: two"], "the ledger")
    other = await trial.store.accept("memory/other", [decided("one")], None, RULES)
    same(len(other), 1, "how many are new to another account")


async def refuses_what_is_too_much(trial: StoreTrial) -> None:
    """Past `queue_max` waiting messages one more is refused, and its user is told so."""
    rules = AcceptRules(queue_max=2)
    await trial.accept("one", "two", "three", rules=rules)
    same(await trial.outcomes(), [None, None, "refused"], "the outcomes")
    said = [kind for kind, _ in await trial.say()]
    expect("refusal" in said, "the user is told", said)


async def keeps_what_has_no_turn(trial: StoreTrial) -> None:
    """What was decided to end here has its outcome at once, and what cannot be read is kept as that."""
    odd = Undecodable(native="odd", why="no message", raw=b"{")
    batch = [
        decided("spam", outcome="dropped", reason="not allowed"),
        Decided(update=odd, kind="undecodable", outcome="failed", reason="decode"),
    ]
    await trial.store.accept(ACCOUNT, batch, None, RULES)
    rows = [(row.native, row.outcome, row.reason) for row in await trial.store.ledger()]
    same(rows, [("ada: spam", "dropped", "not allowed"), ("odd", "failed", "decode")], "the ledger")


async def claims_what_waits_in_order(trial: StoreTrial) -> None:
    """A new turn takes the waiting messages, in order, with their entries; then nothing is left to do."""
    opened = await trial.turn("one", "two")
    same(texts(opened), ["one", "two"], "the messages of the turn")
    same(
        list(await trial.store.history(opened.session, 1000)), [UserEntry("one"), UserEntry("two")], "entries"
    )
    await trial.store.close_turn(opened.turn, Closing(state="finished"))
    same(await trial.store.next_turn(key("ada"), opened.session), None, "what is next")


async def gives_the_newest_of_a_history(trial: StoreTrial) -> None:
    """A history is the newest entries that fit into the limit, oldest first, and none of the turn's own."""
    written = [f"message {n}" for n in range(10)]
    opened = await trial.turn(*written)
    store, session = trial.store, opened.session
    whole = [getattr(entry, "text", "") for entry in await store.history(session, 100_000)]
    same(whole, written, "the whole of it")
    some = [getattr(entry, "text", "") for entry in await store.history(session, 60)]
    expect(0 < len(some) < 10 and some == written[-len(some) :], "the newest that fit", some)
    same(list(await store.history(session, 0)), [], "what fits into nothing")
    same(list(await store.history(session, 100_000, before_turn=opened.turn)), [], "what was before")


async def tells_what_is_new_in_a_history(trial: StoreTrial) -> None:
    """What is known up to a mark is not returned again, unless it has become another since."""
    first = await trial.turn("one")
    await trial.store.close_turn(first.turn, Closing(state="finished", entries=(AssistantEntry("x"),)))
    await trial.accept("two")
    second = await trial.next(history=1000)
    same((len(second.history.entries), second.history.known), (2, None), "all of it")
    await trial.store.close_turn(second.turn, Closing(state="finished", entries=(AssistantEntry("y"),)))
    await trial.accept("three")
    third = await trial.next(history=1000, known=second.history.mark)
    same(list(third.history.entries), [UserEntry("two"), AssistantEntry("y")], "what is new")
    same(third.history.known, second.history.mark, "what it follows")
    left_out = SummaryEntry(text="what was before is left out")
    await trial.store.close_turn(third.turn, Closing(state="finished", entries=(left_out,)))
    await trial.accept("four")
    fourth = await trial.next(history=1000, known=third.history.mark)
    same((list(fourth.history.entries), fourth.history.known), ([left_out], None), "what it is now")


async def holds_a_fragment(trial: StoreTrial) -> None:
    """A message that may be a fragment is claimed when its time has passed since it came."""
    await trial.store.accept(ACCOUNT, [decided("part", wait_s=0.8)], None, RULES)
    session = await trial.session()
    for gone_s, left_s in ((0.0, 0.8), (0.5, 0.3)):
        trial.clock.time += gone_s
        held = await trial.store.next_turn(key("ada"), session)
        expect(
            isinstance(held, WaitForMore) and abs(held.seconds - left_s) < 1e-3, f"a hold of {left_s} s", held
        )
    trial.clock.time += 0.31
    same(texts(await trial.next()), ["part"], "the messages of the turn")


async def claims_nothing_behind_a_command(trial: StoreTrial) -> None:
    """What came behind a command waits until the command is settled, and is woken then; a steer too."""
    await trial.accept("before", "/status", "behind")
    opened = await trial.next()
    same(texts(opened), ["before"], "the messages of the turn")
    step = StepRow(name="x", n=1, state="done")
    same(list(await trial.store.end_step(opened.turn, step, steer=True)), [], "what a step takes in")
    await trial.store.close_turn(opened.turn, Closing(state="finished"))
    same(await trial.store.next_turn(key("ada"), opened.session), None, "what is next")
    trial.forget()
    pending = await trial.store.next_command(key("ada"))
    assert pending is not None
    await trial.store.settle(pending.id, "answered", "", reply(said="reply"))
    expect(WakeKey(key("ada"), opened.session) in trial.followed, "the key is woken", trial.followed)
    same(texts(await trial.next()), ["behind"], "the messages of the next turn")


async def adopts_what_was_cut_short(trial: StoreTrial) -> None:
    """After a restart the next turn is the interrupted one: its row, steps, messages, one attempt more."""
    opened = await trial.turn("hello")
    store = trial.store
    await store.begin_step(opened.turn, StepRow(name="a", n=1, op="op", digest="d"))
    await store.end_step(opened.turn, StepRow(name="b", n=1, state="done", value=b"7"))
    await trial.accept("later")
    [cut] = (await store.begin_boot()).interrupted
    same((cut.turn, cut.attempt, cut.waits), (opened.turn, 1, False), "what the boot found")
    adopted = await trial.next()
    same((adopted.turn, adopted.attempt), (opened.turn, 2), "the turn and its attempt")
    same(texts(adopted), ["hello"], "its messages")
    steps = {(row.name, row.state, row.op, row.value) for row in adopted.steps}
    same(steps, {("a", "intent", "op", b"null"), ("b", "done", "", b"7")}, "its steps")
    await store.close_turn(adopted.turn, Closing(state="finished"))
    same(texts(await trial.next()), ["later"], "what came later")


async def keeps_the_first_of_a_step(trial: StoreTrial) -> None:
    """A step keeps its first intent and its first result, whatever is written after."""
    opened = await trial.turn()
    store, row = trial.store, StepRow(name="x", n=1, op="first")
    await store.begin_step(opened.turn, row)
    again = await store.begin_step(opened.turn, StepRow(name="x", n=1, op="second"))
    same(again.op, "first", "the op of the intent")
    for value in (b"1", b"2"):
        await store.end_step(opened.turn, StepRow(name="x", n=1, state="done", value=value))
    same((await store.asked(opened.turn, row)).value, b"1", "the result")


async def asks_in_one_promise(trial: StoreTrial) -> None:
    """A question and its prompt are one commit, and a boot finds that the turn waits for its answer."""
    opened = await trial.turn()
    trial.forget()
    prompt = reply("Which?", said="prompt", choices=(Choice("1.1.0", "a"),))
    await trial.store.begin_step(opened.turn, StepRow(name="ask", n=1), prompt)
    same(trial.followed, [WakeLane(lane("ada"))], "what followed")
    [cut] = (await trial.store.begin_boot()).interrupted
    same(cut.waits, True, "that it waits")
    same(await trial.say(), [("prompt", "Which?")], "what is said")


async def takes_the_first_answer(trial: StoreTrial) -> None:
    """The next message answers an open question, wakes it, and stays its answer when its time runs out."""
    opened = await trial.turn()
    ask = StepRow(name="ask", n=1, wake_at=trial.clock.now() + 60)
    await trial.store.begin_step(opened.turn, ask, reply("Which?", said="prompt"))
    trial.forget()
    await trial.accept("that one")
    expect(WakeAsk(key("ada"), opened.turn) in trial.followed, "the question is woken", trial.followed)
    late = StepRow(name="ask", n=1, state="failed", value=b'["TurnTimedOut",""]')
    await trial.store.end_step(opened.turn, late)
    row = await trial.store.asked(opened.turn, ask)
    answered = msgspec.json.decode(row.value, type=Answered) if row.state == "done" else None
    same(answered, Answered("Which?", "that one"), "the answer")


async def takes_in_what_comes_meanwhile(trial: StoreTrial) -> None:
    """A step's end with `steer` takes in the messages that wait, and says at which step."""
    opened = await trial.turn()
    await trial.accept("also this")
    taken = await trial.store.end_step(opened.turn, StepRow(name="x", n=2, state="done"), steer=True)
    same([(one.message.text, one.step) for one in taken], [("also this", "x#2")], "what was taken in")
    await trial.store.close_turn(opened.turn, Closing(state="finished"))
    same(await trial.outcomes(), ["answered", "answered"], "the outcomes")


async def ends_a_turn_in_one_promise(trial: StoreTrial) -> None:
    """Last step, entries, answer, outcomes and state of a turn are one commit, and its lane is woken."""
    opened = await trial.turn()
    trial.forget()
    closing = Closing(
        state="finished",
        step=StepRow(name="model", n=1, state="done", value=b'"x"'),
        entries=(AssistantEntry("x"),),
        reply=reply("x"),
    )
    await trial.store.close_turn(opened.turn, closing)
    same(trial.followed, [WakeLane(lane("ada"))], "what followed")
    same(await trial.outcomes(), ["answered"], "the outcome")
    history = await trial.store.history(opened.session, 1000)
    same(list(history), [UserEntry("hello"), AssistantEntry("x")], "the transcript")
    same((await trial.store.status()).running, (), "what runs")
    same(await trial.say(), [("final", "x")], "what is said")


async def says_by_a_state_what_becomes_of_messages(trial: StoreTrial) -> None:
    """finished: answered, failed: failed, stopped: stopped, reset: superseded; with the turn's reason."""
    for n, (state, outcome) in enumerate(OUTCOMES.items()):
        opened = await trial.turn("one", "two", user=f"user{n}")
        closing = Closing(state=state, reason="why")  # type: ignore[arg-type]
        await trial.store.close_turn(opened.turn, closing)
        rows = await trial.store.ledger(f"user{n}")
        same([(row.outcome, row.reason, row.state) for row in rows], [(outcome, "why", None)] * 2, state)


async def stops_by_what_follows(trial: StoreTrial) -> None:
    """A stop ends the turn in its row, cancels it by its consequence, and keeps what waits."""
    opened = await trial.turn()
    await trial.accept("waits")
    number = await trial.command("/stop")
    trial.forget()
    stopped = await trial.store.stop(key("ada"), number, "asked")
    same((stopped.turn, stopped.waiting), (opened.turn, 1), "what it found")
    expect(CancelTurn(key("ada"), opened.turn, "asked") in trial.followed, "its cancel", trial.followed)
    same(await trial.outcomes(), ["stopped", None, "answered"], "the outcomes")
    again = await trial.store.stop(key("ada"), None, "again")
    same((again.turn, again.waiting), (None, 1), "what a second one finds")
    by_number = await trial.store.stop(opened.session, None, "again")
    same((by_number.key, by_number.turn), (key("ada"), None), "what one of the session finds")


async def resets_by_what_follows(trial: StoreTrial) -> None:
    """A reset by command supersedes what came before, opens the next session, replaces the key's task."""
    opened = await trial.turn()
    await trial.accept("waits")
    number = await trial.command("/new")
    await trial.accept("behind")
    trial.forget()
    session = await trial.store.reset(key("ada"), number, "asked")
    expect(session != opened.session, "another session", session)
    expect(CancelTurn(key("ada"), opened.turn, "asked") in trial.followed, "the cancel", trial.followed)
    same(trial.follows(WakeKey), [], "whom it wakes: the successor looks by itself")
    replaced = [(one.key, one.session) for one in trial.follows(ReplaceKey)]
    same(replaced, [(key("ada"), session)], "what is replaced")
    same(await trial.outcomes(), ["superseded", "superseded", "answered", None], "the outcomes")
    same(texts(await trial.next(session=session)), ["behind"], "what the next session does")


async def resets_without_a_command_keep_what_waits(trial: StoreTrial) -> None:
    """A reset that no command asked for keeps what waits for the next session, where it is said."""
    await trial.accept("one", "two")
    new = await trial.store.reset(key("ada"), None, "operator")
    same(texts(await trial.next(session=new)), ["one", "two"], "the messages of its turn")
    history = await trial.store.history(new, 1000)
    same([getattr(entry, "text", "") for entry in history], ["one", "two"], "its transcript")


async def gives_a_command_its_effect_once(trial: StoreTrial) -> None:
    """A command that is settled has no second effect, and commands of a key come in their order."""
    await trial.accept("/new", "/status")
    expect(WakeCommands(key("ada")) in trial.followed, "its key's commands are woken", trial.followed)
    first = await trial.store.next_command(key("ada"))
    assert first is not None
    same(first.message.text, "/new", "the oldest")
    await trial.store.reset(key("ada"), first.id, "asked")
    before = len(await trial.say())
    opened = await trial.turn("hello", user="bob")
    store, ada, bob = trial.store, key("ada"), key("bob")
    for again in (
        lambda: store.settle(first.id, "failed", "again", reply(said="reply")),
        lambda: store.prompt(first.id, Prompt("again"), RULES),
        lambda: store.restart(first.id, "again"),
        lambda: store.stop(bob, first.id, "again"),
        lambda: store.reset(bob, first.id, "again"),
        lambda: store.resume(ada, first.id, None),
    ):
        await raises(StaleCommand, again, "a command that is settled")
    same(await trial.outcomes(), ["answered", None, None], "the outcomes")
    same((await trial.say(), before), ([], before), "what is said of it again")
    await store.close_turn(opened.turn, Closing(state="finished"))
    second = await trial.store.next_command(key("ada"))
    same(second and second.message.text, "/status", "the next")


async def prompts_in_the_commands_place(trial: StoreTrial) -> None:
    """A command that asks for a turn becomes the message it asks for, in its place in the order."""
    await trial.accept("before", "/queue do this", "behind")
    pending = await trial.store.next_command(key("ada"))
    assert pending is not None
    await trial.store.prompt(pending.id, Prompt("do this"), RULES)
    opened = await trial.next()
    same(texts(opened), ["before", "do this", "behind"], "the messages of the turn")


async def resumes_an_ended_session(trial: StoreTrial) -> None:
    """An ended session is opened again in the place of the open one; one that is open stays as it is."""
    opened = await trial.turn("tea")
    await trial.store.close_turn(opened.turn, Closing(state="finished"))
    new = await trial.store.reset(key("ada"), None, "operator")
    same(await trial.store.resume(key("ada"), None, opened.session), new, "which one ended")
    same(await trial.session(), opened.session, "which one is open")
    same(await trial.store.resume(key("ada"), None, opened.session), None, "what a second one ends")
    same(await trial.store.resume(key("bob"), None, opened.session), None, "what another key's ends")
    same(await trial.store.resume(new, None), opened.session, "which one ended for a session by number")
    same(await trial.store.resume(999, None), None, "what one that never was ends")


async def restarts_when_asked(trial: StoreTrial) -> None:
    """A restart that is asked for is settled and performed, and the next boot says that it is over, once."""
    number = await trial.command("/restart")
    trial.forget()
    await trial.store.restart(number, "Restarting.")
    same(len(trial.follows(RestartAsked)), 1, "how often it was asked for")
    same(await trial.outcomes(), ["answered"], "the outcome")
    same([text for _, text in await trial.say()], ["Restarting."], "what is said now")
    await trial.store.begin_boot()
    same(len(await trial.say()), 1, "how much is said by the next boot")
    await trial.store.begin_boot()
    same(await trial.say(), [], "what is said by the one after")


TURNS = (
    accepts_a_batch_as_one,
    accepts_a_native_id_once,
    refuses_what_is_too_much,
    keeps_what_has_no_turn,
    claims_what_waits_in_order,
    gives_the_newest_of_a_history,
    tells_what_is_new_in_a_history,
    holds_a_fragment,
    claims_nothing_behind_a_command,
    adopts_what_was_cut_short,
    keeps_the_first_of_a_step,
    asks_in_one_promise,
    takes_the_first_answer,
    takes_in_what_comes_meanwhile,
    ends_a_turn_in_one_promise,
    says_by_a_state_what_becomes_of_messages,
    stops_by_what_follows,
    resets_by_what_follows,
    resets_without_a_command_keep_what_waits,
    gives_a_command_its_effect_once,
    prompts_in_the_commands_place,
    resumes_an_ended_session,
    restarts_when_asked,
)
