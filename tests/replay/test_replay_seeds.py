"""Whatever happened in a small world, each of its conversations runs again as it ran."""

from __future__ import annotations

import os

import pytest
import trio
from trio.testing import MockClock

from hermes_trio.testing import seeded_scheduling
from hermes_trio.testing.replay import open_replay, recording_of
from tests.replay.worlds import small_world

SEEDS = range(int(os.environ.get("HERMES_TRIO_REPLAYS", "40")))


@pytest.mark.parametrize("seed", SEEDS)
def test_each_conversation_of_a_small_world_runs_again(seed):
    with seeded_scheduling(seed):
        trio.run(runs_again, seed, clock=MockClock(autojump_threshold=0))


async def runs_again(seed):
    async with small_world(seed) as world:
        count = world.db.execute("select count(*) from session").fetchone()[0]
        recordings = [recording_of(world, session) for session in range(1, count + 1)]
        timeline = world.timeline()
    for recording in recordings:
        async with open_replay(recording) as replay:
            await replay.finished()
            different = [str(one) for one in replay.differences()]
            assert different == [], f"session {recording.session}\n{timeline}\n--\n{replay.timeline()}"
