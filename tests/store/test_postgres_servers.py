"""What a PostgreSQL server has to be: it keeps what it says is kept, and is reached as the url says."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from hermes_trio.errors import StoreFailed, StoreRefused
from hermes_trio.store.postgres.schema import connect
from tests.postgres_server import open_server, programs
from tests.store.shared_postgres import a_schema


@pytest.mark.parametrize(
    "says",
    [
        "alter role hermes set synchronous_commit = off",
        "alter database postgres set synchronous_commit = off",
    ],
)
def test_a_server_that_says_so_before_it_is_kept_is_refused_however_that_is_set(running, says):
    with psycopg.connect(running, autocommit=True) as db:
        db.execute(says)
    try:
        with pytest.raises(StoreRefused, match="synchronous_commit = off: it may lose"):
            connect(a_schema(running))
    finally:
        with psycopg.connect(running, autocommit=True) as db:
            db.execute(says.replace("set synchronous_commit = off", "reset synchronous_commit"))


def test_a_server_that_does_not_wait_for_its_disk_is_refused(running):
    with open_server(programs(), "fsync=off") as server:
        with pytest.raises(StoreRefused, match="fsync = off"):
            connect(server.url())


# --- TLS


def a_certificate(folder, name):
    """A certificate that signs itself, and its key."""
    cert, key = folder / f"{name}.crt", folder / f"{name}.key"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    run = ["openssl", *words, "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", cert]
    subprocess.run(run, check=True, capture_output=True)
    return cert, key


def a_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def speaks_tls():
    """Whether the server that is here was built with TLS."""
    config = programs() and programs() / "pg_config"
    if not config or not config.exists():
        return False
    return "openssl" in subprocess.check_output([config, "--configure"], text=True)


TLS = pytest.mark.skipif(
    not shutil.which("openssl") or not speaks_tls(), reason="needs openssl, and a server with TLS"
)


@TLS
def test_the_url_says_how_the_server_is_to_prove_who_it_is():
    port = a_port()
    with tempfile.TemporaryDirectory(prefix="hermes-tls-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (cert, key), (other, _) = a_certificate(folder, "server"), a_certificate(folder, "other")
        if os.geteuid() == 0:
            shutil.chown(key, "nobody")
        tls = f"ssl_cert_file={cert}", f"ssl_key_file={key}"
        with open_server(programs(), "ssl=on", "listen_addresses=localhost", f"port={port}", *tls):
            url = f"postgresql://hermes@localhost:{port}/postgres?sslmode=verify-full&sslrootcert="
            with closing(connect(f"{url}{cert}")) as db:
                mine = "select ssl from pg_stat_ssl where pid = pg_backend_pid()"
                assert db.execute(mine).fetchone() == (True,)
            with pytest.raises(StoreFailed, match="certificate verify failed"):
                connect(f"{url}{other}")


# --- poolers


@contextmanager
def a_pooler(server, mode):
    """The url of a database behind pgbouncer."""
    port = a_port()
    (server.folder / "pgbouncer.ini").write_text(
        f"[databases]\npostgres = host={server.folder} user=hermes\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = any\npool_mode = {mode}\nunix_socket_dir =\n"
        "ignore_startup_parameters = extra_float_digits\n"
    )
    run = [shutil.which("pgbouncer", path="/usr/sbin:/usr/bin"), server.folder / "pgbouncer.ini"]
    with subprocess.Popen(
        run, user="nobody" if os.geteuid() == 0 else None, stderr=subprocess.PIPE, text=True
    ) as pooler:
        try:
            for line in pooler.stderr:
                if "process up" in line:
                    break
            yield f"postgresql://hermes@127.0.0.1:{port}/postgres"
        finally:
            pooler.kill()


@pytest.mark.skipif(not shutil.which("pgbouncer", path="/usr/sbin:/usr/bin"), reason="needs pgbouncer")
@pytest.mark.parametrize(
    ("mode", "why"),
    [
        ("transaction", "a pooler of transactions stands before"),
        ("statement", "statement pooling"),
        ("session", ""),
    ],
)
def test_a_pooler_of_transactions_is_refused_and_one_of_sessions_is_not(mode, why):
    with open_server(programs()) as server, a_pooler(server, mode) as url:
        if mode == "session":
            connect(url).close()
        else:
            with pytest.raises((StoreRefused, StoreFailed), match=why):
                connect(url)
