"""What others of the machine can do to a daemon: neither write its folder nor read its secrets."""

from __future__ import annotations

import os
import sys

import pytest
import trio

from tests.daemon.process import environ_of


@pytest.mark.parametrize(
    ("name", "mode"), [("", 0o777), ("", 0o775), ("hermes.db", 0o666), ("websocket.port", 0o662)]
)
async def test_a_state_dir_that_others_may_write_is_refused_with_the_mend(place, name, mode):
    path = place.home / "state" / name
    place.state_dir.mkdir()
    if name:
        path.write_bytes(b"")
    path.chmod(mode)
    for command in ("run", "chat"):
        done = await place.hermes(command, **place.environ)
        assert done.returncode == 78
        assert f"{path}: others may write there (mode {mode:04o}): chmod go-w {path}" in done.stderr
    assert f"weak: {path}: others may write there" in (await place.hermes("check", **place.environ)).stdout
    path.chmod(mode & 0o755)
    assert "weak" not in (await place.hermes("check", **place.environ)).stdout


async def test_files_of_conversations_stand_where_nobody_else_may_write(place):
    path = place.home / "state" / "workspaces"
    place.state_dir.mkdir()
    path.mkdir()
    path.chmod(0o777)
    done = await place.hermes("run", **place.environ)
    assert done.returncode == 78
    assert f"{path}: others may write there (mode 0777): chmod go-w {path}" in done.stderr
    assert f"weak: {path}: others may write there" in (await place.hermes("check", **place.environ)).stdout
    path.chmod(0o755)
    assert "weak" not in (await place.hermes("check", **place.environ)).stdout


async def test_a_state_dir_that_is_a_link_is_as_safe_as_where_it_leads(place):
    shared = place.home / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    (place.home / "state").symlink_to(shared)
    done = await place.hermes("run", **place.environ)
    assert done.returncode == 78
    assert f"{place.home / 'state'}: others may write there (mode 0777)" in done.stderr
    shared.chmod(0o755)
    assert "weak" not in (await place.hermes("check", **place.environ)).stdout


@pytest.mark.parametrize(
    "command", [("status",), ("ledger",), ("sessions",), ("keys",), ("export", 1), ("stop", 1)]
)
async def test_whoever_looks_from_outside_follows_no_link_either(place, command):
    place.state_dir.mkdir()
    (place.state_dir / "hermes.db").symlink_to(place.home / "another.db")
    done = await place.hermes(*command, **place.environ)
    assert (done.returncode, done.stdout) == (78, "")
    assert f"{place.home / 'state' / 'hermes.db'}: is no file of this folder" in done.stderr


def lead_elsewhere(path, outside):
    path.symlink_to(outside)


def be_a_pipe(path, _):
    os.mkfifo(path)


@pytest.mark.parametrize("make", [lead_elsewhere, be_a_pipe])
@pytest.mark.parametrize("name", ["hermes.db", "hermes.db-wal", "hermes.log", "lock", "websocket.desk.token"])
async def test_what_leads_out_of_the_state_dir_is_refused_and_nothing_is_written_there(place, name, make):
    outside = place.home / "outside"
    place.state_dir.mkdir()
    make(place.state_dir / name, outside)
    done = await place.hermes("run", **place.environ)
    assert done.returncode == 78
    assert f"{place.home / 'state' / name}: is no file of this folder" in done.stderr
    assert not outside.exists()


async def test_a_store_that_is_no_file_is_not_waited_for(place):
    place.state_dir.mkdir()
    os.mkfifo(place.state_dir / "hermes.db")
    done = await place.hermes("ledger", **place.environ)
    assert done.returncode != 0
    assert "hermes.db: is no file of this folder" in done.stderr


TELLS = """
import ctypes, os, resource, pathlib
from hermes_trio.config.load import load
from hermes_trio.daemon.run import _keep_to_oneself
whole = _keep_to_oneself(load(pathlib.Path("hermes.toml"), environ=os.environ))
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE))
print("MODEL_KEY" in os.environ, "BOT_TOKEN" in os.environ, "MODEL_KEY" in whole, "HOME" in os.environ)
try:
    shown = pathlib.Path("/proc/self/environ").read_bytes()
except PermissionError:
    shown = b"HOME="
print(whole["MODEL_KEY"].encode() in shown, whole["BOT_TOKEN"].encode() in shown, b"HOME=" in shown)
"""


async def test_a_daemon_cannot_be_dumped_and_its_environment_is_rid_of_secrets(place):
    done = await trio.run_process(
        [sys.executable, "-c", TELLS],
        capture_stdout=True,
        cwd=place.home,
        env=environ_of(place.home, **place.environ),
    )
    assert done.stdout.decode().splitlines() == ["0 (0, 0)", "False False True True", "False False True"]
