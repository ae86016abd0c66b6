"""The SQLite schema: numbered migrations. A newer file is refused; a corrupt one is left untouched."""

from __future__ import annotations

import os
import sqlite3
from hashlib import sha256
from pathlib import Path

from hermes_trio.errors import StoreRefused
from hermes_trio.store.sqlite.errors import of_a_start
from hermes_trio.store.tx import text_or_bytes

MAGIC = b"SQLite format 3\0"
CHECKED_BYTES = 32 << 20
APPLICATION_ID = 0x48544331  # "HTC1": tells our files from any other SQLite file

_FIRST = """
create table boot(
  id integer primary key, started_at real not null, ended_at real, clean integer not null default 0);
create table cursor(account text primary key, value text not null) without rowid;
create table session(
  id integer primary key autoincrement, key text not null, opened_at real not null, ended_at real,
  why text, interrupted integer not null default 0);
create unique index session_open on session(key) where ended_at is null;
create index session_live on session(id) where ended_at is null;
create index session_interrupted on session(id) where interrupted > 0;
create table inbound(
  id integer primary key autoincrement, account text not null, native text not null, key text,
  chat text not null, kind text not null, body blob, raw blob, at real not null, length integer not null,
  hold real not null default 0, state text, outcome text, reason text not null default '', turn integer,
  step text, settled_at real, unique(account, native));
create index inbound_chat on inbound(chat, id);
create index inbound_open on inbound(key, id) where outcome is null;
create table turn(
  id integer primary key autoincrement, session integer not null, key text not null, boot integer not null,
  state text not null, attempt integer not null default 1, address text not null, anchor text,
  opened_at real not null, closed_at real, reason text not null default '',
  checkpoint_at real, checkpoint_why text);
create index turn_session on turn(session);
create index turn_running on turn(session) where state = 'running';
create table step(
  turn integer not null, name text not null, n integer not null, state text not null,
  digest text not null, op text not null, value blob not null, wake_at real, at real not null,
  asked text, primary key(turn, name, n)) without rowid;
create index step_asked on step(asked) where asked is not null;
create table entry(
  id integer primary key autoincrement, session integer not null, turn integer, inbound integer,
  size integer not null, body blob not null, at real not null);
create index entry_session on entry(session, id);
create unique index entry_inbound on entry(inbound) where inbound is not null;
create table outbound(
  id integer primary key autoincrement, lane text not null, address text not null, turn integer,
  reply integer, said text not null, op text not null default 'send', part blob not null,
  rank integer not null, state text not null, dirty integer not null default 0,
  begun integer not null default 0, attempts integer not null default 0, unknown integer not null default 0,
  marked integer not null default 0, plain integer not null default 0, message_id text, reply_to text,
  choices blob, last integer not null default 1, why text not null default '', at real not null,
  owed_at real, sent_at real);
create index outbound_open on outbound(lane) where state in ('owed', 'sending', 'live');
create index outbound_turn on outbound(turn) where turn is not null;
create table penalty(
  account text not null, chat text not null, until real not null, primary key(account, chat)) without rowid;
"""

_RESUME = """
create index entry_unheard on entry(session) where turn is null;
alter table step add column nth integer not null default 0;
alter table turn add column held_at real;
"""

_KEYS = """
create table key_rest(
  fingerprint text not null, model text not null, pool text not null, place text not null,
  kind text not null, since real not null, until real not null, strikes integer not null,
  tried_at real not null, dead integer not null default 0, primary key(fingerprint, model)) without rowid;
alter table inbound add column due real;
alter table inbound add column told integer not null default 0;
create index inbound_deferred on inbound(due, id) where state = 'deferred' and outcome is null;
"""

_CONVERSATIONS = """
create index session_key on session(key);
"""

_HELD = """
create index outbound_held on outbound(lane) where state = 'held';
"""

_CHILDREN = """
create table mark(mark text not null);
insert into mark values(lower(hex(randomblob(8))));
create table child(
  id integer primary key autoincrement, session integer not null, turn integer not null,
  boot integer not null, key text not null, address text not null, command text not null,
  pid integer, started integer, foreground integer not null, keep integer not null,
  notify integer not null, state text not null default 'running', code integer,
  consumed integer not null default 0, told integer, matches integer not null default 0,
  muted integer not null default 0, output text not null default '', at real not null, ended_at real);
create index child_running on child(key) where state = 'running';
create index child_foreground on child(turn) where foreground = 1 and state = 'running';
create index child_session on child(session);
alter table session add column wakes integer not null default 0;
"""

_PLACE = """
alter table mark add column place text;
create index child_ended on child(ended_at) where state <> 'running';
"""

_ANSWERS = """
alter table outbound add column answers integer;
create index outbound_answers on outbound(answers) where answers is not null;
"""

_RECORDED = """
alter table boot add column setup blob;
alter table turn add column error blob;
alter table step add column begun_at real;
alter table outbound add column begun_at real;
"""

# A sign's message stood where a part has its reply, and was taken for one.
_SIGNS = """
alter table outbound add column stands_on integer;
update outbound set stands_on = reply, reply = null where said = 'sign';
"""

# A wall clock that is set back makes no penalty longer: it is known how long it was.
_PENALTIES = """
alter table penalty add column at real;
"""

_REWRITTEN = """
alter table session add column rewritten integer not null default 0;
create trigger entry_rewritten after update of session, body, size on entry begin
  update session set rewritten = rewritten + 1 where id in (old.session, new.session);
end;
create trigger entry_gone after delete on entry begin
  update session set rewritten = rewritten + 1 where id = old.session;
end;
"""
"""What a turn knows of its conversation from the turn before holds as long as nothing of it was changed."""

# A conversation keeps the key it began with; this says what its chat is called now.
_MOVED = """
create table moved(
  account text not null, chat text not null, becomes text not null, at real not null,
  primary key(account, chat)) without rowid;
"""

# Strangers are counted while their hour lasts; a raw update is found by when its message was settled.
_STRANGERS = """
create table stranger(
  account text not null, hour integer not null, who text not null, kept integer not null,
  unkept integer not null, primary key(account, hour, who)) without rowid;
create index inbound_raw on inbound(settled_at) where raw is not null and outcome is not null;
"""

# What a send became, and nobody can read any more: no other index has it.
_ODD = """
create index outbound_odd on outbound(id) where state not in (
  'owed', 'sending', 'live', 'held', 'sent', 'failed', 'unknown', 'dropped');
"""

# A list of more than two is a table that SQLite fills anew for each row that is written.
_WITHOUT_LISTS = """
drop index outbound_open;
create index outbound_open on outbound(lane) where (state = 'owed' or state = 'sending' or state = 'live');
drop index outbound_odd;
create index outbound_odd on outbound(id) where
  state <> 'owed' and state <> 'sending' and state <> 'live' and state <> 'held'
  and state <> 'sent' and state <> 'failed' and state <> 'unknown' and state <> 'dropped';
"""

_WORDS = """
alter table turn rename column held_at to paused_at;
alter table inbound rename column hold to wait_s;
alter table key_rest rename to key_cooldown;
alter table child rename to process;
drop index child_running;
drop index child_foreground;
drop index child_session;
drop index child_ended;
create index process_running on process(key) where state = 'running';
create index process_foreground on process(turn) where foreground = 1 and state = 'running';
create index process_session on process(session);
create index process_ended on process(ended_at) where state <> 'running';
"""

MIGRATIONS = (
    _FIRST,
    _RESUME,
    _KEYS,
    _CONVERSATIONS,
    _HELD,
    _CHILDREN,
    _PLACE,
    _ANSWERS,
    _RECORDED,
    _SIGNS,
    _PENALTIES,
    _REWRITTEN,
    _MOVED,
    _STRANGERS,
    _ODD,
    _WITHOUT_LISTS,
    _WORDS,
)

WRITTEN = "7477c49c3d86244a81cc6cfe0b9449ec776cc21f710d101ad5b34b9a041bc5a0"
"""What `_written` gives for a store of these migrations: who has it need not be compared part by part."""

IDS_MAX = 2**53
"""More than any life gives out. Beyond, SQLite finds no next id some day, and calls that a full disk."""


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
    return _broken(db, path) or _misshapen(db, version) or _used_up(db)


def _broken(db: sqlite3.Connection, path: Path) -> str | None:
    """What is broken. Each page of a small file is looked at; of a large one what a start needs."""
    if path.stat().st_size <= CHECKED_BYTES:
        (found,) = db.execute("pragma quick_check(1)").fetchone()
        return None if found == "ok" else str(found)
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
