"""Lines that a background process prints and its conversation asked to be told of."""

from __future__ import annotations

from hermes_trio.processes.watched_lines import INTERVAL_S, PER_PROCESS, PER_SESSION
from hermes_trio.testing import text, tool
from tests.processes.seen import notes, said


def watched(command, *patterns, **more):
    return tool("process", action="start", command=command, watch_patterns=patterns, **more)


def matches(world):
    rows = "select native, outcome, reason from inbound where kind = 'match' order by id"
    return world.db.execute(rows).fetchall()


async def test_between_turns_a_line_opens_a_turn(world):
    world.processes.script("serve", prints=[(10, "starting\nListening on :80\n")], ends_s=None)
    world.model.script(watched("serve", "listening"), text("Started."), text("It is up."))
    await world.say("ada", "go")
    assert [await world.reply("ada") for _ in range(2)] == ["Started.", "It is up."]
    assert world.now == 10
    assert notes(world) == ["Background process 1 (serve) printed:\n> Listening on :80"]


async def test_while_a_turn_runs_it_is_heard_at_its_next_step_and_opens_none(world):
    world.processes.script("serve", prints=[(5, "Listening\n")], ends_s=None)
    world.model.script(watched("serve", "listening"), tool("sleep", s=10), text("Up, I see."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.until(seconds=100)
    assert len(notes(world)) == 1
    assert matches(world) == [("process.1.match.1", "answered", "")]
    assert len(world.shown("ada")) == 1


async def test_while_a_turn_runs_that_has_no_next_step_it_is_noted_and_opens_none(world):
    world.processes.script("serve", prints=[(5, "Listening\n")], ends_s=None)
    world.model.script(watched("serve", "listening"), text("Bye.", after_s=10), text("I know."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.until(seconds=100)
    assert matches(world) == [("process.1.match.1", "answered", "noted")]
    assert len(world.shown("ada")) == 1
    await world.say("ada", "is it up?")
    assert await world.reply("ada") == "I know."
    assert len(notes(world)) == 1


async def test_ten_thousand_lines_are_few_turns_and_one_notice(world):
    """F-078: a job prints the pattern 10,000 times."""
    lines = "".join(f"error {n}\n" for n in range(1000))
    world.processes.script("job", prints=[(10 * n, lines) for n in range(1, 11)], ends_s=1000)
    world.model.script(watched("job", "error", notify_on_complete=False), text("Started."))
    world.model.script(*(text("Hm.") for _ in range(PER_PROCESS)))
    await world.say("ada", "go")
    await world.until(seconds=2000)
    assert len(matches(world)) == PER_PROCESS
    assert len(world.model.requests) == 2 + 3
    assert [kind for kind, _ in said(world)].count("notice") == 2
    assert ("notice", "The background process job reports too often; I no longer look at its lines.") in said(
        world
    )


async def test_reports_keep_their_distance_and_lose_no_line(world):
    world.processes.script("job", prints=[(n, f"error {n}\n") for n in range(1, 13)], ends_s=None)
    world.model.script(watched("job", "error"), text("Started."), text("One."), text("The rest."))
    await world.say("ada", "go")
    for _ in range(3):
        await world.reply("ada")
    assert world.now == 1 + INTERVAL_S
    first, second = notes(world)
    assert first.splitlines()[1:] == ["> error 1"]
    assert second.splitlines()[1:] == [*(f"> error {n}" for n in range(2, 12)), "[and 1 more matching lines]"]


async def test_a_session_has_a_limit_too(world):
    count = PER_SESSION // PER_PROCESS + 2
    for n in range(count):
        world.processes.script(f"job {n}", prints=[(s, "error\n") for s in range(10, 1000, 20)], ends_s=2000)
    world.model.script(
        *(watched(f"job {n}", "error", notify_on_complete=False) for n in range(count)), text("ok")
    )
    world.model.script(*(text("Hm.") for _ in range(3)))
    await world.say("ada", "go")
    await world.until(seconds=1500)
    assert len(matches(world)) == PER_SESSION
    assert world.db.execute("select count(*) from process where muted = 1").fetchone() == (count,)


async def test_a_line_just_before_the_end_is_told(world):
    world.processes.script("job", prints=[(5, "warming up\n"), (6, "error\n")], ends_s=6)
    world.model.script(watched("job", "error", notify_on_complete=False), text("Started."), text("Error."))
    await world.say("ada", "go")
    assert [await world.reply("ada") for _ in range(2)] == ["Started.", "Error."]


async def test_after_a_reset_nobody_is_told(world):
    world.processes.script("job", prints=[(10, "error\n")], ends_s=None)
    world.model.script(watched("job", "error", keep=True), text("Started."))
    await world.say("ada", "go")
    await world.reply("ada")
    await world.say("ada", "/new")
    await world.until(seconds=100)
    assert matches(world) == []
    assert len(world.model.requests) == 2
