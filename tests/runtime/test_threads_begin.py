"""A thread that cannot begin says which limits there are."""

from __future__ import annotations

import threading

import pytest

from hermes_trio.runtime.threads import in_thread_now, own_thread


@pytest.fixture
def no_room():
    """A stack that no machine has room for."""
    before = threading.stack_size(1 << 46)
    yield
    threading.stack_size(before)


def test_a_thread_without_room_is_told_with_the_limits(no_room):
    for name, begins in (("store", own_thread("store").__enter__), ("hermes-trio now", in_now)):
        with pytest.raises(RuntimeError, match=rf"no room for the thread '{name}': .*TasksMax= of the unit"):
            begins()


def in_now():
    return in_thread_now(lambda: None)
