"""The tests that a newer trio can break, on the newest trio there is: `make test-newest`.

The constraints file pins the trio of every other run, so a private name that has moved would be met on the
day of an upgrade. Here it is met by the next run. What is newest the package index says; where it cannot be
asked, or has nothing newer, a line says so and that is all. From there on everything that fails is a failure.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from packaging.version import Version

ROOT = Path(__file__).parents[1]
PINS = ROOT / "constraints.txt"
PLACE = ROOT / ".venv-newest"
ASK_S = 20.0
TESTS = (
    "testing",
    "runtime",
    "cancel",
    "sim",
    "agent",
    "turns",
    "intake",
    "delivery",
    "gateway",
    "invariants",
)
SLOW = (
    "agent/test_context_window.py",
    "turns/test_deferral.py",
    "invariants/test_i12.py",
    "invariants/test_reset_races.py",
)
"""Long talks with models, which ask nothing of trio that the others do not."""
NEEDED = (".[testing]", "pytest-xdist", "pytest-timeout", "hypothesis")
PIP = ("-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet")


class Unanswered(Exception):
    """The index cannot be asked now."""


def pinned() -> str:
    """The trio of every other run."""
    return re.search(r"^trio==(\S+)$", PINS.read_text(), re.MULTILINE)[1]


def newest() -> str:
    """The newest release that pip would install here.

    Raises:
        Unanswered: the index is away, or has no trio.
    """
    command = [sys.executable, *PIP, "--retries", "0", "--timeout", "5", "install"]
    command += ["--dry-run", "--ignore-installed", "--no-deps", "--report", "-", "trio"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=ASK_S)
    except subprocess.TimeoutExpired:
        raise Unanswered(f"no answer within {ASK_S:g} s") from None
    if done.returncode:
        raise Unanswered(done.stderr.strip().rpartition("\n")[2])
    return json.loads(done.stdout)["install"][0]["metadata"]["version"]


def install(version: str, place: Path) -> Path:
    """A virtual environment with this trio and all else as it is pinned; it is made once.

    Raises:
        subprocess.CalledProcessError: it cannot be made, because this trio does not go with the rest say.
    """
    python = place / "bin" / "python"
    holds, made = place / "holds", f"trio {version}\n{PINS.read_text()}"
    if holds.exists() and holds.read_text() == made:
        return python
    print(f"Installing trio {version} into {place.name}", file=sys.stderr)
    subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
    with tempfile.TemporaryDirectory() as folder:
        pins = Path(folder) / "constraints.txt"
        pins.write_text(re.sub(r"^trio==.*$", f"trio=={version}", PINS.read_text(), flags=re.MULTILINE))
        needed = [word for need in NEEDED for word in (("--editable", need) if need[0] == "." else (need,))]
        subprocess.run([python, *PIP, "install", "--constraint", pins, *needed], check=True, cwd=ROOT)
    holds.write_text(made)
    return python


def main(place: Path = PLACE) -> int:
    """The exit code: 0 also where there is nothing to run. The virtual environment is made in `place`."""
    try:
        version = newest()
    except Unanswered as error:
        print(f"the newest trio is unknown, so only the pinned one is tested: {error}")
        return 0
    if Version(version) <= Version(pinned()):
        print(f"the newest trio is the pinned one, {pinned()}")
        return 0
    print(f"the newest trio is {version}, the pinned one {pinned()}")
    tests = [f"tests/{folder}" for folder in TESTS if (ROOT / "tests" / folder).exists()]
    command = [install(version, place), "-m", "pytest", "-n", "2", "-m", "not slow", *tests]
    command += [f"--ignore=tests/{name}" for name in SLOW]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
