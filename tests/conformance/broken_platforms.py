"""Platforms that break one clause each: the clause's name, and what is wrong."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager

import httpx
import trio
from msgspec.structs import replace

from hermes_trio.errors import NotSent, PlatformDown, SendFailed, SendRefused, SendUnknown
from hermes_trio.values.delivery import Part, Receipt, Span
from hermes_trio.values.identity import Policy
from hermes_trio.values.message import Message, Undecodable
from tests.conformance.memory_side import TOKEN, Line

BROKEN = []


def breaks(clause, **capabilities):
    """This class breaks the clause of this name, on a service with these capabilities."""

    def keep(kind):
        BROKEN.append((clause, kind, capabilities))
        return kind

    return keep


class Heard:
    """An Intake in front of another: what a broken `serve` makes of it."""

    def __init__(self, intake):
        self.intake, self.cursor = intake, intake.cursor

    async def accept(self, updates, *, cursor=None):
        await self.intake.accept(updates, cursor=cursor)

    def received(self):
        self.intake.received()

    def reachable(self, chat):
        self.intake.reachable(chat)

    def failed(self, why):
        self.intake.failed(why)


def with_ear(ear):
    """`serve` that hears through this ear."""

    async def serve(self, intake):
        await Line.serve(self, ear(intake))

    return serve


# --- what it is, and how it splits


@breaks("says_what_it_is")
class Nameless(Line):
    def __init__(self, side):
        super().__init__(side)
        self.account = ""


@breaks("says_what_it_is")
class PolicyOfItsOwn(Line):
    def __init__(self, side):
        super().__init__(side)
        self.policy = Policy  # the class


@breaks("splits_into_parts_that_fit")
class NoRoomForTheMark(Line):
    def split(self, text):
        most = self.capabilities.text_max
        return [Part(text[at : at + most]) for at in range(0, len(text), most)] or [Part("")]


@breaks("splits_into_parts_that_fit", unit="utf16")
class CountsCharacters(Line):
    def split(self, text):
        parts = [part.text for part in self.memory.split(text)]
        return [Part("".join(parts[at : at + 2])) for at in range(0, len(parts), 2)]


@breaks("splits_beside_the_loop")
class AsksTheLoop(Line):
    def split(self, text):
        trio.current_time()
        return self.memory.split(text)


@breaks("splits_without_loss")
class DropsTheRest(Line):
    def split(self, text):
        return self.memory.split(text)[:1]


@breaks("splits_without_loss")
class NoPartOfNothing(Line):
    def split(self, text):
        return self.memory.split(text) if text else []


@breaks("splits_between_characters")
class CutsAnywhere(Line):
    def split(self, text):
        most = self.capabilities.text_max - 4
        return [Part(text[at : at + most]) for at in range(0, len(text), most)] or [Part("")]


@breaks("renders_markdown_into_spans")
class LeavesMarkdown(Line):
    def split(self, text):
        return [Part(text)]


@breaks("renders_markdown_into_spans")
class SpansBeyond(Line):
    def split(self, text):
        return [Part(part.text, (Span(0, 999, "bold"),)) for part in self.memory.split(text)]


@breaks("splits_the_same_way_each_time")
class CountsParts(Line):
    made = 0

    def split(self, text):
        CountsParts.made += 1
        return [*self.memory.split(text), Part(f"({CountsParts.made})")]


# --- receiving


@breaks("says_that_it_receives")
class QuietAboutIt(Line):
    class Ear(Heard):
        def received(self):
            pass

    serve = with_ear(Ear)


@breaks("receives_whatever_its_menu")
class NeedsItsWholeMenu(Line):
    menu = ()

    async def serve(self, intake):
        if len(self.menu) > 100:
            raise PlatformDown("the menu is too long")
        await self.memory.serve(intake)


@breaks("hears")
class WrongAccount(Line):
    class Ear(Heard):
        async def accept(self, updates, *, cursor=None):
            for at, one in enumerate(updates):
                if isinstance(one, Message):
                    updates[at] = replace(one, address=replace(one.address, account="other"))
            await super().accept(updates, cursor=cursor)

    serve = with_ear(Ear)


@breaks("hears_in_order")
class Backwards(Line):
    class Ear(Heard):
        async def accept(self, updates, *, cursor=None):
            await super().accept(updates[::-1], cursor=cursor)

    serve = with_ear(Ear)


@breaks("hears_in_order")
class OneNativeForAll(Line):
    class Ear(Heard):
        async def accept(self, updates, *, cursor=None):
            await super().accept([replace(one, native="") for one in updates], cursor=cursor)

    serve = with_ear(Ear)


@breaks("confirms_only_what_is_durable")
class ConfirmsFirst(Line):
    async def serve(self, intake):
        memory = self.memory

        class Ear(Heard):
            async def accept(self, updates, *, cursor=None):
                memory._confirmed += len(updates)
                try:
                    await super().accept(updates, cursor=cursor)
                finally:
                    memory._confirmed -= len(updates)

        await Line.serve(self, Ear(intake))


@breaks("hands_over_again_what_was_not_durable")
class ForgetsWhatWasCutOff(Line):
    async def serve(self, intake):
        memory = self.memory

        class Ear(Heard):
            async def accept(self, updates, *, cursor=None):
                try:
                    await super().accept(updates, cursor=cursor)
                except trio.Cancelled:
                    memory._confirmed += len(updates)
                    raise

        await Line.serve(self, Ear(intake))


@breaks("hands_over_again_what_was_not_durable")
class NewNativeEachTime(Line):
    class Ear(Heard):
        made = 0

        async def accept(self, updates, *, cursor=None):
            type(self).made += 1
            fresh = [replace(one, native=f"{one.native}/{self.made}") for one in updates]
            await super().accept(fresh, cursor=cursor)

    serve = with_ear(Ear)


@breaks("does_not_hand_over_what_was_confirmed")
class BeginsAtTheBeginning(Line):
    async def serve(self, intake):
        await intake.accept(self.memory._updates[: self.memory._confirmed])
        await super().serve(intake)


@breaks("hands_over_what_it_cannot_read")
class SkipsRubbish(Line):
    class Ear(Heard):
        async def accept(self, updates, *, cursor=None):
            read = [one for one in updates if not isinstance(one, Undecodable)]
            await super().accept(read, cursor=cursor)

    serve = with_ear(Ear)


@breaks("carries_the_thread_of_what_it_hears")
class HearsNoThread(Line):
    class Ear(Heard):
        async def accept(self, updates, *, cursor=None):
            flat = [replace(one, address=replace(one.address, thread=None)) for one in updates]
            await super().accept(flat, cursor=cursor)

    serve = with_ear(Ear)


@breaks("hears_a_choice")
class HearsNoChoice(Line):
    class Ear(Heard):
        async def accept(self, updates, *, cursor=None):
            await super().accept([replace(one, choice=None) for one in updates], cursor=cursor)

    serve = with_ear(Ear)


@breaks("serves_again")
class ServesOnce(Line):
    served = False

    async def serve(self, intake):
        if self.served:
            raise RuntimeError("this can be done once")
        self.served = True
        await super().serve(intake)


@breaks("stops_at_once")
class Dawdles(Line):
    async def serve(self, intake):
        try:
            await super().serve(intake)
        finally:
            with trio.move_on_after(60, shield=True):
                await trio.sleep_forever()


@breaks("stops_at_once")
class Returns(Line):
    async def serve(self, intake):
        intake.received()
        with trio.move_on_after(0.001):
            await super().serve(intake)


@breaks("returns_at_the_end_of_its_input")
class WaitsForMore(Line):
    async def serve(self, intake):
        await super().serve(intake)
        await trio.sleep_forever()


@breaks("comes_back_after_a_lost_line")
class LeaksALibrarysError(Line):
    async def serve(self, intake):
        try:
            await super().serve(intake)
        except Exception as error:
            raise httpx.ConnectError("all connection attempts failed") from error


@breaks("comes_back_after_a_lost_line")
class RaisesAGroup(Line):
    async def serve(self, intake):
        try:
            await super().serve(intake)
        except Exception as error:
            raise ExceptionGroup("", [error]) from None


@breaks("says_that_nobody_is_there")
class WaitsInSilence(Line):
    async def serve(self, intake):
        if not self.memory.connected:
            await trio.sleep_forever()
        await super().serve(intake)


@breaks("says_that_the_account_is_refused")
@breaks("says_that_another_receives")
class EverythingIsDown(Line):
    async def serve(self, intake):
        try:
            await super().serve(intake)
        except Exception as error:
            raise NotSent(str(error)) from None


@breaks("says_that_the_account_is_refused")
class TellsTheToken(Line):
    async def serve(self, intake):
        try:
            await super().serve(intake)
        except Exception as error:
            raise type(error)(f"{error}: {TOKEN}") from None


# --- sending


class Changes(Line):
    """Delivers something else than what it was given."""

    async def deliver(self, delivery):
        if delivery.part is not None:
            delivery = replace(delivery, part=self.changed(delivery.part))
        return await super().deliver(delivery)


@breaks("says_a_text_as_it_is")
class Escapes(Changes):
    def changed(self, part):
        return Part(part.text.replace("&", "&amp;").replace("<", "&lt;"), part.spans)


@breaks("shows_a_text_with_spans_once")
class WritesMarks(Changes):
    def changed(self, part):
        text = part.text
        for span in reversed(part.spans):
            text = f"{text[: span.start]}*{text[span.start : span.end]}*{text[span.end :]}"
        return Part(text)


@breaks("takes_what_it_has_split")
class WantsTheWeb(Line):
    async def deliver(self, delivery):
        await trio.lowlevel.checkpoint()
        if delivery.part is not None and any("x.py" in span.value for span in delivery.part.spans):
            raise SendRefused("Unsupported URL protocol")
        return await super().deliver(delivery)


@breaks("takes_what_it_has_split")
class LosesAddresses(Line):
    def split(self, text):
        return [Part(part.text) for part in self.memory.split(text)]


@breaks("takes_a_text_of_full_length")
class PromisesTooMuch(Line):
    async def deliver(self, delivery):
        await trio.lowlevel.checkpoint()
        if delivery.part is not None and len(delivery.part.text) > self.capabilities.text_max - 4:
            raise SendRefused("message is too long")
        return await super().deliver(delivery)


@breaks("says_things_in_order")
class NewestFirst(Line):
    async def deliver(self, delivery):
        receipt = await super().deliver(delivery)
        if delivery.op == "send" and receipt.message_id in self.memory.seen:
            shown = self.memory.seen
            for id in [id for id in shown if id != receipt.message_id]:
                shown[id] = shown.pop(id)
        return receipt


@breaks("gives_each_message_a_receipt")
class NoProof(Line):
    async def deliver(self, delivery):
        await super().deliver(delivery)
        return Receipt(None)


@breaks("edits_what_the_receipt_names")
class EditsByANewMessage(Line):
    async def deliver(self, delivery):
        op = "send" if delivery.op == "edit" else delivery.op
        return await super().deliver(replace(delivery, op=op, key=f"{op}{delivery.key}"))


@breaks("edits_what_the_receipt_names")
class NotModifiedIsAnError(Line):
    async def deliver(self, delivery):
        seen = self.memory.seen.get(delivery.message_id or "")
        await trio.lowlevel.checkpoint()
        if delivery.op == "edit" and seen is not None and seen.text == delivery.part.text:
            raise SendRefused("message is not modified")
        return await super().deliver(delivery)


@breaks("deletes_what_the_receipt_names")
class DeletesTheLast(Line):
    async def deliver(self, delivery):
        await trio.lowlevel.checkpoint()
        if delivery.op == "delete":
            delivery = replace(delivery, message_id=next(iter(self.memory.seen), None))
        return await super().deliver(delivery)


@breaks("does_what_its_capabilities_say")
class PromisesReactions(Line):
    async def deliver(self, delivery):
        await trio.lowlevel.checkpoint()
        if delivery.op == "react":
            raise SendRefused("no reactions here")
        return await super().deliver(delivery)


@breaks("does_what_its_capabilities_say", can_edit=False)
class SendsWhatItCannotEdit(Line):
    async def deliver(self, delivery):
        return await super().deliver(replace(delivery, op="send") if delivery.op == "edit" else delivery)


@breaks("speaks_in_several_places_at_once")
class OneBufferForAll(Line):
    buffer = None

    async def deliver(self, delivery):
        self.buffer = delivery
        await trio.lowlevel.checkpoint()
        return await super().deliver(self.buffer)


@breaks("speaks_in_the_thread")
class MainChatOnly(Line):
    async def deliver(self, delivery):
        flat = replace(delivery.address, thread=None)
        return await super().deliver(replace(delivery, address=flat))


@breaks("says_a_key_once")
class IgnoresTheKey(Line):
    made = 0

    async def deliver(self, delivery):
        IgnoresTheKey.made += 1
        return await super().deliver(replace(delivery, key=f"mine {self.made}"))


@breaks("says_a_key_once")
class RemembersKeysInItsLife(Line):
    async def deliver(self, delivery):
        return await super().deliver(replace(delivery, key=f"{id(self)} {delivery.key}"))


@breaks("speaks_after_it_serves_no_more")
class ClosesInServe(Line):
    async def serve(self, intake):
        try:
            await super().serve(intake)
        finally:
            self.closed = True

    async def deliver(self, delivery):
        await trio.lowlevel.checkpoint()
        if getattr(self, "closed", False):
            raise NotSent("closed")
        return await super().deliver(delivery)


@breaks("says_nothing_when_cancelled_before")
class ShowsFirst(Line):
    async def deliver(self, delivery):
        if delivery.op == "send" and delivery.key not in self.memory._keys:
            self.memory._show(delivery)
        return await super().deliver(delivery)


@breaks("leaves_nothing_half_said")
class HalfAnAnswer(Line):
    async def deliver(self, delivery):
        half = replace(delivery, part=Part(delivery.part.text[:4]), key=f"half {delivery.key}")
        receipt = await super().deliver(half)
        edit = replace(delivery, op="edit", message_id=receipt.message_id)
        return await super().deliver(edit)


@breaks("leaves_nothing_half_said")
class BrokenForTheNext(Line):
    async def deliver(self, delivery):
        await trio.lowlevel.checkpoint()
        if getattr(self, "broken", False):
            raise NotSent("the connection is in the middle of something")
        self.broken = True
        receipt = await super().deliver(delivery)
        self.broken = False
        return receipt


@breaks("yields_on_every_path")
class NoCheckpointForDeletes(Line):
    async def deliver(self, delivery):
        if delivery.op == "delete":
            return Receipt(delivery.message_id)
        return await super().deliver(delivery)


# --- failing


class Fails(Line):
    """What goes wrong is told otherwise."""

    async def deliver(self, delivery):
        try:
            return await super().deliver(delivery)
        except SendFailed as error:
            raise self.told(error) from None


@breaks("not_connected_is_not_sent")
@breaks("turned_away_is_not_sent")
class NeverSure(Fails):
    def told(self, error):
        return SendUnknown(str(error)) if isinstance(error, NotSent) else error


@breaks("not_connected_is_not_sent")
class SaysItLater(Line):
    async def deliver(self, delivery):
        if not self.memory.connected:
            self.memory._show(delivery)
        return await super().deliver(delivery)


@breaks("yields_when_nobody_is_there")
class NoCheckpointWithoutALine(Line):
    async def deliver(self, delivery):
        if not self.memory.connected:
            raise NotSent("not connected")
        return await super().deliver(delivery)


@breaks("turned_away_is_not_sent")
class LeaksConnectErrors(Fails):
    def told(self, error):
        return httpx.ConnectError(str(error))


@breaks("told_to_wait_says_how_long")
class ForgetsTheTime(Fails):
    def told(self, error):
        return NotSent(str(error)) if isinstance(error, NotSent) else error


@breaks("refused_is_refused")
class RefusalsAreTransient(Fails):
    def told(self, error):
        return NotSent(str(error)) if isinstance(error, SendRefused) else error


@breaks("refused_is_refused")
class RaisesTheParent(Fails):
    def told(self, error):
        return SendFailed(str(error))


@breaks("a_chat_that_is_gone_says_so")
@breaks("markup_that_is_refused_says_so")
class KindlessRefusals(Fails):
    def told(self, error):
        return SendRefused(str(error)) if isinstance(error, SendRefused) else error


@breaks("a_lost_answer_is_unknown")
class SureItIsLost(Fails):
    def told(self, error):
        return NotSent(str(error)) if isinstance(error, SendUnknown) else error


@breaks("a_lost_answer_is_unknown")
class TriesAgainByItself(Line):
    async def deliver(self, delivery):
        try:
            return await super().deliver(delivery)
        except SendUnknown:
            return await super().deliver(replace(delivery, key=f"again {delivery.key}"))


@breaks("a_lost_answer_is_unknown")
class TellsTheTokenOfASend(Fails):
    def told(self, error):
        return type(error)(f"POST /bot{TOKEN}/sendMessage: {error}")


# --- leaving


@breaks("leaves_nothing_behind")
class LeavesATask(Line):
    @asynccontextmanager
    async def open(self):
        yield
        trio.lowlevel.spawn_system_task(trio.sleep, 60, name="left behind")


@breaks("leaves_nothing_behind")
class LeavesASocket(Line):
    left = []  # noqa: RUF012

    @asynccontextmanager
    async def open(self):
        self.left.append(trio.socket.socket())
        yield


@breaks("leaves_nothing_behind")
class LeavesAThread(Line):
    @asynccontextmanager
    async def open(self):
        self.side.end = threading.Event()
        threading.Thread(target=self.side.end.wait, args=(5,), daemon=True).start()
        yield
