"""The Store port: one method per promise, each of them atomic. A file for each subject.

*The commit acts.* A promise returns its result to the caller. What follows from the commit (keys and lanes to
wake, scopes to cancel) is a list of consequences. The store's writer hands this list to `perform`,
synchronously, after the commit and before the caller wakes. So a cancel that hits the caller between the two
loses nothing, and no caller wakes or cancels anybody.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from hermes_trio.ports.store.boots import BootStore
from hermes_trio.ports.store.delivery import DeliveryStore
from hermes_trio.ports.store.intake import IntakeStore
from hermes_trio.ports.store.nodes import NodeStore
from hermes_trio.ports.store.processes import ProcessStore
from hermes_trio.ports.store.repair import RepairStore
from hermes_trio.ports.store.turns import TurnStore
from hermes_trio.ports.store.views import ViewStore
from hermes_trio.values.consequences import Perform


class Store(
    BootStore,
    NodeStore,
    IntakeStore,
    TurnStore,
    DeliveryStore,
    ProcessStore,
    RepairStore,
    ViewStore,
    Protocol,
):
    """Everything durable. Each method is one transaction; errors: StoreFailed, StoreClosed, Fenced.

    A method that raises has written nothing, and has no consequences. It spoils no other caller's write.
    The writes of one task are committed, and performed, in that task's order.

    Cancelled before its write is queued, a method has written nothing. Cancelled later, the caller waits
    shielded until the write is done, and the cancel arrives at its next checkpoint. Methods that only read,
    and `show`, `checkpoint` and `end_boot`, do not shield their caller: it need not hear how they ended.

    `testing.check_store` looks at each promise.
    """

    perform: Perform
    shared: bool
    node: str
    hinted: Callable[[], None]

    def serve(self) -> AbstractAsyncContextManager[Store]:
        """Run the writer while the body runs; what was queued by then is committed, within a few seconds."""

    def end_within(self, seconds: float) -> None:
        """Wait for the disk no longer than this from now on. Whoever still waits then gets StoreClosed.

        Args:
            seconds: from now. A time that is set already never becomes later.
        """
