"""One unreadable value costs its own row: no start, no account, no command, no other conversation.

Each column of each table becomes each kind of rubbish while everything is under way, and each way to meet the
row is the first to meet it. The suite plays a slice; `make rows` plays all of it.
"""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from hermes_trio.testing import open_world, text
from hermes_trio.testing.disk import empty_disk
from hermes_trio.testing.spoilt_values import SPOILT, columns, spoil
from hermes_trio.text import sentences
from tests.store.spoilt import FLOWS, meets

STRIDE = int(os.environ.get("HERMES_TRIO_ROWS", "97"))
with closing(empty_disk()) as disk:
    COLUMNS = list(columns(disk))
EVERYTHING = [(table, column, how, flow) for table, column in COLUMNS for how in SPOILT for flow in FLOWS]


def slices():
    """Cells that lie far apart, by the table that they are of."""
    found = {}
    for cell in EVERYTHING[::STRIDE]:
        found.setdefault(cell[0], []).append(cell)
    return found


FOUND = [
    ("entry", "at", "deep", "start"),
    ("process", "session", "infinite", "start"),
    ("outbound", "begun", "rubbish", "/new"),
]
"""Cells that something was wrong with."""


@pytest.mark.parametrize("cell", FOUND)
async def test_what_was_found_is_found_no_more(autojump_clock, cell):
    assert await meets(*cell) == []


@pytest.mark.parametrize("table", slices())
async def test_a_value_that_cannot_be_read_costs_its_own_row(autojump_clock, table):
    wrong = {cell: said for cell in slices()[table] if (said := await meets(*cell))}
    assert wrong == {}


ON_POSTGRES = EVERYTHING[:: STRIDE * (1 if STRIDE == 1 else 11)]


@pytest.mark.parametrize("table", sorted({cell[0] for cell in ON_POSTGRES}))
async def test_nor_where_it_is_a_row_of_postgresql(autojump_clock, worlds_on_postgres, table):
    wrong = {cell: said for cell in ON_POSTGRES if cell[0] == table and (said := await meets(*cell))}
    assert wrong == {}


@pytest.mark.parametrize("how", ["rubbish", "blob"])
async def test_an_answer_that_no_lane_has_any_more_is_said_to_be_missing_where_it_was_to_go(
    autojump_clock, how
):
    async with open_world() as world:
        world.model.script(text("Hello."))
        await world.say("ada", "hello")
        await world.settle()
        world.db.execute(
            "insert into outbound(lane, address, said, part, rank, state, at)"
            " select lane, address, 'final', part, 1, 'owed', at from outbound"
        )
        assert spoil(world.db, "outbound", "lane", how)
        world.crash()
        await world.start()
        await world.settle()
        assert world.texts("ada") == ["Hello.", sentences.COULD_NOT_BE_SAID]
