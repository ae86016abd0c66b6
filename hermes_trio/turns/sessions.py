"""What a session's task does: ask the store for the next turn, run it, write what it made, ask again.

A session without work has no task and no object.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from hermes_trio.errors import Fenced
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.text import sentences
from hermes_trio.turns.permits import TurnLimiter, TurnPermit
from hermes_trio.turns.session_workers import SessionWorker
from hermes_trio.values.identity import Address, ConversationKey
from hermes_trio.values.stored import Interrupted, Opened, WaitForMore

NextTurn = Callable[[ConversationKey, int, int | None], Awaitable[Opened | WaitForMore | Interrupted | None]]
Resumes = Callable[[Interrupted], Awaitable[bool]]
Play = Callable[[ConversationKey, SessionWorker, TurnPermit, Opened], Awaitable[bool]]


class SessionTurns:
    """Opens and plays the turns of sessions: the work of the session tasks.

    Attributes:
        limiter: gives out the permits of the turns that work at once.

    Args:
        next_turn: the store's promise, with what the agent and the configuration add to its arguments.
        play: runs one turn and writes what it made. Whether it has written the turn's end.
        resumes: gives a turn of another boot that is over its verdict.
        allowed: whether the person at an address may speak. Another boot may have taken their messages.
        turns_max: how many turns work at once; another waits before its messages are claimed.
    """

    def __init__(
        self,
        store: Store,
        next_turn: NextTurn,
        play: Play,
        log: Log,
        *,
        resumes: Resumes,
        allowed: Callable[[Address], bool],
        turns_max: int,
    ) -> None:
        self._gives_back = store.shared
        self._store = store
        self._play = play
        self._log = log
        self._next_turn = next_turn
        self._resumes, self._allowed = resumes, allowed
        self.limiter = TurnLimiter(turns_max)
        self._line: dict[ConversationKey, None] = {}
        self._open = False

    def open_turns(self) -> None:
        """Turns are opened from now on. Called when every interrupted turn has its verdict."""
        self._open = True

    def open_no_turns(self) -> None:
        """No turn is opened from now on: `next_turn` is not called any more."""
        self._open = False

    def status_lines(self, key: ConversationKey) -> Sequence[str]:
        """What /status says if the key waits for a permit: one line; else none."""
        return [sentences.in_line(list(self._line).index(key) + 1)] if key in self._line else []

    async def work(self, key: ConversationKey, worker: SessionWorker) -> None:
        """Run the key's turns until it has nothing to do."""
        asked_last = await self._run(key, worker)
        if self._gives_back and not asked_last:
            await self._store.leave_key(key)

    async def _run(self, key: ConversationKey, worker: SessionWorker) -> bool:
        """Run them. Whether the key is nobody's already: the store has said that there is nothing, or has
        closed a turn behind which nothing waits."""
        worker.permit = permit = TurnPermit(self.limiter)
        found: Opened | WaitForMore | Interrupted | None = None
        judged: int | None = None
        closed = False
        while self._open:
            if self.limiter.full and not await self._store.has_work(key, worker.session):
                # A key that was woken without work to do needs no permit.
                return False
            await self._wait_in_line(key, permit)
            try:
                # The drain may have begun while this key waited for its permit.
                if not self._open:
                    return False
                found = await self._next_turn(key, worker.session, judged)
                if isinstance(found, Interrupted):
                    judged = found.turn if await self._resumes(found) else None
                if isinstance(found, Opened) and (strangers := self._strangers(found)):
                    await self._store.drop(strangers, "allow_users")
                    continue
                if isinstance(found, Opened):
                    closed = await self._play(key, worker, permit, found)
            except Fenced as fence:
                # Either the session has ended: then its successor's task is in the table already. Or
                # somebody else ended the turn before its end was written: that commit has woken this task.
                self._log.info("fenced", key=str(key), session=worker.session, why=repr(fence))
                return False
            finally:
                permit.release()
            if found is None:
                return True
            if isinstance(found, Opened) and not found.more and not worker.dirty:
                return closed
            if isinstance(found, WaitForMore):
                await worker.rest(found.seconds)
        return False

    def _strangers(self, opened: Opened) -> list[int]:
        """The messages of who may not speak, in a turn that answers others too."""
        found = [one.id for one in opened.messages if not self._allowed(one.message.address)]
        return found if len(found) < len(opened.messages) else []

    async def fail_first(self, key: ConversationKey, worker: SessionWorker) -> str | None:
        """Fail the turn or the message that the session cannot get past."""
        return await self._store.fail_next(key, worker.session)

    async def _wait_in_line(self, key: ConversationKey, permit: TurnPermit) -> None:
        if self.limiter.full:
            self._line[key] = None
        try:
            await permit.acquire()
        finally:
            self._line.pop(key, None)
