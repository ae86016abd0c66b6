"""A session's turns: what each is opened with, its steps, and its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.reset_policy import ResetPolicy
from hermes_trio.values.stored import (
    Begun,
    Claimed,
    Closing,
    Interrupted,
    Mark,
    Opened,
    Reply,
    StepRow,
    WaitForMore,
)
from hermes_trio.values.transcript import Entry

NO_RESET = ResetPolicy()


class TurnStore(Protocol):
    """Turns and their steps. What a turn writes is refused, with Fenced, once it runs no more."""

    async def next_turn(
        self,
        key: ConversationKey,
        session: int,
        *,
        history: int = 0,
        known: Mark | None = None,
        steerable: bool = False,
        policy: ResetPolicy = NO_RESET,
        judged: int | None = None,
    ) -> Opened | WaitForMore | Interrupted | None:
        """Open the session's next turn: an interrupted turn is adopted, else waiting messages are claimed.

        An adopted turn takes in the messages that wait. If the policy says that the session ended before the
        waiting messages came, nothing is claimed: the key's next session is opened instead, and the key's
        task is replaced by that session's.

        Args:
            history: how many characters of the transcript before the turn are returned at most, the newest.
            known: the mark that an earlier turn's history came with. What was known then is not returned
                again, unless the transcript was rewritten since: then everything is.
            steerable: the agent looks at messages that come while it works. Without it a turn that is adopted
                in the middle of its steps takes in none.
            policy: when a session ends by itself.
            judged: the interrupted turn that has its verdict. Where the store is shared, another is returned
                instead of adopted, so that it gets its verdict first.

        Returns:
            None: the session has nothing to do; or, where the store is shared, another boot's task works on
            the key.

        Raises:
            StaleSession: it has ended.
        """

    async def has_work(self, key: ConversationKey, session: int) -> bool:
        """Whether `next_turn` may find something for the session: a turn to adopt, or a message to claim."""

    async def history(self, session: int, limit: int, before_turn: int | None = None) -> Sequence[Entry]:
        """The newest entries of the transcript, at most `limit` characters, none of `before_turn`."""

    async def others_spoke(self, session: int, admins: Sequence[str]) -> bool:
        """Whether the conversation has words of anybody but these persons.

        True also for words of one of them from before they were an admin, and for words that were passed on
        or quoted. What models, tools and the gateway wrote does not count.
        """

    async def begin_step(self, turn: int, step: StepRow, ask: Reply | None = None) -> StepRow:
        """Record the intent of a step; of an ask also the question and its prompt, in the same commit.

        Returns the row as it stands (an ask that has its answer already is "done").
        """

    async def end_step(
        self,
        turn: int,
        step: StepRow,
        *,
        entries: Sequence[Entry] = (),
        reply: Reply | None = None,
        steer: bool = False,
        consumes: Sequence[int] = (),
    ) -> Sequence[Claimed]:
        """Record a step's result, with its entries and what it says. Returns the messages taken in with it.

        Args:
            steer: take in the messages that wait.
            consumes: processes whose end the result tells: the session gets no note about them.
        """

    async def asked(self, turn: int, step: StepRow) -> StepRow:
        """The row of an ask as it stands. Once it is answered, its value is an `Answered`."""

    async def show(self, turn: int, reply: Reply) -> None:
        """Make the reply's first part the text of the turn's live row of its kind. The first call creates it.

        A live row that has failed, or whose message a user has deleted, is not created a second time.
        """

    async def close_turn(self, turn: int, closing: Closing, *, begins: bool = False) -> Begun | None:
        """Write a turn's end: its last step, entries, reply, the outcomes of its messages, its state.

        Args:
            begins: no task serves the reply's lane now. If nothing else is to be said in that lane, this
                commit also begins the delivery of the reply's first part, and returns it.
        """
