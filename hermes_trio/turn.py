"""One turn's life: its scope, the agent in it, and what is written of what it made.

The slot is the scope: a session is busy exactly while the `with` block below is open. Who cancels a
turn has written its end first (stop, reset, interrupt) or means it to be found running at the next boot
(shutdown); so after the scope is left only a result or an error is written here, and no flag of a scope
is asked (`cancel_called` and `cancelled_caught` can both be true of a turn that has its answer).
"""

from __future__ import annotations

import trio

from hermes_trio.attend import attend
from hermes_trio.errors import Fenced
from hermes_trio.keyed import Worker
from hermes_trio.log import Log
from hermes_trio.ports import Agent
from hermes_trio.pure.endings import Ending, ending_of
from hermes_trio.slot import Slot
from hermes_trio.store_port import Closing, Opened
from hermes_trio.supervise import first_leaf
from hermes_trio.values import AssistantEntry, Key, Silence
from hermes_trio.verbs import Made, Surroundings, Turn

CLOSE_S = 5.0


class Player:
    """Plays turns with one agent."""

    def __init__(self, agent: Agent, around: Surroundings, log: Log) -> None:
        self._agent = agent
        self._around = around
        self._log = log

    async def play(self, key: Key, worker: Worker, slot: Slot, opened: Opened) -> None:
        """Run one turn and write what it made."""
        turn = Turn(key, opened, self._around, slot)
        began = trio.current_time()
        log = self._log
        log.info("turn opened", turn=turn.id, key=str(key), messages=len(turn.messages), attempt=turn.attempt)
        with trio.CancelScope() as scope, worker.holding(turn.id, scope, turn.answered):
            await self._act(turn)
        if turn.made is None:
            log.info(
                "turn closed", turn=turn.id, key=str(key), outcome="cut", seconds=trio.current_time() - began
            )
            return
        await self._close(key, turn, turn.made, began)

    async def _act(self, turn: Turn) -> None:
        """The turn's nursery: the agent and what attends it. Cancelled: nothing is made."""
        failed: BaseExceptionGroup[Exception] | None = None
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(attend, turn.attendance, name=f"attend {turn.id}")
                turn.made = Made(answer=await turn.timed(self._agent))
                nursery.cancel_scope.cancel(reason="the turn has its answer")
        except* Exception as group:
            failed = group
        if failed is not None and turn.made is None:
            turn.made = Made(error=first_leaf(failed))

    async def _close(self, key: Key, turn: Turn, made: Made, began: float) -> None:
        if made.error is not None and isinstance(made.error, Fenced):
            self._log.info("fenced", key=str(key), session=turn.session, why=repr(made.error))
            return
        closing, ending = _closing(turn, made, self._around.clock.now())
        # A drain may cancel this task now: what the turn has made is written all the same, if it can be.
        with trio.move_on_after(CLOSE_S, shield=True):
            await self._around.store.close_turn(turn.id, closing)
        self._log.info(
            "turn closed",
            turn=turn.id,
            key=str(key),
            outcome=closing.state,
            seconds=trio.current_time() - began,
            steps=turn.steps.count,
            why=ending.reason if ending else None,
            error=self._around.redact(repr(made.error)) if made.error else None,
        )


def _closing(turn: Turn, made: Made, now: float) -> tuple[Closing, Ending | None]:
    """What is written of what the turn made."""
    if made.error is None:
        return _finished(turn, made.answer), None
    ending = ending_of(made.error, turn.id, now)
    reply = turn.reply(ending.sentence, "notice")
    return (
        Closing(
            state="failed",
            reason=ending.reason,
            outcome=ending.outcome,
            reply=reply,
        ),
        ending,
    )


def _finished(turn: Turn, answer: str | Silence | None) -> Closing:
    step = turn.steps.closing
    if isinstance(answer, Silence):
        return Closing(state="finished", reason=f"silence: {answer.reason}", step=step)
    if answer is None:
        return Closing(state="finished", reason="" if turn.said else "nothing said", step=step)
    return Closing(
        state="finished",
        step=step,
        entries=(AssistantEntry(text=turn.redact(answer)),),
        reply=turn.reply(answer),
    )
