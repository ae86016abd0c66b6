"""What operators, tools and recordings are shown of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.recording import After, RecordingHead, RecordingPart, RecordingRows
from hermes_trio.values.stored import StatusView
from hermes_trio.values.views import LedgerRow, NodeView, SessionView, TurnPage


class ViewStore(Protocol):
    """Promises that only read."""

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
        self, head: RecordingHead, part: RecordingPart, after: After = (0, 0)
    ) -> RecordingRows:
        """One page of one list of a recording.

        Args:
            after: where the page before said that the list goes on; (0, 0): its beginning.
        """

    async def nodes(self) -> Sequence[NodeView]:
        """The boots that share the store and are not over; none where it is not shared."""

    async def status(self) -> StatusView:
        """Counts, and the turns running."""
