"""What a move asks of the store on either side of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from hermes_trio.store.move.tables import MovedTable, ReadOtherwise


class Side(Protocol):
    """A store in one transaction, in which nobody else writes. Each of these blocks.

    Attributes:
        name: what it is, for a person; without a password.
    """

    name: str

    def rows(self, table: MovedTable, read: ReadOtherwise, node: str) -> Iterator[tuple[Any, ...]]:
        """A table's rows, never all of them at once.

        Args:
            read: what is read for which column. node: how this node is called.
        """

    def add(self, table: MovedTable, rows: Iterable[tuple[Any, ...]]) -> None:
        """Write rows into a table."""

    def is_empty(self) -> bool:
        """No table that is moved has a row."""

    def ids(self) -> Mapping[str, int]:
        """By table: the last id that was given out. A table whose first is still to come is left out."""

    def go_on_behind(self, ids: Mapping[str, int]) -> None:
        """The next id of each table comes after this one."""

    def mark(self) -> str:
        """Which store this is."""

    def be(self, mark: str) -> None:
        """It is this store from now on."""

    def leave(self, where: str) -> None:
        """Nobody opens it any more: it has moved there."""

    def commit(self) -> None:
        """Make what was written durable."""
