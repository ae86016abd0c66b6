"""From `ready` to the exit code: what an operator's supervisor sees."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
from contextlib import closing, suppress

import pytest
import trio

from hermes_trio.daemon.control.requests import AskStatus, NobodyAnswers, ask
from tests.daemon.stuck import SHIELDS_ITSELF, Block
from tests.fakes.botapi import TOKEN
from tests.fakes.model_script import Call, Item

ADA = 42


async def test_ready_names_what_receives_once_and_a_message_is_answered(place):
    async with place.daemon() as daemon:
        ready = await daemon.ready()
        assert ready["receiving"] == "telegram/main"
        assert "failing" not in ready
        place.bot.push(ADA, "hello")
        assert await place.bot.wait_sent(ADA) == ["you said: hello"]
        assert await daemon.stop() == 0
    assert len(daemon.said("ready")) == 1
    assert daemon.said("stopped")[0]["code"] == "0"


async def test_a_refused_token_stops_that_account_only_and_visibly(place):
    place.bot.set_token("1:other")
    async with place.daemon() as daemon:
        ready = await daemon.ready()
        assert (ready["receiving"], ready["failing"]) == ("", "telegram/main")
        status = await place.hermes("status")
        assert "telegram/main  degraded: AccountRefused" in status.stdout
        assert daemon.process.returncode is None
        assert await daemon.stop() == 0


async def test_no_secret_is_in_the_log(place):
    place.model.push(Item(status=401, body={"error": {"message": "bad key sk-a-very-secret-key"}}))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, f"the token is {TOKEN}")
        await place.bot.wait_sent(ADA)
        await daemon.stop()
    assert daemon.said("key cooled down")
    assert "secret-key" not in daemon.text
    assert TOKEN not in daemon.text


async def test_a_daemon_whose_store_another_program_holds_answers_operators_and_stops_at_once(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        assert await daemon.stop() == 0
    with closing(sqlite3.connect(place.home / "state/hermes.db", isolation_level=None)) as other:
        other.execute("pragma journal_mode = delete")
        other.execute("begin exclusive")
        async with place.daemon() as daemon:
            assert "start" in (await answered(place.state_dir, AskStatus())).why
            assert not daemon.said("ready")
            assert await daemon.stop() == 0
    [stopping] = daemon.said("stopping")
    [stopped] = daemon.said("stopped")
    assert float(stopped["ts"]) - float(stopping["ts"]) < 2


async def answered(state_dir, request):
    """What the daemon answers as soon as it listens."""
    with trio.fail_after(8):
        while True:
            with suppress(NobodyAnswers):
                return await trio.to_thread.run_sync(ask, state_dir, request)


async def test_the_first_signal_lets_a_running_turn_finish(place):
    place.model.push(Item(text="done at last", hold=0))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await place.model.until_held()
        daemon.signal(signal.SIGINT)
        await daemon.until_said("checkpoint")
        assert daemon.process.returncode is None
        place.model.release()
        assert await daemon.ends() == 0
    assert place.bot.texts(ADA) == ["done at last"]


async def test_a_terminal_that_hangs_up_is_a_stop_as_asked(place):
    place.model.push(Item(text="done", hold=0))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await place.model.until_held()
        daemon.signal(signal.SIGHUP)
        await daemon.until_said("stopping")
        place.model.release()
        assert await daemon.ends() == 0
    assert place.bot.texts(ADA) == ["done"]


async def test_but_not_under_nohup(place):
    async with place.daemon(through=["/bin/sh", "-c", 'trap "" HUP; exec "$0" "$@"']) as daemon:
        await daemon.ready()
        daemon.signal(signal.SIGHUP)
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA)
        await place.hermes("restart")
        await daemon.until_said("ready", 2)
        daemon.signal(signal.SIGHUP)
        place.bot.push(ADA, "again")
        await place.bot.wait_sent(ADA, 2)
        assert await daemon.stop() == 0


async def test_the_second_signal_waits_for_no_turn_and_the_next_life_goes_on_with_it(place):
    place.model.push(Item(text="never", hold=0))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await place.model.until_held()
        daemon.signal()
        await daemon.until_said("checkpoint")
        daemon.signal()
        assert await daemon.ends(within_s=4) == 0
    async with place.daemon() as daemon:
        await daemon.ready()
        assert await place.bot.wait_sent(ADA) == ["you said: work"]


async def test_no_resume_closes_what_was_running(place):
    place.model.push(Item(text="never", hold=0))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await place.model.until_held()
        await daemon.kill()
    async with place.daemon("--no-resume") as daemon:
        await daemon.ready()
        await place.bot.wait_sent(ADA)
        ledger = await place.hermes("ledger", "--json")
        assert '"outcome": "failed"' in ledger.stdout
    assert len(place.model.calls) == 1


async def test_the_third_signal_ends_the_process_at_once(place):
    place.bot.hold_before("sendMessage", times=None)
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        await place.bot.wait_held("sendMessage")
        for count in (1, 2):
            daemon.signal()
            await daemon.until_said("stopping", 1)
            await trio.sleep(0.1 * count)  # two at once are one
        assert daemon.process.returncode is None
        daemon.signal()
        assert await daemon.ends(within_s=1) == 1


async def test_a_turn_that_never_ends_does_not_hold_the_stop(place):
    place.configure(drain_timeout_s=0.2)
    place.model.push(Item(text="never", hold=0))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await place.model.until_held()
        assert await daemon.stop() == 0
    assert float(daemon.said("stopping")[0]["within_s"]) == pytest.approx(12.2)


async def test_a_new_state_dir_is_its_owners_alone(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        assert stat.S_IMODE(place.state_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE((place.state_dir / "control.sock").stat().st_mode) == 0o600
        assert stat.S_ISSOCK((place.state_dir / "control.sock").stat().st_mode)
        await daemon.stop()
    assert not (place.state_dir / "control.sock").exists()


async def test_a_policy_that_is_open_to_anybody_is_visible(place):
    place.configure(allow_users='["*"]')
    async with place.daemon() as daemon:
        await daemon.ready()
        assert daemon.said("anybody may speak")[0]["account"] == "telegram/main"
        assert "ANYBODY may speak" in (await place.hermes("status")).stdout


async def test_a_platform_that_cannot_be_imported_hides_no_other(place, tmp_path):
    broken = tmp_path / "site" / "broken_chat-1.dist-info"
    broken.mkdir(parents=True)
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-chat\nVersion: 1\n")
    (broken / "entry_points.txt").write_text("[hermes_trio.platforms]\nbroken = not_there:adapter\n")
    place.configure("[platforms.broken]\n")
    path = os.pathsep.join([str(tmp_path / "site"), os.environ.get("PYTHONPATH", "")])
    async with place.daemon(PYTHONPATH=path) as daemon:
        ready = await daemon.ready()
        assert (ready["receiving"], ready["unavailable"]) == ("telegram/main", "broken")
        assert "not_there" in daemon.said("platform unavailable")[0]["why"]
        assert "pip install --upgrade broken-chat" in (await place.hermes("status")).stdout
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA)


@pytest.mark.parametrize(
    "content",
    [b"not a database, " * 64, b"SQLite format 3\0" + b"x" * 4096],
    ids=["no database", "corrupt"],
)
async def test_a_store_that_is_not_fit_is_refused_and_left_untouched(place, content):
    place.state_dir.mkdir()
    store = place.state_dir / "hermes.db"
    store.write_bytes(content)
    async with place.daemon() as daemon:
        assert await daemon.ends() == 78
        assert str(store) in daemon.text
        assert "left untouched" in daemon.text
        assert "Traceback" not in daemon.text
    assert store.read_bytes() == content


async def test_a_daemon_whose_log_nobody_reads_any_more_goes_on(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        await daemon.process.stderr.aclose()
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA)
        assert await daemon.stop() == 0


@pytest.mark.slow
async def test_a_loop_that_is_stuck_ends_within_the_worst_case_all_the_same(place, tmp_path):
    block = Block(tmp_path)
    place.configure('[tools]\nenable = ["block"]\n', drain_timeout_s=0.0)
    place.model.push(Item(calls=[Call("block")]))
    async with place.daemon(PYTHONPATH=block.path) as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await block.until_stuck()
        daemon.signal()
        assert await daemon.ends(within_s=13) == 1
    assert "block.py" in daemon.text


@pytest.mark.slow
async def test_a_tool_that_shields_itself_does_not_outlive_the_stop_of_its_daemon(place, tmp_path):
    block = Block(tmp_path, SHIELDS_ITSELF)
    place.configure('[tools]\nenable = ["block"]\n', drain_timeout_s=0.0)
    place.model.push(Item(calls=[Call("block")]))
    async with place.daemon(PYTHONPATH=block.path) as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await block.until_stuck()
        daemon.signal()
        assert (await daemon.until_said("left behind"))["key"] == "telegram/main/42"
        assert await daemon.ends(within_s=13) == 1
    assert len(daemon.said("left behind")) == 1
    async with place.daemon(PYTHONPATH=block.path) as daemon:
        assert (await daemon.until_said("resume verdict"))["verdict"] == "resume"
