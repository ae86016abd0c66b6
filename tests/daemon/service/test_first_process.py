"""The daemon as PID 1 of a container: orphans are reaped, and nobody notices that it has a parent."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess

import pytest
import trio

from tests.fakes.model_script import Call, Item

CONTAINER = ("unshare", "--pid", "--fork", "--kill-process", "--mount-proc")
LEAVES_ORPHANS = (
    "for n in 1 2 3; do (env -i setsid sleep 0.2 >/dev/null 2>&1 &); (sleep 0.2 &); done;"
    " sleep 1; grep -s '^State' /proc/[0-9]*/status | grep -c Z; tr '\\0' '\\n' </proc/1/environ"
)


@pytest.fixture
def contained(place):
    """The daemon as PID 1, with a tool for programs."""
    tried = shutil.which("unshare") and subprocess.run([*CONTAINER, "true"], capture_output=True)
    if not tried or tried.returncode:
        pytest.skip("no pid namespace can be made here")
    place.configure('admins = [42]\n[tools]\nenable = ["terminal"]\nsandbox = "none"\n')
    return place.daemon(through=CONTAINER)


async def first_process(daemon):
    """The number that PID 1 has outside."""
    done = await trio.run_process(["pgrep", "-P", str(daemon.pid)], capture_stdout=True)
    return int(done.stdout)


async def test_every_orphan_is_reaped_without_group_or_mark_too_and_pid_one_shows_no_secret(place, contained):
    orphans = Call("terminal", json.dumps({"command": LEAVES_ORPHANS}))
    place.model.push(Item(calls=[orphans]), Item(text="Done."))
    async with contained as daemon:
        ready = await daemon.ready()
        place.bot.push(42, "go")
        await place.bot.until(lambda: place.bot.texts(42))
        printed = json.loads(place.model.calls[-1].messages[-1]["content"])["output"]
        zombies, *environment = printed.splitlines()
        assert zombies == "0"
        assert not [line for line in environment if "secret" in line or place.bot.token in line]
        assert ready["pid"] != "1"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_is_passed_on_once_and_its_code_is_the_daemons(contained, number):
    async with contained as daemon:
        await daemon.ready()
        await trio.run_process(["kill", f"-{int(number)}", str(await first_process(daemon))])
        assert await daemon.ends() == 0
        assert [line["why"] for line in daemon.said("stopping")] == ["signal"]
        assert daemon.said("stopped")


async def test_a_wrong_configuration_is_the_containers_end_with_78(place, contained):
    (place.home / "hermes.toml").write_text("nonsense = 1\n")
    async with contained as daemon:
        assert await daemon.ends() == 78
