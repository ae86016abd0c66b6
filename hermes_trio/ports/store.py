"""The Store port: one method per promise, each of them atomic, and the values that they take and return.

*The commit acts.* A promise returns its result to the caller. What follows from the commit (keys and lanes to
wake, scopes to cancel) is a list of consequences. The store's writer hands this list to `perform`,
synchronously, after the commit and before the caller wakes. So a cancel that hits the caller between the two
loses nothing, and no caller wakes or cancels anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from hermes_trio.ports.process import ProcessStore
from hermes_trio.values.actions import Prompt
from hermes_trio.values.consequences import Perform
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import ConversationKey, Lane
from hermes_trio.values.key_state import KeyCooldown
from hermes_trio.values.message import Decided, OutcomeName
from hermes_trio.values.outbound_states import Failure
from hermes_trio.values.recording import RecordingHead, RecordingPart, RecordingRows, Setup
from hermes_trio.values.reset_policy import ResetPolicy
from hermes_trio.values.stored import AcceptRules as AcceptRules
from hermes_trio.values.stored import Begun as Begun
from hermes_trio.values.stored import Booted as Booted
from hermes_trio.values.stored import Claimed as Claimed
from hermes_trio.values.stored import Closing as Closing
from hermes_trio.values.stored import GaveUp as GaveUp
from hermes_trio.values.stored import History as History
from hermes_trio.values.stored import InDoubt as InDoubt
from hermes_trio.values.stored import Interrupted as Interrupted
from hermes_trio.values.stored import Mark as Mark
from hermes_trio.values.stored import Opened as Opened
from hermes_trio.values.stored import PendingCommand as PendingCommand
from hermes_trio.values.stored import Place as Place
from hermes_trio.values.stored import Reply as Reply
from hermes_trio.values.stored import StatusView as StatusView
from hermes_trio.values.stored import StepRow as StepRow
from hermes_trio.values.stored import Stopped as Stopped
from hermes_trio.values.stored import WaitForMore as WaitForMore
from hermes_trio.values.transcript import Entry
from hermes_trio.values.views import LedgerRow, SessionView, TurnPage

NO_RESET = ResetPolicy()


class Store(ProcessStore, Protocol):
    """Everything durable. Each method is one transaction; errors: StoreFailed, StoreClosed, Fenced.

    A method that raises has written nothing, and has no consequences. It spoils no other caller's write.
    The writes of one task are committed, and performed, in that task's order.

    Cancelled before its write is queued, a method has written nothing. Cancelled later, the caller waits
    shielded until the write is done, and the cancel arrives at its next checkpoint. Methods that only read,
    and `show`, `checkpoint` and `end_boot`, do not shield their caller: it need not hear how they ended.

    `testing.check_store` looks at each promise.
    """

    perform: Perform

    def serve(self) -> AbstractAsyncContextManager[Store]:
        """Run the writer while the body runs; what was queued by then is committed, within a few seconds."""

    def end_within(self, seconds: float) -> None:
        """Wait for the disk no longer than this from now on. Whoever still waits then gets StoreClosed.

        Args:
            seconds: from now. A time that is set already never becomes later.
        """

    async def begin_boot(self, setup: Setup | None = None) -> Booted:
        """Begin a new boot. Deliveries that older boots had begun become unknown; interruptions are counted.

        Args:
            setup: options, accounts and agent of this boot, kept for recordings.
        """

    async def end_boot(self) -> None:
        """The last commit of a boot that ended as asked."""

    async def abandon(self, turn: int, reason: str, text: str = "", *, suspend: bool = False) -> None:
        """Close a turn that an older boot left running, with one notice to its chat if there is a text.

        The session's next turn gets a note that says what was cut short.

        Args:
            suspend: its session ends too; it is kept, and `resume` opens it again.
        """

    async def pause(self, turn: int, text: str) -> None:
        """Pause a turn that an older boot left running. Its chat is told once, if there is a text. The next
        message to its session, or `release`, lets it go on."""

    async def release(self) -> int:
        """Consequences: every paused turn goes on. Returns how many."""

    async def conclude(self, turn: int, parts: Sequence[Part]) -> None:
        """Close a turn that an older boot left running with its answer recorded. The answer is sent now.

        Args:
            parts: the answer, split for its platform.
        """

    async def checkpoint(self, why: str) -> int:
        """Write reason and time on every running turn of this boot. Returns how many."""

    async def wake_all(self) -> None:
        """Consequences only: every key and lane that has rows to look at."""

    async def commands_waiting(self) -> int:
        """Consequences: every key with unsettled commands is woken. Returns how many commands."""

    async def cursor(self, account: str) -> str | None:
        """The platform's cursor, as it was committed last for the account."""

    async def accept(
        self,
        account: str,
        decided: Sequence[Decided],
        cursor: str | None,
        rules: AcceptRules,
    ) -> Sequence[Decided]:
        """Make a batch of updates and the platform's cursor durable; returns the updates that were new."""

    async def next_command(self, key: ConversationKey) -> PendingCommand | None:
        """The oldest unsettled command of the key."""

    async def settle(self, command: int, outcome: OutcomeName, reason: str, reply: Reply | None) -> None:
        """Settle a command with its reply.

        Raises:
            StaleCommand: it has its outcome already. Every promise that is given a command raises it.
        """

    async def prompt(self, command: int, prompt: Prompt, rules: AcceptRules) -> None:
        """Turn a command into the waiting message it asks for, in its place in the order."""

    async def restart(self, command: int, says: str) -> None:
        """Settle a command that asks for a restart. Consequence: the host is asked to restart.

        Its chat is told now, and once more by the next boot; both sentences are durable with this commit.

        Args:
            says: what the chat is told now.
        """

    async def stop(
        self, of: ConversationKey | int, command: int | None, why: str, *, everything: bool = False
    ) -> Stopped:
        """Stop the running turn of a session; its waiting messages stay.

        Args:
            of: the key whose open session is meant; or a session, which must be open: StaleSession otherwise.
            everything: its key's background work is ended too.
        """

    async def reset(
        self, of: ConversationKey | int, command: int | None, why: str, *, turn: int | None = None
    ) -> int:
        """End a session and open the next; returns its id.

        With a command, the waiting messages before it are superseded too. Without one they wait for the next
        session.

        Args:
            of: as in `stop`.
            turn: the turn that asks for it, which must be running: StaleTurn otherwise.
        """

    async def resume(
        self, of: ConversationKey | int, command: int | None, session: int | None = None
    ) -> int | None:
        """Open an ended session again. The open session of its key ends, as by a reset.

        Args:
            of: the key whose ended session is meant; or the ended session itself.
            session: which of the key's sessions; None: the newest ended one that has turns.

        Returns:
            The id of the session that ended. None: there is no such session, or it is open; a command gets
            an answer that says so.
        """

    async def next_turn(
        self,
        key: ConversationKey,
        session: int,
        *,
        history: int = 0,
        known: Mark | None = None,
        steerable: bool = False,
        policy: ResetPolicy = NO_RESET,
    ) -> Opened | WaitForMore | None:
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

        Returns:
            None: the session has nothing to do.

        Raises:
            StaleSession: it has ended.
        """

    async def has_work(self, key: ConversationKey, session: int) -> bool:
        """Whether `next_turn` may find something for the session: a turn to adopt, or a message to claim."""

    async def history(self, session: int, limit: int, before_turn: int | None = None) -> Sequence[Entry]:
        """The newest entries of the transcript, at most `limit` characters, none of `before_turn`."""

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

    async def probe(self) -> None:
        """Try whether the disk takes a write now: write as little as can be, and keep nothing."""

    async def begin_delivery(
        self,
        lane: Lane,
        *,
        takes_key: bool,
        live: bool,
        can_delete: bool,
        can_edit: bool,
        repeats: bool = True,
    ) -> Begun | InDoubt | GaveUp | None:
        """Take the lane's next row and record that its delivery begins.

        Args:
            takes_key: the platform drops a second send with the same key, so a repeat needs no mark.
            live: rows that only show that a turn works are taken too.
            can_delete: the platform can delete a message.
            can_edit: the platform can edit a message.
            repeats: a part that may have arrived may be sent again now; else it is returned as InDoubt.

        Returns:
            None: the lane has nothing to say.
        """

    async def record_delivery(self, row: int, message_id: str | None) -> bool:
        """Record that the delivery arrived. Returns whether its lane has more to say."""

    async def fail_delivery(
        self,
        row: int,
        how: Failure,
        why: str,
    ) -> bool:
        """Record that the delivery did not arrive, or that nobody knows.

        The row is owed again (as it was, as plain text, or as a new message) or given up, as the table in
        `values/outbound_states.py` says. A sign of waiting that may not be a reaction becomes a "line". An
        edit that is "refused" is sent as a new message; but if an earlier try of it may have arrived, it is
        given up, and its chat is told that an answer may be missing.

        Returns:
            Whether the row was given up in that last way.
        """

    async def keep_cooldowns(self, put: Sequence[KeyCooldown], gone: Sequence[tuple[str, str]]) -> None:
        """Keep the cooldowns of keys to models, for the next boot.

        Args:
            put: cooldowns that are new or have changed.
            gone: (fingerprint, model) of cooldowns that are over. A key works again then: all deferred
                messages wait for a turn again, and their conversations are woken.
        """

    async def drop(self, messages: Sequence[int], why: str) -> None:
        """These inbound messages get the outcome `dropped`, unless they have one."""

    async def retry_deferred(self) -> float | None:
        """Let deferred messages whose time has come wait for a turn again, and wake their conversation. One
        call does this for one conversation.

        Returns the wall time at which to ask again; None: nothing is deferred.
        """

    async def penalty(self, account: str, chat: str, until: float) -> None:
        """Keep that the platform told us to be silent in this chat until a wall time."""

    async def chat_moved(self, account: str, chat: str, becomes: str) -> None:
        """Record that a chat has another id. Its conversations keep their keys.

        Parts that are owed there, live rows and open questions are sent anew to the new id. No id of an older
        message is used: it belongs to the old chat. Done again, it changes nothing.
        """

    async def clear_the_way(self) -> Sequence[str]:
        """Fail, or put right, each row that cannot be read and is still to be acted on. Its user is told one
        sentence, where that can be said. Returns what these rows were. Called before a boot begins.

        The store does the same when a promise meets such a row: `OutOfTheWay` follows, and the promise is
        run once more.
        """

    async def look_through(self, place: Place) -> tuple[bool, Place | None]:
        """Whether `clear_the_way` would find a row of this page; and where the next page begins, None after
        the last one. The cost of a page does not grow with the number of rows. Changes nothing."""

    async def fail_next(self, key: ConversationKey, session: int) -> str | None:
        """Fail what `next_turn` cannot get past in this session: its running turn, or a waiting message. Its
        user is told one sentence.

        Returns what it was; None: nothing is in the way.
        """

    async def fail_command(self, key: ConversationKey) -> str | None:
        """Fail the oldest unsettled command of the key, with one sentence to its user; returns which."""

    async def fail_part(self, lane: Lane, live: bool) -> str | None:
        """Fail the row that `begin_delivery` would take next; returns which."""

    async def ledger(self, chat: str | None = None, limit: int = 1000) -> Sequence[LedgerRow]:
        """The newest inbound messages with their outcomes, oldest first."""

    async def sessions(
        self, key: ConversationKey | None = None, limit: int = 200, ended: bool = False
    ) -> Sequence[SessionView]:
        """Open sessions, newest first.

        Args:
            key: only the sessions of this key.
            ended: ended sessions too.
        """

    async def session(self, id: int) -> SessionView | None:
        """One session by id."""

    async def turn_page(self, turn: int) -> TurnPage | None:
        """Everything that is known of a turn; None if there is none of this number."""

    async def recording_head(self, session: int) -> RecordingHead | None:
        """What a recording of the session spans; None if there is no such session."""

    async def recording_rows(
        self, head: RecordingHead, part: RecordingPart, after: tuple[int, int] = (0, 0)
    ) -> RecordingRows:
        """One page of one list of a recording.

        Args:
            after: where the page before said that the list goes on; (0, 0): its beginning.
        """

    async def status(self) -> StatusView:
        """Counts, and the turns running."""
