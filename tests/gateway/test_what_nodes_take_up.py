"""What a node takes up of another's is looked at as a start looks at what an older boot left."""

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.ports.store.boots import CALM_S
from hermes_trio.testing import open_world
from hermes_trio.values.identity import Policy
from tests.gateway.node_scenes import LEASE_S, at_home, rows, turns_of, two, until

ADAS = tuple(f"user-{n}-" for n in range(100))


async def agent(turn):
    """Works for ever in its first attempt."""
    if turn.attempt == 1 and turn.text.startswith("work"):
        await trio.sleep_forever()
    return f"re: {turn.text}"


@pytest.fixture
async def world(autojump_clock):
    options = GatewayOptions(stuck_after=100, resume_freshness_s=600)
    async with open_world(
        agent, start=False, options=options, session=SessionOptions(scope="chat", timezone="UTC")
    ) as world:
        yield world


async def two_of_which_one_knows_fewer(world, nodes, *users):
    """Two nodes; the first holds the account. The second was configured with only these people."""
    one, other = nodes.node("one"), nodes.node("other")
    await one.start()
    world.platform.policy = Policy(allow_users=users)
    await other.start()
    return one, other


async def taken_up(world, node):
    """The node dies, and the other has its work."""
    node.crash()
    await world.until(seconds=world.now + LEASE_S + 1)


async def accepted(world, count):
    await until(world, lambda: len(rows(world, "select 1 from inbound")) == count)


async def test_who_may_speak_no_longer_is_dropped_from_a_turn_that_goes_on_for_others(world, nodes):
    one, _ = await two_of_which_one_knows_fewer(world, nodes, *ADAS)
    ada = await at_home(world, "work", at=1)
    await world.say("eve", "for eve", chat=ada)
    await accepted(world, 2)
    await one.now.gateway.stop(newest(world, "session"))
    await until(world, lambda: rows(world, "select 1 from turn where state = 'finished'"))
    assert world.texts(ada, "final") == ["re: for eve"]
    await world.say("eve", "work for eve", chat=ada)
    await world.say(ada, "mine", chat=ada)
    await until(world, lambda: rows(world, "select 1 from inbound where turn = 3"))
    await taken_up(world, one)
    assert world.texts(ada, "final")[1:] == ["re: mine"]
    dropped = rows(world, "select id, reason from inbound where outcome = 'dropped'")
    assert dropped == [(newest(world, "inbound") - 1, "allow_users")]


def newest(world, table):
    return rows(world, f"select max(id) from {table}")[0][0]


async def test_a_turn_of_who_may_speak_no_longer_does_not_go_on(world, nodes):
    one, _ = await two_of_which_one_knows_fewer(world, nodes, "bob")
    ada = await at_home(world, "work", at=1)
    await taken_up(world, one)
    assert [state for state, *_ in turns_of(world, ada)] == ["abandoned"]
    assert [seen.said for seen in world.shown(ada)] == ["notice"]


@pytest.mark.parametrize(("also", "said"), [((), []), (("mine",), ["re: mine"])])
async def test_what_waits_of_who_may_speak_no_longer_is_dropped(world, nodes, also, said):
    """Alone, and together with what another has written."""
    one, other = await two_of_which_one_knows_fewer(world, nodes, *ADAS)
    ada = await at_home(world, "work", at=1)
    await world.say("eve", "for eve", chat=ada)
    for text in also:
        await world.say(ada, text)
    await accepted(world, 2 + len(also))
    one.crash()
    await other.now.gateway.stop(newest(world, "session"))
    await world.until(seconds=world.now + LEASE_S + 1)
    assert world.texts(ada, "final") == said
    about_eve = "select outcome from inbound where cast(body as text) like '%for eve%'"
    assert rows(world, about_eve) == [("dropped",)]


async def test_a_command_of_who_may_speak_no_longer_has_no_effect(world, nodes):
    one, _ = await two_of_which_one_knows_fewer(world, nodes, *ADAS)
    ada = await at_home(world, "work", at=1)
    one.crash_at_commit("after", 1)
    await world.say("eve", "/new", chat=ada)
    await one.crashed()
    await world.until(seconds=world.now + LEASE_S + 1)
    assert world.texts(ada, "final", "reply") == ["re: work"]
    assert rows(world, "select outcome from inbound where kind = 'command'") == [("dropped",)]


async def test_a_command_takes_effect_before_the_turn_that_it_is_about_goes_on(world, nodes):
    one, _ = await two(nodes)
    ada = await at_home(world, "work", at=1)
    one.crash_at_commit("after", 1)
    await world.say(ada, "/new")
    await one.crashed()
    await world.until(seconds=world.now + LEASE_S + 1)
    assert [state for state, *_ in turns_of(world, ada)] == ["reset"]
    assert world.lines("resume verdict") == []


@pytest.mark.parametrize(("later_s", "verdict"), [(0, "resume"), (3600, "too_old")])
async def test_how_old_a_turn_is_says_the_clock_of_the_store(world, nodes, later_s, verdict):
    """The wall clock of the node that takes it up is an hour fast."""
    one, other = await two(nodes)
    await at_home(world, "work", at=1)
    other.now.clock.ahead_s = 3600.0
    one.crash()
    world.clock.offset += later_s
    await world.until(seconds=world.now + LEASE_S + 1)
    assert [line["verdict"] for line in world.lines("resume verdict")] == [verdict]


async def keeps_dying(world, node, times=3):
    for _ in range(times):
        await world.until(seconds=world.now + 1)
        node.crash()
        await node.start()


async def test_a_node_that_keeps_dying_works_on_nothing_while_another_lives(world, nodes):
    one, _ = await two(nodes)
    await keeps_dying(world, one)
    for n in range(20):
        await world.say(f"user-{n}", "hello")
        await world.reply(f"user-{n}")
    assert rows(world, "select distinct node from turn join boot on boot.id = turn.boot") == [("other",)]
    await world.until(seconds=world.now + CALM_S)
    for n in range(20):
        await world.say(f"user-{n}", "hello")
        await world.reply(f"user-{n}")
    assert len(rows(world, "select distinct node from turn join boot on boot.id = turn.boot")) == 2


async def test_alone_it_pauses_what_would_go_on_until_it_has_lasted(world, nodes):
    one = nodes.node("one")
    await one.start()
    await world.say("ada", "work")
    await world.say("bob", "work")
    await accepted(world, 2)
    await world.until(seconds=world.now + 1)
    one.crash()
    for _ in range(2):
        await one.start()
        await world.until(seconds=world.now + 1)
        one.crash()
    await one.start()
    began = world.now
    await world.until(seconds=began + LEASE_S + 1)
    assert [line["verdict"] for line in world.lines("resume verdict")] == ["paused"] * 2
    assert len(world.texts("ada", "notice")) == 1
    await world.say("ada", "and?")
    await world.until(seconds=world.now + 1)
    assert world.texts("ada", "final") == ["re: work\nand?"]
    await world.until(seconds=began + CALM_S - 1)
    assert world.texts("bob", "final") == []
    await world.until(seconds=began + CALM_S + LEASE_S / 3 + 1)
    assert world.texts("bob", "final") == ["re: work"]
    assert [line["turns"] for line in world.lines("turns released")] == [1]


async def test_another_that_comes_does_what_it_has_paused(world, nodes):
    one, other = nodes.node("one"), nodes.node("other")
    await one.start()
    await world.say("ada", "work")
    await accepted(world, 1)
    await keeps_dying(world, one)
    await world.until(seconds=world.now + LEASE_S + 1)
    assert (await one.now.gateway.status()).paused == 1
    await other.start()
    await world.until(seconds=world.now + LEASE_S / 3 + 1)
    assert world.texts("ada", "final") == ["re: work"]
