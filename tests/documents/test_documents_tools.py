"""Every tool that a page shows keeps the contract that the pages advertise."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import pytest

from hermes_trio.testing import check_tool, tool_call
from tests.conformance.tool_contexts import in_world
from tests.documents import pages


class Fits(NamedTuple):
    """What a tool runs with, and where it is run."""

    good: Mapping[str, object] = MappingProxyType({})
    bad: tuple = ()
    context: object = tool_call


GOOD = {
    "Temperature": Fits({"city": "Oslo"}, ({"city": "Atlantis"},)),
    "Roll": Fits({"sides": 6}),
    "Order": Fits(context=lambda: tool_call(answers=["yes"])),
    "Unlock": Fits(context=lambda: tool_call(role="admin")),
    "Disk": Fits(context=in_world(lambda world: world.processes.script("df -h /", ends_s=1))),
    "Forget": Fits(),
    "Dice": Fits({"dice": 2}, ({"dice": 2.5},)),
    "Price": Fits({"article": "rye"}),
    "Note": Fits({"name": "tea", "price": 3.5}, ({"name": "tea"},)),
}


def tools():
    """Each class of a page that is a tool, made by the names its block gives it."""
    found = {}
    for block in (block for page in pages.names() for block in pages.blocks(page)):
        if block.language != "python" or "async def run(self, arguments, call)" not in block.text:
            continue
        names = {"__file__": str(pages.ROOT / block.page), "__name__": "shown"}
        code = block.text.replace("load_recording(", "(lambda path: path)(")  # it has another test
        exec(compile(code, str(block), "exec"), names)
        found |= {name: kind for name, kind in names.items() if hasattr(kind, "idempotent")}
    return {name: kind for name, kind in found.items() if isinstance(kind, type)}


def test_it_is_known_what_each_is_run_with():
    assert set(tools()) == set(GOOD)


@pytest.mark.parametrize("name", GOOD)
async def test_a_tool_on_a_page_keeps_the_contract(name, autojump_clock):
    fits = GOOD[name]
    await check_tool(
        tools()[name](), good=[fits.good], bad=fits.bad, context=fits.context, effects=lambda: None
    )
