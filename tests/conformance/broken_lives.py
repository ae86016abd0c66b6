"""Stores that break one clause each: of lives, of deliveries, and what comes after."""

from __future__ import annotations

from msgspec.structs import replace

from hermes_trio.errors import StaleTurn
from hermes_trio.values.delivery import Part
from hermes_trio.values.stored import GaveUp
from tests.conformance.in_the_way import Breaks, Store

breaks = Breaks()


class Boots(Store):
    """Another boot than the one that began."""

    async def begin_boot(self):
        return self.other(await self.real.begin_boot())


@breaks("knows_how_the_last_boot_ended")
class AlwaysClean(Boots):
    def other(self, booted):
        return replace(booted, clean=True)


@breaks("counts_interruptions_once_a_boot")
class CountsTwice(Boots):
    def other(self, booted):
        cut = tuple(replace(one, interruptions=2 * one.interruptions) for one in booted.interrupted)
        return replace(booted, interrupted=cut)


@breaks("counts_interruptions_once_a_boot", "forgets_interruptions_when_an_answer_has_arrived")
class NeverForgets(Store):
    most = 0

    async def sessions(self, *args):
        views = await self.real.sessions(*args)
        self.most = max([self.most, *(view.interrupted for view in views)])
        return [replace(view, interrupted=self.most) for view in views]


@breaks("checkpoints_what_runs")
class NoCheckpoint(Store):
    async def checkpoint(self, why):
        await self.real.checkpoint(why)
        return 0


@breaks("closes_what_an_older_boot_left")
class AbandonsAnything(Store):
    async def abandon(self, *args, **more):
        try:
            await self.real.abandon(*args, **more)
        except StaleTurn:
            await self.real.checkpoint("late")


@breaks("pauses_and_releases")
class HoldsNothing(Store):
    async def pause(self, turn, text):
        await self.real.checkpoint("no hold")


@breaks("wakes_what_has_rows")
class WakesNobody(Store):
    async def wake_all(self):
        await self.real.checkpoint("nobody")


class Deliveries(Store):
    """Another delivery than the one that is next."""

    async def begin_delivery(self, lane, **can):
        begun = await self.real.begin_delivery(lane, **can)
        if begun is None or isinstance(begun, GaveUp):
            return begun
        return replace(begun, delivery=self.other(begun.delivery))


@breaks("delivers_in_order_and_once")
class EachIsTheLast(Deliveries):
    def other(self, delivery):
        return replace(delivery, last=True)


@breaks("delivers_in_order_and_once")
class SaysItTwice(Store):
    async def record_delivery(self, row, message_id):
        await self.real.fail_delivery(row, "not_sent", "again")
        return True


@breaks("says_again_what_was_not_sent")
class NewKeyEachTime(Deliveries):
    made = 0

    def other(self, delivery):
        self.made += 1
        return replace(delivery, key=f"{delivery.key}.{self.made}")


@breaks("says_again_what_was_not_sent")
class KeepsTheSpans(Store):
    async def fail_delivery(self, row, how, why):
        await self.real.fail_delivery(row, "not_sent" if how == "plain" else how, why)


@breaks("begins_with_a_turns_end")
class BeginsNothing(Store):
    async def close_turn(self, turn, closing, **how):
        await self.real.close_turn(turn, closing)


@breaks("begins_with_a_turns_end")
class NotSaidSo(Store):
    async def close_turn(self, turn, closing, **how):
        begun = await self.real.close_turn(turn, closing, **how)
        return begun and replace(begun, delivery=replace(begun.delivery, last=True))


@breaks("marks_a_possible_repeat")
class NoMark(Deliveries):
    def other(self, delivery):
        return replace(delivery, part=Part(delivery.part.text.removesuffix(" ↻")))


@breaks("marks_a_possible_repeat")
class RepeatsForEver(Store):
    async def begin_delivery(self, lane, *, takes_key, **can):
        return await self.real.begin_delivery(lane, takes_key=True, **can)


@breaks("keeps_back_what_is_in_doubt")
class SaysItAgainAtOnce(Store):
    async def begin_delivery(self, lane, *, repeats=True, **can):
        return await self.real.begin_delivery(lane, **can)


@breaks("shows_one_live_row")
class AMessageForEachText(Deliveries):
    def other(self, delivery):
        return replace(delivery, op="send", message_id=None)


@breaks("keeps_a_penalty")
class ForgetsPenalties(Boots):
    def other(self, booted):
        return replace(booted, penalties=())


@breaks("defers_without_an_outcome")
class DeferredIsStopped(Store):
    async def close_turn(self, turn, closing, **how):
        return await self.real.close_turn(turn, replace(closing, until=None), **how)


@breaks("keeps_the_cooldowns_of_keys")
class ForgetsCooldowns(Boots):
    def other(self, booted):
        return replace(booted, cooldowns=())


@breaks("says_whether_there_is_work")
class AlwaysHasWork(Store):
    async def has_work(self, key, session):
        return True


@breaks("says_whether_there_is_work")
class NeverHasWork(Store):
    async def has_work(self, key, session):
        return False


@breaks("drops_what_has_no_outcome")
class DropsNothing(Store):
    async def drop(self, messages, why):
        await self.real.checkpoint("no drop")


@breaks("gets_what_is_in_the_way_out_of_it")
class SaysItWasFailed(Store):
    async def fail_next(self, key, session):
        await self.real.checkpoint("stuck")
        return "turn 1"


@breaks("knows_a_process_before_it_runs")
class EndsTwice(Store):
    async def process(self, key, process):
        view = await self.real.process(key, process)
        return replace(view, state="killed") if view is not None else None


@breaks("tells_the_session_of_an_end")
class TellsNobody(Store):
    async def begin_process(self, born):
        return await self.real.begin_process(replace(born, notify=False))


@breaks("ends_processes_with_their_session")
class KeepsAll(Store):
    async def begin_process(self, born):
        return await self.real.begin_process(replace(born, keep=True))


@breaks("counts_matches")
class NoEndOfMatches(Store):
    async def match_process(self, process, told, *, per_process, per_session):
        return await self.real.match_process(process, told, per_process=1000, per_session=1000)


@breaks("finds_what_older_boots_left")
class ForgetsTheLeaders(Store):
    async def left_processes(self):
        return replace(await self.real.left_processes(), leaders=())
