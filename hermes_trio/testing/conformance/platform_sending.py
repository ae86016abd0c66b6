"""The Platform port's clauses about deliveries that succeed, and about cancelled ones."""

from __future__ import annotations

from functools import partial
from typing import Any

import trio
from msgspec.structs import replace

from hermes_trio.errors import SendRefused
from hermes_trio.testing.conformance.clauses import Unable, expect
from hermes_trio.testing.conformance.platform_trial import PlatformTrial
from hermes_trio.text.chunking import units
from hermes_trio.values.delivery import Delivery, Part, Span

SOON_S = 5.0
LONG_MAX = 100_000
PLAIN = "a < b & c > d, *not* _this_ `nor` [that](x) \\ ~~é 😀"
LINKS = ["vscode://file/x.py:12", "http://localhost:3000", "mailto:me@x.org", "C:/src/main.c", "docs/a.md"]
LINKS += [f"https://x.org/{n}" for n in range(120)]
LINKED = " ".join(f"[w{n}]({url})" for n, url in enumerate(LINKS))
OPS = {"typing": "can_type", "react": "can_react", "edit": "can_edit", "delete": "can_delete"}


async def says_a_text_as_it_is(trial: PlatformTrial) -> None:
    """A part is shown with each of its characters: it is rendered already, and no markup is read in it."""
    async with trial.serving() as serving:
        await serving.say(PLAIN)
        await trial.shows(PLAIN)


async def shows_a_text_with_spans_once(trial: PlatformTrial) -> None:
    """Spans format the text and change none of its characters, also behind characters outside the BMP."""
    text = "😀 bold and code"
    part = Part(text, (Span(2, 6, "bold"), Span(11, 15, "code")))
    async with trial.serving() as serving:
        await serving.deliver(Delivery(op="send", address=trial.place, part=part, key="checked-spans"))
        await trial.shows(text)


async def takes_what_it_has_split(trial: PlatformTrial) -> None:
    """What `split` made of an answer is taken, whatever its links lead to, and no address of one is lost."""
    async with trial.serving() as serving:
        parts = list(serving.platform.split(LINKED))
        held = "".join(part.text for part in parts)
        held += " ".join(span.value for part in parts for span in part.spans)
        for url in LINKS:
            expect(url in held, f"{url} is in the text, or of a link", held[:200])
        for n, part in enumerate(parts):
            await serving.deliver(Delivery(op="send", address=trial.place, part=part, key=f"checked-{n}"))
        shown = await trial.service.shown(trial.place)
        expect(len(shown) == len(parts), "each part is shown", shown)


async def takes_a_text_of_full_length(trial: PlatformTrial) -> None:
    """A text of `text_max` units, as the capabilities count them, is taken, and shown whole."""
    async with trial.serving() as serving:
        capabilities = serving.platform.capabilities
        if capabilities.text_max > LONG_MAX:
            raise Unable(f"its longest text, {capabilities.text_max} units, is too long to try")
        wide = "é" if capabilities.unit == "byte" else "x"
        text = wide * (capabilities.text_max // units(wide, capabilities.unit))
        await serving.say(text)
        await trial.shows(text)


async def says_things_in_order(trial: PlatformTrial) -> None:
    """What is delivered one after another in a place is shown there in that order."""
    texts = [f"answer {n}" for n in range(5)]
    async with trial.serving() as serving:
        for text in texts:
            await serving.say(text)
        await trial.shows(*texts)


async def gives_each_message_a_receipt(trial: PlatformTrial) -> None:
    """The receipt of a send has the id of the message it made, another one for each."""
    async with trial.serving() as serving:
        ids = [(await serving.say(f"answer {n}")).message_id for n in range(3)]
        expect(None not in ids and "" not in ids and len(set(ids)) == 3, "three ids", ids)


async def edits_what_the_receipt_names(trial: PlatformTrial) -> None:
    """With `can_edit` a message is changed by the id of its receipt; to what it already shows, too."""
    async with trial.serving() as serving:
        trial.needs("can_edit", serving.platform)
        receipt = await serving.say("first")
        edit = Delivery(
            op="edit",
            address=trial.place,
            part=Part("second"),
            message_id=receipt.message_id,
            key="checked-e",
        )
        for _ in range(2):
            edited = await serving.deliver(edit)
            expect(edited == receipt, "the receipt of an edit names the message", edited)
            await trial.shows("second")


async def deletes_what_the_receipt_names(trial: PlatformTrial) -> None:
    """With `can_delete` a message is removed by the id of its receipt; one that is gone, too."""
    async with trial.serving() as serving:
        trial.needs("can_delete", serving.platform)
        await serving.say("stays")
        receipt = await serving.say("goes")
        delete = Delivery(op="delete", address=trial.place, message_id=receipt.message_id, key="checked-d")
        for _ in range(2):
            await serving.deliver(delete)
            await trial.shows("stays")


async def does_what_its_capabilities_say(trial: PlatformTrial) -> None:
    """An op that the capabilities promise gets a receipt; another is SendRefused, and nothing is shown."""
    async with trial.serving() as serving:
        await trial.service.push("question", trial.place)
        [message] = await serving.received(1)
        mine = await serving.say("answer")
        for op, trait in OPS.items():
            own = op in ("edit", "delete")
            delivery = _op(trial, op, mine.message_id if own else message.message_id or None)
            if getattr(serving.platform.capabilities, trait):
                await serving.deliver(delivery)
            else:
                error = await serving.failure(delivery)
                expect(isinstance(error, SendRefused), f"{op} without {trait} is SendRefused", repr(error))
                await trial.shows("answer")  # delete, which may take it away, is the last one


async def speaks_in_several_places_at_once(trial: PlatformTrial) -> None:
    """Deliveries to different places run at the same time; each arrives once, where it belongs."""
    places = trial.service.places
    if len(places) < 2:
        raise Unable("the service has one place only")
    async with trial.serving() as serving:

        async def talk(number: int) -> None:
            for n in range(5):
                await serving.say(f"place {number} text {n}", places[number])

        async with trio.open_nursery() as nursery:
            for number in range(len(places)):
                nursery.start_soon(talk, number)
        for number, place in enumerate(places):
            await trial.shows(*(f"place {number} text {n}" for n in range(5)), place=place)


async def speaks_in_the_thread(trial: PlatformTrial) -> None:
    """What is addressed to a thread is said in it, and nowhere else; the same without one."""
    thread, main = trial.thread(), trial.main()
    async with trial.serving() as serving:
        await serving.say("in the thread", thread)
        await serving.say("beside it", main)
        await trial.shows("in the thread", place=thread)
        await trial.shows("beside it", place=main)


async def says_a_key_once(trial: PlatformTrial) -> None:
    """With `takes_key` a repeat with the same key succeeds and shows nothing more, after a restart too."""
    async with trial.serving() as serving:
        trial.needs("takes_key", serving.platform)
        delivery = trial.send("once")
        first = await serving.deliver(delivery)
        second = await serving.deliver(delivery)
        expect(first == second, "the repeat has the receipt of the first", second)
        await trial.shows("once")
        await serving.stop()
    async with trial.serving() as serving:
        await serving.deliver(delivery)
        await trial.shows("once")
        await serving.say("another")
        await trial.shows("once", "another")


async def speaks_after_it_serves_no_more(trial: PlatformTrial) -> None:
    """A stop cancels `serve` first; what is owed is delivered after that."""
    async with trial.serving() as serving:
        await serving.stop()
        await serving.say("goodbye")
        await trial.shows("goodbye")


async def says_nothing_when_cancelled_before(trial: PlatformTrial) -> None:
    """A delivery in a scope that is cancelled already says nothing, and ends as Cancelled."""
    async with trial.serving() as serving:
        with trio.CancelScope() as scope:
            scope.cancel()
            await serving.say("never")
        expect(scope.cancelled_caught, "Cancelled", "it returned")
        await trial.quiet()
        await trial.shows()
        await serving.say("later")
        await trial.shows("later")


async def leaves_nothing_half_said(trial: PlatformTrial) -> None:
    """A delivery that is cancelled in the middle leaves at once; its text is there whole or not at all, and
    the next one is said whole."""
    async with trial.serving() as serving:
        await trial.service.hold()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(partial(serving.say, "cut off"))
            await trial.service.held()
            began = trio.current_time()
            nursery.cancel_scope.cancel()
        took_s = trio.current_time() - began
        expect(took_s < SOON_S, f"it leaves within {SOON_S:.0f} s", f"it took {took_s:.1f} s")
        await trial.service.release()
        await trial.service.reached()
        receipt = await serving.say("whole")
        expect(receipt.message_id is not None, "the next has a receipt", receipt)
        await trial.quiet()
        shown = list(await trial.service.shown(trial.place))
        wanted = "the next is there once, the one before whole or not at all"
        expect(shown in (["whole"], ["cut off", "whole"]), wanted, shown)


async def yields_on_every_path(trial: PlatformTrial) -> None:
    """Each `deliver` executes a checkpoint, also one that fails or has nothing to do."""
    async with trial.serving() as serving:
        receipt = await serving.say("answer")
        for op in ("send", *OPS, "unreact"):
            await serving.yields(op, _op(trial, op, receipt.message_id))
        await serving.yields("send to nowhere", trial.send("x", _nowhere(trial)))


def _op(trial: PlatformTrial, op: Any, message_id: str | None) -> Delivery:
    if op == "send":
        return trial.send("said")
    part = Part("answer") if op == "edit" else None
    id = None if op == "typing" else message_id
    return Delivery(op=op, address=trial.place, part=part, message_id=id, key=f"checked-{op}")


def _nowhere(trial: PlatformTrial) -> Any:
    return replace(trial.place, chat="no such chat", thread=None)


SENDING = (
    says_a_text_as_it_is,
    shows_a_text_with_spans_once,
    takes_what_it_has_split,
    takes_a_text_of_full_length,
    says_things_in_order,
    gives_each_message_a_receipt,
    edits_what_the_receipt_names,
    deletes_what_the_receipt_names,
    does_what_its_capabilities_say,
    speaks_in_several_places_at_once,
    speaks_in_the_thread,
    says_a_key_once,
    speaks_after_it_serves_no_more,
    says_nothing_when_cancelled_before,
    leaves_nothing_half_said,
    yields_on_every_path,
)
