"""The Store port's clauses about what is to be said: in order, once, and marked where nobody knows."""

from __future__ import annotations

from msgspec.structs import replace

from hermes_trio.testing.conformance.clauses import Unlike, expect
from hermes_trio.testing.conformance.store_trial import ACCOUNT, StoreTrial, address, reply, same
from hermes_trio.text.sentences import MARK
from hermes_trio.values.delivery import Part, Span
from hermes_trio.values.stored import Closing, GaveUp, InDoubt, Reply


async def owe(trial: StoreTrial, *parts: Part, user: str = "ada") -> None:
    """A finished turn owes these parts."""
    opened = await trial.turn(user=user)
    final = Reply(address=address(user), parts=parts)
    await trial.store.close_turn(opened.turn, Closing(state="finished", reply=final))


async def delivers_in_order_and_once(trial: StoreTrial) -> None:
    """The parts of a lane come in order, each with its own key; what was recorded does not come again."""
    await owe(trial, Part("one"), Part("two"))
    seen = []
    for more in (True, False):
        begun = await trial.begun()
        seen.append((begun.delivery.part, begun.delivery.last))
        same(await trial.store.record_delivery(begun.row, f"m{begun.row}"), more, "that there is more")
    same(seen, [(Part("one"), False), (Part("two"), True)], "what is said")
    same(await trial.begin(), None, "what is left")
    same((await trial.store.status()).owed, 0, "how much is owed")


async def says_again_what_was_not_sent(trial: StoreTrial) -> None:
    """What was not sent is owed as it was, with the same key; plain is said to be; failed is over."""
    await owe(trial, Part("bold", (Span(0, 4, "bold"),)))
    first = await trial.begun()
    await trial.store.fail_delivery(first.row, "not_sent", "no line")
    second = await trial.begun()
    same((second.row, second.delivery.part), (first.row, first.delivery.part), "what comes again")
    same(second.delivery.key, first.delivery.key, "its key")
    await trial.store.fail_delivery(second.row, "plain", "markup")
    third = await trial.begun()
    same((second.plain, third.plain), (False, True), "whether it goes as plain text")
    await trial.store.fail_delivery(third.row, "failed", "gone")
    same(await trial.begin(), None, "what is left")


async def begins_with_a_turns_end(trial: StoreTrial) -> None:
    """A turn's end begins what it says where it may, as its lane would, unless that has more to say."""
    opened, parts = await trial.turn(), (Part("one"), Part("two"))
    closing = Closing(state="finished", reply=Reply(address=address("ada"), parts=parts))
    begun = await trial.store.close_turn(opened.turn, closing, begins=True)
    if begun is None:
        raise Unlike("what is said has begun", begun)
    await trial.store.fail_delivery(begun.row, "not_sent", "no line")
    again = await trial.begun()
    same(begun, replace(again, attempts=1), "what has begun")
    same(await trial.store.record_delivery(begun.row, "m1"), True, "that there is more")
    same([text for _, text in await trial.say()], ["two"], "what comes next")
    opened, command = await trial.turn("again"), await trial.command("/help")
    await trial.store.settle(command, "answered", "", reply("help", said="reply"))
    same(await trial.store.close_turn(opened.turn, closing, begins=True), None, "what has begun")
    same([text for _, text in await trial.say()], ["help", "one", "two"], "what is said")


async def marks_a_possible_repeat(trial: StoreTrial) -> None:
    """What was begun under an older boot is said once more, marked; then it is given up; never with a key."""
    await owe(trial, Part("hello"))
    await owe(trial, Part("keyed"), user="bob")
    await trial.begun()
    await trial.begun("bob", takes_key=True)
    await trial.store.begin_boot()
    begun = await trial.begun()
    same(begun.delivery.part and begun.delivery.part.text, f"hello {MARK}", "what is said again")
    for _ in range(3):
        keyed = await trial.begun("bob", takes_key=True)
        same(keyed.delivery.part, Part("keyed"), "what is said again with a key")
        await trial.store.begin_boot()
    given_up = await trial.begin()
    expect(isinstance(given_up, GaveUp), "it is given up", given_up)


async def keeps_back_what_is_in_doubt(trial: StoreTrial) -> None:
    """A lane that says nothing again now is told that something is in doubt, and begins nothing by that."""
    await owe(trial, Part("hello"))
    await trial.begun()
    await trial.store.begin_boot()
    for _ in range(2):
        held = await trial.begin(repeats=False)
        expect(isinstance(held, InDoubt), "what comes next is in doubt", held)
    begun = await trial.begun()
    same(begun.delivery.part and begun.delivery.part.text, f"hello {MARK}", "what is said later")


async def shows_one_live_row(trial: StoreTrial) -> None:
    """A preview is one row: sent once, then edited to the newest text, and the answer is its last edit."""
    opened = await trial.turn()
    store = trial.store
    for text in ("I", "I am"):
        await store.show(opened.turn, reply(text, said="preview"))
    begun = await trial.begun()
    same((begun.delivery.op, begun.delivery.part), ("send", Part("I am")), "what is sent first")
    await store.record_delivery(begun.row, "m1")
    same(await trial.begin(), None, "what is to be said while nothing is new")
    await store.show(opened.turn, reply("I am here", said="preview"))
    edit = await trial.begun()
    same((edit.row, edit.delivery.op, edit.delivery.message_id), (begun.row, "edit", "m1"), "the edit")
    await store.record_delivery(edit.row, "m1")
    await store.close_turn(opened.turn, Closing(state="finished", reply=reply("I am here.")))
    last = await trial.begun()
    same((last.delivery.op, last.delivery.message_id), ("edit", "m1"), "how the answer is said")
    same((last.delivery.part, last.delivery.said), (Part("I am here."), "final"), "the answer")


async def keeps_a_penalty(trial: StoreTrial) -> None:
    """A silence that the platform asked for is known to the next boot while it lasts."""
    until = trial.clock.now() + 600
    await trial.store.penalty(ACCOUNT, "ada", until)
    same((await trial.store.begin_boot()).penalties, ((ACCOUNT, "ada", until),), "what a boot finds")
    trial.clock.time += 601
    same((await trial.store.begin_boot()).penalties, (), "what a later one finds")


DELIVERING = (
    delivers_in_order_and_once,
    says_again_what_was_not_sent,
    begins_with_a_turns_end,
    marks_a_possible_repeat,
    keeps_back_what_is_in_doubt,
    shows_one_live_row,
    keeps_a_penalty,
)
