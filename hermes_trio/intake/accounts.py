"""The receiving side of a gateway: a receiver and a supervisor per account, until the intake is stopped."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import trio

from hermes_trio.intake.receiver import Health, Receiver
from hermes_trio.ports.platform import CommandMenu, Platform
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Chance, Log
from hermes_trio.runtime.retry import until_stored
from hermes_trio.runtime.stop_times import LEAVE_S
from hermes_trio.runtime.supervise import supervise
from hermes_trio.text.foreign_errors import told_in_short


class _Served:
    """The task of an account that this boot holds."""

    def __init__(self, since: float) -> None:
        self.since, self.refused = since, False
        self.scope, self.left = trio.CancelScope(), trio.Event()

    async def run(self, serve: Callable[[], Awaitable[None]]) -> None:
        """Serve it until it is let go."""
        try:
            with self.scope:
                await serve()
        finally:
            self.left.set()


class AccountReceivers:
    """Serves the accounts of a gateway.

    Args:
        make_receiver: makes an account's receiver from its platform, its cursor, and a function. The receiver
            calls the function with the account when its health is known for the first time, or good again.

    Attributes:
        scope: cancelling it stops the intake. Updates that are handed over later are refused; a connection
            of an adapter may outlive its `serve` and still hand one over.
        elsewhere: accounts that another gateway receives, where several share the store.
    """

    def __init__(
        self,
        accounts: Mapping[str, Platform],
        store: Store,
        make_receiver: Callable[[Platform, str | None, Callable[[str], None]], Receiver],
        well: Callable[[str], None],
        log: Log,
        chance: Chance,
    ) -> None:
        self.scope = trio.CancelScope()
        self.elsewhere: Sequence[str] = ()
        self._accounts = accounts
        self._store = store
        self._make_receiver = make_receiver
        self._well = well
        self._log = log
        self._chance = chance
        self._receivers: dict[str, Receiver] = {}
        self._served: dict[str, _Served] = {}
        self._held: trio.Nursery | None = None
        self._still_come = set(accounts)
        self._ended = trio.Event()
        self._changed = trio.Event()

    async def serve(self, menu: Sequence[tuple[str, str]]) -> None:
        """Serve every account until cancelled, or until every input has ended.

        Args:
            menu: the commands, for platforms that show them.
        """
        self._show(menu)
        for name, platform in self._accounts.items():
            cursor = await until_stored(partial(self._store.cursor, name))
            self._receivers[name] = self._make_receiver(platform, cursor, self._reported)
        with self.scope:
            async with trio.open_nursery() as nursery:
                for name, platform in self._accounts.items():
                    nursery.start_soon(self._account, name, platform, name=f"account {name}")
            self._ended.set()

    async def serve_held(
        self, menu: Sequence[tuple[str, str]], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Serve the accounts that it is given to `take`, until cancelled."""
        self._show(menu)
        with self.scope:
            async with trio.open_nursery() as self._held:
                task_status.started()
                await trio.sleep_forever()

    def take(self, name: str, cursor: str | None) -> None:
        """Serve this account, which this boot holds now, behind its committed position."""
        assert self._held is not None
        platform = self._accounts[name]
        self._receivers[name] = self._make_receiver(platform, cursor, self._reported)
        self._served[name] = served = _Served(trio.current_time())
        self._held.start_soon(served.run, partial(self._account, name, platform), name=f"account {name}")

    def deaf(self, for_s: float) -> Sequence[str]:
        """The accounts that have not received for so many seconds, and say so. One that its platform refuses
        is not among them: it would refuse any of us."""
        return [
            name
            for name, served in self._served.items()
            if not (health := self._receivers[name].health).receiving
            and not served.refused
            and trio.current_time() - max(health.received_at or 0.0, served.since) >= for_s
        ]

    async def release(self, name: str) -> None:
        """Serve this account no longer; return when its task has left, or does not leave."""
        served = self._served.pop(name)
        served.scope.cancel(reason="another serves the account")
        with trio.move_on_after(LEAVE_S):
            await served.left.wait()
        del self._receivers[name]

    def _show(self, menu: Sequence[tuple[str, str]]) -> None:
        for platform in self._accounts.values():
            if isinstance(platform, CommandMenu):
                platform.menu = menu

    async def _account(self, name: str, platform: Platform) -> None:
        receiver = self._receivers[name]
        ended = await supervise(
            lambda: platform.serve(receiver),
            name=name,
            log=self._log,
            chance=self._chance,
            down=lambda error: receiver.failed(told_in_short(error)),
        )
        if not ended:
            # The platform refused the account. That is no end of input: its operator has to see it and act.
            if name in self._served:
                self._served[name].refused = True
            await trio.sleep_forever()
        self._log.info("account ended", account=name)
        if not receiver.health.reported:
            # It has received all there will ever be.
            receiver.received()
        self._still_come.discard(name)
        if not self._still_come:
            self._ended.set()

    def _reported(self, account: str) -> None:
        self._changed.set()
        self._changed = trio.Event()
        self._well(account)

    async def ready(self) -> None:
        """Return when each account has received, or has reported that it cannot."""
        while not all(
            name in self._receivers and self._receivers[name].health.reported
            for name in (self._accounts if self._held is None else [*self._receivers])
        ):
            await self._changed.wait()

    async def ended(self) -> None:
        """Return when every input has ended. The input of a refused account has not."""
        await self._ended.wait()

    def health(self) -> Mapping[str, Health]:
        """Per account whether it receives."""
        return {name: receiver.health for name, receiver in self._receivers.items()}
