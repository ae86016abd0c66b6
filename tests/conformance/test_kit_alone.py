"""The kit is for any test runner: importing it starts nothing and needs no pytest."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys, threading
sys.modules["pytest"] = sys.modules["_pytest"] = sys.modules["pytest_trio"] = None
import trio
import hermes_trio.testing as kit

assert threading.active_count() == 1
assert not [name for name in sys.modules if name.startswith(("hermes_telegram", "sqlalchemy"))]

class Add:
    name, description, idempotent = "add", "Add one.", True
    parameters = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}

    async def run(self, arguments, call):
        if type(arguments.get("n")) is not int:
            raise ValueError("n must be a number")
        await trio.lowlevel.checkpoint()
        return arguments["n"] + 1

async def main():
    print(await kit.check_tool(Add(), good=[{"n": 1}]))

trio.run(main)
"""


def test_importing_it_starts_nothing_and_a_check_runs_without_pytest():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CODE], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "tool: 12 clauses kept, 1 skipped"


def test_a_broken_clause_is_named_with_what_was_wanted_and_seen():
    code = CODE.replace('arguments["n"] + 1', "object()")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "tool.gives_what_can_be_json: The result is text, or can be written as JSON." in done.stderr
    assert "saw: TypeError: Encoding objects of type object is unsupported" in done.stderr
