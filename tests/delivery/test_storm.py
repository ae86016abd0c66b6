"""Whatever a platform does, whenever the gateway dies: each part is shown, at most one extra, marked."""

import random
from collections import Counter

import msgspec
import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.errors import NotSent, SendRefused, SendUnknown
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.testing.scheduling import seeded_scheduling
from tests.delivery.chats import capabilities, outbound

CHATS = ("a", "b")


class Stormy(MemoryPlatform):
    """While it storms, calls take their time and go wrong in every way that leaves the chat usable."""

    def __init__(self, chance, **more):
        super().__init__(**more)
        self.chance = chance
        self.storms = True

    async def deliver(self, delivery):
        if not self.storms:
            return await super().deliver(delivery)
        await trio.sleep(self.chance.random())
        match self.chance.randrange(12):
            case 0:
                raise NotSent("no connection")
            case 1:
                raise NotSent("too many requests", self.chance.random() * 20)
            case 2:
                raise SendUnknown("no answer")
            case 3:
                await super().deliver(delivery)
                raise SendUnknown("the answer was lost")
            case 4:
                await super().deliver(delivery)
                raise ValueError("cannot read the answer")
            case 5 if delivery.part is not None and delivery.part.spans:
                raise SendRefused("cannot parse", "markup")
            case 6 if delivery.op == "edit":
                self.seen.pop(delivery.message_id, None)
                raise SendRefused("message to edit not found", "lost")
        receipt = await super().deliver(delivery)
        await trio.sleep(self.chance.random())
        return receipt


async def agent(turn):
    """Streams, says and answers, each text named after its turn."""
    n = turn.text.split()[-1]
    chance = random.Random(n)
    for kind in ("say", "final"):
        for _ in range(chance.randrange(4)):
            turn.stream(f"{kind} {n} ")
            await trio.sleep(chance.random() * 2)
        text = "\n\n".join(f"**{kind}** {n} part {p} {'x' * 60}" for p in range(chance.randrange(1, 4)))
        if kind == "final":
            return text
        if chance.random() < 0.6:
            await turn.say(text)
        else:
            turn.restart_stream()
    return None


async def play(seed, *, takes_key):
    """A storm, then calm."""
    chance = random.Random(seed)
    platform = Stormy(chance, capabilities=capabilities(text_max=200, takes_key=takes_key, live_every_s=0.5))
    options = GatewayOptions(stuck_after=1000)
    async with open_world(agent=agent, platform=platform, seed=seed, commit_s=0.02, options=options) as world:
        for n in range(6):
            await world.say("u", f"m {n}", chat=chance.choice(CHATS))
            await trio.sleep(chance.random() * 8)
            if chance.random() < 0.5:
                world.crash()
                await trio.sleep(chance.random())
                await world.start()
        platform.storms = False
        await world.settle()
        # What so many crashes in a minute hold back goes on when a life has lasted one.
        await world.until(seconds=world.now + 61)
        await world.settle()
        assert set(await world.outcomes()) == {"answered"}, world.timeline()
        return (
            world.platform,
            outbound(world, "id, said, state, begun, unknown, marked, part"),
            world.timeline(),
        )


def shown(platform):
    """How often each part is shown, and how often with a mark."""
    whole, marked = Counter(), Counter()
    for seen in platform.seen.values():
        if "part" in seen.text:
            text = seen.text.removesuffix("↻").strip()
            (marked if seen.text.endswith("↻") else whole)[text] += 1
    return whole, marked


@pytest.mark.parametrize("takes_key", [False, True])
@pytest.mark.parametrize("seed", range(15))
async def test_each_part_is_shown_and_at_most_one_extra_is_marked(autojump_clock, seed, takes_key):
    with seeded_scheduling(seed):
        platform, rows, timeline = await play(seed, takes_key=takes_key)
    whole, marked = shown(platform)
    assert [row for row in rows if row[3] or row[2] not in ("sent", "unknown", "dropped")] == [], timeline
    for text in {**whole, **marked}:
        assert whole[text] <= 1, timeline
        assert marked[text] <= 1, timeline
    if takes_key:
        assert not marked, timeline
        assert not [seen for seen in platform.seen.values() if seen.said == "preview"], timeline
        assert [row for row in rows if row[2] == "unknown"] == [], timeline
    for id, said, state, _, unknown, was_marked, part in rows:
        text = _text(part)
        if said in ("say", "final"):
            assert state in ("sent", "unknown"), timeline
            if state == "sent":
                assert whole[text] + marked[text] >= 1, (id, timeline)
            if marked[text]:
                assert was_marked, (id, timeline)
                assert unknown >= 1, (id, timeline)


def _text(part):

    return msgspec.json.decode(part)[0].strip()
