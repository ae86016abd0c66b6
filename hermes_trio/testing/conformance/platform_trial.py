"""A platform under trial: made, opened, served, spoken through."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import trio
from trio.testing import assert_checkpoints, wait_all_tasks_blocked

from hermes_trio.errors import AgentError, HermesError, NotSent, SendFailed, SendRefused, SendUnknown
from hermes_trio.ports.platform import CommandMenu, Platform
from hermes_trio.runtime.platform_use import check_platforms, opening
from hermes_trio.runtime.tracebacks import WhereCut, beginning_of
from hermes_trio.runtime.wrong_use import kind_of
from hermes_trio.testing.conformance.clauses import Unable, Unlike, expect, indented
from hermes_trio.testing.conformance.platform_receiver import Hearing, Taken
from hermes_trio.testing.conformance.platform_service import Service
from hermes_trio.values.delivery import Delivery, Part, Receipt
from hermes_trio.values.identity import Address
from hermes_trio.values.message import Message

QUIET_S, QUIET_MAX_S = 0.02, 0.2
OFFERED = "an update is handed over to `intake.accept`"
RECEIVES_S, LEAVES_S = 10.0, 1.0
RECEIVES = f"serve calls `intake.received` within {RECEIVES_S:.0f} s"


class Serving:
    """A platform that is open, and its `serve` in a task.

    Attributes:
        error: what `serve` ended with, None while it runs.
        returned: it ended without one.
        cut: where it was when it was cancelled.
    """

    def __init__(self, trial: PlatformTrial, platform: Platform, hearing: Hearing) -> None:
        self.trial = trial
        self.platform = platform
        self.hearing = hearing
        self.error: HermesError | None = None
        self.returned = False
        self.cut = WhereCut()
        self.ended = trio.Event()
        self.scope = trio.CancelScope()

    async def run(self) -> None:
        """Serve until cancelled. What is no error of ours leaves as it is, and breaks the clause."""
        try:
            with self.scope:
                with self.cut:
                    await self.platform.serve(self.hearing)
            self.returned = True
        except AgentError:
            raise
        except HermesError as error:
            self.error = error
        finally:
            self.ended.set()
            self.hearing.failed("serve has ended")

    async def received(self, count: int) -> list[Message]:
        """Wait until so many new updates are durable; return the messages among them."""
        taken = self.trial.taken
        await self.hearing.until(
            f"{count} updates have been accepted (`intake.accept`), each new by its native id",
            lambda: len(taken.updates) >= count or self.ended.is_set(),
        )
        if len(taken.updates) < count:
            await self.told()
            raise Unlike(
                f"{count} updates are received", f"serve ended ({self.error!r}) after {taken.updates}"
            )
        return [update for update in taken.updates if isinstance(update, Message)]

    async def told(self) -> None:
        """Wait for ever if `serve` has ended with what is no error of ours: it is on its way to who waits."""
        if self.error is None and not self.returned:
            await trio.sleep_forever()

    async def stop(self) -> None:
        """Cancel `serve` as a stop does, and wait for it to leave."""
        self.scope.cancel()
        await self.ended.wait()

    async def deliver(self, delivery: Delivery) -> Receipt:
        """Make the call. Anything but a Receipt breaks the clause."""
        receipt: object = await self.platform.deliver(delivery)
        if not isinstance(receipt, Receipt):
            saw = f"deliver returned {kind_of(receipt)}, not a Receipt"
            written = beginning_of(self.platform.deliver)
            where = "" if written is None else f"\n    {written.place}"
            raise Unlike("`deliver` returns a Receipt", f"{saw}{where}")
        return receipt

    async def say(self, text: str, place: Address | None = None, **more: Any) -> Receipt:
        """Send a text."""
        return await self.deliver(self.trial.send(text, place, **more))

    async def failure(self, delivery: Delivery) -> SendFailed:
        """The error of a delivery that has to fail. Anything but a SendFailed breaks the clause."""
        try:
            receipt = await self.deliver(delivery)
        except (NotSent, SendRefused, SendUnknown) as error:
            self.trial.hides_secrets(error)
            return error
        except SendFailed as error:
            raise Unlike("NotSent, SendRefused or SendUnknown", repr(error)) from error
        raise Unlike("the delivery fails", receipt)

    async def yields(self, what: str, delivery: Delivery) -> None:
        """Raise Unlike unless the delivery, however it ends, executes a checkpoint."""
        try:
            with assert_checkpoints(), suppress(SendFailed):
                await self.deliver(delivery)
        except AssertionError as error:
            raise Unlike("a checkpoint is executed", f"{what} had none") from error


class PlatformTrial:
    """What a clause of the Platform port is looked at with.

    Attributes:
        service: the other side.
        taken: what is durable, of all platforms of one trial.
        place: where things are said.
        is_ready: False while a platform is made, or has not said yet that it receives.
    """

    def __init__(self, service: Service, make: Callable[[], Platform]) -> None:
        self.service = service
        self._make = make
        self.taken = Taken()
        self.place = service.places[0]
        self.is_ready = True
        self._sent = 0

    @property
    def waits_for(self) -> str:
        """What is waited for, for whoever waits too long."""
        return self.taken.waits_for

    def make(self) -> Platform:
        """A new platform for the account."""
        self.is_ready = False
        platform = self._make()
        check_platforms([platform])
        self.is_ready = True
        return platform

    @asynccontextmanager
    async def serving(
        self, *, shut: bool = False, wait: bool = True, menu: Sequence[tuple[str, str]] | None = None
    ) -> AsyncIterator[Serving]:
        """A new platform for the same account, open and served until the body ends.

        Args:
            shut: nothing that it hands over becomes durable.
            wait: first wait until it says that it receives, and reaches its users.
            menu: set before it is served, where it has one.
        """
        platform = self.make()
        hearing = Hearing(self.taken, f"{platform.name}/{platform.account}")
        if menu is not None and isinstance(platform, CommandMenu):
            platform.menu = menu
        if shut:
            hearing.shut()
        serving = Serving(self, platform, hearing)
        async with opening(platform):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(serving.run, name="checked serve")
                if wait:
                    await self._receives(serving)
                    await self.service.reached()
                yield serving
                nursery.cancel_scope.cancel()

    async def _receives(self, serving: Serving) -> None:
        hearing, self.is_ready = serving.hearing, False
        with trio.move_on_after(RECEIVES_S):
            await hearing.until(RECEIVES, lambda: hearing.cycles or serving.ended.is_set())
            self.is_ready = not serving.ended.is_set()
        if self.is_ready:
            return
        if serving.ended.is_set():
            await serving.told()
            raise Unlike("serve receives", f"it ended: {serving.error!r}") from serving.error
        with trio.move_on_after(LEAVES_S):
            await serving.stop()
        places = indented(serving.cut.places)
        stood = f"serve waits here\n{places}" if places else "serve does not leave when cancelled"
        raise Unlike(RECEIVES, f"it was not called: let a poll wait a fraction of a second; {stood}")

    def send(self, text: str, place: Address | None = None, **more: Any) -> Delivery:
        """A send of this text, with a key of its own."""
        self._sent += 1
        key = more.pop("key", f"checked-{self._sent}")
        return Delivery(op="send", address=place or self.place, part=Part(text), key=key, **more)

    def needs(self, trait: str, platform: Platform) -> None:
        """Raise Unable unless the platform says that it can."""
        if not getattr(platform.capabilities, trait):
            raise Unable(f"its capabilities do not say {trait}")

    def thread(self) -> Address:
        """A place with a thread."""
        for place in self.service.places:
            if place.thread is not None:
                return place
        raise Unable("the service has no place with a thread")

    def main(self) -> Address:
        """A place without one."""
        for place in self.service.places:
            if place.thread is None:
                return place
        raise Unable("every place of the service is a thread")

    async def shows(self, *texts: str, place: Address | None = None) -> None:
        """Raise Unlike unless the place shows exactly this."""
        shown = list(await self.service.shown(place or self.place))
        expect(shown == list(texts), f"the place shows {list(texts)}", shown)

    async def quiet(self) -> None:
        """Return when nobody does anything any more, or a platform that looks again and again has looked."""
        with trio.move_on_after(QUIET_MAX_S):
            await wait_all_tasks_blocked(QUIET_S)

    def hides_secrets(self, error: BaseException) -> None:
        """Raise Unlike if a secret stands in what a log would show of the error."""
        told = "".join(traceback.format_exception(error))
        for secret in self.service.secrets:
            expect(secret not in told, "no error shows a secret", type(error).__name__)
