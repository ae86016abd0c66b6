"""Where the environment is odd a command works, or says in one line what is wrong. Never a traceback."""

from __future__ import annotations

import os

import pytest

from hermes_trio.config.load import find, load, user_folder
from hermes_trio.daemon.state_dir.folder import state_dir_of
from hermes_trio.errors import ConfigWrong
from tests.daemon.process import HERMES, program

COMMANDS = [["check"], ["status"], ["stop", "1"]]
ODD = {
    "nothing": ["env", "-i"],
    "HOME is nowhere": ["env", "-i", "HOME=/nonexistent"],
    "HOME is a file": ["env", "-i", "HOME=/etc/passwd"],
    "XDG is odd": ["env", "-i", "HOME=/nonexistent", "XDG_CONFIG_HOME=relative", "XDG_STATE_HOME=/dev/null"],
    "C locale": ["env", "LC_ALL=C", "PYTHONUTF8=0"],
    "no streams": ["sh", "-c", 'exec "$@" <&- >&-', "sh"],
    "a full output": ["sh", "-c", 'exec "$@" >/dev/full', "sh"],
    "no folder": ["sh", "-c", 'mkdir gone && cd gone && rmdir ../gone && exec "$@"', "sh"],
}


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD)
async def test_no_command_ends_in_a_traceback(tmp_path, odd):
    (tmp_path / "c.toml").write_text('[gateway]\nstate_dir = "state"\n[model]\nprovider = "echo"\n')
    for command in COMMANDS:
        named = [*command, "--config", str(tmp_path / "c.toml")]
        async with program(*ODD[odd], HERMES, *named, home=tmp_path) as done:
            code = await done.ends(within_s=20)
        assert code in (0, 1, 78), (named, code, done.text)
        assert "Traceback" not in done.text, done.text
        assert done.text.count("\n") <= 1, done.text


def test_a_byte_order_mark_is_no_part_of_a_configuration(tmp_path):
    text = '\ufeff[gateway]\nstate_dir = "state"\n[model]\nprovider = "echo"\n'
    (tmp_path / "c.toml").write_text(text, encoding="utf-8")
    assert load(tmp_path / "c.toml", environ={}).gateway.state_dir == tmp_path / "state"
    assert state_dir_of(tmp_path / "c.toml", {}) == tmp_path / "state"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_home_of_somebody_else_is_said():
    os.seteuid(65534)
    try:
        with pytest.raises(ConfigWrong, match="is HOME this user's"):
            find({"HOME": "/root"}, user_folder({"HOME": "/"}, "XDG_STATE_HOME", ""))
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_user_without_a_home_is_told_so(monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    ids = os.getresuid()
    os.setresuid(123456, 0, 0)
    try:
        with pytest.raises(ConfigWrong, match="set HOME or XDG_STATE_HOME"):
            user_folder({}, "XDG_STATE_HOME", ".local/state")
    finally:
        os.setresuid(*ids)
