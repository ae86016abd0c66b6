"""No promise reads a whole table: a store of a million rows answers like an empty one."""

import re

from hermes_trio.testing import fails, open_world, text, tool

GROWING = {"inbound", "turn", "step", "entry", "outbound", "session"}


async def live(world):
    """A life that makes the gateway say most of what it can to its store."""
    world.model.script(tool("sleep", s=400), text("done ", "now", between_s=2), text("x"))
    await world.say("u1", "first")
    await world.say("u1", "second")
    await world.say("g1", "in a group", chat="group", group=True)
    await world.until(seconds=200)
    await world.say("u1", "/status")
    await world.say("u1", "/steer faster")
    await world.until(seconds=300)
    world.crash()
    await world.start()
    await world.until(seconds=600)
    await world.say("u1", "/new")
    await world.say("u1", "/stop")
    await world.say("u1", "/nonsense")
    await world.settle()
    world.model.refuse("a", line=fails("quota"))
    await world.say("u1", "kept")
    await world.say("u2", "kept")
    await world.until(seconds=700)
    await world.say("u2", "and this")
    await world.settle()
    world.crash()
    await world.start()
    world.model.heal()
    await world.until(seconds=800)
    await world.settle()
    await world.gateway.status()
    await world.gateway.ledger("u1")
    await world.gateway.session_views()
    await world.stop()


async def test_every_statement_of_a_life_finds_its_rows_by_an_index(autojump_clock):
    by_shape = {}
    async with open_world(keys=["a"], on_exhausted="defer") as world:
        world.db.set_trace_callback(lambda sql: by_shape.setdefault(_shape(sql), sql))
        await live(world)
        world.db.set_trace_callback(None)
        asked = [sql for sql in by_shape.values() if re.match(r"(select|update|insert|delete)\b", sql)]
        assert len(asked) > 40
        scans = {sql: found for sql in asked if (found := _scans(world.db, sql))}
        assert scans == {}


def _shape(sql):
    return re.sub(r"'(?:[^']|'')*'|\b[\d.]+\b", "?", sql)


def _scans(db, sql):
    """Tables that grow for ever and are read without an index."""
    plan = [row[3] for row in db.execute(f"explain query plan {sql}")]
    read = [re.match(r"SCAN (\w+)(?! USING)", step) for step in plan]
    return [found[0] for found in read if found and found[1] in GROWING]


async def test_a_lane_finds_what_it_says_next_without_sorting_what_it_has_to_say(autojump_clock):
    asked = set()
    async with open_world() as world:
        world.db.set_trace_callback(lambda sql: asked.add(sql) if "order by begun desc" in sql else None)
        await world.say("u1", "/status")
        await world.reply("u1")
        world.db.set_trace_callback(None)
        [plan] = {_sorts(world.db, sql) for sql in asked}
        assert plan == ()


def _sorts(db, sql):
    return tuple(row[3] for row in db.execute(f"explain query plan {sql}") if "TEMP B-TREE" in row[3])


async def test_no_index_has_a_list_in_its_condition(autojump_clock):
    # Of more than two SQLite makes a table, anew for each row that is written.
    async with open_world() as world:
        asked = "select name from sqlite_master where type = 'index' and sql like '% in (%'"
        assert world.db.execute(asked).fetchall() == []
