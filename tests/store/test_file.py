"""The store's file, as the file system shows it."""

import os

from hermes_trio.store.sqlite.schema import connect


def test_a_new_store_is_its_owners_alone_whatever_the_umask_says(tmp_path):
    before = os.umask(0o022)
    try:
        db = connect(tmp_path / "hermes.db")
        db.execute("insert into boot(started_at) values(0)")
        modes = {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}
        db.close()
    finally:
        os.umask(before)
    assert modes == {"hermes.db": "0o600", "hermes.db-shm": "0o600", "hermes.db-wal": "0o600"}
