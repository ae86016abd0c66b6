"""One thing has one word: what was renamed does not come back beside its new name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import CORE, PRODUCT, tree

OLD = {
    "Bench": "Cooldown",
    "Child": "LiveProcess",
    "Children": "CallProcesses",
    "ChildView": "ProcessView",
    "KeyRest": "KeyCooldown",
    "Rests": "CooldownKeeper",
    "benches": "cooldowns",
    "rests": "cooldowns",
    "resting": "cooldown",
    "Attendance": "Activity",
    "Ear": "Receiver",
    "Heard": "TurnMessages",
    "Hold": "WaitForMore",
    "Key": "ConversationKey",
    "Player": "TurnRunner",
    "Places": "TurnLimiter",
    "Quiet": "DelayedStarts",
    "River": "Wiring",
    "Porch": "Newcomers",
    "Said": "DeliveryKind",
    "Shown": "TurnHistory",
    "Slot": "TurnPermit",
    "Steps": "Journal",
    "Traits": "Capabilities",
    "Wish": "Action",
    "full_jitter": "backoff_s",
    "ear": "receiver",
    "heard": "in_history",
    "held_at": "paused_at",
    "hold_s": "wait_s",
    "let_go": "release",
    "slot": "permit",
    "river": "wiring",
    "takes_in": "steerable",
    "traits": "capabilities",
    "wish": "action",
    "wishes": "actions",
}
ONLY_OLD = {"ear", "ears", "attendance", "attend", "attended", "bench", "benches"}
"""Words that nothing of this program means any more, also within a longer name."""

FLAT = {
    "attend",
    "background",
    "candidates",
    "credentials",
    "dispatch",
    "entries",
    "inbox",
    "keyed",
    "keypool",
}
FLAT |= {
    "listening",
    "opening",
    "pure",
    "rests",
    "river",
    "slot",
    "steps",
    "stores",
    "verbs",
    "wishes",
    "writing",
}

VAGUE = {
    "concurrency",
    "discretion",
    "drawn_row",
    "heard",
    "looked_through",
    "mended",
    "mending",
    "moves",
    "pen",
    "porch",
    "shown",
    "told",
}
"""Files that were named for a word in them, not for what they hold."""


SHELVES = ("hermes_trio/commands/", "hermes_trio/tools/")
"""A class here has the name of its command or tool, and nobody imports it."""

SECTIONS = {"Agent", "Gateway", "Store"}
"""Sections of the configuration have the names of what they configure: `options.Gateway`."""

OF_DOCTOR = {"Failure", "Health"}
"""`store/sqlite/health.py` has its own of these."""


def names(module: str) -> Iterator[str]:
    """Each name that a module gives to something."""
    for node in ast.walk(tree(module)):
        match node:
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case (
                ast.Name(id=name, ctx=ast.Store())
                | ast.arg(arg=name)
                | ast.Attribute(attr=name, ctx=ast.Store())
            ):
                yield name


@pytest.mark.parametrize("module", PRODUCT)
def test_no_old_word_is_a_part_of_a_name(module):
    parts = {part: name for name in names(module) for part in name.lower().split("_")}
    assert {name: part for part, name in parts.items() if part in ONLY_OLD} == {}


@pytest.mark.parametrize("module", PRODUCT)
def test_no_old_word_names_anything(module):
    assert {name: OLD[name] for name in names(module) if name in OLD} == {}


def test_no_old_word_names_a_module():
    flat = {module.removeprefix("hermes_trio/").removesuffix(".py").partition("/")[0] for module in PRODUCT}
    assert flat & FLAT == set()


def test_no_file_has_a_name_that_says_nothing_of_it():
    assert {module.removesuffix(".py").rpartition("/")[2] for module in PRODUCT} & VAGUE == set()


def test_one_name_is_one_class():
    """Or one declared type: who looks for a name finds what is meant by it."""
    found: dict[str, list[str]] = {}
    for module in CORE:
        if module.startswith(("hermes_trio/testing/", *SHELVES)):
            continue
        for node in tree(module).body:
            match node:
                case ast.ClassDef(name=name) | ast.Assign(targets=[ast.Name(id=name)]) if declares(name):
                    found.setdefault(name, []).append(module)
    twice = {name: where for name, where in found.items() if len(where) > 1}
    assert twice.keys() - SECTIONS - OF_DOCTOR == set(), twice


def declares(name: str) -> bool:
    """Whether it names a type. One letter is a type variable."""
    return name[0].isupper() and not name.isupper()
