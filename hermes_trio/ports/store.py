"""The Store port: one method per promise, each one atomic, and the values they speak in.

*The commit acts.* A promise returns its result to the caller; what follows from the commit (keys and
lanes to wake, scopes to cancel) is a list of consequences that the store's writer hands to `perform`,
synchronously, after the commit and before the caller wakes. So a cancel that hits the caller between
commit and wake-up loses nothing, and no caller wakes or cancels anybody.
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

    A method that raises has written nothing, and nothing follows from it; it takes no other caller's write
    with it. What one task writes is written, and performed, in its order. Cancelled before its write is
    queued, a method has written nothing; after that the caller waits shielded, and the cancel arrives at its
    next checkpoint. What only reads, `show`, `checkpoint` and `end_boot` do not shield their caller: nobody
    has to hear of them. `testing.check_store` looks at each promise.
    """

    perform: Perform

    def serve(self) -> AbstractAsyncContextManager[Store]:
        """Run the writer while the body runs; what was queued by then is committed, within a few seconds."""

    def end_within(self, seconds: float) -> None:
        """A stop waits no longer than so for the disk from now on: whoever waits then hears StoreClosed.

        Args:
            seconds: from now. Never makes it later.
        """

    async def begin_boot(self, setup: Setup | None = None) -> Booted:
        """Begin a new life: older boots' deliveries in flight become unknown, interruptions are counted.

        Args:
            setup: what shapes this life, kept for recordings.
        """

    async def end_boot(self) -> None:
        """The last commit of a boot that ended as asked."""

    async def abandon(self, turn: int, reason: str, text: str = "", *, suspend: bool = False) -> None:
        """Close a turn that an older boot left running, with one notice to its chat if there is a text.

        What was cut short is a note for the session's next turn.

        Args:
            suspend: its session ends too; it is kept, and `resume` opens it again.
        """

    async def pause(self, turn: int, text: str) -> None:
        """Hold back a turn that an older boot left running; its chat is told once, if there is a text. The
        next message to it, or `release`, lets it go on."""

    async def release(self) -> int:
        """Consequences: every paused turn goes on. Returns how many."""

    async def conclude(self, turn: int, parts: Sequence[Part]) -> None:
        """Close a turn that an older boot left running and that had its answer, which is owed now."""

    async def checkpoint(self, why: str) -> int:
        """Write reason and time on every running turn of this boot. Returns how many."""

    async def wake_all(self) -> None:
        """Consequences only: every key and lane that has rows to look at."""

    async def commands_waiting(self) -> int:
        """Consequences: every key with unsettled commands is woken. Returns how many commands."""

    async def cursor(self, account: str) -> str | None:
        """The account's position at its last commit."""

    async def accept(
        self,
        account: str,
        decided: Sequence[Decided],
        cursor: str | None,
        rules: AcceptRules,
    ) -> Sequence[Decided]:
        """Make a batch and the platform's cursor durable; returns those that were new."""

    async def next_command(self, key: ConversationKey) -> PendingCommand | None:
        """The oldest unsettled command of the key."""

    async def settle(self, command: int, outcome: OutcomeName, reason: str, reply: Reply | None) -> None:
        """Settle a command with its reply.

        Raises:
            StaleCommand: here and in what else a command can ask for: it has its outcome already.
        """

    async def prompt(self, command: int, prompt: Prompt, rules: AcceptRules) -> None:
        """Turn a command into the waiting message it asks for, in its place in the order."""

    async def restart(self, command: int, says: str) -> None:
        """Settle a command that asks for a restart. Its chat is told this now and, by the next boot, that it
        is over: what is said then is durable now. Consequence: whoever can restart is asked to."""

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

        By a command the waiting messages before it are superseded too; otherwise they stay.

        Args:
            of: as in `stop`.
            turn: the turn that asks for it, which must be running: StaleTurn otherwise.
        """

    async def resume(
        self, of: ConversationKey | int, command: int | None, session: int | None = None
    ) -> int | None:
        """Open an ended session again, in the place of its key's open one, which ends as by a reset.

        Args:
            of: whose session it is; or the ended session itself.
            session: of a key's sessions; None is the newest ended one that has turns.

        Returns:
            The id of the one that ended. None: there is no such session, or it is open; a command is
            answered so.
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
        """What the session does next: an interrupted turn to adopt, waiting messages, or nothing.

        A turn of an older boot that is adopted takes in the messages that wait. Where the policy ended the
        session before the waiting messages came, the next one is opened, its key's task replaced, and
        nothing claimed here.

        Args:
            history: at most so many characters of the transcript before the turn are returned, newest.
            known: of an earlier turn's history: what was known then need not be returned again. Where that
                cannot be relied on any more, all is.
            steerable: the agent looks at messages that come while it works, so that one that is adopted in
                the middle of its steps is told too.
            policy: when a session ends by itself.

        Raises:
            StaleSession: it has ended.
        """

    async def has_work(self, key: ConversationKey, session: int) -> bool:
        """Whether `next_turn` of the session may find a turn to take up or a message to open one for."""

    async def history(self, session: int, limit: int, before_turn: int | None = None) -> Sequence[Entry]:
        """The newest entries of the transcript, at most `limit` characters, none of `before_turn`."""

    async def begin_step(self, turn: int, step: StepRow, ask: Reply | None = None) -> StepRow:
        """Record the intent of a step; for an ask also the question and its prompt.

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
        """Record the result of a step, what it adds to the transcript and says; returns steered messages.

        Args:
            consumes: processes whose end the result tells, so that nobody else is told.
        """

    async def asked(self, turn: int, step: StepRow) -> StepRow:
        """The ask's row as it stands; of one that is answered the value is an `Answered`."""

    async def show(self, turn: int, reply: Reply) -> None:
        """Replace the text of the turn's live row of this kind by the reply's first part, creating it.

        One that has failed, or that its user has deleted, is not made a second time.
        """

    async def close_turn(self, turn: int, closing: Closing, *, begins: bool = False) -> Begun | None:
        """Last step, entries, reply, outcomes and the turn's state, at once.

        Args:
            begins: nobody serves the reply's lane now. If nothing else is to be said in it, the delivery of
                the first part begins with this commit, and is returned.
        """

    async def probe(self) -> None:
        """Write as little as can be, and keep nothing: whether the disk takes anything now."""

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
            repeats: what may have arrived may be said again now.
        """

    async def record_delivery(self, row: int, message_id: str | None) -> bool:
        """It was said. Returns whether its lane has more to say."""

    async def fail_delivery(
        self,
        row: int,
        how: Failure,
        why: str,
    ) -> bool:
        """It was not, or nobody knows: the row is owed again, as plain text, as new, or given up. A sign
        of waiting that may not be a reaction is a "line".

        An edit that is "refused" is said as new, unless an earlier try of it may have arrived: then it is
        given up, its chat is told that an answer may be missing, and True is returned.
        """

    async def keep_cooldowns(self, put: Sequence[KeyCooldown], gone: Sequence[tuple[str, str]]) -> None:
        """What is known of refused keys now, for the next life.

        Args:
            put: what is new.
            gone: (fingerprint, model) of what holds no longer. A key that works again: all deferred messages
                wait again, and their keys are woken.
        """

    async def drop(self, messages: Sequence[int], why: str) -> None:
        """These inbound messages get the outcome `dropped`, unless they have one."""

    async def retry_deferred(self) -> float | None:
        """Let the messages of one conversation whose time has come wait again, and wake it.

        Returns the wall time to ask again, None while nothing is deferred.
        """

    async def penalty(self, account: str, chat: str, until: float) -> None:
        """The platform told us to be silent in this chat until a wall time."""

    async def chat_moved(self, account: str, chat: str, becomes: str) -> None:
        """A chat has another id. Its conversations keep their keys; what is owed there, its live rows and
        open questions are said anew, by no id of a message of before. News that is known changes nothing."""

    async def clear_the_way(self) -> Sequence[str]:
        """At a start, before the boot begins: what can no longer be read, and is still to be acted on, is
        failed, with one sentence to the user where that can be said, or put right; returns what it was.

        A promise that meets such a row does the same first, says so by `OutOfTheWay`, and is kept."""

    async def look_through(self, place: Place) -> tuple[bool, Place | None]:
        """Whether a row of this page is one that `clear_the_way` would find; and where the next page begins,
        None behind the last. A page costs the same however many rows there are. It changes nothing."""

    async def fail_next(self, key: ConversationKey, session: int) -> str | None:
        """What `next_turn` of the session cannot get past is failed, with one sentence to the user: its
        running turn, or a waiting message.

        Returns what it was, None if nothing is in the way.
        """

    async def fail_command(self, key: ConversationKey) -> str | None:
        """The oldest unsettled command of the key is failed, with one sentence; returns which."""

    async def fail_part(self, lane: Lane, live: bool) -> str | None:
        """The row that `begin_delivery` would take next is failed; returns which."""

    async def ledger(self, chat: str | None = None, limit: int = 1000) -> Sequence[LedgerRow]:
        """The newest inbound messages with their outcomes, oldest first."""

    async def sessions(
        self, key: ConversationKey | None = None, limit: int = 200, ended: bool = False
    ) -> Sequence[SessionView]:
        """Open sessions, newest first; with a key only that one's; with `ended` also those that are not."""

    async def session(self, id: int) -> SessionView | None:
        """One session by id."""

    async def turn_page(self, turn: int) -> TurnPage | None:
        """Everything that is known of a turn; None if there is none of this number."""

    async def recording_head(self, session: int) -> RecordingHead | None:
        """What a recording of the session spans; None if there is no such session."""

    async def recording_rows(
        self, head: RecordingHead, part: RecordingPart, after: tuple[int, int] = (0, 0)
    ) -> RecordingRows:
        """A page of one list of a recording, from where the page before said that it goes on."""

    async def status(self) -> StatusView:
        """Counts, and the turns running."""
