"""A node that is frozen for longer than its lease does nothing when it wakes: another does it, or has."""

import pytest
import trio

from hermes_trio.errors import LeaseOver
from hermes_trio.testing import MemoryPlatform, ScriptedModel, fails, open_world, text, tool
from hermes_trio.testing.incarnation import act
from hermes_trio.tools.terminal import tool as terminal
from hermes_trio.values.delivery import Capabilities
from hermes_trio.values.identity import Policy
from hermes_trio.values.nodes import MARGIN_S
from hermes_trio.values.transcript import ToolEntry, UserEntry
from tests.gateway.node_scenes import LEASE_S, until

FROZEN_S = 3 * LEASE_S
COMMIT_S = 0.004
USERS = tuple(f"user-{n}" for n in range(100))
MAIL = "mail"
MARKED = "Done. ↻"
"""The one repeat of what may have been sent."""
SHOWS_NOTHING_MEANWHILE = Capabilities()
"""So that it is the act itself that meets the end of the lease, and not a typing sign beside it."""


class WorksOnce(ScriptedModel):
    """Runs a command and sends a mail for each message, then answers."""

    def unscripted(self, request):
        asked = max(n for n, entry in enumerate(request.entries) if isinstance(entry, UserEntry))
        called = sum(isinstance(entry, ToolEntry) for entry in request.entries[asked:])
        return [tool("terminal", command="make"), tool(MAIL), text("Done.")][called]


class Mail:
    """A tool that acts at once."""

    name, description, idempotent = MAIL, "Sends a mail.", False
    parameters = {"type": "object"}  # noqa: RUF012

    def __init__(self):
        self.sent = 0

    async def run(self, arguments, call):
        await act("tool")
        self.sent += 1
        return "sent"


@pytest.fixture
async def world(autojump_clock):
    everybody = Policy(allow_users=("*",), admins=USERS)
    mail = Mail()
    async with open_world(
        start=False,
        commit_s=COMMIT_S,
        tools=[mail, terminal],
        platform=MemoryPlatform(policy=everybody, capabilities=SHOWS_NOTHING_MEANWHILE),
    ) as world:
        world.model = WorksOnce()
        world.mail = mail
        yield world


async def frozen_and_other(world, nodes):
    """A node that holds the account, and a user whose key is at home there; another node lives beside it."""
    one, other = nodes.node("one"), nodes.node("other")
    await one.start()
    await other.start()
    for user in USERS:
        await world.say(user, "hello")
        await world.reply(user)
        ((boot,),) = world.db.execute("select boot from turn order by id desc limit 1").fetchall()
        if boot == 1:
            # Right behind a renewal: so the other has none of its own under way.
            await world.until(seconds=world.now + 1)
            world.mail.sent = 0
            return one, user
    raise AssertionError("no key is at home there")


def froze_at(world):
    ((at),) = (event.at for event in world.record.of("world", "freeze"))
    return at


def done_when_it_woke(world, life, froze):
    """What the node did between its waking and its being another boot."""
    woke_at = froze + FROZEN_S - 1e-6
    ((joined_at,),) = world.db.execute("select min(started_at) from boot where id > 2").fetchall()
    joined_at -= world.clock.now() - trio.current_time()
    return [what for at, what in life.acts if woke_at <= at < joined_at]


@pytest.mark.parametrize("nth", range(1, 16))
async def test_nothing_is_done_that_was_next_when_the_node_froze(world, nodes, nth):
    """The node freezes after each commit of a message in its turn: before each kind of act."""
    one, user = await frozen_and_other(world, nodes)
    life = one.now
    one.freeze_at_commit("after", nth, FROZEN_S)
    await world.say(user, "again")
    assert await world.reply(user) in ("Done.", MARKED)
    await world.until(seconds=world.now + 2 * FROZEN_S)
    assert done_when_it_woke(world, life, froze_at(world)) == []
    assert world.texts(user)[1:] in (["Done."], [MARKED], ["Done.", MARKED])
    assert world.mail.sent <= 1
    answers = world.db.execute("select distinct outcome from inbound").fetchall()
    assert answers == [("answered",)]


@pytest.mark.parametrize("keys", [(), ("a key",)])
async def test_a_model_is_not_asked_again_by_a_node_that_wakes_between_two_tries(world, nodes, keys):
    world.keys = keys
    one, user = await frozen_and_other(world, nodes)
    life = one.now
    world.model.fault(fails("transport"), fails("transport"))
    await world.say(user, "again")
    asked = len(world.model.requests)
    await until(world, lambda: len(world.model.requests) > asked)
    one.freeze(FROZEN_S)
    assert await world.reply(user) == "Done."
    await world.until(seconds=world.now + 2 * FROZEN_S)
    assert done_when_it_woke(world, life, froze_at(world)) == []


async def test_typing_is_not_shown_by_a_node_that_wakes_behind_its_lease(world, nodes):
    one, user = await frozen_and_other(world, nodes)
    life = one.now
    one.freeze(FROZEN_S)
    await life.gateway.wiring.outbox.typing(world.platform.message(user, "").address)
    assert life.acts[-1][1] != "typing"


async def test_the_margin_ends_a_boot_before_another_may_bury_it(world, nodes):
    one, _ = await frozen_and_other(world, nodes)
    lease = one.now.gateway.wiring.lease
    ((until,),) = world.db.execute("select until from boot where id = 1").fetchall()
    assert until - world.clock.now() - (lease.scope.deadline - trio.current_time()) == pytest.approx(
        MARGIN_S, abs=4 * COMMIT_S
    )
    one.freeze(LEASE_S - 2 * MARGIN_S - 1)
    await lease.check()


async def test_whoever_the_end_of_its_scope_does_not_reach_is_told_that_the_lease_is_over(world, nodes):
    one, _ = await frozen_and_other(world, nodes)
    lease = one.now.gateway.wiring.lease
    one.freeze(LEASE_S)
    with pytest.raises(LeaseOver):
        await lease.check()
