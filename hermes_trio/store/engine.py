"""What the writer asks of a database, whichever it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from hermes_trio.store.locks import Locks
from hermes_trio.store.tx import Tx

RunBlocking = Callable[[Callable[[], None]], Awaitable[None]]
"""Does work that blocks somewhere beside the loop."""


class Engine(Protocol):
    """One connection to a database, for one writer. Each of these blocks, and is called beside the loop."""

    @property
    def is_alone(self) -> bool:
        """While a transaction is open nobody else writes. It needs no locks then, and no fence of its own."""

    def begin(self, boot: int, *, fenced: bool = True) -> float | None:
        """Begin a transaction.

        Args:
            boot: for which it writes; 0 before it has one.
            fenced: it writes only if the boot is not over. Until it ends, the boot does not.

        Returns the database's time, None if it has no clock that counts.

        Raises:
            LeaseOver: the boot is over.
            StoreFailed, StoreLocked, or an error of the database: no promise is to blame.
        """

    def lock(self, wanted: Sequence[Locks]) -> None:
        """Wait until nobody else holds what these promises lock. Held until the transaction ends."""

    def commit(self) -> None:
        """Make what was written durable. Returned: it is. Raised: nothing of it is, or will be."""

    def roll_back(self) -> None:
        """Undo what was written since `begin`; where no transaction is open, nothing."""

    def tx(self, boot: int, now: float, shared: bool) -> Tx:
        """The open transaction, for one promise."""

    def translated(self, error: Exception) -> Exception:
        """An error of a promise, as its caller is to see it."""

    def is_of_rows(self, error: BaseException | None) -> bool:
        """Whether this is an error of the database about what is in the rows."""
