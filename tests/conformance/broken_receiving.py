"""Platforms that break one clause of receiving each."""

from __future__ import annotations

import httpx
import trio
from msgspec.structs import replace

from hermes_trio.errors import NotSent, PlatformDown
from hermes_trio.values.message import Message, Undecodable
from tests.conformance.breaking import Breaks, Heard, heard_by
from tests.conformance.memory_side import TOKEN, Line

breaks = Breaks()


@breaks("says_that_it_receives")
class QuietAboutIt(Line):
    class Front(Heard):
        def received(self):
            pass

    serve = heard_by(Front)


@breaks("receives_whatever_its_menu")
class NeedsItsWholeMenu(Line):
    menu = ()

    async def serve(self, intake):
        if len(self.menu) > 100:
            raise PlatformDown("the menu is too long")
        await self.memory.serve(intake)


@breaks("hears")
class WrongAccount(Line):
    class Front(Heard):
        async def accept(self, updates, *, cursor=None):
            for at, one in enumerate(updates):
                if isinstance(one, Message):
                    updates[at] = replace(one, address=replace(one.address, account="other"))
            await super().accept(updates, cursor=cursor)

    serve = heard_by(Front)


@breaks("hears_in_order")
class Backwards(Line):
    class Front(Heard):
        async def accept(self, updates, *, cursor=None):
            await super().accept(updates[::-1], cursor=cursor)

    serve = heard_by(Front)


@breaks("hears_in_order")
class OneNativeForAll(Line):
    class Front(Heard):
        async def accept(self, updates, *, cursor=None):
            await super().accept([replace(one, native="") for one in updates], cursor=cursor)

    serve = heard_by(Front)


@breaks("confirms_only_what_is_durable")
class ConfirmsFirst(Line):
    async def serve(self, intake):
        memory = self.memory

        class Front(Heard):
            async def accept(self, updates, *, cursor=None):
                memory._confirmed += len(updates)
                try:
                    await super().accept(updates, cursor=cursor)
                finally:
                    memory._confirmed -= len(updates)

        await Line.serve(self, Front(intake))


@breaks("hands_over_again_what_was_not_durable")
class ForgetsWhatWasCutOff(Line):
    async def serve(self, intake):
        memory = self.memory

        class Front(Heard):
            async def accept(self, updates, *, cursor=None):
                try:
                    await super().accept(updates, cursor=cursor)
                except trio.Cancelled:
                    memory._confirmed += len(updates)
                    raise

        await Line.serve(self, Front(intake))


@breaks("hands_over_again_what_was_not_durable")
class NewNativeEachTime(Line):
    class Front(Heard):
        made = 0

        async def accept(self, updates, *, cursor=None):
            type(self).made += 1
            fresh = [replace(one, native=f"{one.native}/{self.made}") for one in updates]
            await super().accept(fresh, cursor=cursor)

    serve = heard_by(Front)


@breaks("does_not_hand_over_what_was_confirmed")
class BeginsAtTheBeginning(Line):
    async def serve(self, intake):
        await intake.accept(self.memory._updates[: self.memory._confirmed])
        await super().serve(intake)


@breaks("hands_over_what_it_cannot_read")
class SkipsRubbish(Line):
    class Front(Heard):
        async def accept(self, updates, *, cursor=None):
            read = [one for one in updates if not isinstance(one, Undecodable)]
            await super().accept(read, cursor=cursor)

    serve = heard_by(Front)


@breaks("carries_the_thread_of_what_it_hears")
class HearsNoThread(Line):
    class Front(Heard):
        async def accept(self, updates, *, cursor=None):
            flat = [replace(one, address=replace(one.address, thread=None)) for one in updates]
            await super().accept(flat, cursor=cursor)

    serve = heard_by(Front)


@breaks("hears_its_name_in_a_group")
class HearsAll(Line):
    class Front(Heard):
        async def accept(self, updates, *, cursor=None):
            await super().accept([replace(one, addressed=True) for one in updates], cursor=cursor)

    serve = heard_by(Front)


@breaks("lets_others_run")
class HoldsTheLoop(Line):
    async def deliver(self, delivery):
        trio.lowlevel.current_clock().jump(0.8)  # as a call that blocks does
        return await super().deliver(delivery)


@breaks("hears_a_choice")
class HearsNoChoice(Line):
    class Front(Heard):
        async def accept(self, updates, *, cursor=None):
            await super().accept([replace(one, choice=None) for one in updates], cursor=cursor)

    serve = heard_by(Front)


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
