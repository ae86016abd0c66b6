"""Hermes #29188 and #30030: what is gone on with after a restart, and what is not.

Each test quotes the sentence of behaviour it answers. The naive gateway has a mark on the session, notes that
stay in the history, and a task that resumes beside the one that answers; it fails the checks that the gateway
passes.
"""

from __future__ import annotations

from collections.abc import Sequence

import trio

from hermes_trio.testing import ScriptedModel, World, fails, hangs, open_world, text, tool
from hermes_trio.turns.turn import run_of
from hermes_trio.values.transcript import AssistantEntry, ModelAnswer, NoteEntry, ToolEntry, UserEntry
from tests.invariants.at_rest import check

WINDOW_S = 3600.0


class Naive:
    """A session with `resume_pending`: set at a stop, cleared by a turn that ends well.

    Attributes:
        asked: what each model call was shown last, and how many notes with it.
        effects: how often each tool ran.
        most: calls in flight at once.
    """

    def __init__(self) -> None:
        self.pending_at: float | None = None
        self.history: list[str] = []
        self.asked: list[tuple[str, int]] = []
        self.effects: list[str] = []
        self.most = self.running = 0

    def stop(self, now: float) -> None:
        """Marks what ran, with the time of the mark."""
        self.pending_at = now

    def boot(self, now: float) -> bool:
        """Whether it resumes: by the age of its mark."""
        return self.pending_at is not None and now - self.pending_at <= WINDOW_S

    async def turn(self, said: str, *, resumed: bool, ends: bool = True, takes_s: float = 0.0) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        self.history.append(f"[note] {said}" if resumed else said)
        self.asked.append((said, sum(one.startswith("[note]") for one in self.history)))
        await trio.sleep(takes_s)
        self.running -= 1
        if ends:
            self.pending_at = None


def notes_of(request) -> int:
    return sum(isinstance(entry, NoteEntry) for entry in request.entries)


def users(entries) -> list[str]:
    return [entry.text for entry in entries if isinstance(entry, UserEntry)]


async def cut_short(world: World, *, after_s: float = 1.0) -> None:
    await world.until(seconds=world.now + after_s)
    world.crash()


# --- an abandoned task hours later


def only_the_new_topic(asked: Sequence[str], before: int) -> bool:
    """Nothing was asked before the user spoke, and then what the user said."""
    return before == 0 and asked[:1] == ["new topic"]


async def test_an_abandoned_task_is_not_answered_in_place_of_the_new_message(autojump_clock):
    """ "Resume only an explicit interrupted turn row, once, within a freshness window; otherwise close it
    with a notice. No invented user text." """
    naive = Naive()
    naive.stop(0)
    # The resume fails, so its mark stays, and each stop sets it anew.
    await naive.turn("Continue.", resumed=True, ends=False)
    naive.stop(1800)
    naive.stop(1800 + 5400)
    asked = len(naive.asked)
    if naive.boot(1800 + 7200):
        await naive.turn("Continue.", resumed=True)
    before = len(naive.asked) - asked
    await naive.turn("new topic", resumed=False)
    assert not only_the_new_topic([said for said, _ in naive.asked[asked:]], before)

    async with open_world() as world:
        world.model.script(hangs(), *[fails("auth")] * 10)
        await world.say("ada", "old task")
        await cut_short(world)
        await world.start()
        await world.settle()
        await world.stop()
        await world.until(hours=2)
        world.model = ScriptedModel()
        await world.start()
        await world.settle()
        before = len(world.model.requests)
        await world.say("ada", "new topic")
        await world.settle()
        assert only_the_new_topic([users(r.entries)[-1] for r in world.model.requests], before)
        assert set(users(world.model.requests[-1].entries)) <= {"old task", "new topic"}
        check(world)


async def test_an_old_turn_does_not_become_young_by_restarts(autojump_clock):
    """ "Age is that of the last transcript entry, never of a marker." """
    naive = Naive()
    for now in (0, 3000, 6000, 9000):
        naive.stop(now)
    assert naive.boot(9001)

    async with open_world() as world:
        world.model.script(*[hangs()] * 9)
        await world.say("ada", "work")
        await cut_short(world, after_s=1000)
        await world.start()
        await cut_short(world, after_s=10)
        await world.until(seconds=4000)
        await world.start()
        await world.settle()
        assert [line["verdict"] for line in world.lines("resume verdict")] == ["resume", "too_old"]
        check(world)


# --- notes that come back


async def test_a_note_of_the_gateway_s_is_not_sent_with_every_later_request(autojump_clock):
    """ "Such notes are typed entries with a lifetime, never sent to the model twice." """
    naive = Naive()
    for said in ("one", "two", "three"):
        await naive.turn(said, resumed=said == "one")
    assert [count for _, count in naive.asked] == [1, 1, 1]

    async with open_world() as world:
        world.model.script(hangs())
        await world.say("ada", "old task")
        await cut_short(world)
        await world.start(resume=False)
        for said in ("one", "two", "three"):
            await world.say("ada", said)
            await world.settle()
        assert [notes_of(request) for request in world.model.requests[-3:]] == [1, 0, 0]
        check(world)


# --- two agents


async def test_a_resume_and_a_message_do_not_make_two_agents(autojump_clock):
    """ "Resume is the first item in the session's own queue, put there before adapters start; one worker per
    session by construction." """
    naive = Naive()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(lambda: naive.turn("Continue.", resumed=True, takes_s=5))
        await trio.sleep(0.16)
        nursery.start_soon(lambda: naive.turn("hello", resumed=False, takes_s=5))
    assert naive.most == 2

    most = running = 0

    async def agent(turn):
        nonlocal most, running
        running += 1
        most = max(most, running)
        try:
            await trio.sleep(5)
        finally:
            running -= 1
        return f"re: {turn.text}"

    async with open_world(agent) as world:
        await world.say("ada", "work")
        await cut_short(world)
        await world.until(seconds=2)
        most = 0
        await world.start()
        await trio.sleep(0.16)
        await world.say("ada", "hello")
        await world.settle()
        assert most == 1
        assert world.texts("ada") == ["re: work", "re: hello"]
        check(world)


# --- what was done is done


class Restarts:
    """A tool that ends the process it runs in, as a restart of its container does."""

    name = "restart_container"
    description = "Restart the container."
    idempotent = False

    def __init__(self) -> None:
        self.parameters = {"type": "object"}
        self.ran: list[str] = []
        self.happened = trio.Event()

    async def run(self, arguments, call) -> str:
        self.ran.append(call.op)
        self.happened.set()
        await trio.sleep_forever()
        return ""


async def test_a_tool_that_restarts_the_bot_does_not_restart_it_again(autojump_clock):
    """ "An interrupted tool call is shown to the model as "started, outcome unknown, do not repeat"." """
    naive = Naive()
    # Its model repeats a call that has no result, and the history has none: the batch is kept when complete.
    for boot in range(3):
        naive.effects.append("restart_container")
        naive.stop(boot)
    assert len(naive.effects) == 3

    restarts = Restarts()
    async with open_world(tools=[restarts]) as world:
        world.model.script(tool("restart_container"), text("I do not know whether it restarted."))
        await world.say("ada", "restart the container")
        await restarts.happened.wait()
        world.crash()
        await world.start()
        await world.settle()
        await world.until(minutes=5)
        assert len(restarts.ran) == 1
        last = world.model.requests[-1].entries[-1]
        assert isinstance(last, ToolEntry)
        assert "unknown" in last.text
        assert world.texts("ada") == ["I do not know whether it restarted."]
        check(world, restarts.ran)


async def test_an_answer_that_was_given_is_not_given_again(autojump_clock):
    """ "Tail is a final assistant answer with an explicit stop → closed as answered, its reply delivered if
    it was not; never replayed." """
    naive = Naive()
    naive.stop(0)
    await naive.turn("work", resumed=False, ends=False)
    if naive.boot(10):
        await naive.turn("Continue.", resumed=True)
    assert len(naive.asked) == 2

    runs = 0

    async def agent(turn):
        async def model():
            nonlocal runs
            runs += 1
            return ModelAnswer(text="42")

        await run_of(turn).steps.run(
            "model", model, type=ModelAnswer, entries=lambda a: [AssistantEntry(a.text)]
        )
        await trio.sleep_forever()

    async with open_world(agent) as world:
        await world.say("ada", "work")
        await cut_short(world)
        await world.start()
        await world.settle()
        assert runs == 1
        assert world.texts("ada") == ["42"]
        check(world)


async def test_nothing_of_the_conversation_is_missing_after_a_crash(autojump_clock):
    """ "Conversation text never depends on how the process died": at each tenth of a second of a turn."""
    for tenths in range(25):
        async with open_world(seed=tenths) as world:
            await world.say("ada", "before")
            await world.settle()
            world.model.script(tool("now", after_s=1), text("now", after_s=1), text("last"))
            await world.say("ada", "work")
            await cut_short(world, after_s=tenths / 10 + 0.05)
            await world.start()
            await world.settle()
            await world.say("ada", "after")
            await world.settle()
            last = world.model.requests[-1].entries
            assert users(last) == ["before", "work", "after"]
            assert [type(entry) for entry in last[2:]] == [
                UserEntry,
                AssistantEntry,
                ToolEntry,
                AssistantEntry,
                UserEntry,
            ]
            check(world)
