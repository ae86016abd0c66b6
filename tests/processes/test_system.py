"""Processes as processes: their group, what left it, and how they end. Real processes, real clock."""

from __future__ import annotations

import signal

import pytest
import structlog
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.processes.reaper import Reaper
from hermes_trio.processes.system import exit_code
from hermes_trio.values.process import LeftProcesses
from tests.processes.machine import is_alive, text_of

PIPELINE = "sleep 1000 | cat & sleep 1000"


async def reaped(*groups, log=None):
    """Return when the reaper has ended these groups."""
    async with trio.open_nursery() as nursery:
        for group in groups:
            Reaper(nursery, log or structlog.get_logger()).take(group, "test")


async def test_what_it_prints_and_its_code(machine):
    process = await machine.start("echo out; echo err >&2; exit 3")
    assert await text_of(process) == "out\nerr\n"
    assert await process.exited() == 3


async def test_a_signal_is_a_negative_code(machine):
    process = await machine.start("kill -9 $$")
    assert await process.exited() == -signal.SIGKILL


async def test_it_leads_a_group_and_a_session_of_its_own_in_its_home(machine):
    process = await machine.start("ps -o pid=,pgid=,sid= -p $$; pwd; tty")
    first, home, tty = (await text_of(process)).splitlines()
    assert set(first.split()) == {str(process.pid)}
    assert home == str(machine.home)
    assert tty == "not a tty"


async def test_its_environment_is_built_from_empty(machine, monkeypatch):
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "canary")
    process = await machine.start("env", LANG="de_DE.UTF-8", OPENAI_API_KEY="canary")
    found = dict(line.split("=", 1) for line in (await text_of(process)).splitlines())
    assert "canary" not in found.values()
    assert set(found) - {"PWD", "OLDPWD", "_", "SHLVL"} == {
        *("PATH", "HOME", "LANG", "TERM"),
        *("HERMES_TRIO_SESSION", "HERMES_TRIO_TURN", "HERMES_TRIO_BOOT", "HERMES_TRIO_PROCESS"),
    }


async def test_input(machine):
    process = await machine.start("read line; echo got $line", stdin=True)
    await process.write(b"tea\n")
    assert await text_of(process) == "got tea\n"
    await process.exited()
    with pytest.raises(BrokenPipeError):
        await process.write(b"x" * 1_000_000)


async def test_without_input_it_reads_an_end(machine):
    process = await machine.start("cat; echo done")
    assert await text_of(process) == "done\n"
    with pytest.raises(BrokenPipeError):
        await process.write(b"x")


async def test_the_reaper_ends_a_pipeline_and_its_background(machine):
    process = await machine.start(PIPELINE)
    await machine.until(4)
    began = trio.current_time()
    await reaped(process)
    assert machine.living() == 0
    assert trio.current_time() - began < 1


async def test_what_ignores_term_is_killed_after_its_grace(machine):
    process = await machine.start("trap '' TERM; echo ready; sleep 1000 & while :; do sleep 1; done")
    await process.read()
    began = trio.current_time()
    await reaped(process)
    assert machine.living() == 0
    assert 1.4 < trio.current_time() - began < 2.5


async def test_what_heeds_term_may_clean_up(machine):
    process = await machine.start(
        "trap 'echo bye > bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    )
    await process.read()
    await reaped(process)
    assert (machine.home / "bye").read_text() == "bye\n"


async def test_what_left_the_group_is_found_by_its_mark(machine):
    process = await machine.start("setsid sh -c 'sleep 1000 & sleep 1000' & sleep 1000")
    await machine.until(4)
    await reaped(process)
    assert machine.living() == 0


async def test_what_dropped_its_environment_is_found_by_its_group(machine):
    process = await machine.start("env -i sleep 1000 & echo $!; sleep 1000")
    pid = int(await process.read())
    await reaped(process)
    assert not is_alive(pid)


async def test_a_group_whose_leader_has_ended_is_ended_too(machine):
    process = await machine.start("env -i sleep 1000 >/dev/null & echo $!")
    pid = int(await process.read())
    assert await process.exited() == 0
    assert is_alive(pid)
    await reaped(process)
    assert not is_alive(pid)


async def test_one_process_is_ended_and_not_the_other(machine):
    one, other = await machine.start("sleep 1000", process=1), await machine.start("sleep 1000", process=11)
    await reaped(one)
    assert is_alive(other.pid)


async def test_the_reaper_is_not_cut_short(machine):
    process = await machine.start("trap '' TERM; echo ready; while :; do sleep 1; done")
    await process.read()
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            Reaper(nursery, structlog.get_logger()).take(process, "test")
            await wait_all_tasks_blocked()
            scope.cancel()
    assert machine.living() == 0


async def test_nobody_is_left_unreaped(machine):
    process = await machine.start("exit 0")
    await process.exited()
    await reaped(process)
    with pytest.raises(ChildProcessError):
        exit_code(process.pid)


async def test_ending_it_twice_ends_nobody_else(machine):
    process = await machine.start("exit 0")
    await reaped(process)
    await reaped(process, process)
    assert process.signal("kill") == 0


# --- what an older boot has left


async def test_older_boots_are_found_by_their_mark(machine):
    old, new = await machine.start(PIPELINE, boot=1), await machine.start("exec sleep 1000", boot=2)
    await machine.until(5)
    await reaped(machine.older(2))
    assert machine.living() == 1
    assert is_alive(new.pid)
    assert not is_alive(old.pid)


async def test_older_boots_are_found_by_pid_and_start_time(machine):
    old = await machine.start("exec env -i sleep 1000", boot=1)
    await machine.until(0)
    await reaped(machine.older(2, old))
    assert await old.exited() == -signal.SIGTERM


async def test_a_pid_that_went_to_another_is_spared(machine):
    other = await machine.start("exec env -i sleep 1000", boot=1)
    await machine.until(0)
    await reaped(machine.processes.left(LeftProcesses(machine.mark, 2, ((other.pid, other.started - 1),))))
    assert is_alive(other.pid)


async def test_another_store_is_spared(machine):
    other = await machine.start("sleep 1000", boot=1)
    await reaped(machine.processes.left(LeftProcesses(f"{machine.mark}x", 2)))
    await reaped(machine.processes.left(LeftProcesses(machine.mark[:-1], 2)))
    assert is_alive(other.pid)
