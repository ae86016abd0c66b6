"""One thing has one word: what was renamed does not come back beside its new name."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.source import PRODUCT, tree

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
    "Quiet": "DelayedStarts",
    "River": "Wiring",
    "Porch": "Newcomers",
    "Shown": "TurnHistory",
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
ONLY_OLD = {"ear", "attendance", "attend", "attended", "bench", "benches"}
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
