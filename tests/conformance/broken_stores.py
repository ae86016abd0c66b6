"""Stores that break one clause each: of writing, and of turns."""

from __future__ import annotations

import trio
from msgspec.structs import replace

from hermes_trio.errors import Fenced, StaleCommand, StaleTurn, StoreClosed
from hermes_trio.testing.conformance.store_trial import decided
from hermes_trio.values.actions import Prompt
from hermes_trio.values.consequences import WakeKey
from hermes_trio.values.stored import Opened, StepRow, WaitForMore
from tests.conformance.in_the_way import Breaks, Store

breaks = Breaks()


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
    async def close_turn(self, turn, closing, **how):
        try:
            return await self.real.close_turn(turn, closing, **how)
        except StaleTurn:
            self.perform([WakeKey(None, turn)])
            raise


@breaks("undoes_one_caller_alone")
class OneFailsAll(Store):
    failed = False

    async def close_turn(self, turn, closing, **how):
        self.failed = True
        return await self.real.close_turn(turn, closing, **how)

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
    async def close_turn(self, turn, closing, **how):
        try:
            return await self.real.close_turn(turn, closing, **how)
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
    async def close_turn(self, turn, closing, **how):
        return await self.real.close_turn(turn, replace(closing, entries=()), **how)


@breaks("ends_a_turn_in_one_promise")
class WakesNoLane(Store):
    async def close_turn(self, turn, closing, **how):
        return await self.real.close_turn(turn, replace(closing, reply=None), **how)


@breaks("says_by_a_state_what_becomes_of_messages")
class AlwaysAnswered(Store):
    async def close_turn(self, turn, closing, **how):
        return await self.real.close_turn(turn, replace(closing, state="finished"), **how)


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
