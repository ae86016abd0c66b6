"""Every tool of the tree keeps the contract of its port, and each clause is broken by something."""

from __future__ import annotations

import pytest

from hermes_trio.testing import Broken, RecordingTool, check_tool
from hermes_trio.testing.conformance.tool import TOOL_CLAUSES
from hermes_trio.tools.now import tool as now
from hermes_trio.tools.process import tool as process
from hermes_trio.tools.sleep import tool as sleep
from hermes_trio.tools.terminal import tool as terminal
from tests.conformance.broken_tools import BROKEN, GOOD, WRITTEN, Repeat
from tests.conformance.tool_contexts import in_gateway, in_world

NOT_IDEMPOTENT = {"remembers_nothing", "repeated_it_takes_effect_once"}


def skipped(report):
    return {one.clause for one in report.skipped}


async def test_now(autojump_clock):
    assert skipped(await check_tool(now, good=[{}], effects=lambda: 0)) == set()


async def test_sleep(autojump_clock):
    report = await check_tool(
        sleep, good=[{"s": 0}, {"s": 5.5}], bad=[{"s": float("nan")}, {"s": 1e12}], effects=lambda: 0
    )
    assert skipped(report) == set()


def programs(world):
    world.processes.script("make", prints=[(0.0, "made\n")], ends_s=2.0)
    world.processes.script("serve", ends_s=None)


async def test_terminal(autojump_clock):
    good = [{"command": "make"}, {"command": "serve", "timeout_s": 3}, {"command": "no-such-program"}]
    bad = [{"command": "make", "timeout_s": 0}, {"command": " "}, {"command": "a\0b"}]
    report = await check_tool(terminal, good=good, bad=bad, context=in_world(programs))
    assert skipped(report) == NOT_IDEMPOTENT


async def test_terminal_with_real_programs():
    """After a cancel no program, thread or file is left on this machine."""
    left = ["leaves_nothing_behind", "cancelled_it_leaves_nothing_behind"]
    good = [{"command": "echo made"}, {"command": "sleep 9 & sleep 8", "timeout_s": 0.2}]
    report = await check_tool(terminal, good=good, context=in_gateway(), only=left)
    assert list(report.kept) == left


async def test_process(autojump_clock):
    good = [{"action": "start", "command": "make", "watch_patterns": ["made"]}, {"action": "list"}]
    bad = [{"action": "poll"}, {"action": "log", "id": 99}, {"action": "wait", "id": 1 << 70}]
    report = await check_tool(process, good=good, bad=bad, context=in_world(programs))
    assert skipped(report) == NOT_IDEMPOTENT


async def test_the_recording_tool(autojump_clock):
    tool = RecordingTool("light", idempotent=True)
    report = await check_tool(
        tool, good=[{"lamp": 1}], effects=lambda: len({each.op for each in tool.effects})
    )
    assert skipped(report) == set()


async def test_without_a_conversation_no_program_is_run(autojump_clock):
    with pytest.raises(Broken, match="PermissionError: nobody may have programs run here"):
        await check_tool(terminal, good=[{"command": "make"}], only=["takes_what_its_schema_allows"])


async def test_good_arguments_are_needed():
    with pytest.raises(ValueError, match="give arguments"):
        await check_tool(now, good=[])


async def test_a_clause_that_is_none_is_said():
    with pytest.raises(ValueError, match="the tool contract has no clause is_nice"):
        await check_tool(now, good=[{}], only=["is_nice"])


@pytest.mark.parametrize(
    ("clause", "broken"), BROKEN, ids=[f"{clause}-{kind.__name__}" for clause, kind in BROKEN]
)
async def test_a_broken_tool_is_named(autojump_clock, clause, broken):
    with pytest.raises(Broken) as failed:
        await check_tool(broken(), good=GOOD, effects=lambda: list(WRITTEN), only=[clause])
    for program in [one for one in WRITTEN if not isinstance(one, str)]:
        program.kill()
        program.wait()
    WRITTEN.clear()
    assert failed.value.clauses == (clause,)
    assert f"tool.{clause}: " in str(failed.value)


async def test_the_one_that_is_not_broken(autojump_clock):
    assert skipped(await check_tool(Repeat(), good=GOOD, effects=lambda: list(WRITTEN))) == set()


def test_every_clause_is_broken_by_something():
    assert {clause for clause, _ in BROKEN} == {check.__name__ for check in TOOL_CLAUSES}
