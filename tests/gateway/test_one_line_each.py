"""Each thing that happens is one line of the log, with the fields that docs/log.md gives it."""

import re
from pathlib import Path

import pytest
import trio

from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.errors import AccountRefused, NoCredentials, PlatformDown
from hermes_trio.testing import MemoryPlatform, fails, open_world, rounds, text
from hermes_trio.values.identity import Policy
from hermes_trio.values.message import Undecodable

PAGE = (Path(__file__).parents[2] / "docs/log.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `([^`]+)` \| ((?:`[a-z_]+` ?)*)\|", re.MULTILINE)
FIELDS = {event: set(re.findall(r"`([a-z_]+)`", fields)) for event, fields in ROW.findall(PAGE)}


def one(world, event, **fields):
    """The one line of this event, which has these fields among those of the page."""
    [line] = world.lines(event)
    assert set(line) - {"event", "t", "level"} <= FIELDS[event]
    assert {name: line[name] for name in fields} == fields
    return line


async def test_an_answer(world):
    await world.say("u1", "hello")
    await world.settle()
    one(world, "account up", account="memory/main")
    one(world, "message accepted", native="in1", key="memory/main/u1", user="u1", kind="message", length=5)
    one(world, "turn opened", turn=1, key="memory/main/u1", messages=1, attempt=1)
    one(world, "turn closed", turn=1, key="memory/main/u1", outcome="finished", steps=1)
    assert [line["event"] for line in world.log] == [
        "account up",
        "message accepted",
        "turn opened",
        "turn closed",
    ]


async def test_the_line_of_a_message_stands_before_anything_its_turn_says(world):
    for n in range(5):
        await world.say(f"u{n}", "hello")
    await world.settle()
    for n in range(5):
        mine = [line["event"] for line in world.log if line.get("key") == f"memory/main/u{n}"]
        assert mine == ["message accepted", "turn opened", "turn closed"]


@pytest.mark.world(platform=MemoryPlatform(policy=Policy(allow_users=("u1",))))
async def test_a_message_that_is_dropped(world):
    await world.say("stranger", "hello")
    await world.settle()
    one(world, "message dropped", native="in1")


async def test_an_update_that_cannot_be_decoded(world):
    world.platform.push(Undecodable(native="x1", why="no json", raw=b"\xff"))
    await world.settle()
    one(world, "message failed", native="x1", key="memory/main", why="decode: no json")


async def test_a_redelivered_message_has_no_second_line(world):
    message = await world.say("u1", "hello")
    world.platform.push(message)
    await world.settle()
    one(world, "message accepted")


async def test_a_turn_that_fails(world):
    world.model.script(fails("malformed"))
    await world.say("u1", "hello")
    await world.settle()
    line = one(world, "turn closed", outcome="failed", why="model: malformed")
    assert "ModelFailed" in line["error"]
    one(world, "message failed", native="in1", key="memory/main/u1", why="model: malformed")


async def test_a_turn_that_is_reset_while_its_answer_is_written_has_its_closing_line_too(autojump_clock):
    async def quick(turn):
        return "done"

    for late in range(20):
        async with open_world(quick, seed=late) as world:
            await world.say("u1", "hello")
            await rounds(late)
            await world.gateway.reset(1)
            await world.settle()
            opened = [line["turn"] for line in world.lines("turn opened")]
            assert opened == [line["turn"] for line in world.lines("turn closed")], world.timeline()


async def test_a_message_that_no_key_can_answer_is_refused_with_a_line(autojump_clock):
    async def no_key(turn):
        raise NoCredentials(None)

    async with open_world(no_key) as world:
        await world.say("u1", "hello")
        await world.settle()
        one(world, "message refused", native="in1", key="memory/main/u1", why="no_credentials")


async def test_a_press_on_a_question_that_is_over_expires_with_a_line(world):
    await world.say("u1", "yes", choice="1.1.0")
    await world.settle()
    one(world, "message expired", native="in1", why="no_open_question")


async def test_reset_and_stop(world):
    world.model.script(text("x", after_s=100), text("x", after_s=100))
    await world.say("u1", "hello")
    await world.until(seconds=1)
    await world.say("u1", "/stop")
    await world.until(seconds=2)
    one(world, "stop", key="memory/main/u1", turn=1, who="u1")
    await world.say("u1", "hello")
    await world.until(seconds=3)
    await world.say("u1", "/new")
    await world.settle()
    one(world, "reset", key="memory/main/u1", session=2, who="u1", why="/new")
    assert [line["outcome"] for line in world.lines("turn closed")] == ["cut", "cut"]


async def lingers(turn):
    try:
        await trio.sleep_forever()
    finally:
        with trio.move_on_after(10, shield=True):
            await trio.sleep(10)


@pytest.mark.world(agent=lingers)
async def test_what_is_left_behind(world):
    await world.say("u1", "hello")
    await world.until(seconds=1)
    await world.say("u1", "/new")
    await world.until(seconds=4)
    line = one(world, "left behind", key="memory/main/u1", t=3.0)
    assert line["tasks"].startswith("session memory/main/u1")


async def sleeps(turn):
    await trio.sleep(0 if turn.attempt > 1 else 1000)
    return "done"


@pytest.mark.world(agent=sleeps, options=GatewayOptions(drain_timeout_s=5))
async def test_a_stop_and_the_next_boot(world):
    await world.say("u1", "hello")
    await world.until(seconds=1)
    await world.stop()
    one(world, "checkpoint", turns=1, t=1.0)
    await world.start()
    await world.settle()
    one(world, "resume verdict", turn=1, key="memory/main/u1", verdict="resume")


@pytest.mark.parametrize(
    ("faults", "event", "why"),
    [
        (["not_sent"], "send retried", "NotSent: not connected"),
        (["gone"], "send given up", "SendRefused: the chat is gone"),
    ],
)
async def test_sends(autojump_clock, faults, event, why):
    async with open_world() as world:
        world.platform.fault(*faults)
        await world.say("u1", "hello")
        await world.settle()
        one(world, event, lane="memory/main/u1", row=1, attempts=1, why=why)


class Fails(MemoryPlatform):
    """Serves after the errors it was given."""

    def __init__(self, *errors):
        super().__init__()
        self.errors = list(errors)

    async def serve(self, intake):
        if self.errors:
            raise self.errors.pop(0)
        await super().serve(intake)


async def test_an_account_that_is_down_and_up_again(autojump_clock):
    async with open_world(platform=Fails(PlatformDown("dns"), PlatformDown("dns"))) as world:
        await world.until(minutes=1)
        one(world, "account down", account="memory/main", why="PlatformDown: dns")
        one(world, "account up", account="memory/main")
        assert len(world.lines("account restarts")) == 2


async def test_an_account_that_is_refused(autojump_clock):
    async with open_world(platform=Fails(AccountRefused("401"))) as world:
        await world.until(minutes=1)
        one(world, "account down", account="memory/main", why="AccountRefused: 401")
        one(world, "account refused", account="memory/main", why="AccountRefused: 401")


class Breaks:
    """A command that raises."""

    names = ("breaks",)
    help = "breaks"
    role = "user"

    async def run(self, call):
        raise ValueError("inner")


@pytest.mark.world(commands=[Breaks()])
async def test_a_command_that_fails(world):
    await world.say("u1", "/breaks")
    await world.settle()
    one(world, "command failed", name="breaks", key="memory/main/u1")


@pytest.mark.world(session=SessionOptions(scope="chat"))
async def test_where_the_session_is_the_chats_the_line_and_the_ledger_name_the_person(world):
    await world.say("ada", "hello", chat="garden", group=True)
    await world.settle()
    one(world, "message accepted", key="memory/main/garden", user="ada")
    [row] = await world.ledger()
    assert (str(row.key), row.user) == ("memory/main/garden", "ada")
