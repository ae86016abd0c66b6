"""What boots that share a store promise one another: leases, accounts, keys, and signals."""

from __future__ import annotations

from typing import Protocol

from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.nodes import Held, Renewal
from hermes_trio.values.recording import Setup
from hermes_trio.values.stored import Booted


class NodeStore(Protocol):
    """Boots beside one another. A store of one boot is asked none of this."""

    async def join(self, setup: Setup | None, node: str, lease_s: float, last: int = 0) -> Booted:
        """Begin a boot beside others, instead of `begin_boot`. Nothing of others is taken up by it.

        Args:
            setup: as in `begin_boot`; its accounts are those that this boot can serve.
            node: the name of the node.
            lease_s: how long it may act without renewing, in seconds of the store's clock.
            last: the boot before it of the same process, which has left. What it began is taken up at once.
        """

    async def renew(self, lease_s: float) -> Renewal:
        """The boot may act for so many seconds more. Consequences: keys at home here that have something to
        do and no task; the signals to it.

        Raises:
            LeaseOver: the lease has ended. The boot is over, even if nobody has buried it.
        """

    async def wake_idle(self, behind: str) -> str | None:
        """Consequences: as those of `renew`, for the next of thousands of keys. Returns behind which key the
        rest are; None: these were the last."""

    async def bury(self, boot: int, lease_s: float) -> bool:
        """Another boot is over, if its lease has ended; False: it has not, or somebody was faster.

        Args:
            lease_s: nobody is buried so soon after the store's server was away.
        """

    async def drain(self) -> None:
        """This boot holds no account and is home to no key from now on; the others hear of it."""

    async def leave(self) -> None:
        """The last commit of a boot, instead of `end_boot`. What it left running goes on elsewhere."""

    async def hold_account(self, account: str) -> Held | None:
        """This boot alone receives and speaks for the account. None: another that lives does.
        Consequences: lanes of it that have something to say."""

    async def hand_account(self, account: str) -> int | None:
        """Another boot that serves the account holds it from now on, and is told. None: there is no other, or
        this boot does not hold it."""

    async def leave_key(self, key: ConversationKey) -> None:
        """The key's task has left after a cut. Consequence: its home is woken if there is something to do."""

    async def take_signals(self) -> int:
        """Consequences: what other boots' commits have caused here. Returns how many signals there were."""
