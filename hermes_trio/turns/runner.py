"""One turn's life: its scope, the agent in it, and the write of what it made.

The slot is the scope: a session is busy exactly while the turn's nursery in `_act` is open. A stop, a reset
and an interrupt write the turn's end first and cancel the scope after that. A shutdown cancels it too, and
leaves the row `running` for the next boot. So what is written here, after the scope is left, is a result or
an error, and never a cancel. No flag of a scope is asked: `cancel_called` and `cancelled_caught` can both be
true of a turn that has its answer.

Why no zombie can exist. The agent runs inside that nursery, and so does all that shows of the turn: the block
is left when they are gone. A turn that refuses to go is left behind (`session_workers.py`): the session's
next turn begins without it, and the fence refuses its writes, since its row is no longer `running`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import trio

from hermes_trio.errors import AgentError, Fenced, StoreFailed, StoreLocked
from hermes_trio.ports.agent import Agent
from hermes_trio.ports.system import Log
from hermes_trio.runtime import wrong_parts
from hermes_trio.runtime.retry import uncut, until_stored
from hermes_trio.runtime.supervise import attempt, first_leaf
from hermes_trio.runtime.tracebacks import beginning_of, traceback_of
from hermes_trio.runtime.wrong_use import awaited, kind_of, was_awaited
from hermes_trio.text.foreign_errors import told
from hermes_trio.text.sanitize import clean, shows
from hermes_trio.turns.activity import CLOSING_LINE_UNITS
from hermes_trio.turns.delayed_starts import DelayedStarts
from hermes_trio.turns.endings import ending_of, failure_of
from hermes_trio.turns.permits import TurnPermit
from hermes_trio.turns.running_turn import Made, RunningTurn
from hermes_trio.turns.session_workers import SessionWorker
from hermes_trio.turns.surroundings import Surroundings
from hermes_trio.turns.turn import Turn
from hermes_trio.values.actions import Silence
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.stored import Closing, Opened
from hermes_trio.values.transcript import AssistantEntry

CLOSE_TRIES, PATIENCE_S = 3, 0.5
"""A turn gives its permit up after so many refusals of its end, or so many seconds in which the disk takes no
write at all. Such a fault does not pass at once, and other turns need the permit."""
TOO_MUCH_TRIES = 5
"""How often in a row the disk has to take a small write and then refuse the turn's end. The end is then taken
to be too large, and a short sentence is tried in its place. A disk that takes no write at all says nothing
about the end's size."""

NOTHING_SAID = "nothing said"
"""The reason of a turn whose agent returned None and had said nothing. Often a `return` was forgotten."""

_UNWANTED = Closing(state="abandoned", reason="allow_users", outcome="dropped")


class TurnRunner:
    """Plays turns with one agent."""

    def __init__(self, agent: Agent[Turn], around: Surroundings, delayed: DelayedStarts, log: Log) -> None:
        self._agent = agent
        self._delayed = delayed
        self._around = around
        self._log = log

    async def play(
        self, key: ConversationKey, worker: SessionWorker, permit: TurnPermit, opened: Opened
    ) -> bool:
        """Run one turn and write what it made. False if somebody else wrote its end, or nobody has."""
        run = RunningTurn(key, opened, self._around, permit)
        began = trio.current_time()
        end: Closing | None = None
        self._log.info(
            "turn opened",
            turn=run.id,
            key=str(key),
            messages=len(run.messages.all),
            attempt=run.messages.attempt,
        )
        try:
            if not run.is_wanted:
                # Nobody who is still allowed to speak would read its answer.
                close = partial(self._around.store.close_turn, run.id, _UNWANTED)
                await until_stored(close, wait=self._around.disk.again)
                end = _UNWANTED
            else:
                with worker.running(run.id, run.answered) as reach:
                    await self._act(run, reach)
            if run.made is not None:
                end = await self._close(run, run.made)
        finally:
            # Also where a reset or a shutdown cancels the whole session around it, or a fence is met.
            self._closed(run, trio.current_time() - began, end)
        return end is not None

    def _closed(self, run: RunningTurn, seconds: float, end: Closing | None) -> None:
        error = run.made.error if end is not None and run.made is not None else None
        why = None if error is None else self._around.discretion.redact(told(error))
        if end is not None and end.error is not None and (trace := end.error.traceback):
            self._log.error("agent failed", turn=run.id, key=str(run.key), error=why, traceback=trace)
        if end is not None and end.reason == NOTHING_SAID:
            written = beginning_of(self._agent)
            at = None if written is None else written.place
            self._log.warning("nothing said", turn=run.id, key=str(run.key), at=at)
        for verb, place in run.calls.forgotten():
            self._log.warning("not awaited", turn=run.id, key=str(run.key), call=verb, at=place)
        self._log.info(
            "turn closed",
            turn=run.id,
            key=str(run.key),
            # `end` is None when somebody else has written the turn's end, or nobody has yet.
            outcome="cut" if end is None else end.state,
            seconds=seconds,
            steps=run.steps.count,
            why=None if end is None or end.state == "finished" else end.reason,
            error=why,
        )

    async def _act(self, run: RunningTurn, reach: Callable[[trio.CancelScope], None]) -> None:
        """Run the agent and the turn's activity in the turn's nursery, whose scope is the turn's scope.

        Cancelled: `run.made` stays None.
        """
        failed: BaseExceptionGroup[Exception] | None = None
        try:
            async with trio.open_nursery() as nursery:
                reach(nursery.cancel_scope)
                run.steps.nursery = nursery
                run.activity.begin(nursery, self._delayed)
                try:
                    # A foreign error must not reach our nursery: trio asks for its repr, which may raise.
                    answer, error = await attempt(run.timed, self._called)
                    await run.steps.settled()
                    run.made = Made(answer=answer, error=first_leaf(error) if error is not None else None)
                finally:
                    run.activity.end()
                if nursery.child_tasks:  # a cancel is dear, and most turns show nothing before their end
                    nursery.cancel_scope.cancel(reason="the turn has its answer")
        except* Exception as group:
            failed = group
        if failed is not None and run.made is None:
            run.made = Made(error=first_leaf(failed))

    def _called(self, run: RunningTurn) -> Awaitable[str | Silence | None]:
        return awaited("the agent", self._agent, Turn(run))

    async def _close(self, run: RunningTurn, made: Made) -> Closing | None:
        """Write the turn's end. None if the turn met a fence: whoever ended it has written its end."""
        if made.error is not None and isinstance(made.error, Fenced):
            self._log.info("fenced", key=str(run.key), session=run.session, why=repr(made.error))
            return None
        return await self._stored(run, await self._ended(run, made))

    async def _stored(self, run: RunningTurn, end: Closing) -> Closing:
        """Write the end as soon as the disk takes it; returns the one that was written.

        A drain may cancel this task meanwhile. The end is written all the same, if the disk takes it in time.
        """
        well, refusals, alone = self._around.disk, 0, 0

        def refused(_: StoreFailed) -> None:
            nonlocal refusals
            refusals += 1
            if refusals == CLOSE_TRIES:
                run.permit.release()

        async def until_well(wait_s: float) -> None:
            nonlocal alone
            before = well.taken
            await trio.sleep(wait_s)
            with trio.move_on_after(PATIENCE_S) as patience:
                took = await well.wait(before)
            if patience.cancelled_caught:
                run.permit.release()
                took = await well.wait(before)
            alone = alone + 1 if took else 0

        async def close() -> Closing:
            _, error = await attempt(lambda: self._commit(run, end))
            if error is None:
                return end
            if isinstance(error, Fenced | StoreLocked):
                raise error
            if isinstance(error, StoreFailed) and alone < TOO_MUCH_TRIES:
                raise error
            instead = self._failed(run, error)
            await self._commit(run, instead)
            run.made = Made(error=error)
            return instead

        return await until_stored(uncut(close), refused, until_well)

    async def _commit(self, run: RunningTurn, closing: Closing) -> None:
        """One try to write the end. If the lane is idle, the same commit begins the delivery of the reply."""
        store, reply, begun = self._around.store, closing.reply, None
        give_back = None if reply is None else self._around.reserve_lane(reply.address.lane)
        if give_back is None:
            await store.close_turn(run.id, closing)
            return
        try:
            begun = await store.close_turn(run.id, closing, begins=True)
        finally:
            give_back(begun)

    async def _ended(self, run: RunningTurn, made: Made) -> Closing:
        """How the turn ends. An answer that is no text, or that its platform cannot split, is an error.

        Cancelled while the answer is split: nobody has seen it, so the turn counts as cut before its answer.
        """
        error = made.error
        if error is None:
            closing, error = await attempt(lambda: _finished(run, made.answer))
            if closing is not None:
                return closing
        assert error is not None
        run.made = Made(error=error)
        return self._failed(run, error)

    def _failed(self, run: RunningTurn, error: BaseException) -> Closing:
        """The end of a turn that failed. Its sentence is ours and short, so it needs no splitting."""
        now = self._around.clock.now()
        ending = ending_of(error, run.id, now=now, asked_at=now - self._around.ages.age_s(run.asked_at))
        said = ending.sentence[: CLOSING_LINE_UNITS - 2]
        return Closing(
            state="failed" if ending.until is None else "stopped",
            reason=clean(ending.reason),
            outcome=ending.outcome if ending.until is None else None,
            until=ending.until,
            error=failure_of(error, traceback_of(error, self._agent), run.discretion.redact),
            reply=run.messages.framed((Part(said),), "notice") if said else None,
        )


async def _finished(run: RunningTurn, answer: object) -> Closing:
    """The end of a turn that has an answer.

    Raises:
        AgentError: it is neither a text, nor a Silence, nor None.
        Exception: what the adapter raised when it split the answer.
    """
    step = run.steps.closing
    was_awaited("the agent", answer)
    if isinstance(answer, Silence):
        wrong_parts.fields("the agent returned a Silence", answer)
        return Closing(state="finished", reason=f"silence: {clean(answer.reason)}", step=step)
    if answer is not None and not isinstance(answer, str):
        raise AgentError(f"the agent returned {kind_of(answer)}; an answer is text, Silence or None")
    if answer is None or not shows(answer):
        return Closing(state="finished", reason="" if run.said else NOTHING_SAID, step=step)
    text = clean(answer)
    entries = (*run.steps.closing_entries, AssistantEntry(text=text))
    return Closing(state="finished", step=step, entries=entries, reply=await run.reply(text))
