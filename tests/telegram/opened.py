"""How the adapter's tests open it against the fake."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

from hermes_telegram import Options, Telegram

from hermes_trio.values.identity import Secret
from tests.fakes.botapi import TOKEN


@asynccontextmanager
async def opened(url: str, **options: Any):
    """The adapter, open against the fake at `url`."""
    platform = Telegram(Options(token=Secret(TOKEN), api_url=url, **options), "main")
    async with platform.open():
        yield platform
