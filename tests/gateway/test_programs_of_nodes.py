"""A node ends the programs that it left itself, and nobody else's."""

import pytest

from hermes_trio.testing import MemoryPlatform, open_world, tool
from hermes_trio.tools.process import tool as process
from hermes_trio.values.identity import Policy
from hermes_trio.values.nodes import LEASE_S

USERS = tuple(f"user-{n}" for n in range(20))


@pytest.fixture
async def world(autojump_clock):
    everybody = Policy(allow_users=("*",), admins=USERS)
    async with open_world(start=False, tools=[process], platform=MemoryPlatform(policy=everybody)) as world:
        world.processes.script("serve", ends_s=None)
        yield world


def alive(world):
    """Of which boots programs live."""
    return {int(one.env["HERMES_TRIO_BOOT"].rpartition(".")[2]) for one in world.processes.alive}


async def both_with_programs(world, nodes):
    """Two nodes, each with programs that run."""
    one, other = nodes.node("one"), nodes.node("other")
    await one.start()
    await other.start()
    for user in USERS:
        world.model.script(tool("process", action="start", command="serve"))
        await world.say(user, "serve")
        await world.reply(user)
    assert alive(world) == {1, 2}
    return one, other


async def test_what_a_killed_node_has_left_is_ended_when_that_boot_is_over_though_another_has_begun(
    world, nodes
):
    one, _ = await both_with_programs(world, nodes)
    one.crash()
    await one.start()  # within the lease of the boot that was killed, which might live elsewhere
    assert alive(world) == {1, 2}
    await world.until(seconds=world.now + LEASE_S + 5)
    assert alive(world) == {2}


async def test_a_start_ends_what_its_own_node_left_and_spares_what_lives(world, nodes):
    one, other = await both_with_programs(world, nodes)
    one.crash()
    await world.until(seconds=world.now + 60)  # it is buried by the other, which cannot reach its programs
    await one.start()
    await world.until(seconds=world.now + 5)
    assert alive(world) == {2}
    await other.stop()
    await world.until(seconds=world.now + 5)
    assert alive(world) == set()
    states = world.db.execute("select distinct state from process").fetchall()
    assert states == [("lost",)]
