"""One daemon per state_dir; what is held is the operating system's lock, and no file outlives its holder."""

from __future__ import annotations

import os

import pytest
import trio

from hermes_trio.daemon.state_dir.lock import hold_lock, nobody_holds
from hermes_trio.errors import ConfigWrong, StateDirBusy
from tests.fakes.model_script import Item


async def test_a_second_daemon_ends_with_75_within_5_s_and_says_who_holds_the_lock(place):
    async with place.daemon() as first:
        await first.ready()
        async with place.daemon() as second:
            assert await second.ends(within_s=5) == 75
            assert f"pid {first.pid}" in second.text
        assert first.process.returncode is None


async def test_a_lock_that_somebody_removes_lets_no_second_one_in(place):
    async with place.daemon() as first:
        await first.ready()
        (place.state_dir / "lock").unlink()
        async with place.daemon() as second:
            assert await second.ends() == 75
        (place.state_dir / "control.sock").unlink()
        (place.state_dir / "lock").unlink()
        asked = await place.hermes("status")
        assert (asked.returncode, "is in use" in asked.stderr) == (1, True)


async def test_a_killed_daemon_leaves_no_lock(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        await daemon.kill()
    assert (place.state_dir / "control.sock").exists()
    async with place.daemon() as daemon:
        await daemon.ready()
        assert (await place.hermes("status")).stdout.startswith(f"daemon         pid {daemon.pid},")


async def test_a_stale_pid_of_a_live_process_blocks_nobody(place):
    place.state_dir.mkdir()
    (place.state_dir / "lock").write_text(f"{os.getpid()}\n")
    async with place.daemon() as daemon:
        await daemon.ready()
        assert (place.state_dir / "lock").read_text() == f"{daemon.pid}\n"


async def test_of_five_at_once_one_is_ready_and_four_say_why_not(place):
    daemons = [place.daemon(HERMES_TRIO_SUPERVISED="1") for _ in range(5)]
    codes = []

    async def live(opening):
        async with opening as daemon:
            if await daemon.process.wait() == 75:
                codes.append("in use by another" in daemon.text)
            if len(codes) == 4:
                await place.hermes("restart")

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for opening in daemons:
                nursery.start_soon(live, opening)
    assert codes[:4] == [True] * 4
    assert codes[4:] == [False]


async def test_the_lock_waits_for_whoever_only_looks(tmp_path, autojump_clock):
    (tmp_path / "lock").touch()
    with nobody_holds(tmp_path) as free:
        assert free
        with pytest.raises(StateDirBusy):
            async with hold_lock(tmp_path, wait_s=1.0):
                raise AssertionError
    async with hold_lock(tmp_path):
        with nobody_holds(tmp_path) as free:
            assert not free


async def test_two_may_look_at_once(tmp_path):
    with nobody_holds(tmp_path) as first, nobody_holds(tmp_path) as second:
        assert (first, second) == (True, True)


async def test_a_folder_that_takes_no_file_is_the_configurations_fault(tmp_path):
    with pytest.raises(ConfigWrong, match="No such file"):
        async with hold_lock(tmp_path / "missing"):
            raise AssertionError


async def test_a_store_that_somebody_removes_has_taken_no_message_that_it_will_not_hold(place):
    place.model.default = Item(text="here")
    async with place.daemon() as daemon:
        await daemon.ready()
        for file in place.state_dir.glob("hermes.db*"):
            file.unlink()
        place.bot.push(42, "hello")
        down = await daemon.until_said("account down")
        assert "removed or replaced" in down["why"]
        assert "removed" in (await place.hermes("status")).stdout
        assert await daemon.stop() == 0
    async with place.daemon():
        await place.bot.until(lambda: place.bot.sent(42))
    assert [shown.text for shown in place.bot.sent(42)] == ["here"]
