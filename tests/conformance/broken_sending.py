"""Platforms that break one clause of sending each."""

from __future__ import annotations

import trio
from msgspec.structs import replace

from hermes_trio.errors import NotSent, SendRefused
from hermes_trio.values.delivery import Part, Receipt
from tests.conformance.breaking import Breaks
from tests.conformance.memory_side import Line

breaks = Breaks()


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
