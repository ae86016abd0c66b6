"""The row of who writes: fence, clock and memory of the last commit, by one statement that begins each."""

from __future__ import annotations

import psycopg

from hermes_trio.errors import LeaseOver
from hermes_trio.store.postgres.connection import PostgresConnection

TIME = "cast(extract(epoch from clock_timestamp()) as double precision)"
_NEW = "insert into writer(nonce, serial) values(cast(gen_random_uuid() as text), 0) returning nonce"
_BEGIN_GROUP = f"update writer set serial = serial + 1 where nonce = ? and not ended returning serial, {TIME}"
_READ_BACK = "select serial from writer where nonce = ? for update"
_IS_OF = "update writer set boot = ? where nonce = ?"
_HOLD = "select nonce from writer where boot = ? for update"
_LAPSED = f"select 1 from boot where id = ? and coalesce(until, 0) <= {TIME}"
_HELD_BY = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where application_name in (select ? || nonce from writer where boot = ?)"
)
_SERVER = (
    "select started, since, cast(extract(epoch from pg_postmaster_start_time()) as double precision)"
    " from (select 1) one left join server on true"
)
_OTHER_SERVER = (
    "insert into server values(1, ?, ?)"
    " on conflict(one) do update set started = excluded.started, since = excluded.since"
)
_NAMED = "select set_config('application_name', ?, false)"
PROGRAM = "hermes-trio "
LOST = "the database has lost commits: it may be an older copy"
HOLD_S = 0.5
"""So long a burial waits for what the dead boot is writing; then its connections are ended."""


class WriterRow:
    """The row of one connection's writer, whichever boot it writes for.

    Args:
        has_clock: the database says what time it is.
    """

    def __init__(self, has_clock: bool) -> None:
        self._has_clock = has_clock
        self._nonce = ""
        self._boot = 0
        self._serial = self._kept = 0

    def begin(self, db: PostgresConnection, boot: int) -> None:
        """Outside of a transaction: a row for a writer that has none yet, or whose boot is another's now."""
        if not self._nonce or (self._boot and not boot):
            self._nonce = db.execute(_NEW).fetchone()[0]
            self.name(db)
            self._kept = 0
        self._boot = boot

    def name(self, db: PostgresConnection) -> None:
        """Whose connection this is, for who has to end it."""
        db.execute(_NAMED, (PROGRAM + self._nonce,))

    def fence(self, db: PostgresConnection) -> float | None:
        """The first statement of a group. Returns the time, if the database has the clock.

        Raises:
            LeaseOver: the boot is over, or the database has lost what it said was kept.
        """
        found = db.execute(_BEGIN_GROUP, (self._nonce,)).fetchone()
        if found is None:
            raise LeaseOver(f"boot {self._boot} is over")
        self._serial, now = found
        if self._serial <= self._kept:
            raise LeaseOver(LOST)
        return now if self._has_clock else None

    def kept(self) -> None:
        """The last group was committed."""
        self._kept = self._serial

    def happened(self, db: PostgresConnection) -> bool:
        """Whether the last group was committed. A backend that still commits for it is waited for.

        Raises:
            LeaseOver: the database has lost commits, or knows nothing of this writer.
        """
        row = db.execute(_READ_BACK, (self._nonce,)).fetchone()
        if row is None or row[0] < self._serial - 1:
            raise LeaseOver(LOST)
        if row[0] == self._serial:
            self.kept()
        return bool(row[0] == self._serial)

    def steady_since(self, db: PostgresConnection, now: float) -> float:
        """In a transaction: since when this server is the one it is. Who meets another first keeps when."""
        started, since, this = db.execute(_SERVER).fetchone()
        if started == this:
            return float(since)
        since = 0.0 if started is None else now
        db.execute(_OTHER_SERVER, (this, since))
        return since

    def is_of(self, db: PostgresConnection, boot: int) -> None:
        """In a transaction: from now on this writer's boot is this one."""
        db.execute(_IS_OF, (boot, self._nonce))
        self._boot = boot  # whoever joins next, with nothing written meanwhile, needs another row

    def hold(self, db: PostgresConnection, boot: int) -> float | None:
        """In a transaction without a fence: nothing of another boot is written meanwhile. Returns the time.

        A boot that is over and holds its row for longer than `HOLD_S` has its connections ended.
        """
        db.script(f"savepoint held; set local lock_timeout = {int(HOLD_S * 1000)}")
        try:
            db.execute(_HOLD, (boot,))
        except psycopg.errors.LockNotAvailable:
            db.script("rollback to held")
            if db.execute(_LAPSED, (boot,)).fetchone() is not None:
                db.execute(_HELD_BY, (PROGRAM, boot)).fetchall()
                db.execute(_HOLD, (boot,))
        return db.execute(f"select {TIME}").fetchone()[0] if self._has_clock else None

    def end(self, db: PostgresConnection, boot: int | None) -> None:
        """In a transaction: this boot writes nothing more after it; None: no other."""
        if boot is None:
            db.execute("update writer set ended = true where nonce <> ? and boot is not null", (self._nonce,))
        else:
            db.execute("update writer set ended = true where boot = ?", (boot,))

    def forget(self, db: PostgresConnection) -> None:
        """Outside of a transaction: a writer without a boot leaves nothing behind."""
        db.execute("delete from writer where nonce = ? and boot is null", (self._nonce,))
