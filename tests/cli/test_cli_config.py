"""What is wrong is said on standard error, with exit code 78, before anything is opened or made."""

from __future__ import annotations

import subprocess

import pytest
import trio

ASKING = ["status", "ledger", "sessions", "stop", "reset", "restart"]
COMMANDS = ["run", "chat", "check", *ASKING, "keys", "resume", "simulate", "export"]


async def test_a_wrong_key_is_named_with_file_line_and_the_nearest_valid_key(run, tmp_path):
    (tmp_path / "hermes.toml").write_text("[gateway]\nqueue_maxx = 3\n")
    with trio.fail_after(2):
        done = await run("run")
    assert done.returncode == 78
    assert done.stdout == ""
    assert f"{tmp_path}/hermes.toml:2: gateway.queue_maxx" in done.stderr
    assert "queue_max" in done.stderr
    assert not (tmp_path / ".local").exists()


@pytest.mark.parametrize("command", [["check"], ["run"], ["chat"], ["status"], ["export", "1"]])
async def test_a_configuration_of_the_folder_one_stands_in_is_not_read(run, tmp_path, command):
    (tmp_path / "hermes.toml").write_text('[gateway]\nstate_dir = "theirs"\nqueue_maxx = 3\n')
    done = await run(*command, HERMES_TRIO_CONFIG="", OPENAI_API_KEY="")
    assert done.stderr.count(f"hermes-trio: {tmp_path}/hermes.toml is not read, since nobody named it") == 1
    assert "queue_maxx" not in done.stderr
    assert not (tmp_path / "theirs").exists()


async def test_a_file_that_was_named_must_exist(run, tmp_path):
    for arguments, environ in ((["--config", "no.toml"], {}), ([], {"HERMES_TRIO_CONFIG": "no.toml"})):
        done = await run("check", *arguments, **environ)
        assert done.returncode == 78
        assert f"{tmp_path}/no.toml: cannot be read" in done.stderr


async def test_run_with_neither_platform_nor_terminal_is_refused(run):
    done = await run("run", stdin=subprocess.DEVNULL)
    assert done.returncode == 78
    assert "no terminal" in done.stderr


async def test_a_state_dir_that_cannot_be_made_is_refused(run, tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "hermes.toml").write_text('[gateway]\nstate_dir = "file"\n')
    done = await run("chat")
    assert done.returncode == 78
    assert f"{tmp_path}/file" in done.stderr


async def test_check_says_what_a_right_configuration_means(run, tmp_path):
    (tmp_path / "hermes.toml").write_text(
        '[gateway]\nstate_dir = "state"\n[model]\nprovider = "echo"\n[platforms.telegram]\n'
        'token = "env:BOT_TOKEN"\nallow_users = ["*"]\n'
    )
    done = await run("check", BOT_TOKEN="123456789:AAsecretsecretsecretsecretsecret")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{tmp_path}/hermes.toml: right",
        f"state_dir: {tmp_path}/state",
        "model: echo, which is no model: it says back what is written to it, for a first try",
        "tools: now, sleep",
        "commands: /help, /new, /reset, /queue, /restart, /resume, /start, /status, /steer, /stop",
        "account: telegram/main: ANYBODY may speak",
        "a stop takes at most 32 s",
    ]
    assert not (tmp_path / "state").exists()


async def test_check_says_which_keys_of_a_right_configuration_do_nothing(run, tmp_path):
    (tmp_path / "hermes.toml").write_text(
        '[model]\nprovider = "echo"\n[session]\nidle_after_s = 60\n[platforms.websocket]\n'
    )
    done = await run("check")
    assert 'weak: session.idle_after_s: does nothing while session.reset is "none", not "idle"' in done.stdout
    (tmp_path / "hermes.toml").write_text(
        '[model]\nprovider = "echo"\n[session]\nreset = "both"\nidle_after_s = 60\n[platforms.websocket]\n'
    )
    assert "does nothing" not in (await run("check")).stdout


async def test_without_a_configuration_check_says_what_writes_one(run):
    assert "hermes-trio setup writes one" in (await run("check")).stdout


async def test_asking_a_daemon_needs_none_of_its_secrets(run, tmp_path):
    (tmp_path / "hermes.toml").write_text(
        '[gateway]\nstate_dir = "state"\n[platforms.telegram]\ntoken = "env:NOT_SET"\n'
    )
    assert (await run("check")).returncode == 78
    assert (await run("status")).returncode == 0


async def test_help_names_every_command_and_imports_no_loop(run, imported):
    done = await run("--help")
    assert done.returncode == 0
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    assert not await imported("--help") & {"trio", "httpx", "msgspec", "rich", "structlog", "sqlite3"}


async def test_asking_a_daemon_imports_no_loop_either(imported):
    assert not await imported("status") & {"trio", "httpx", "structlog"}
