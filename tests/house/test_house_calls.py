"""What product code never does: ask the machine for time or chance, block, swallow errors, open a shell."""

from __future__ import annotations

import ast

import pytest

from tests.house.source import PRODUCT, mentioned, tree

CLOCK = "hermes_trio/runtime/clock.py"
KIT = "hermes_trio/testing/"
NEVER = (
    "asyncio",
    "datetime.date.today",
    "datetime.datetime.now",
    "datetime.datetime.today",
    "datetime.datetime.utcnow",
    "os.popen",
    "os.system",
    "random",
    "secrets.choice",
    "secrets.randbelow",
    "secrets.token_bytes",
    "secrets.token_hex",
    "secrets.token_urlsafe",
    "threading.Thread",
    "time.monotonic",
    "time.perf_counter",
    "time.sleep",
    "time.time",
    "trio.from_thread",
    "trio.to_thread",
    "uuid",
)
UNLESS = {
    # the one file that asks the machine
    CLOCK: ("random", "time.time"),
    # the one seam to worker threads
    "hermes_trio/runtime/threads.py": ("trio.to_thread", "trio.from_thread", "threading.Thread"),
    # a terminal is read by a thread that may wait for ever
    "platforms/hermes_terminal/": ("trio.to_thread", "trio.from_thread", "threading.Thread"),
    # a simulation's chance is seeded
    KIT: ("random",),
}

SWALLOWS = {
    "hermes_trio/runtime/supervise.py": "restarts what failed",
    "hermes_trio/runtime/workers.py": "logs, backs off, looks at the rows again",
    "hermes_trio/turns/runner.py": "a failure ends a turn and no more",
    "hermes_trio/testing/simulation/play.py": "whatever a play raises is what became of it",
    "hermes_trio/testing/simulation/watch.py": "a checker is asked amid the gateway, and spares it",
    "hermes_trio/cli/__init__.py": "the last border",
    "hermes_trio/store/writer.py": "handed to the caller whose promise it was",
    "hermes_trio/text/foreign_errors.py": "asks a stranger for its words",
    "hermes_trio/daemon/own_agent.py": "runs a stranger's module for the first time, and says what it raised",
    "hermes_trio/runtime/plugins.py": "runs a stranger's module for the first time, and says what it raised",
    "hermes_trio/http/client.py": "kept for one line and raised again outside the nursery",
}


def is_under(name: str, tops: tuple[str, ...]) -> bool:
    return any(name == top or name.startswith(f"{top}.") for top in tops)


def allowed(module: str) -> tuple[str, ...]:
    return tuple(name for place, names in UNLESS.items() if module.startswith(place) for name in names)


@pytest.mark.parametrize("module", PRODUCT)
def test_time_chance_and_threads_are_passed_in(module):
    unless = allowed(module)
    found = {
        f"{module}:{line} {name}"
        for line, name in mentioned(tree(module))
        if is_under(name, NEVER) and not is_under(name, unless) and name != "random.Random"
    }
    # importing a module is no use of it; what is used is found at its own line
    assert {each for each in found if not each.endswith((" random", " uuid"))} == set()


@pytest.mark.parametrize("module", PRODUCT)
def test_there_is_no_shell(module):
    calls = (node for node in ast.walk(tree(module)) if isinstance(node, ast.Call))
    shells = [
        f"{module}:{call.lineno}"
        for call in calls
        for keyword in call.keywords
        if keyword.arg == "shell"
        and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
    ]
    assert shells == []


STARTS = ("os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty", "multiprocessing")
STARTS_IN = {"subprocess": ("Popen", "call", "check_call", "check_output", "run", "getoutput")}
STARTERS = {
    "hermes_trio/processes/system.py": "programs: a group of their own, an environment from empty",
    "hermes_trio/processes/sandbox.py": "asks by an empty program whether this machine makes a sandbox",
    "hermes_trio/daemon/service/supervisor.py": "asks systemctl for its limits, and begins this program anew",
    "hermes_trio/daemon/service/install.py": "asks the supervisors of the machine by their own programs",
    "hermes_trio/daemon/service/first_process.py": "as PID 1 the daemon is a process of this very program",
}


def starts_a_program(name: str) -> bool:
    top, _, rest = name.partition(".")
    if top == "trio":
        return rest.removeprefix("lowlevel.") in ("open_process", "run_process")
    return name.startswith(STARTS) or rest in STARTS_IN.get(top, ())


def test_programs_are_started_in_one_place():
    found = {
        module
        for module in PRODUCT
        for _, name in mentioned(tree(module))
        if starts_a_program(name) and not module.startswith(KIT)
    }
    assert found == STARTERS.keys()


@pytest.mark.parametrize(
    "source",
    [
        "import subprocess\nsubprocess.run([])",
        "from subprocess import Popen",
        "import os as o\no.posix_spawn('x', [], {})",
        "import trio\ntrio.lowlevel.open_process([])",
        "from trio import run_process",
        "import os\nos.execv('x', [])",
        "import pty",
    ],
)
def test_the_search_sees_a_program_started(source):
    assert any(starts_a_program(name) for _, name in mentioned(ast.parse(source)))


def catches_all(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or ast.unparse(kind) in ("Exception", "BaseException") for kind in kinds)


def raises_again(handler: ast.ExceptHandler) -> bool:
    last = handler.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


@pytest.mark.parametrize("module", sorted(set(PRODUCT) - SWALLOWS.keys()))
def test_an_error_is_caught_by_its_name_or_raised_again(module):
    handlers = (node for node in ast.walk(tree(module)) if isinstance(node, ast.ExceptHandler))
    broad = [f"{module}:{each.lineno}" for each in handlers if catches_all(each) and not raises_again(each)]
    assert broad == []


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import time\ntime.time()", "time.time"),
        ("import time as t\nt.sleep(1)", "time.sleep"),
        ("from time import monotonic as m\nm()", "time.monotonic"),
        ("from datetime import datetime\ndatetime.now()", "datetime.datetime.now"),
        ("import datetime as d\nd.datetime.utcnow()", "datetime.datetime.utcnow"),
        ("import random\nrandom.choice([1])", "random.choice"),
        ("from random import choice", "random.choice"),
        ("import asyncio.events", "asyncio.events"),
        ("import trio\nasync def f():\n await trio.to_thread.run_sync(f)", "trio.to_thread.run_sync"),
        ("from trio import to_thread", "trio.to_thread"),
    ],
)
def test_the_search_sees_through_other_names(source, name):
    assert name in {found for _, found in mentioned(ast.parse(source))}
