"""A real daemon, killed with -9, written out, and run again: in a World, and on with a live model."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from hermes_trio.testing.replay import load_recording, open_replay
from tests.fakes.model_script import Call, Item

ADA = 42


async def recorded(place):
    """A daemon is killed in the middle of a turn with a tool, goes on when it is started again, and ends."""
    config = place.home / "hermes.toml"
    config.write_text(config.read_text() + '[tools]\nenable = ["now", "sleep"]\n')
    place.model.push(Item(text="Hello, Ada."))
    place.model.push(Item(calls=[Call("now", "{}")]), Item(text="never seen", hold=3))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA)
        place.bot.push(ADA, "what time is it?")
        await place.model.until_held()
        await daemon.kill()
    place.model.push(Item(text="It is late."))
    async with place.daemon() as daemon:
        await daemon.ready()
        await place.bot.wait_sent(ADA, 2)
        place.bot.push(ADA, "/new")
        await place.bot.wait_sent(ADA, 3)
        assert await daemon.stop() == 0
    done = await place.hermes("export", 1, "-o", place.home / "it.json", **place.environ)
    assert done.returncode == 0, done.stderr
    return place.home / "it.json"


def again(path):
    """Run it again in a World: what is otherwise, and what was said."""

    async def run():
        async with open_replay(load_recording(path)) as replay:
            await replay.finished()
            return replay.differences(), [seen.text for seen in replay.shown("42")], replay.boots

    return trio.run(run, clock=MockClock(autojump_threshold=0))


async def test_it_runs_again_as_it_ran_in_a_world_and_on_the_command_line(place):
    path = await recorded(place)
    differences, said, boots = await trio.to_thread.run_sync(again, path)
    assert differences == []
    assert said == ["Hello, Ada.", "It is late.", "New session."]
    assert boots == 2
    done = await place.hermes("replay", path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "the same"
    assert "crash" in done.stdout


async def test_from_a_step_on_the_live_model_is_asked_and_tools_are_not_run_unless_named(place):
    path = await recorded(place)
    steps = [step.name for step in load_recording(path).steps]
    assert steps == ["model", "model", "tool now#1/now", "tool now", "model"]
    before = len(place.model.calls)
    sleep = Item(calls=[Call("sleep", '{"s": 0.01}')])
    place.model.push(Item(calls=[Call("now", "{}")]), sleep, Item(text="It is **early**."))
    done = await place.hermes("replay", path, "--from-step", 5, "--model", "another", **place.environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("\nIt is early.\n")
    asked = place.model.calls[before:]
    assert len(asked) == 3
    results = [one["content"] for one in asked[-1].messages if one["role"] == "tool"]
    recorded_result, same, refused = results
    assert recorded_result == same
    assert "This is a replay: 'sleep' is not run" in refused
    assert [one.body["model"] for one in asked] == ["another"] * 3
    assert place.bot.texts(ADA) == ["Hello, Ada.", "It is late.", "New session."]

    for words, why in (
        (["--from-step", 9], "no step 9: there are 5, and 6 is a new one"),
        (["--from-step", 5, "--run-tools", "rm"], "not enabled in the configuration: rm"),
    ):
        refused = await place.hermes("replay", path, *words, **place.environ)
        assert refused.returncode in (1, 2)
        assert why in refused.stderr
        assert "Traceback" not in refused.stderr

    place.model.push(sleep, Item(text="Slept."))
    done = await place.hermes("replay", path, "--from-step", 5, "--run-tools", "sleep", **place.environ)
    assert done.returncode == 0, done.stderr
    results = [one["content"] for one in place.model.calls[-1].messages if one["role"] == "tool"]
    assert results[-1] == "Slept 0.01 s."


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["replay", "nowhere.json"], 1, "nowhere.json: No such file or directory"),
        (["replay", "hermes.toml"], 1, "hermes.toml: not a recording"),
        (["replay", "old.json"], 1, "old.json: a recording of version 7; this hermes-trio knows 1"),
        (["replay", "old.json", "--model", "x"], 2, "--model and --run-tools go with --from-step"),
    ],
)
async def test_what_cannot_be_run_is_said_in_a_sentence(place, words, code, why):
    (place.home / "old.json").write_text('{"version": 7}')
    done = await place.hermes(*words)
    assert done.returncode == code
    assert why in done.stderr
    assert "Traceback" not in done.stderr
