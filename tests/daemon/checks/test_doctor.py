"""`hermes-trio doctor`: what is wrong is said with what helps, and a report holds nobody's words."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from contextlib import closing

import pytest
import trio

from hermes_trio.processes.environment import BOOT
from tests.fakes.model_script import Item

ADA = 42
NAME, WORDS, SECRET, PROMPT = "Adelaide", "zebra crossing at dawn", "sk-a-very-secret-key", "You are Quentin"


async def examined(place, *words, **more):
    """The exit code, and what was found by area."""
    done = await place.hermes("doctor", "--json", *words, **{**place.environ, **more})
    assert SECRET not in done.stdout + done.stderr
    assert place.bot.token not in done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    found = {}
    for one in json.loads(done.stdout):
        found.setdefault(one["area"], []).append(one)
    return done.returncode, found


def bad(found):
    return {area: [one["line"] for one in all_ if not one["good"]] for area, all_ in found.items()}


async def test_a_daemon_that_is_well(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA)
        code, found = await examined(place)
        assert (code, {area: lines for area, lines in bad(found).items() if lines}) == (0, {})
        assert found.keys() == {
            *("versions", "config", "modes", "online", "clock", "disk", "stop", "daemon", "store"),
            *("lives", "failures", "orphans", "keys"),
        }
        assert found["daemon"][0]["line"].startswith(f"pid {daemon.pid}, up ")
        whole, rows = found["store"]
        assert "hermes.db: whole, " in whole["line"]
        assert "1 of inbound since 20" in rows["line"]
        assert await daemon.stop() == 0


async def test_before_the_first_start_nothing_is_wrong_and_nothing_is_made(place):
    code, found = await examined(place, "--offline")
    assert code == 0
    assert "online" not in found
    assert found["store"][0]["line"].endswith("hermes.db is not there yet")
    assert not place.state_dir.exists()
    assert place.model.calls == []


async def test_a_wrong_configuration_hides_neither_the_daemon_nor_the_store(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        config = place.home / "hermes.toml"
        config.write_text(config.read_text() + "colour = 1\n")
        code, found = await examined(place)
        assert code == 1
        assert "unknown key" in bad(found)["config"][0]
        assert found["daemon"][0]["good"]
        assert "whole" in found["store"][0]["line"]


async def test_modes_are_told_with_the_command_and_mended_when_asked(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        assert await daemon.stop() == 0
    config = place.home / "hermes.toml"
    (place.home / "key").write_text(SECRET)
    config.write_text(config.read_text().replace("env:MODEL_KEY", "file:key"))
    wide = {place.home / "key": 0o644, config: 0o666, place.state_dir: 0o755}
    for path, mode in wide.items():
        path.chmod(mode)
    code, found = await examined(place, "--offline")
    assert code == 1
    told = {one["mend"] for one in found["modes"]}
    assert told == {
        f"chmod 640 {place.home / 'key'}",
        f"chmod 644 {config}",
        f"chmod 700 {place.state_dir}",
    }
    code, found = await examined(place, "--offline", "--fix")
    assert code == 0
    assert all("; mended: chmod " in one["line"] for one in found["modes"])
    assert [stat.S_IMODE(path.stat().st_mode) for path in wide] == [0o640, 0o644, 0o700]
    code, found = await examined(place, "--offline")
    assert code == 0


async def test_what_a_killed_setup_left_is_told_and_removed_when_asked(place):
    left = [place.home / name for name in (".telegram.token.new", ".model.key.new", ".hermes.toml.new")]
    others = [place.home / name for name in (".mine.new", "telegram.token.new", ".telegram.my.own.new")]
    for path in (*left, *others):
        path.write_text(SECRET)
        path.chmod(0o600)
        os.utime(path, (0, 0))
    written_now = place.home / ".telegram.other.new"
    written_now.write_text(SECRET)
    code, found = await examined(place, "--offline")
    assert code == 1
    assert {one["mend"] for one in found["setup"]} == {f"rm {path}" for path in left}
    assert all(path.exists() for path in left)
    code, found = await examined(place, "--offline", "--fix")
    assert code == 0
    assert all("; mended: rm " in one["line"] for one in found["setup"])
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in (*others, written_now))
    assert "setup" not in (await examined(place, "--offline"))[1]


async def test_what_lies_in_the_state_dir_and_is_not_the_gateway_s_is_told_and_let_be(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        (place.state_dir / "hermes.log.1").touch(0o600)
        (place.state_dir / "websocket.token").touch(0o600)
        assert "strays" not in (await examined(place, "--offline"))[1]
        strays = ["notes.txt", "old.db"]
        for name in strays:
            (place.state_dir / name).touch(0o600)
        code, found = await examined(place, "--offline", "--fix")
        assert code == 0
        line = f"{place.state_dir} holds what is not the gateway's: notes.txt, old.db"
        assert [one["line"] for one in found["strays"]] == [line]
        assert all((place.state_dir / name).exists() for name in strays)
        for n in range(9):
            (place.state_dir / f"old.{n}.db").touch(0o600)
        code, found = await examined(place, "--offline")
        assert found["strays"][0]["line"].endswith("old.3.db, 6 more")
        assert await daemon.stop() == 0


async def test_a_store_that_is_broken(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA)
        assert await daemon.stop() == 0
    store = place.state_dir / "hermes.db"
    raw = bytearray(store.read_bytes())
    raw[4096 * 3 : 4096 * 6] = b"\xa5" * 4096 * 3
    store.write_bytes(raw)
    code, found = await examined(place, "--offline")
    assert code == 1
    assert str(store) in bad(found)["store"][0]


async def test_lives_that_ended_badly_and_a_message_that_failed(place):
    for _ in range(3):
        async with place.daemon() as daemon:
            await daemon.ready()
            await daemon.kill()
    async with place.daemon() as daemon:
        await daemon.ready()
        place.model.default = Item(status=400, body={"error": {"message": WORDS}})
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA)
        code, found = await examined(place, "--offline")
        assert code == 1
        assert bad(found)["lives"] == ["3 of the last lives were killed or fell"]
        (failure,) = found["failures"]
        assert failure["line"].startswith("1 of the messages failed, last on 20")
        assert failure["mend"] == "hermes-trio turn 1"
        place.model.default = Item(text="Here I am.")
        place.bot.push(ADA, "hello?")
        await place.bot.wait_sent(ADA, 2)
        code, found = await examined(place, "--offline")
        (failure,) = found["failures"]
        assert failure["good"]
        assert failure["line"].endswith("; others were answered since")
        assert await daemon.stop() == 0


async def test_a_program_that_an_earlier_life_left_behind(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        assert await daemon.stop() == 0
    with sqlite3.connect(place.state_dir / "hermes.db") as db:
        ((mark,),) = db.execute("select mark from mark")
    db.close()
    environ = {BOOT: f"{mark}.1", "PATH": "/usr/bin:/bin"}
    left = await trio.lowlevel.open_process(["sleep", "60"], env=environ)
    try:
        code, found = await examined(place, "--offline")
        assert code == 1
        assert found["orphans"][0]["mend"] == f"kill {left.pid}"
    finally:
        left.kill()
        with trio.move_on_after(5, shield=True):
            await left.wait()


async def test_a_report_holds_no_secret_and_no_word_of_anybody(place):
    place.configure(f'[agent]\nprompt = "{PROMPT}"\n')
    async with place.daemon() as daemon:
        await daemon.ready()
        place.model.push(Item(text=f"{WORDS}, indeed"))
        place.bot.push(ADA, f"{NAME} says {WORDS}")
        await place.bot.wait_sent(ADA, 1)
        place.model.default = Item(status=400, body={"error": {"message": f"no {WORDS}"}})
        place.bot.push(ADA, f"{NAME} says {WORDS}")
        await place.bot.wait_sent(ADA, 2)
        place.model.default = Item(status=401, body={"error": {"message": f"{WORDS} {SECRET}"}})
        file = place.home / "report.json"
        done = await place.hermes("doctor", "--bundle", file, **place.environ)
        assert done.returncode == 1
        assert await daemon.stop() == 0
    text = file.read_text()
    secrets = (SECRET, place.bot.token, PROMPT, "Quentin")
    for canary in (NAME, WORDS, "zebra", *secrets, str(place.home), place.model_url):
        assert canary not in text, canary
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    told = json.loads(text)
    assert told["versions"]["hermes-trio"]
    assert told["store"]["outcomes"]["answered"] == 1
    assert told["store"]["outcomes"]["failed"] == 1
    assert told["config"]["accounts"][0]["allow_users"] == "1 of them"
    assert told["config"]["agent"]["prompt"] == "set"
    assert "online" in told["wrong"]


async def test_a_report_replaces_no_file(place):
    file = place.home / "report.json"
    file.write_text("mine")
    done = await place.hermes("doctor", "--offline", "--bundle", file, **place.environ)
    assert done.returncode == 1
    assert done.stderr == f"hermes-trio: {file}: File exists\n"
    assert file.read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_a_file_that_root_has_left_in_another_user_s_folder(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        assert await daemon.stop() == 0
    os.chown(place.state_dir / "lock", 65534, -1)
    code, found = await examined(place, "--offline")
    assert code == 1
    assert found["modes"][0]["mend"] == f"chown 0 {place.state_dir / 'lock'}"
    code, found = await examined(place, "--offline", "--fix")
    assert code == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_a_folder_or_a_secret_that_is_another_users_is_told_and_the_rest_keeps_its_owner(place):
    """The folder alone is another's: taken for the owner's, it would have given away all that lies in it."""
    async with place.daemon() as daemon:
        await daemon.ready()
        assert await daemon.stop() == 0
    key = place.home / "key"
    key.write_text(SECRET)
    key.chmod(0o600)
    config = place.home / "hermes.toml"
    config.write_text(config.read_text().replace("env:MODEL_KEY", "file:key"))
    for path in (key, place.state_dir):
        os.chown(path, 65534, -1)
    place.home.chmod(0o777)
    code, found = await examined(place, "--offline")
    assert code == 1
    assert [one["mend"] for one in found["modes"]] == [
        f"chmod 755 {place.home}",
        f"chown 0 {key}",
        f"chown 0 {place.state_dir}",
    ]
    code, found = await examined(place, "--offline", "--fix")
    assert code == 0
    assert {path.stat().st_uid for path in (key, place.state_dir, *place.state_dir.iterdir())} == {0}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root looks into what is another's")
async def test_root_is_told_whose_the_daemon_is(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        assert await daemon.stop() == 0
    for path in (place.state_dir, *place.state_dir.iterdir()):
        os.chown(path, 65534, -1)
    code, found = await examined(place, "--offline")
    assert code == 0
    assert (
        "is the user nobody's: the daemon and its commands run as that user alone"
        in (found["modes"][1]["line"])
    )
    done = await place.hermes("status")
    assert done.returncode == 78
    assert "belongs to another user, nobody: the daemon and its commands run as that user" in done.stderr
    assert "sudo -u nobody hermes-trio" in done.stderr


async def test_a_store_that_is_refused_is_told_once_and_its_mend_is_on_the_page(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        assert await daemon.stop() == 0
    with closing(sqlite3.connect(place.state_dir / "hermes.db")) as db:
        db.execute("pragma user_version = 99")
    code, found = await examined(place, "--offline")
    assert code == 1
    assert "made by a newer hermes-trio (version 99" in bad(found)["store"][0]
    assert [area for area, lines in bad(found).items() if lines] == ["store"]
    assert found["store"][0]["mend"] == "docs/operate.md#a-store-that-is-refused"
