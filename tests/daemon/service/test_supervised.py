"""A daemon that somebody starts again, or nobody; and what it tells whoever stands above it."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
from contextlib import closing

import pytest
import trio

from hermes_trio.daemon.service.supervisor import systemd_stop_limit_s
from hermes_trio.text import sentences
from tests.daemon.stuck import Block
from tests.fakes.model_script import Call, Item

RESTARTS = int(os.environ.get("HERMES_RESTARTS", "5"))
"""50 take half a minute."""

ADA = 42
UP = [sentences.RESTARTING, sentences.BACK]


def for_admins(place, **more):
    place.configure(f"admins = [{ADA}]\n", **more)


# --- to begin anew --------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["in a chat", "by an operator"])
async def test_with_a_supervisor_it_drains_and_ends_with_75(place, how):
    for_admins(place)
    async with place.daemon(HERMES_TRIO_SUPERVISED="1") as daemon:
        await daemon.ready()
        if how == "in a chat":
            place.bot.push(ADA, "/restart")
        else:
            assert (await place.hermes("restart")).returncode == 0
        assert await daemon.ends() == 75
    assert daemon.said("checkpoint")
    assert daemon.said("restarting")[0]["by"] == "HERMES_TRIO_SUPERVISED"


async def test_without_one_it_executes_itself_and_says_in_the_chat_that_it_is_back(place):
    for_admins(place)
    async with place.daemon() as daemon:
        await daemon.ready()
        for time in range(1, 4):
            place.bot.push(ADA, "/restart")
            await daemon.until_said("ready", time + 1, within_s=15)
            with trio.fail_after(8):
                await place.bot.until(lambda: place.bot.texts(ADA) == time * UP)  # noqa: B023
        assert {line["pid"] for line in daemon.said("ready")} == {str(daemon.pid)}
        assert {line["by"] for line in daemon.said("restarting")} == {"itself"}
        place.bot.push(ADA, "hello")
        with trio.fail_after(8):
            await place.bot.until(lambda: place.bot.texts(ADA)[-1] == "you said: hello")
        assert place.bot.most_pollers == 1
        assert await daemon.stop() == 0
    assert place.bot.texts(ADA) == [*3 * UP, "you said: hello"]


async def test_a_configuration_that_is_wrong_by_now_does_not_take_it_away(place):
    for_admins(place)
    async with place.daemon() as daemon:
        await daemon.ready()
        place.configure("[nonsense]\n")
        place.bot.push(ADA, "/restart")
        assert "nonsense: unknown" in (await daemon.until_said("not begun anew"))["why"]
        await daemon.until_said("ready", 2, within_s=15)
        place.bot.push(ADA, "hello")
        with trio.fail_after(8):
            await place.bot.until(lambda: place.bot.texts(ADA) == [*UP, "you said: hello"])
        for_admins(place)
        place.bot.push(ADA, "/restart")
        await daemon.until_said("ready", 3, within_s=15)
        assert len(daemon.said("not begun anew")) == 1
        assert await daemon.stop() == 0
    assert place.bot.most_pollers == 1


async def test_a_turn_that_works_may_finish_and_who_asked_is_not_waited_for(place):
    for_admins(place)
    place.model.push(Item(text="done at last", hold=0))
    async with place.daemon(HERMES_TRIO_SUPERVISED="1") as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await place.model.until_held()
        place.bot.push(ADA, "/restart")
        await daemon.until_said("checkpoint")
        place.model.release()
        assert await daemon.ends() == 75
    assert sorted(place.bot.texts(ADA)) == sorted([sentences.RESTARTING, "done at last"])


async def test_a_signal_while_it_goes_down_to_begin_anew_means_stop(place):
    place.model.push(Item(text="done at last", hold=0))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await place.model.until_held()
        await place.hermes("restart")
        await daemon.until_said("checkpoint")
        daemon.signal(signal.SIGTERM)
        with trio.move_on_after(0.3):
            await daemon.process.wait()
        assert daemon.process.returncode is None  # the first signal hurries nobody
        place.model.release()
        assert await daemon.ends() == 0
    assert place.bot.texts(ADA) == ["done at last"]


async def test_a_redelivered_restart_restarts_nothing(place):
    for_admins(place)
    async with place.daemon(HERMES_TRIO_SUPERVISED="1") as daemon:
        await daemon.ready()
        message = place.bot.push(ADA, "/restart")
        assert await daemon.ends() == 75
    place.bot.redeliver(ADA, message)
    async with place.daemon(HERMES_TRIO_SUPERVISED="1") as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        with trio.fail_after(8):
            await place.bot.until(lambda: place.bot.texts(ADA) == [*UP, "you said: hello"])
        assert await daemon.stop() == 0


async def test_a_restart_that_was_not_settled_before_a_crash_happens_after_the_start_and_cuts_nothing(place):
    for_admins(place)
    async with place.daemon(HERMES_TRIO_SUPERVISED="1") as daemon:
        await daemon.ready()
        place.bot.push(ADA, "/restart")
        assert await daemon.ends() == 75
    with closing(sqlite3.connect(place.state_dir / "hermes.db", isolation_level=None)) as db:
        db.execute("update inbound set outcome = null, state = 'waiting'")
        db.execute("delete from outbound")
    async with place.daemon(HERMES_TRIO_SUPERVISED="1") as daemon:
        assert await daemon.ends() == 75
    assert [line["why"] for line in daemon.said("checkpoint")] == ["asked"]
    async with place.daemon(HERMES_TRIO_SUPERVISED="1") as daemon:
        await daemon.ready()
        with trio.fail_after(8):
            await place.bot.until(lambda: place.bot.texts(ADA) == [*UP[:1], *UP])
        assert await daemon.stop() == 0


async def test_a_variable_that_says_neither_is_wrong_at_the_start(place):
    async with place.daemon(HERMES_TRIO_SUPERVISED="maybe") as daemon:
        assert await daemon.ends() == 78
    assert "HERMES_TRIO_SUPERVISED: must be 1 or 0, not 'maybe'" in daemon.text


LOOP = """
while :; do
  "$@"; code=$?
  [ $code -eq 75 ] || exit $code
done
"""


async def restarts_in_a_loop(place, times):
    """Restart by chat, again and again; each time it is ready within 15 s, and never two of them poll."""
    for_admins(place)
    async with place.daemon(through=["sh", "-c", LOOP, "loop"], HERMES_TRIO_SUPERVISED="1") as loop:
        await loop.ready()
        for time in range(1, times + 1):
            place.bot.push(ADA, "/restart")
            await loop.until_said("ready", time + 1, within_s=15)
        with trio.fail_after(8):
            await place.bot.until(lambda: place.bot.texts(ADA) == times * UP)
        pids = [line["pid"] for line in loop.said("ready")]
        assert len(set(pids)) == times + 1
        os.kill(int(pids[-1]), signal.SIGTERM)
        assert await loop.ends() == 0
    assert place.bot.most_pollers == 1


async def test_a_plain_loop_starts_it_again_and_again(place):
    await restarts_in_a_loop(place, RESTARTS)


# --- what it tells --------------------------------------------------------------------------------


class Systemd:
    """The end of a notify socket that a service manager holds."""

    def __init__(self, address):
        self.socket = trio.socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.address = address

    async def __aenter__(self):
        await self.socket.bind(self.address.replace("@", "\0") if self.address[0] == "@" else self.address)
        return self

    async def __aexit__(self, *raised):
        self.socket.close()

    async def hears(self, state, within_s=8):
        """All of the next message that holds this state."""
        with trio.fail_after(within_s):
            while True:
                told = (await self.socket.recv(4096)).decode().split("\n")
                if state in told:
                    return told

    async def hears_all(self, state, for_s):
        """How many messages with this state come in so many seconds."""
        count = 0
        with trio.move_on_after(for_s):
            while True:
                count += state in (await self.socket.recv(4096)).decode().split("\n")
        return count


@pytest.mark.parametrize("kind", ["a path", "an abstract name"])
async def test_systemd_hears_that_it_is_ready_and_that_it_stops(place, tmp_path, kind):
    address = str(tmp_path / "notify") if kind == "a path" else f"@hermes-trio-test-{os.getpid()}"
    async with Systemd(address) as systemd, place.daemon(NOTIFY_SOCKET=address) as daemon:
        assert "STATUS=receiving: telegram/main" in await systemd.hears("READY=1")
        daemon.signal()
        stopping = await systemd.hears("STOPPING=1")
        assert "EXTEND_TIMEOUT_USEC=32000000" in stopping
        assert await daemon.ends() == 0


async def test_it_is_ready_too_when_an_account_can_only_report_its_failure(place, tmp_path):
    place.bot.set_token("1:other")
    address = str(tmp_path / "notify")
    async with Systemd(address) as systemd, place.daemon(NOTIFY_SOCKET=address) as daemon:
        assert "STATUS=receiving: nothing" in await systemd.hears("READY=1")
        assert await daemon.stop() == 0


async def test_a_supervisor_that_listens_no_more_disturbs_nobody(place, tmp_path):
    async with place.daemon(NOTIFY_SOCKET=str(tmp_path / "gone"), WATCHDOG_USEC="300000") as daemon:
        await daemon.ready()
        await trio.sleep(0.3)
        assert await daemon.stop() == 0


async def test_the_watchdog_is_fed_while_the_loop_is_alive_and_starves_when_it_is_stuck(place, tmp_path):
    block = Block(tmp_path)
    place.configure('[tools]\nenable = ["block"]\n')
    place.model.push(Item(calls=[Call("block")]))
    address = str(tmp_path / "notify")
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "900000", "PYTHONPATH": block.path}
    async with Systemd(address) as systemd, place.daemon(**environ) as daemon:
        await systemd.hears("READY=1")
        for _ in range(3):
            await systemd.hears("WATCHDOG=1", within_s=0.9)
        place.bot.push(ADA, "work")
        await block.until_stuck()
        assert await systemd.hears_all("WATCHDOG=1", for_s=1) <= 1  # one may have been under way
        assert await systemd.hears_all("WATCHDOG=1", for_s=1) == 0
        daemon.signal(signal.SIGABRT)  # as systemd does
        assert await daemon.ends() == -signal.SIGABRT
    assert "block.py" in daemon.text


async def test_a_watchdog_of_another_process_is_not_fed(place, tmp_path):
    address = str(tmp_path / "notify")
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "90000", "WATCHDOG_PID": "1"}
    async with Systemd(address) as systemd, place.daemon(**environ) as daemon:
        await systemd.hears("READY=1")
        assert await systemd.hears_all("WATCHDOG=1", for_s=0.5) == 0
        assert await daemon.stop() == 0


# --- how long it may take -------------------------------------------------------------------------


@pytest.mark.parametrize(("limit_s", "says"), [("31", 1), ("32", 0), ("42", 0)])
async def test_it_says_at_the_start_that_a_stop_may_be_cut_short(place, limit_s, says):
    async with place.daemon(HERMES_TRIO_STOP_LIMIT_S=limit_s) as daemon:
        if says:
            line = await daemon.until_said("stop limit too short")
            assert (line["limit_s"], line["needs_s"]) == ("31.000", "32.000")
        await daemon.ready()
        assert await daemon.stop() == 0
    assert len(daemon.said("stop limit too short")) == says


async def test_a_limit_that_is_no_number_is_wrong_at_the_start(place):
    async with place.daemon(HERMES_TRIO_STOP_LIMIT_S="a while") as daemon:
        assert await daemon.ends() == 78
    assert "HERMES_TRIO_STOP_LIMIT_S: must be a number of seconds, not 'a while'" in daemon.text


SYSTEMCTL = """#!/bin/sh
[ "$*" = "{asks}show --property=TimeoutStopUSec --value -- bot.service" ] || exit 1
echo "{says}"
"""
SYSTEM = "0::/system.slice/bot.service\n"
USER = "0::/user.slice/user-1.slice/user@1.service/app.slice/bot.service\n"


@pytest.mark.parametrize(
    ("cgroup", "asks", "says", "limit_s"),
    [
        (SYSTEM, "", "1min 30s", 90),
        (USER, "--user ", "42s", 42),
        (SYSTEM, "", "infinity", None),
        (SYSTEM, "--user ", "42s", None),
        ("0::/\n", "", "42s", None),
    ],
)
async def test_systemd_is_asked_how_long_it_waits(tmp_path, monkeypatch, cgroup, asks, says, limit_s):
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(SYSTEMCTL.format(asks=asks, says=says))
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert await systemd_stop_limit_s(cgroup) == limit_s


async def test_where_there_is_no_systemctl_nothing_is_known(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await systemd_stop_limit_s(SYSTEM) is None
