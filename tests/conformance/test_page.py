"""The page lists the clauses that are looked at, word for word."""

from __future__ import annotations

import pytest

from hermes_trio.testing.conformance.agent import AGENT_CLAUSES
from hermes_trio.testing.conformance.clauses import sentence
from hermes_trio.testing.conformance.command import COMMAND_CLAUSES
from hermes_trio.testing.conformance.model import MODEL_CLAUSES
from hermes_trio.testing.conformance.platform import PLATFORM_CLAUSES
from hermes_trio.testing.conformance.store import STORE_CLAUSES
from hermes_trio.testing.conformance.tool import TOOL_CLAUSES
from tests.documents import pages

PORTS = {
    "platform": PLATFORM_CLAUSES,
    "model": MODEL_CLAUSES,
    "tool": TOOL_CLAUSES,
    "command": COMMAND_CLAUSES,
    "store": STORE_CLAUSES,
    "agent": AGENT_CLAUSES,
}


@pytest.mark.parametrize("port", PORTS)
def test_the_clauses_of_the_page_are_those_of_the_port(port):
    told = [(pages.code(name)[0], says) for name, says in pages.table("docs/conformance.md", port)]
    assert told == [(check.__name__, sentence(check)) for check in PORTS[port]]


@pytest.mark.parametrize("port", PORTS)
def test_a_clause_has_one_name_and_says_something(port):
    names = [check.__name__ for check in PORTS[port]]
    assert len(names) == len(set(names))
    assert all(sentence(check).endswith(".") for check in PORTS[port])
