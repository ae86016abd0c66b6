"""A store's file is opened beside the loop: whoever holds it, or hangs, holds nobody else up."""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager, suppress

import pytest
import trio

from hermes_trio import open_gateway
from hermes_trio.errors import StoreLocked, StoreRefused
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.store.sqlite.file import StoreFile
from hermes_trio.store.sqlite.schema import connect
from hermes_trio.store.sqlite.store import open_sqlite_store
from hermes_trio.testing import MemoryPlatform


@contextmanager
def held_by_another(path):
    """Another program has the file for itself."""
    connect(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("pragma journal_mode = delete")
        other.execute("begin exclusive")
        yield


async def answers(turn):
    return "done"


def opens(path):
    return open_sqlite_store(path, SystemClock())


def begins(path):
    return open_gateway(answers, platforms=[MemoryPlatform()], store=path)


@pytest.mark.parametrize("way", [opens, begins])
async def test_a_host_that_does_not_wait_for_the_file_is_out_at_once_and_the_file_is_closed(tmp_path, way):
    path = tmp_path / "hermes.db"
    with held_by_another(path):
        began, ticks = trio.current_time(), 0
        with trio.move_on_after(0.5) as scope:
            async with trio.open_nursery() as nursery:

                async def tick():
                    nonlocal ticks
                    while True:
                        await trio.sleep(0.01)
                        ticks += 1

                nursery.start_soon(tick)
                async with way(path):
                    raise AssertionError("it cannot be opened")
        assert scope.cancelled_caught
        assert trio.current_time() - began < 3
        assert ticks > 10
    await the_opening_has_ended()
    assert [name for name in opened_files() if name.startswith(str(path))] == []


async def the_opening_has_ended():
    for thread in [one for one in threading.enumerate() if one.name == "hermes-trio store"]:
        await trio.to_thread.run_sync(thread.join)


def opened_files():
    for fd in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):
            yield os.readlink(f"/proc/self/fd/{fd}")


async def test_a_file_that_cannot_be_opened_is_told_as_before(tmp_path):
    (tmp_path / "notes").write_text("my notes, no store at all")
    with pytest.raises(StoreRefused, match="not a hermes-trio store"):
        async with opens(tmp_path / "notes"):
            raise AssertionError("it cannot be opened")
    with held_by_another(tmp_path / "hermes.db"), pytest.raises(StoreLocked):
        async with opens(tmp_path / "hermes.db"):
            raise AssertionError("it cannot be opened")


def test_what_was_closed_before_it_was_open_is_not_left_open(tmp_path):
    file = StoreFile(tmp_path / "hermes.db")
    file.close()
    file.open()
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        file.db.execute("select 1")
    assert [name for name in opened_files() if name.startswith(str(tmp_path))] == []
