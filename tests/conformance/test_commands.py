"""Every command of the tree keeps the contract of its port, and each clause is broken by something."""

from __future__ import annotations

import pytest

from hermes_trio.runtime.plugins import installed_commands
from hermes_trio.testing import Broken, check_command
from hermes_trio.testing.conformance.command import COMMAND_CLAUSES
from hermes_trio.values.actions import Prompt, Reset, Restart, Resume, Say, Stop
from tests.conformance.broken_commands import BROKEN, Greet

WISHES = {
    "help": {Say},
    "new": {Reset},
    "queue": {Prompt, Say},
    "restart": {Restart},
    "resume": {Resume, Say},
    "start": {Say},
    "status": {Say},
    "steer": {Prompt, Say},
    "stop": {Stop},
}


@pytest.mark.parametrize("command", installed_commands(), ids=lambda command: command.names[0])
async def test_a_command(autojump_clock, command):
    report = await check_command(command, texts=["7", "all", "later"], actions=WISHES[command.names[0]])
    assert report.skipped == ()


@pytest.mark.parametrize(
    ("clause", "broken"), BROKEN, ids=[f"{clause}-{kind.__name__}" for clause, kind in BROKEN]
)
async def test_a_broken_command_is_named(autojump_clock, clause, broken):
    with pytest.raises(Broken) as failed:
        await check_command(broken(), actions={Say}, only=[clause])
    assert failed.value.clauses == (clause,)
    assert f"command.{clause}: " in str(failed.value)


async def test_the_one_that_is_not_broken(autojump_clock):
    report = await check_command(Greet())
    assert [one.clause for one in report.skipped] == ["returns_only_what_it_declares"]


def test_every_clause_is_broken_by_something():
    assert {clause for clause, _ in BROKEN} == {check.__name__ for check in COMMAND_CLAUSES}
