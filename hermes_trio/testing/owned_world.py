"""Who owns a World: a nursery that ends with the test's block, and shows what went wrong inside."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import gettempdir
from typing import TYPE_CHECKING, TypeVar

import trio

from hermes_trio.workspaces.folders import Workspaces

if TYPE_CHECKING:
    from hermes_trio.testing.world import World

W = TypeVar("W", bound="World")


@asynccontextmanager
async def owned(make: Callable[[trio.Nursery], W]) -> AsyncIterator[W]:
    """The World that `make` makes, without a gateway yet; when the body ends all of it does."""
    async with trio.open_nursery() as nursery:
        with _no_folder_yet(nursery) as folder:
            world = make(nursery)
            world.workspaces = Workspaces(folder=folder)
            try:
                yield world
            except BaseException as error:
                for text in world.record.tracebacks():
                    error.add_note(f"In the world, {text}")
                raise
            finally:
                world.close()
                nursery.cancel_scope.cancel(reason="the world ends")
                # Closed when everything that could use it is cut off; what still unwinds cannot reach it.
                if not world.disk.lent:
                    world.disk.close()


@contextmanager
def _no_folder_yet(nursery: trio.Nursery) -> Iterator[Path]:
    """Where a folder may be made; it is removed. A World without files touches no disk."""
    folder = Path(gettempdir()) / f"hermes-trio-world-{os.getpid()}-{id(nursery):x}"
    try:
        yield folder
    finally:
        if folder.exists():
            rmtree(folder)
