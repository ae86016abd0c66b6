"""Platforms that break one clause each: of what they are, how they split, fail and leave."""

from __future__ import annotations

import threading
from contextlib import asynccontextmanager

import httpx
import trio
from msgspec.structs import replace

from hermes_trio.errors import NotSent, PlatformDown, SendFailed, SendRefused, SendUnknown
from hermes_trio.ports.platform import Probed
from hermes_trio.values.delivery import Delivery, Part, Receipt, Span
from hermes_trio.values.identity import Policy
from tests.conformance.breaking import Breaks
from tests.conformance.memory_side import TOKEN, Line

breaks = Breaks()


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


@breaks("a_connection_that_dies_is_unknown")
class TakesTheEndForAnAnswer(Line):
    async def deliver(self, delivery):
        try:
            return await super().deliver(delivery)
        except SendUnknown:
            return Receipt("1")


# --- trying


@breaks("probes_without_a_trace")
class ProbesByGreeting(Line):
    async def probe(self):
        place = self.side.places[0]
        await self.deliver(Delivery(op="send", address=place, part=Part("ping"), key="ping"))
        return await super().probe()


@breaks("probe_says_that_the_account_is_refused")
class ProbesNothing(Line):
    async def probe(self):
        await trio.lowlevel.checkpoint()
        return Probed("@memory")


@breaks("probe_says_that_nobody_is_there")
class ProbesByALibrary(Line):
    async def probe(self):
        try:
            return await super().probe()
        except PlatformDown:
            raise httpx.ConnectError("connection refused") from None


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
