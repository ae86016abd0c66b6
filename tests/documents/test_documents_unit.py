"""The systemd unit: what it says agrees with the program, and systemd takes it."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from hermes_trio.cli import commands as cli
from hermes_trio.config import load
from hermes_trio.daemon import life
from hermes_trio.daemon.service.files import Service, unit_text
from hermes_trio.errors import ConfigWrong, StoreRefused
from tests.documents import pages
from tests.documents.conftest import HERMES

UNIT = pages.ROOT / "docs" / "deploy" / "hermes-trio.service"
MORE_S = 10


def settings():
    """Each key with its values, in order."""
    found = {}
    for line in UNIT.read_text().splitlines():
        key, is_setting, value = line.partition("=")
        if is_setting and not line.startswith(("#", "[")):
            found.setdefault(key, []).append(value)
    return found


SERVICE = Service(
    program=("/opt/hermes-trio/.venv/bin/hermes-trio",),
    config="/etc/hermes-trio/hermes.toml",
    secrets="/etc/hermes-trio/secrets.env",
    state_dir="/var/lib/hermes-trio",
    stop_s=32.0,
    drain_s=20.0,
    run_as="hermes-trio",
)


def test_it_is_what_service_install_writes():
    assert UNIT.read_text() == unit_text(SERVICE)


def test_it_waits_longer_than_a_stop_takes():
    default = load.load(None, environ={"HOME": "/home/ada"})
    assert float(settings()["TimeoutStopSec"][0]) == default.stop_s + MORE_S
    assert f"at most {default.stop_s:g} s" in UNIT.read_text()
    assert f"drain_timeout_s of {default.gateway.drain_timeout_s:g}" in " ".join(UNIT.read_text().split())


def test_it_starts_again_what_asks_for_it_and_nothing_that_is_wrong():
    told = settings()
    assert told["Restart"] == ["on-failure"]
    assert told["RestartForceExitStatus"] == [str(life.RESTART)]
    assert told["RestartPreventExitStatus"] == [str(ConfigWrong.exit_code)] == [str(StoreRefused.exit_code)]


def test_it_is_told_when_the_daemon_is_ready_and_that_it_lives():
    told = settings()
    assert told["Type"] == ["notify"]
    assert "NotifyAccess" not in told  # of a notify service the main process is heard, which is what tells
    # Longer than the loop may be busy, and each part of a stop is shorter than the whole.
    assert float(told["WatchdogSec"][0]) >= 60
    assert float(told["TimeoutStartSec"][0]) >= 2 * float(told["WatchdogSec"][0])


def test_it_starts_the_daemon_as_its_command_line_is():
    [start] = settings()["ExecStart"]
    program, name, *arguments = start.split()
    assert program.endswith("/bin/hermes-trio")
    cli.commands[name].make_context(name, arguments)


def test_its_folder_is_the_one_of_the_sample():
    sample = pages.ROOT / "docs" / "hermes.toml"
    assert f'state_dir = "/var/lib/{settings()["StateDirectory"][0]}"' in sample.read_text()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_systemd_takes_it(tmp_path):
    [start] = settings()["ExecStart"]
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(start.split()[0], str(HERMES)))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
