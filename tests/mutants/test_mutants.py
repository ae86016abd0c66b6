"""Every mutant can be made of the gateway as it is, and a few are hunted in each run of the suite."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
import trio

from tests.mutants.all import MUTANTS
from tests.mutants.harness import hunt, row
from tests.mutants.mutant import PACKAGE, ROOT, changed, mutant

FEW = 40
QUICK = (
    "no barrier behind a command",
    "a second task for a busy key",
    "a count never dropped",
    "no redaction of step values",
)


def named(name):
    return next(one for one in MUTANTS if one.name == name)


@pytest.mark.parametrize("one", MUTANTS, ids=lambda one: one.name)
def test_a_mutant_can_be_made_of_the_gateway_as_it_is(one):
    for file, text in changed(one).items():
        before = (ROOT / PACKAGE / file).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(text)) != ast.dump(ast.parse(before)), f"{file} says the same as before"


def unknown_names(mutants, folder):
    """What ruff says of names in mutants that are defined nowhere."""
    for number, one in enumerate(mutants):
        for file, text in changed(one).items():
            place = folder / str(number) / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff", "check", "--isolated", "--quiet", "--no-cache"]
    wanted = ["--select", "F821,F823", "--output-format", "concise", str(folder)]
    return subprocess.run([*ruff, *wanted], capture_output=True, text=True, check=False).stdout


def test_no_mutant_is_caught_by_a_name_that_is_not_there(tmp_path):
    """It would raise NameError, which is no mistake that a simulation has to find."""
    assert unknown_names(MUTANTS, tmp_path) == ""


def test_such_a_name_is_found(tmp_path):
    misspelt = mutant(
        "misspelt", "", "", ("runtime/retry.py", "        failures += 1\n", "        failure += 1\n")
    )
    assert "`failure`" in unknown_names([misspelt], tmp_path)


def test_no_two_mutants_have_one_name_and_there_is_one_for_every_invariant():
    assert len({one.name for one in MUTANTS}) == len(MUTANTS)
    meant = {one.of.split()[0] for one in MUTANTS}
    assert {f"I{n}" for n in range(1, 13)} <= meant
    assert sum(one.of == "Hermes" for one in MUTANTS) >= 5


@pytest.mark.parametrize("name", QUICK)
def test_the_simulation_catches_a_mutant(name):
    hunted = trio.run(hunt, named(name), range(1, FEW + 1))
    assert hunted.caught is not None, (hunted.error, hunted.broke)
    assert f"| {name} |" in row(hunted)


def test_the_gateway_as_it_is_is_not_caught_by_the_same_harness():
    hunted = trio.run(hunt, None, range(1, 11))
    assert (hunted.error, hunted.caught, hunted.broke, hunted.played) == ("", None, [], 10)


def test_what_cannot_be_imported_is_not_caught():
    hunted = trio.run(
        hunt, mutant("broken", "", "", ("runtime/workers.py", "import trio\n", "import tiro\n")), range(1, 3)
    )
    assert hunted.caught is None
    assert "tiro" in hunted.error
    assert "**" in row(hunted)


def test_a_change_that_does_not_fit_any_more_is_an_error():
    with pytest.raises(ValueError, match="0 times, not once"):
        changed(mutant("gone", "", "", ("runtime/workers.py", "what is not there", "")))


AT_REST = "    async def at_rest(self) -> None:\n"
RAISES = mutant("raises", "", "", ("gateway/handle.py", AT_REST, f"{AT_REST}        raise KeyError\n"))


def test_an_exception_is_not_an_invariant_that_was_broken():
    hunted = trio.run(hunt, RAISES, range(1, 3))
    assert hunted.caught is None
    assert {broke.broken for broke in hunted.broke} == {"error"}
    assert "nothing but error" in row(hunted)
