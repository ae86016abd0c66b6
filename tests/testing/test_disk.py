"""The disks that the plays of a simulation share."""

from __future__ import annotations

from contextlib import closing

import pytest

from hermes_trio.testing.disk import empty_disk, spare_disk


def test_a_spare_disk_is_as_a_new_one_whatever_it_was_used_for():
    with spare_disk() as disk:
        disk.execute("insert into session(key, opened_at, interrupted) values('[]', 0, 0)")
        disk.execute("update mark set place = 'elsewhere'")
        disk.execute("delete from mark")
        disk.full, disk.locked, disk.text_factory = True, True, bytes
        disk.fails_in, disk.fails_times, disk.unread_in = 3, 4, 5
    with spare_disk() as again, closing(empty_disk()) as new:
        assert again is disk
        assert list(again.iterdump()) == list(new.iterdump())
        first = again.execute("insert into session(key, opened_at, interrupted) values('[]', 0, 0)")
        assert first.lastrowid == 1
        assert (again.full, again.locked, again.text_factory) == (False, False, str)
        assert (again.fails_in, again.fails_times, again.unread_in) == (0, 1, 0)


def test_a_disk_that_something_went_wrong_with_is_nobodys_spare():
    with pytest.raises(KeyError), spare_disk() as disk:
        raise KeyError
    with spare_disk() as another:
        assert another is not disk
