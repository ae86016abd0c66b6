"""The accounts a gateway serves: each a platform of its own, opened for the gateway's life."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from hermes_trio.errors import ConfigWrong
from hermes_trio.ports import Platform


@asynccontextmanager
async def opened(platforms: Sequence[Platform]) -> AsyncIterator[None]:
    """Hold every platform open while the body runs; closed in the opposite order."""
    async with AsyncExitStack() as stack:
        for platform in platforms:
            await stack.enter_async_context(platform.open())
        yield


def check_accounts(platforms: Sequence[Platform]) -> None:
    """Refuse two platforms that would be one account.

    Raises:
        ConfigWrong: names it.
    """
    names = [f"{platform.name}/{platform.account}" for platform in platforms]
    for name in names:
        if names.count(name) > 1:
            raise ConfigWrong(f"two platforms are both the account {name}")
