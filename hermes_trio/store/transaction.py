"""One promise's view of the transaction: statements, the boot, the time, and what follows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from hermes_trio.values.consequences import Consequence


class Rows(Protocol):
    """What a statement found, or how many rows it changed."""

    @property
    def rowcount(self) -> int:
        """How many rows it changed."""

    @property
    def description(self) -> Any:
        """For each column a tuple that begins with its name."""

    def fetchone(self) -> Any:
        """The next row, or None."""

    def fetchall(self) -> list[Any]:
        """The rows that are left."""

    def __iter__(self) -> Iterator[Any]:
        """The rows that are left."""


class Run(Protocol):
    """Runs a statement."""

    def __call__(self, sql: str, args: Any = (), /) -> Rows:
        """Run it with values for each `?`, or by name for each `:name`."""


class Transaction(ABC):
    """An open transaction. Its SQL is written in forms that every engine takes.

    Args:
        boot: the fencing token of this life of the process.
        now: wall time of the commit.
        shared: other boots may write into the store meanwhile.

    Attributes:
        run: runs a statement.
    """

    __slots__ = ("boot", "consequences", "now", "shared")

    run: Run

    def __init__(self, boot: int, now: float, shared: bool = False) -> None:
        self.boot = boot
        self.now = now
        self.shared = shared
        self.consequences: list[Consequence] = []

    def one(self, sql: str, *args: Any) -> Any:
        """The first row, or None."""
        return self.run(sql, args).fetchone()

    def all(self, sql: str, *args: Any) -> list[Any]:
        """Every row."""
        return self.run(sql, args).fetchall()

    def named(self, sql: str, *args: Any) -> list[dict[str, Any]]:
        """Every row, by the names of its columns."""
        found = self.run(sql, args)
        names = [name for name, *_ in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    @abstractmethod
    def insert(self, sql: str, args: Sequence[Any]) -> int | None:
        """Insert one row into a table with an id, and return that; None where the row was there already."""

    @abstractmethod
    def many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run a statement once for each row of values."""

    @abstractmethod
    def whole_bytes(self) -> AbstractContextManager[None]:
        """While the body runs, text that is no UTF-8 is given as its bytes. Not every engine keeps such."""

    def begin_writer(self, boot: int) -> None:  # noqa: B027 - an engine that is alone has none
        """What this connection writes from now on is this boot's."""

    def hold_writer(self, boot: int) -> None:  # noqa: B027
        """Wait for what another boot is writing, and let it write nothing more until this transaction ends.
        `now` is the time after that wait."""

    def end_writer(self, boot: int | None) -> None:  # noqa: B027
        """A boot writes nothing after this transaction; None: every other boot."""

    def steady(self, for_s: float) -> bool:
        """Whether the server is the same, and has run, for so many seconds. A lease that ended while it was
        away says nothing of who holds it. An engine that is alone has no such server."""
        return True

    def then(self, consequence: Consequence) -> None:
        """What the writer shall do when this is durable."""
        self.consequences.append(consequence)
