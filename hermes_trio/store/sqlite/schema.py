"""A store's file, opened. A newer one is refused; a corrupt one is left untouched."""

from __future__ import annotations

import os
import sqlite3
from hashlib import sha256
from pathlib import Path
from typing import Any

from hermes_trio.errors import StoreRefused
from hermes_trio.store.moved_away import refusal
from hermes_trio.store.sqlite.errors import of_a_start
from hermes_trio.store.sqlite.migrations import MIGRATIONS, WRITTEN
from hermes_trio.store.sqlite.tx import text_or_bytes

MAGIC = b"SQLite format 3\0"
CHECKED_BYTES = 32 << 20
APPLICATION_ID = 0x48544331  # "HTC1": tells our files from any other SQLite file

IDS_MAX = 2**53
"""More than any life gives out. Beyond, SQLite finds no next id some day, and calls that a full disk."""


def _as_it_is(value: Any) -> Any:
    return value


for _kind in (bytes, type(None)):
    # SQLite takes these as they are; Python looks for somebody who says so in four places, each time.
    sqlite3.register_adapter(_kind, _as_it_is)


def connect(path: Path | str) -> sqlite3.Connection:
    """Open a store's file for its one writer, migrated to this program's version.

    Args:
        path: the file, or ":memory:".

    Raises:
        StoreRefused: corrupt, newer, not a store of ours, or not ours to read and write. The file is not
            changed.
        StoreFailed: the disk is full or fails.
        StoreLocked: another program has held the file for five seconds.
    """
    if path != ":memory:":
        _look_before_touching(Path(path))
        try:
            # Conversations are nobody else's to read; SQLite gives its side files the mode of this one.
            os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise StoreRefused(f"{path}: {error.strerror}") from error
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
    try:
        with of_a_start(path):
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = full")
            db.execute("pragma temp_store = memory")
            db.execute("pragma cache_size = -500")  # KiB; what is beyond it the system caches
            _migrate(db)
            if path != ":memory:":
                _mark(db, Path(path))
    except BaseException:
        db.close()
        raise
    return db


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a store's file to look at it while no daemon runs.

    Raises:
        StoreRefused: no such file, corrupt, newer, older, not a store of ours, or not ours to read.
        StoreFailed, StoreLocked: the disk fails; another program holds the file.
    """
    if not path.exists():
        raise StoreRefused(f"{path}: no such store; nothing has been received yet")
    _look_before_touching(path)
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    db.text_factory = text_or_bytes
    with of_a_start(path):
        (version,) = db.execute("pragma user_version").fetchone()
    if version < len(MIGRATIONS):
        db.close()
        raise StoreRefused(
            f"{path}: made by an older hermes-trio (version {version}, this one knows {len(MIGRATIONS)});"
            " the next start of the daemon brings it up to date"
        )
    return db


def _look_before_touching(path: Path) -> None:
    if path.exists() and not path.is_file() and not path.is_dir():
        raise StoreRefused(f"{path}: not a file; left untouched")
    if not path.exists() or path.stat().st_size == 0:
        return
    # SQLite takes a file of a few bytes for an empty one and writes over it.
    try:
        with path.open("rb") as file:
            magic = file.read(len(MAGIC))
    except OSError as error:
        raise StoreRefused(f"{path}: {error.strerror}") from error
    if magic != MAGIC:
        raise StoreRefused(f"{path}: not a hermes-trio store; left untouched")
    db = sqlite3.connect(f"{path.resolve().as_uri()}?{_untouching(path)}", uri=True, isolation_level=None)
    try:
        with of_a_start(path, "; left untouched"):
            wrong = _wrong(db, path)
    finally:
        db.close()
    if wrong is not None:
        raise StoreRefused(f"{path}: {wrong}; left untouched")


def _untouching(path: Path) -> str:
    """How to open it so that not even SQLite's two files beside it are made.

    Where a write-ahead log is left it holds what a crash left, and both files are there already.
    """
    wal = path.with_name(f"{path.name}-wal")
    return "mode=ro" if wal.exists() and wal.stat().st_size else "mode=ro&immutable=1"


def _wrong(db: sqlite3.Connection, path: Path) -> str | None:
    (version,) = db.execute("pragma user_version").fetchone()
    (ours,) = db.execute("pragma application_id").fetchone()
    if version == 0 and ours == 0 and not db.execute("select 1 from sqlite_master").fetchone():
        return None
    if ours != APPLICATION_ID or version < 1:
        return "not a hermes-trio store"
    if version > len(MIGRATIONS):
        return f"made by a newer hermes-trio (version {version}, this one knows {len(MIGRATIONS)})"
    return _broken(db, path) or _misshapen(db, version) or _used_up(db) or _gone(db)


def _broken(db: sqlite3.Connection, path: Path) -> str | None:
    """What is broken. Each page of a small file is looked at; of a large one what a start needs."""
    if path.stat().st_size <= CHECKED_BYTES:
        (found,) = db.execute("pragma quick_check(1)").fetchone()
        return None if found == "ok" else f"broken: {str(found).splitlines()[-1]}"
    db.text_factory = bytes  # whether a text is one is asked of each row where it is read
    for table in ("boot", "inbound", "outbound", "turn", "session", "step", "entry"):
        db.execute(f"select * from {table} limit 1").fetchone()
    return None


def _misshapen(db: sqlite3.Connection, version: int) -> str | None:
    """What is not there of what each store of this version has; and a trigger, which would act unasked."""
    db.text_factory = str
    if version == len(MIGRATIONS) and _written(db) == WRITTEN:
        return None
    model = sqlite3.connect(":memory:", isolation_level=None)
    model.executescript(f"begin; {''.join(MIGRATIONS[:version])} commit;")
    found, wanted = _shape(db), _shape(model)
    model.close()
    for kind, name in sorted(wanted - found):
        return f"it has no {kind} {name}"
    for kind, name in sorted(found - wanted):
        if kind == "trigger":
            return f"it has a trigger {name} of somebody else's"
    return None


def _gone(db: sqlite3.Connection) -> str | None:
    row = db.execute("select place from mark").fetchone()
    return None if row is None else refusal(row[0], "name that one as [store] url in the configuration")


def _written(db: sqlite3.Connection) -> str:
    rows = db.execute("select type, name, sql from sqlite_master order by type, name")
    return sha256(repr(rows.fetchall()).encode()).hexdigest()


def _used_up(db: sqlite3.Connection) -> str | None:
    """Ids that no store of ours has given out: the next ones would soon be none, or random."""
    tables = "select name from sqlite_master where type = 'table' and sql like '%id integer primary key%'"
    newest = [
        (name, db.execute(f"select max(id) from {name}").fetchone()[0]) for (name,) in db.execute(tables)
    ]
    newest += db.execute("select name, seq from sqlite_sequence where typeof(seq) in ('integer', 'real')")
    for name, newest_id in newest:
        if newest_id is not None and newest_id > IDS_MAX:
            return f"the ids of its table {name} are at {newest_id}, where no store comes to; restore a copy"
    return None


def _shape(db: sqlite3.Connection) -> set[tuple[str, str]]:
    return set(
        db.execute(
            "select type, name from sqlite_master where name not like 'sqlite%' union all"
            " select 'column', m.name || '.' || c.name from sqlite_master m, pragma_table_info(m.name) c"
            " where m.type = 'table'"
        )
    )


def _mark(db: sqlite3.Connection, path: Path) -> None:
    """A copy of a store gets a mark of its own, and knows no process: they are those of the first."""
    file = path.stat()
    place = f"{file.st_dev}:{file.st_ino}"
    db.execute("begin immediate")
    db.execute("update mark set place = ? where place is null", (place,))
    moved = db.execute(
        "update mark set mark = lower(hex(randomblob(8))), place = ? where place <> ?", (place, place)
    )
    if moved.rowcount:
        db.execute("update process set pid = null where state = 'running'")
    db.execute("commit")


def _migrate(db: sqlite3.Connection) -> None:
    (version,) = db.execute("pragma user_version").fetchone()
    for number, script in enumerate(MIGRATIONS[version:], start=version + 1):
        db.executescript(
            f"begin; {script} pragma user_version = {number};"
            f" pragma application_id = {APPLICATION_ID}; commit;"
        )
