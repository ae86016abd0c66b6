"""`hermes-trio service`: the daemon as a service of real supervisors, running, and taken out again."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio

from tests.daemon.process import HERMES, hermes
from tests.documents import pages
from tests.fakes import systemd

CONFIG = """
[gateway]
state_dir = "{home}/state"
drain_timeout_s = 5.0
[model]
provider = "echo"
[platforms.websocket]
"""
NOBODY = "root"  # a user that is there


@pytest.fixture
def home(tmp_path):
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "hermes.toml").write_text(CONFIG.format(home=tmp_path))
    return tmp_path


async def service(home, *words, **more):
    return await hermes("service", *words, "--config", home / "etc" / "hermes.toml", home=home, **more)


async def well(home, *words, **more):
    done = await service(home, *words, **more)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def until_up(home, up=True, within_s=20):
    with trio.fail_after(within_s):
        while True:
            done = await hermes("status", "--config", home / "etc" / "hermes.toml", home=home)
            if ("not running" not in done.stdout) == up and done.returncode == 0:
                return done.stdout
            await trio.sleep(0.1)


@asynccontextmanager
async def looking(*command):
    """A supervisor that looks through a folder, for as long as the block is open."""
    async with trio.open_nursery() as nursery:
        process = await nursery.start(partial(trio.run_process, command, check=False, capture_stderr=True))
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            with trio.move_on_after(10, shield=True):
                await process.wait()
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("way", "command"),
    [
        pytest.param(
            way,
            command,
            marks=pytest.mark.skipif(shutil.which(command) is None, reason=f"{way} is not installed"),
        )
        for way, command in (("runit", "runsvdir"), ("s6", "s6-svscan"))
    ],
)
async def test_a_real_supervisor_runs_it_begins_it_anew_and_lets_it_go(home, way, command):
    scan = home / "service"
    scan.mkdir()
    as_me = (f"--{way}", scan, "--run-as", NOBODY)
    async with looking(command, scan):
        await well(home, "install", *as_me)
        first = await until_up(home)
        folder = scan / "hermes-trio"
        assert sorted(each.name for each in scan.iterdir() if not each.name.startswith(".")) == [
            "hermes-trio"
        ]
        assert "run" in await well(home, "status", *as_me) or "up" in await well(home, "status", *as_me)
        log = folder / "log" / "main" / "current"
        with trio.fail_after(10):
            while not log.exists() or "event=ready" not in log.read_text():  # noqa: ASYNC110
                await trio.sleep(0.05)
        assert "event=ready" in await well(home, "logs", *as_me)

        await well(home, "install", *as_me)  # once more: it begins anew
        with trio.fail_after(20):
            while (await until_up(home)).split("up ")[0] == first.split("up ")[0]:  # noqa: ASYNC110
                await trio.sleep(0.1)

        assert "stopped" in await well(home, "stop", *as_me)
        assert "not running" in await until_up(home, up=False)
        assert await well(home, "start", *as_me) == "started\n"
        await until_up(home)

        (home / "etc" / "hermes.toml").write_text("[gateway]\nno = 1\n")  # what stops it needs none
        await well(home, "stop", *as_me)
        await well(home, "uninstall", *as_me)
        (home / "etc" / "hermes.toml").write_text(CONFIG.format(home=home))
        await until_up(home, up=False)
        assert not folder.exists()
        assert log.name not in [each.name for each in scan.rglob("*")]
    assert (home / "state" / "hermes.db").exists()
    assert (home / "etc" / "hermes.toml").exists()


@pytest.mark.parametrize(
    ("way", "command", "folder"),
    [("runit", "runsvdir", "/etc/service"), ("s6", "s6-svscan", "/run/service")],
)
async def test_the_steps_of_the_page_are_steps_that_work(home, way, command, folder):
    if shutil.which(command) is None:
        pytest.skip(f"{way} is not installed")
    page = "\n".join(block.text for block in pages.of("console") if block.page == "docs/service.md")
    lines = [line for line in page.splitlines() if f" --{way} {folder}" in line]
    assert len(lines) == 3
    scan = home / "service"
    scan.mkdir()
    async with looking(command, scan):
        for line in lines:
            words = shlex.split(line.replace(folder, str(scan)))[2:]
            assert words[0] == "service"
            await well(home, *words[1:], "--run-as", NOBODY)
            if words[1] == "install":
                await until_up(home)
                log = scan / "hermes-trio/log/main/current"
                with trio.fail_after(10):
                    while not log.exists():  # noqa: ASYNC110
                        await trio.sleep(0.05)
    await until_up(home, up=False)


@pytest.mark.skipif(shutil.which("runsvdir") is None, reason="runit is not installed")
async def test_a_configuration_that_has_become_wrong_is_not_tried_again_and_again(home):
    scan = home / "service"
    scan.mkdir()
    async with looking("runsvdir", scan):
        await well(home, "install", "--runit", scan, "--run-as", NOBODY)
        await until_up(home)
        (home / "etc" / "hermes.toml").write_text("[gateway]\nno = 1\n")
        await trio.run_process(["sv", "term", scan / "hermes-trio"], capture_stdout=True)
        with trio.fail_after(20):
            while (scan / "hermes-trio/supervise/stat").read_text().strip() != "down":  # noqa: ASYNC110
                await trio.sleep(0.1)
        (home / "etc" / "hermes.toml").write_text(CONFIG.format(home=home))
        await well(home, "install", "--runit", scan, "--run-as", NOBODY)  # it is right again: it runs again
        await until_up(home)
        await well(home, "uninstall", "--runit", scan)


@pytest.mark.skipif(shutil.which("sv") is None, reason="runit is not installed")
async def test_before_runit_has_looked_it_can_be_installed_again_and_taken_out(home):
    scan = home / "service"
    scan.mkdir()
    as_me = ("--runit", scan, "--run-as", NOBODY)
    first = await well(home, "install", *as_me)
    assert await well(home, "install", *as_me) == first
    for action in ("start", "stop", "status"):
        done = await service(home, action, *as_me)
        assert done.returncode == 1
        assert f"has not been started: runsvdir does not look through {scan}, or has not" in done.stderr
    done = await service(home, "logs", *as_me)
    assert f"log/main/current is not there: runsvdir does not look through {scan}, or has" in done.stderr
    await well(home, "uninstall", *as_me)
    assert list(scan.iterdir()) == []
    for action in ("start", "stop", "status", "logs", "uninstall"):
        done = await service(home, action, *as_me)
        assert done.returncode == 1
        assert done.stderr == f"hermes-trio: {scan}/hermes-trio is not there: nothing is installed\n"


@pytest.mark.skipif(shutil.which("runsvdir") is None, reason="runit is not installed")
async def test_when_runit_has_gone_it_can_be_installed_again_and_taken_out(home):
    scan = home / "service"
    scan.mkdir()
    as_me = ("--runit", scan, "--run-as", NOBODY)
    async with looking("runsvdir", scan):
        await well(home, "install", *as_me)
        await until_up(home)
        await trio.run_process(["sv", "-w", "20", "exit", scan / "hermes-trio"], capture_stdout=True)
        (scan / "hermes-trio").rename(home / "kept")
    (home / "kept").rename(scan / "hermes-trio")
    assert (scan / "hermes-trio/supervise/ok").exists()
    await well(home, "install", *as_me)
    await well(home, "uninstall", *as_me)
    assert list(scan.iterdir()) == []


@pytest.mark.skipif(shutil.which("s6-svscan") is None, reason="s6 is not installed")
async def test_before_s6_runs_it_can_be_installed_again_and_taken_out(home):
    scan = home / "service"
    scan.mkdir()
    as_me = ("--s6", scan, "--run-as", NOBODY)
    done = await service(home, "install", *as_me)
    assert done.returncode == 0, done.stderr
    assert f"s6-svscan does not run for {scan}: the service starts when it does" in done.stderr
    assert await well(home, "install", *as_me) == done.stdout
    async with looking("s6-svscan", scan):
        await until_up(home)
        await trio.run_process(["s6-svscanctl", "-t", scan])
        await until_up(home, up=False)
    await well(home, "uninstall", *as_me)
    assert list(scan.glob("hermes-trio*")) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs a service as somebody else")
@pytest.mark.parametrize("way", ["runit", "s6"])
async def test_a_program_that_the_services_user_may_not_run_is_not_installed(home, way):
    scan = home / "service"
    scan.mkdir()
    program = home / "closed" / "hermes-trio"
    program.parent.mkdir(mode=0o700)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    done = await service(home, "install", f"--{way}", scan, "--run-as", "nobody", "--program", program)
    assert done.returncode == 1
    assert f"the user nobody may not run {program}, or the Python behind it: install" in done.stderr
    assert list(scan.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs a service as somebody else")
async def test_a_program_that_fails_as_the_services_user_is_not_installed(home):
    scan = home / "service"
    scan.mkdir()
    words = ("--run-as", "nobody", "--program", "/usr/bin/false")
    done = await service(home, "install", "--runit", scan, *words)
    assert done.returncode == 1
    assert "as the user nobody: " in done.stderr
    assert list(scan.iterdir()) == []


@pytest.mark.parametrize("way", ["runit", "s6"])
async def test_a_user_that_is_not_there_is_made_first(home, way):
    """The fake useradd takes what it is asked and makes nobody, so the install ends behind it."""
    (home / "bin").mkdir()
    (home / "service").mkdir()
    program = home / "bin/useradd"
    program.write_text(f'#!/bin/sh\n[ "$1" = --help ] || echo "$@" > {home}/asked\n')
    program.chmod(0o755)
    words = ("install", f"--{way}", home / "service", "--run-as", "hermes-nobody")
    done = await service(home, *words, PATH=f"{home}/bin:/usr/bin:/bin")
    assert done.returncode == 1
    assert (home / "asked").read_text() == (
        f"--system --user-group --home-dir {home}/state --shell /usr/sbin/nologin hermes-nobody\n"
    )
    program.unlink()
    done = await service(home, *words, PATH=f"{home}/bin")
    assert done.stderr.startswith("hermes-trio: there is no user hermes-nobody, and no useradd to make one: ")
    assert list((home / "service").iterdir()) == []


async def test_a_user_s_systemd_runs_it_beyond_the_login(home):
    """With a fake of systemctl: systemd itself does not run in every place where tests do."""
    path = f"{systemd.put_in_place(home / 'bin')}:/usr/bin:/bin"
    said = await service(home, "install", "--user", PATH=path)
    assert said.returncode == 0, said.stderr
    assert "linger" not in said.stderr  # it was enabled, so that nobody has to
    assert (home / ".fake-systemd" / "linger").exists()
    try:
        assert "pid" in await until_up(home)
        assert "active (running)" in await well(home, "status", "--user", PATH=path)
        assert "event=ready" in await well(home, "logs", "--user", PATH=path)
        said = await well(home, "stop", "--user", PATH=path)
        assert said.endswith("or: hermes-trio service start --user\n")
        assert "inactive" in await well(home, "status", "--user", PATH=path)
        await well(home, "start", "--user", PATH=path)
        await until_up(home)
    finally:
        with trio.move_on_after(40, shield=True):
            await well(home, "uninstall", "--user", PATH=path)
    await until_up(home, up=False)
    assert list((home / ".config/systemd/user").glob("*.service")) == []


@pytest.mark.skipif(shutil.which("systemctl") is None, reason="there is no systemctl here")
async def test_into_a_clean_root_that_is_started_later(home):
    root = home / "root"
    for folder in ("etc/hermes-trio", "var/lib"):
        (root / folder).mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    for name in ("group", "shadow", "gshadow"):
        (root / "etc" / name).write_text("root:x:0:\n" if "group" in name else "root:*:1::::::\n")
    (root / "etc/hermes-trio/hermes.toml").write_text(CONFIG.format(home="/var/lib/hermes-trio"))
    words = ("--root", root, "--config", "/etc/hermes-trio/hermes.toml", "--program", "/opt/bin/hermes-trio")
    done = await hermes("service", "install", *words, home=home)
    assert done.returncode == 0, done.stderr
    unit = root / "etc/systemd/system/hermes-trio.service"
    assert "ExecStart=/opt/bin/hermes-trio run --config /etc/hermes-trio/hermes.toml\n" in unit.read_text()
    assert "TimeoutStopSec=27\n" in unit.read_text()
    assert "hermes-trio:x:" in (root / "etc/passwd").read_text()
    wanted = root / "etc/systemd/system/multi-user.target.wants/hermes-trio.service"
    assert wanted.is_symlink()
    done = await hermes("service", "uninstall", *words, home=home)
    assert done.returncode == 0, done.stderr
    assert not unit.exists()
    assert not wanted.is_symlink()


@pytest.mark.parametrize("scope", ["--system", "--user"])
@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
async def test_systemd_takes_what_is_printed(home, scope):
    odd = home / "a folder of 100%"
    (home / "etc").rename(odd)
    config = odd / "hermes.toml"
    said = await hermes(
        "service", "install", scope, "--print", "--program", HERMES, "--config", config, home=home
    )
    assert said.returncode == 0, said.stderr
    unit = home / "hermes-trio.service"
    unit.write_text(said.stdout)
    done = await trio.run_process(
        ["systemd-analyze", scope, "verify", unit],
        capture_stdout=True,
        capture_stderr=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "HOME": str(home), "XDG_RUNTIME_DIR": str(home)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


async def test_without_systemd_it_says_what_there_is_instead(home):
    (home / "bin").mkdir()
    for action in ("install", "start", "stop", "status", "logs"):
        done = await service(home, action, "--user", PATH=str(home / "bin"))
        assert done.returncode == 1
        assert done.stderr.startswith(
            "hermes-trio: systemd does not run here: of another supervisor name the folder that it looks "
            "through, as in hermes-trio service install --runit DIR"
        )
    assert not (home / ".config").exists()


async def test_what_somebody_else_made_is_left_as_it_is(home):
    scan = home / "service"
    (scan / "hermes-trio").mkdir(parents=True)
    (scan / "hermes-trio/run").write_text("#!/bin/sh\nexec mine\n")
    for action in ("install", "uninstall"):
        done = await service(home, action, "--runit", scan, "--run-as", NOBODY)
        assert done.returncode == 1
        assert "is somebody else's, so it is left as it is" in done.stderr
    assert (scan / "hermes-trio/run").read_text() == "#!/bin/sh\nexec mine\n"


async def test_where_its_user_keeps_everything_elsewhere_it_is_said_how_to_find_it(home):
    scan = home / "service"
    scan.mkdir()
    words = ("install", "--runit", scan, "--run-as", NOBODY)
    assert "below [gateway]" not in await well(home, *words)
    config = home / "etc/hermes.toml"
    config.write_text('[model]\nprovider = "echo"\n[platforms.websocket]\n')
    (scan / "hermes-trio").rename(home / "before")
    theirs = f"{pwd.getpwnam(NOBODY).pw_dir}/.local/state/hermes-trio"
    said = await well(home, *words)
    assert f'write state_dir = "{theirs}" below [gateway] in {config}' in said
    assert f"looks into {home}/.local/state/hermes-trio" in said


async def test_a_secret_that_only_this_shell_knows_is_asked_for_before_anything_is_written(home):
    config = home / "etc/hermes.toml"
    config.write_text('[model]\nkeys = ["env:A_KEY"]\n[platforms.websocket]\n')
    scan = home / "service"
    scan.mkdir()
    words = ("install", "--runit", scan, "--run-as", NOBODY, "--print")
    done = await service(home, *words, A_KEY="sk-0123456789")
    assert done.returncode == 78
    assert (
        f"a service has no shell's environment: write NAME=value into {home}/etc/secrets.env" in done.stderr
    )
    (home / "etc/secrets.env").write_text("# keys\nA_KEY='sk-0123456789'\n")
    done = await service(home, *words)
    assert done.returncode == 0
    assert "sk-0123456789" not in done.stdout + done.stderr
    assert list(scan.iterdir()) == []


async def test_a_configuration_in_a_home_is_no_service_of_the_system(home):
    done = await hermes(
        "service", "install", "--system", "--print", "--config", "/home/ada/x.toml", home=home
    )
    assert done.returncode == 78
