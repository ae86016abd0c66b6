"""Each line of the log is in docs/log.md with its fields, and each event of that page is in the source."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from typing import get_args

import pytest

from hermes_trio.values.message import OutcomeName
from tests.house.source import CORE, ROOT, tree

ROW = re.compile(r"^\| `([^`]+)` \| ((?:`[a-z_]+` ?)*)\| .+ \|$", re.MULTILINE)
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
ELSEWHERE = {"hermes_trio/daemon/logs/bridge.py": "an event of a logger's name"}
OUTCOME = f"(?:{'|'.join(get_args(OutcomeName))})"
PROMISED = [
    "message accepted",
    "message dropped",
    "message refused",
    "message failed",
    "turn opened",
    "turn closed",
    "reset",
    "stop",
    "left behind",
    "checkpoint",
    "resume verdict",
    "key cooled down",
    "pool empty",
    "send retried",
    "send given up",
    "account up",
    "account down",
    "ready",
]


def documented():
    """Event and its fields, in order."""
    page = (ROOT / "docs/log.md").read_text(encoding="utf-8")
    return {event: re.findall(r"`([a-z_]+)`", fields) for event, fields in ROW.findall(page)}


def lines(module):
    """Each call of a log: line, its event as a pattern, its fields."""
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        # One of two levels: `(log.info if ... else log.error)("event", ...)`.
        called = node.func.body if isinstance(node.func, ast.IfExp) else node.func
        if not isinstance(called, ast.Attribute):
            continue
        of = ast.unparse(called.value).rpartition(".")[2].strip("_")
        if of == "log" and called.attr in LEVELS:
            event = node.args[0] if node.args else None
            yield node.lineno, _pattern(event, module), [each.arg for each in node.keywords]


def _pattern(event, module):
    """An event as it stands, or with a gap where it depends on an outcome."""
    if isinstance(event, ast.Name):
        values = [
            node.value
            for node in ast.walk(module)
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == event.id
        ]
        event = values[0] if len(values) == 1 else None
    if isinstance(event, ast.Constant) and isinstance(event.value, str):
        return re.escape(event.value)
    if isinstance(event, ast.JoinedStr):
        return "".join(re.escape(v.value) if isinstance(v, ast.Constant) else OUTCOME for v in event.values)
    return None


def written():
    """(module, line, the events it may be, fields) of every log line of the core."""
    for name in CORE:
        if name not in ELSEWHERE:
            for line, pattern, fields in lines(tree(name)):
                known = [event for event in documented() if pattern and re.fullmatch(pattern, event)]
                yield f"{name}:{line}", known, fields


def test_the_page_is_read():
    assert len(documented()) > 25
    assert documented()["checkpoint"] == ["why", "turns"]


def test_every_line_is_on_the_page():
    assert [where for where, events, _ in written() if not events] == []


def test_every_line_has_no_other_fields_and_in_that_order():
    page = documented()
    wrong = [
        (where, event, fields)
        for where, events, fields in written()
        for event in events
        if fields != [field for field in page[event] if field in fields]
    ]
    assert wrong == []


def test_every_event_and_field_of_the_page_is_written_somewhere():
    found = defaultdict(set)
    for _, events, fields in written():
        for event in events:
            found[event] |= set(fields)
    page = documented()
    assert {
        event: set(fields) - found[event] for event, fields in page.items() if set(fields) - found[event]
    } == {}
    assert set(page) - set(found) == set()


@pytest.mark.parametrize("event", PROMISED)
def test_every_event_an_operator_relies_on_is_there(event):
    assert event in documented()


@pytest.mark.parametrize(
    ("source", "events"),
    [
        ('self._log.info("checkpoint", why=1, turns=2)', ["checkpoint"]),
        ('event = f"message {x}"\nlog.warning(event, native=1)', [rf"message\ {OUTCOME}"]),
        ("life.log.info(name)", [None]),
        ('logger.info("x")', []),
    ],
)
def test_the_reader_of_the_source_sees_a_line(source, events):
    assert [
        pattern.replace("\\ ", " ") if pattern else None for _, pattern, _ in lines(ast.parse(source))
    ] == [event.replace("\\ ", " ") if event else None for event in events]
