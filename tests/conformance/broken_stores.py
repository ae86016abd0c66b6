"""Stores that break one clause each: the clause's name, and what is wrong."""

from __future__ import annotations

from contextlib import asynccontextmanager

import trio
from msgspec.structs import replace

from hermes_trio.errors import Fenced, StaleCommand, StaleTurn, StoreClosed
from hermes_trio.ports.store import GaveUp, Opened, StepRow, WaitForMore
from hermes_trio.store.sqlite.store import open_sqlite_store
from hermes_trio.testing.conformance.store_trial import decided
from hermes_trio.values.actions import Prompt
from hermes_trio.values.consequences import WakeKey
from hermes_trio.values.delivery import Part

BROKEN = []


def breaks(*clauses):
    """This class breaks the clauses of these names."""

    def keep(kind):
        BROKEN.extend((clause, kind) for clause in clauses)
        return kind

    return keep


class Store:
    """The real store, as it should be; what is broken stands in the way."""

    def __init__(self, real):
        self.real = real

    def __getattr__(self, name):
        return getattr(self.real, name)

    @property
    def perform(self):
        return self.real.perform

    @perform.setter
    def perform(self, perform):
        self.real.perform = perform


def opener(kind):
    """Opens such stores; what it returns is for `check_store`."""

    @asynccontextmanager
    async def make(name, clock):
        async with open_sqlite_store(":memory:", clock, run_blocking=inline) as real:
            yield kind(real)

    return make


async def inline(work):
    await trio.lowlevel.checkpoint()
    work()
    await trio.lowlevel.checkpoint()


# --- writing


@breaks("acts_before_the_caller_wakes")
class ActsLater(Store):
    def __init__(self, real):
        super().__init__(real)
        self.later = []
        self.mine = None

    @property
    def perform(self):
        return self.mine

    @perform.setter
    def perform(self, perform):
        self.mine = perform
        self.real.perform = self.later.append


@breaks("acts_on_nothing_that_failed")
class ActsOnFailure(Store):
    async def close_turn(self, turn, closing):
        try:
            await self.real.close_turn(turn, closing)
        except StaleTurn:
            self.perform([WakeKey(None, turn)])
            raise


@breaks("undoes_one_caller_alone")
class OneFailsAll(Store):
    failed = False

    async def close_turn(self, turn, closing):
        self.failed = True
        await self.real.close_turn(turn, closing)

    async def accept(self, *args):
        new = await self.real.accept(*args)
        if self.failed:
            raise StaleTurn("the group was rolled back")
        return new


@breaks("writes_in_the_order_of_its_callers")
class ActsBackwards(Store):
    @property
    def perform(self):
        return self.real.perform

    @perform.setter
    def perform(self, perform):
        waiting = []

        def later(consequences):
            waiting.insert(0, consequences)
            if len(waiting) == 3:
                for one in waiting:
                    perform(one)
                waiting.clear()

        self.real.perform = later


@breaks("writes_nothing_when_cancelled_before", "tells_its_result_or_wrote_nothing")
class Shielded(Store):
    async def accept(self, *args):
        with trio.CancelScope(shield=True):
            await self.real.accept(*args)
        await trio.lowlevel.checkpoint()
        return args[1]


@breaks("tells_its_result_or_wrote_nothing")
class ActsOnlyForTheLiving(Store):
    def __init__(self, real):
        super().__init__(real)
        self.mine = None

    @property
    def perform(self):
        return self.mine

    @perform.setter
    def perform(self, perform):
        self.mine = perform
        self.real.perform = lambda consequences: None

    async def accept(self, *args):
        new = await self.real.accept(*args)
        await trio.lowlevel.checkpoint_if_cancelled()
        self.mine([WakeKey(args[1][0].key, 1)])
        return new


@breaks("commits_what_was_asked_before_it_closes")
class NeverClosed(Store):
    async def ledger(self, *args):
        try:
            return await self.real.ledger(*args)
        except StoreClosed:
            return []


@breaks("keeps_what_was_written")
class KeepsNothing(Store):
    pass


@breaks("refuses_a_turn_that_does_not_run_here")
class NoFenceForSteps(Store):
    async def end_step(self, turn, step, **more):
        try:
            return await self.real.end_step(turn, step, **more)
        except StaleTurn:
            return ()


@breaks("refuses_a_turn_that_does_not_run_here")
class LateAnswersAreSaid(Store):
    async def close_turn(self, turn, closing):
        try:
            await self.real.close_turn(turn, closing)
        except StaleTurn:
            await self.real.checkpoint("late")


@breaks("refuses_a_session_that_has_ended")
class NoFenceForSessions(Store):
    async def next_turn(self, *args, **more):
        try:
            return await self.real.next_turn(*args, **more)
        except Fenced:
            return None


# --- turns


@breaks("accepts_a_batch_as_one")
class ForgetsTheCursor(Store):
    async def accept(self, account, decided, cursor, rules):
        return await self.real.accept(account, decided, None, rules)


@breaks("accepts_a_batch_as_one")
class SortsTheBatch(Store):
    async def accept(self, account, decided, cursor, rules):
        return await self.real.accept(account, decided[::-1], cursor, rules)


@breaks("accepts_a_native_id_once")
class TakesItAgain(Store):
    made = 0

    async def accept(self, account, decided, cursor, rules):
        self.made += 1
        fresh = [
            replace(one, update=replace(one.update, native=f"{one.update.native} {self.made}.{n}"))
            for n, one in enumerate(decided)
        ]
        return await self.real.accept(account, fresh, cursor, rules)


@breaks("refuses_what_is_too_much")
class NoLimit(Store):
    async def accept(self, account, decided, cursor, rules):
        return await self.real.accept(account, decided, cursor, replace(rules, queue_max=1000))


@breaks("keeps_what_has_no_turn")
class DropsWhatIsDropped(Store):
    async def accept(self, account, decided, cursor, rules):
        wanted = [one for one in decided if one.outcome is None]
        return await self.real.accept(account, wanted, cursor, rules)


class NextTurns(Store):
    """Another turn than the one that is next."""

    async def next_turn(self, *args, **more):
        opened = await self.real.next_turn(*args, **more)
        return self.other(opened) if isinstance(opened, Opened) else opened


@breaks("claims_what_waits_in_order")
class NewestFirst(NextTurns):
    def other(self, opened):
        return replace(opened, messages=opened.messages[::-1])


@breaks("gives_the_newest_of_a_history")
class OldestOfAHistory(Store):
    async def history(self, session, limit, before_turn=None):
        whole = await self.real.history(session, 100_000, before_turn)
        return whole[: len(await self.real.history(session, limit, before_turn))]


@breaks("tells_what_is_new_in_a_history")
class KnowsForEver(Store):
    async def next_turn(self, key, session, *, known=None, **wanted):
        opened = await self.real.next_turn(key, session, **wanted)
        if known is None or not isinstance(opened, Opened):
            return opened
        newest = replace(opened.history, entries=opened.history.entries[-2:], known=known)
        return replace(opened, history=newest)


@breaks("holds_a_fragment")
class NoHold(Store):
    async def accept(self, account, decided, cursor, rules):
        return await self.real.accept(account, [replace(one, wait_s=0.0) for one in decided], cursor, rules)


@breaks("holds_a_fragment")
class HoldsAnew(Store):
    async def next_turn(self, *args, **more):
        held = await self.real.next_turn(*args, **more)
        return WaitForMore(0.8) if isinstance(held, WaitForMore) else held


@breaks("claims_nothing_behind_a_command")
class NoBarrier(Store):
    async def accept(self, account, decided, cursor, rules):
        plain = [replace(one, kind="message") for one in decided]
        return await self.real.accept(account, plain, cursor, rules)


@breaks("adopts_what_was_cut_short")
class BeginsAnew(NextTurns):
    def other(self, opened):
        return replace(opened, attempt=1)


@breaks("adopts_what_was_cut_short")
class ForgetsTheSteps(NextTurns):
    def other(self, opened):
        return replace(opened, steps=())


@breaks("keeps_the_first_of_a_step")
class NewestIntent(Store):
    async def begin_step(self, turn, step, ask=None):
        await self.real.begin_step(turn, step, ask)
        return step


@breaks("asks_in_one_promise")
class PromptsByItself(Store):
    async def begin_step(self, turn, step, ask=None):
        row = await self.real.begin_step(turn, step)
        if ask is not None:
            await self.real.end_step(turn, StepRow(name="prompt", n=1, state="done"), reply=ask)
        return row


@breaks("takes_the_first_answer")
class TheLastWins(Store):
    late = None

    async def end_step(self, turn, step, **more):
        self.late = step
        return await self.real.end_step(turn, step, **more)

    async def asked(self, turn, step):
        return self.late or await self.real.asked(turn, step)


@breaks("takes_in_what_comes_meanwhile")
class TakesNothingIn(Store):
    async def end_step(self, turn, step, *, steer=False, **more):
        return await self.real.end_step(turn, step, **more)


@breaks("ends_a_turn_in_one_promise")
class ForgetsTheEntries(Store):
    async def close_turn(self, turn, closing):
        await self.real.close_turn(turn, replace(closing, entries=()))


@breaks("ends_a_turn_in_one_promise")
class WakesNoLane(Store):
    async def close_turn(self, turn, closing):
        await self.real.close_turn(turn, replace(closing, reply=None))


@breaks("says_by_a_state_what_becomes_of_messages")
class AlwaysAnswered(Store):
    async def close_turn(self, turn, closing):
        await self.real.close_turn(turn, replace(closing, state="finished"))


@breaks("stops_by_what_follows")
class StopsByReset(Store):
    async def stop(self, key, command, why, **more):
        stopped = await self.real.stop(key, command, why, **more)
        await self.real.reset(key, None, why)
        await self.real.drop([row.id for row in await self.real.ledger()], why)
        return stopped


@breaks("resets_by_what_follows")
class KeepsWhatCameBefore(Store):
    async def reset(self, key, command, why, **more):
        session = await self.real.reset(key, None, why, **more)
        if command is not None:
            await self.real.settle(command, "answered", "", None)
        return session


@breaks("resets_without_a_command_keep_what_waits")
class SupersedesAll(Store):
    async def reset(self, key, command, why, **more):
        await self.real.drop([row.id for row in await self.real.ledger()], why)
        return await self.real.reset(key, command, why, **more)


@breaks("gives_a_command_its_effect_once")
class PromptsAgain(Store):
    async def prompt(self, command, prompt, rules):
        try:
            await self.real.prompt(command, prompt, rules)
        except StaleCommand:
            await self.real.accept("memory/main", [decided(prompt.text)], None, rules)


@breaks("prompts_in_the_commands_place")
class PromptsAtTheEnd(Store):
    async def prompt(self, command, prompt, rules):
        await self.real.prompt(command, Prompt(prompt.text, "alone"), rules)


@breaks("resumes_an_ended_session")
class ResumesAnybodys(Store):
    async def resume(self, key, command, session):
        return await self.real.resume(key, command, session) or session


@breaks("restarts_when_asked")
class SettlesARestart(Store):
    async def restart(self, command, says):
        await self.real.settle(command, "answered", "", None)


# --- lives


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
    async def close_turn(self, turn, closing):
        await self.real.close_turn(turn, replace(closing, until=None))


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
