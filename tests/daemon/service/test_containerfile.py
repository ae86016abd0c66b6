"""The Containerfile: an image whose daemon is not root, says how it is, and stops when it is told to."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
import trio

from tests.daemon.process import program
from tests.daemon.service.containerfile import BESIDE, FILE, UNSHARE, Root, stages
from tests.fakes.model_script import Item

ADA = 42


def made():
    """Whether roots can be made here."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode == 0


needs_root = pytest.mark.skipif(not made(), reason="no root of its own can be made here: it takes root")


def test_what_runs_is_not_root_has_no_shell_and_holds_no_secret():
    last = stages()[-1]
    user, _, group = last.one("USER").partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert last.start == ["/opt/hermes-trio/bin/hermes-trio", "run"]
    assert last.health[0] == last.start[0]
    assert last.one("STOPSIGNAL") == "SIGTERM"
    assert last.one("VOLUME") == "/var/lib/hermes-trio"
    assert not [name for name in last.environ if "KEY" in name or "TOKEN" in name]
    assert len({stage.image for stage in stages()}) == 1
    assert "latest" not in FILE.read_text()


@needs_root
async def test_each_step_makes_a_daemon_that_is_well_answers_and_stops(place):
    roots = {}
    for stage in stages():
        root = Root(place.home / f"root{len(roots)}")
        await trio.to_thread.run_sync(root.build, stage, roots)
        roots[stage.name] = root
    config = root.folder / "etc/hermes-trio/hermes.toml"
    config.parent.mkdir()
    config.write_text((place.home / "hermes.toml").read_text().replace('state_dir = "state"\n', ""))
    config.chmod(0o644)
    environ = {"PYTHONPATH": BESIDE, **stage.environ, **place.environ}
    user = stage.one("USER")

    async def health():
        asked = root.command(stage.health, stage.environ | {"PYTHONPATH": BESIDE}, user)
        done = await trio.run_process(asked, capture_stdout=True, capture_stderr=True, check=False)
        return done.returncode

    assert await health() == 1
    async with program(*root.command(stage.start, environ, user), home=place.home) as daemon:
        await daemon.until_said("ready", within_s=20)
        assert await health() == 0
        place.model.push(Item(text="hello Ada"))
        place.bot.push(ADA, "hello")
        assert await place.bot.wait_sent(ADA) == ["hello Ada"]
        store = root.folder / "var/lib/hermes-trio/hermes.db"
        assert f"{store.stat().st_uid}:{store.stat().st_gid}" == user
        inside = await trio.run_process(["pgrep", "-P", str(daemon.pid)], capture_stdout=True)
        first = inside.stdout.decode().strip()
        await trio.run_process(["kill", "-TERM", first])
        assert await daemon.ends() == 0
    assert await health() == 1
