"""What cannot be meant is told by function and argument: the mistakes and what is said of each."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import UTC, datetime
from functools import partial, wraps

import pytest
import trio
from msgspec import Struct

import hermes_trio
from hermes_trio import AgentError, EchoModel, ModelAgent, Say, Silence, Stop, open_gateway
from hermes_trio.testing import MemoryPlatform, open_world, text, tool


async def pay(order="one", *, op=None):
    return f"paid {order}"


async def book(days, op):
    return f"{days} days booked"


def total():
    return 12


async def agent(turn):
    return "hello"


async def asks_for_more(turn, more):
    return "hello"


async def yields(turn):
    yield "hello"


def plain(turn):
    return "hello"


def handed_on(turn) -> Awaitable[str]:
    return agent(turn)


class Plain:
    def __call__(self, turn):
        return "hello"


def counted(fn):
    @wraps(fn)
    def around(turn):
        return fn(turn)

    return around


def gives_no_promise(turn) -> Awaitable[str]:
    return "hello"


class Bot:
    """An agent that is an object."""

    def __init__(self, model):
        self.model = model

    async def __call__(self, turn):
        return "hello"


class Order:
    """/order: a command that returns what a test gives it."""

    names: object = ("order",)
    help: object = "order something"
    role: object = "user"

    def __init__(self, result=None, **wrong):
        self.result = result
        vars(self).update(wrong)

    async def run(self, call):
        return self.result


class Plainly(Order):
    def run(self, call):
        return self.result


class Lookup:
    """A tool that does what a test gives it."""

    name: object = "lookup"
    description: object = "Look it up."
    parameters: object = {"type": "object", "properties": {}}
    idempotent: object = True

    def __init__(self, does=None, **wrong):
        self.does = does
        vars(self).update(wrong)

    async def run(self, arguments, call):
        return await self.does(call)


class LookupPlainly(Lookup):
    def run(self, arguments, call):
        return "found"


class LookupAlone(Lookup):
    async def run(self, arguments):
        return "found"


async def forgets_await(call):
    return call.ask("Which?")


def asks_with(*tools):
    return ModelAgent(hermes_trio.Candidates([hermes_trio.Candidate(EchoModel())], chance=None), tools=tools)


async def odd():
    return object()


class Receipt(Struct):
    """What a service gives."""

    number: int


def gives(value):
    async def give():
        return value

    return give


async def gives_a_coroutine():
    return pay()


async def side_by_side(verb, *args):
    async with trio.open_nursery() as nursery:
        nursery.start_soon(verb, *args)
        nursery.start_soon(verb, *args)


async def tags():
    return {"of": [("ada", {"new", "paid"})]}


IN_A_TURN = [
    pytest.param(
        lambda t: t.step(pay, 3), "step: its name comes first, then the function: step('pay', pay, ...)"
    ),
    pytest.param(
        lambda t: t.step("pay", pay()), "step 'pay': fn is the function pay, not what calling it gives"
    ),
    pytest.param(lambda t: t.step("pay", 3), "step 'pay': fn is an async function, not an int"),
    pytest.param(lambda t: t.step("pay", None), "step 'pay': fn is an async function, not None"),
    pytest.param(lambda t: t.step(None, pay), "step: name is a text (str), not None"),
    pytest.param(lambda t: t.step("sum", total), "step 'sum': fn is no async function: write `async def`"),
    pytest.param(lambda t: t.step("y", yields, t), "step 'y': fn yields; it has to return its value"),
    pytest.param(
        lambda t: t.step("book", book, 3),
        "step 'book': fn cannot be called so: missing a required argument: 'op';"
        " the operation's id is given to `*, op`",
    ),
    pytest.param(
        lambda t: t.step("book", book),
        "step 'book': fn cannot be called so: missing a required argument: 'days'",
    ),
    pytest.param(
        lambda t: t.step("pay", pay, "one", 20),
        "step 'pay': fn cannot be called so: too many positional arguments",
    ),
    pytest.param(lambda t: t.step("odd", odd), "step 'odd': what odd returned is no JSON"),
    pytest.param(
        lambda t: t.step("tags", tags),
        "step 'tags': what tags returned is no JSON: a set would come back as a list, in any order",
    ),
    pytest.param(lambda t: t.say(None), "say: text is a text (str), not None"),
    pytest.param(lambda t: t.say(3), "say: text is a text (str), not an int"),
    pytest.param(lambda t: t.say(["a"]), "say: text is a text (str), not a list"),
    pytest.param(lambda t: t.ask(None), "ask: the question and its choices are texts that are not empty"),
    pytest.param(
        lambda t: t.ask("Pay?", choices="yes"), "ask: choices is a list of labels, not a text: write ['yes']"
    ),
    pytest.param(lambda t: t.ask("Pay?", choices=[1, 2]), "ask: the question and its choices are texts"),
    pytest.param(
        lambda t: t.ask("Pay?", timeout_s=-1), "ask: timeout_s is a number of seconds, 0 or more, not -1"
    ),
    pytest.param(lambda t: t.ask("Pay?", timeout_s="60"), "ask: timeout_s is a number of seconds, not a str"),
    pytest.param(lambda t: t.sleep("3"), "sleep: seconds is a number of seconds, not a str"),
    pytest.param(
        lambda t: t.sleep(float("nan")), "sleep: seconds is a number of seconds, 0 or more, not nan"
    ),
    pytest.param(lambda t: t.sleep(-3), "sleep: seconds is a number of seconds, 0 or more, not -3"),
    pytest.param(lambda t: t.reset(None), "reset: why is a text (str), not None"),
    pytest.param(lambda t: t.step("", pay), "step: name is a text of 1 to 256 characters"),
    pytest.param(lambda t: t.step("n" * 257, pay), "step: name is a text of 1 to 256 characters"),
    pytest.param(lambda t: t.ask("Pay?", name=3), "ask: name is a text (str), not an int"),
    pytest.param(lambda t: t.sleep(1, name=None), "sleep: name is a text (str), not None"),
    pytest.param(
        lambda t: t.step("pay", pay, idempotent="yes"), "step 'pay': idempotent is True or False, not a str"
    ),
    pytest.param(
        lambda t: t.step("pay", pay, order="two"),
        "step: got an unexpected keyword argument 'order'; it takes"
        " (name, fn, *args, idempotent=False, type=typing.Any);"
        " the arguments of fn stand behind it, in order and without names",
    ),
    pytest.param(
        lambda t: t.step("pay", pay, "\ud800"), "step 'pay': its arguments cannot be recorded: 'utf-8' codec"
    ),
    pytest.param(lambda t: t.step("pay", pay, {(1, 2): 3}), "step 'pay': its arguments cannot be recorded:"),
    pytest.param(
        lambda t: t.ask("Pay?", choices=3), "ask: choices is a list of labels, not an int: write [...]"
    ),
    pytest.param(lambda t: t.ask("Pay?", choices=(c for c in "ab")), "not a generator: write [...]"),
    pytest.param(lambda t: t.ask("Pay?", choices={"a", "b"}), "not a set: write [...]"),
    pytest.param(lambda t: t.needs("boss"), "needs: role is 'user' or 'admin', not 'boss'"),
    pytest.param(
        lambda t: trio.to_thread.run_sync(t.stream, "hello"),
        "stream: a thread cannot call it: write trio.from_thread.run_sync(turn.stream, text)",
    ),
    pytest.param(
        lambda t: t.step("r", gives(Receipt(7))),
        "step 'r': what give returned is no JSON:"
        " a Receipt would come back as a dict; give the step `type=Receipt`",
    ),
    pytest.param(
        lambda t: t.step("r", gives([datetime(2026, 1, 1, tzinfo=UTC)])),
        "a datetime would come back as a str; give the step `type=` what it is, such as `list[datetime]`",
    ),
    pytest.param(lambda t: t.step("r", gives({1: 2})), "the key 1 would come back as a text; write str(...)"),
    pytest.param(lambda t: t.step("r", gives([float("nan")])), "nan would come back as None"),
    pytest.param(
        lambda t: t.step("r", gives_a_coroutine),
        "step 'r': gives_a_coroutine returned a coroutine: write `await` before it",
    ),
    pytest.param(
        lambda t: t.step("r", gives({"number": "seven"}), type=Receipt),
        "step 'r': what give returned is no Receipt: Expected `int`, got `str` - at `$.number`",
    ),
]

AT_THE_START = [
    pytest.param({"agent": "my_bot:agent"}, "open_gateway: agent is an async function, not a str"),
    pytest.param({"agent": Bot}, "open_gateway: agent is the class Bot; pass one of it: Bot()"),
    pytest.param({"agent": yields}, "open_gateway: agent yields yields; it has to return its answer"),
    pytest.param({"agent": plain}, "open_gateway: agent plain is not async: write `async def`"),
    pytest.param({"agent": Plain()}, "open_gateway: agent Plain is not async: write `async def`"),
    pytest.param(
        {"agent": asks_for_more},
        "agent asks_for_more is called with one turn: missing a required argument: 'more'",
    ),
    pytest.param({"options": {"turns_max": 3}}, "options is not a dict: write GatewayOptions(turns_max=...)"),
    pytest.param({"session": {"scope": "user"}}, "session is not a dict: write SessionOptions(scope=...)"),
    pytest.param(
        {"platforms": MemoryPlatform()}, "platforms is a list of platforms, not a MemoryPlatform: write [...]"
    ),
    pytest.param({"platforms": [MemoryPlatform]}, "platforms: MemoryPlatform is a class; pass one of it"),
    pytest.param(
        {"platforms": ["telegram"]},
        ("platforms: a str is no platform: it has no name, account, capabilities, policy, open"),
    ),
    pytest.param(
        {"commands": [Order(names="x")]},
        "commands: Order.names is a list of at least one name, not 'x': write ('name',)",
    ),
    pytest.param({"commands": [Order(names=("/x",))]}, "Order.names: '/x' is a name of a-z, 0-9, _ and -"),
    pytest.param({"commands": [Order(role="boss")]}, "commands: Order.role is 'user' or 'admin', not 'boss'"),
    pytest.param({"commands": [Order(help=None)]}, "commands: Order.help is a text (str), not None"),
    pytest.param({"commands": [total]}, "commands: a function is no command: it has no names, help"),
    pytest.param({"lease_s": 5}, "open_gateway: lease_s is at least 6 seconds, not 5"),
    pytest.param({"lease_s": "15"}, "open_gateway: lease_s is a number of seconds, not a str"),
]

MADE = [
    pytest.param(lambda: ModelAgent("gpt-5"), "ModelAgent: models: a str is no Candidates: it has no walk"),
    pytest.param(lambda: ModelAgent(EchoModel()), "ModelAgent: models: an EchoModel is no Candidates"),
    pytest.param(lambda: asks_with(Lookup(name="a b")), "ModelAgent: tools: Lookup.name is a name of"),
    pytest.param(lambda: asks_with(Lookup(description=3)), "Lookup.description is a text (str), not an int"),
    pytest.param(lambda: asks_with(Lookup(parameters=None)), "Lookup.parameters is a JSON schema, not None"),
    pytest.param(lambda: asks_with(Lookup(idempotent="yes")), "Lookup.idempotent is True or False"),
    pytest.param(lambda: asks_with(Lookup(), Lookup()), "tools: two of them have the name 'lookup'"),
    pytest.param(
        lambda: hermes_trio.Candidates("x", chance=None), "Candidates: candidates is a list of Candidates"
    ),
    pytest.param(lambda: hermes_trio.Candidates([], chance=None), "Candidates: candidates has at least one"),
]


@pytest.mark.parametrize(("does", "said"), IN_A_TURN)
async def test_a_turn_ends_with_what_is_wrong_and_the_line_that_is(autojump_clock, does, said):
    async def wrong(turn):
        await does(turn)

    async with open_world(wrong) as world:
        await world.say("ada", "hello")
        await world.settle()
        [line] = world.lines("agent failed")
        assert line["error"].startswith("AgentError: ")
        page = await world.gateway.turn_page(1)
        assert said in page.error
        assert f"{__file__}:" in page.traceback


@pytest.mark.parametrize(("does", "said"), AT_THE_START)
async def test_a_gateway_does_not_open_with_it(does, said):
    options = {"agent": agent, "platforms": [MemoryPlatform()], "store": ":memory:"} | does
    with pytest.raises(AgentError) as wrong:
        async with open_gateway(options.pop("agent"), **options):
            pass
    assert said in str(wrong.value)


@pytest.mark.parametrize(
    "agent",
    [agent, handed_on, counted(agent), partial(asks_for_more, more=1), lambda turn: agent(turn), Bot(None)],
    ids=["async", "annotated", "wrapped", "partial", "lambda", "object"],
)
async def test_an_agent_that_gives_what_is_awaited_is_taken(agent):
    async with open_gateway(agent, platforms=[MemoryPlatform()], store=":memory:"):
        pass


@pytest.mark.parametrize(("make", "said"), MADE)
def test_it_is_not_made_with_it(make, said):
    with pytest.raises(AgentError) as wrong:
        make()
    assert said in str(wrong.value)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (3, "the agent returned an int; an answer is text, Silence or None"),
        ({"a": 1}, "the agent returned a dict"),
    ],
)
async def test_an_answer_that_is_none_is_told(autojump_clock, answer, said):
    async def wrong(turn):
        return answer

    async with open_world(wrong) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert said in (await world.gateway.turn_page(1)).error


async def test_a_function_that_is_not_async_is_told_when_it_is_called(autojump_clock):
    async with open_world(gives_no_promise) as world:
        await world.say("ada", "hello")
        await world.settle()
        said = "the agent is no async function: write `async def` (it gave a str)"
        assert said in (await world.gateway.turn_page(1)).error


async def gives_an_int(turn):
    return 3


class GivesAnInt:
    async def __call__(self, turn):
        return 3


@pytest.mark.parametrize(
    ("agent", "code", "name"),
    [
        (gives_an_int, gives_an_int.__code__, "gives_an_int"),
        (counted(gives_an_int), gives_an_int.__code__, "gives_an_int"),
        (partial(gives_an_int), gives_an_int.__code__, "gives_an_int"),
        (GivesAnInt(), GivesAnInt.__call__.__code__, "GivesAnInt.__call__"),
        (gives_no_promise, gives_no_promise.__code__, "gives_no_promise"),
    ],
    ids=["function", "wrapped", "partial", "object", "not async"],
)
async def test_what_an_agent_gave_wrong_is_told_with_its_place(autojump_clock, agent, code, name):
    async with open_world(agent) as world:
        await world.say("ada", "hello")
        await world.settle()
        [line] = world.lines("agent failed")
        first, *rest = line["traceback"].splitlines()
        assert first == f"{__file__}:{code.co_firstlineno} in {name}"
        assert not [row for row in rest if ".py:" in row]


async def test_a_forgotten_return_is_warned_of(autojump_clock):
    async def forgetful(turn):
        turn.text.upper()

    async with open_world(forgetful) as world:
        await world.say("ada", "hello")
        await world.settle()
        [line] = world.lines("nothing said")
        assert (line["level"], line["turn"]) == ("warning", 1)
        assert line["at"] == f"{__file__}:{forgetful.__code__.co_firstlineno} in forgetful"


async def test_a_forgotten_await_is_warned_of_with_its_line(autojump_clock):
    async def forgetful(turn):
        turn.step("pay", pay)
        later = turn.say("one moment")
        await turn.sleep(1)
        await turn.say("done")
        del later

    first = forgetful.__code__.co_firstlineno
    async with open_world(forgetful) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert [(line["call"], line["at"], line["level"]) for line in world.lines("not awaited")] == [
            ("step", f"{__file__}:{first + 1}", "warning"),
            ("say", f"{__file__}:{first + 2}", "warning"),
        ]
        assert world.texts("ada") == ["done"]
        # What a failing test shows:
        assert world.record.tracebacks()[0] == (
            f"step was called and not awaited: write `await`\n{__file__}:{first + 1}"
        )


async def test_what_is_awaited_later_or_by_another_task_was_not_forgotten(autojump_clock):
    async def busy(turn):
        later = turn.sleep(1)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(turn.say, "one moment")
            await later

    async with open_world(busy) as world:
        await world.say("ada", "hello")
        await world.settle()
        assert world.texts("ada") == ["one moment"]
        assert not world.lines("not awaited")


async def test_an_object_with_an_async_call_and_a_lambda_are_agents(autojump_clock):
    for fits in (Bot(None), lambda turn: agent(turn)):
        async with open_world(fits) as world:
            await world.say("ada", "hello")
            assert await world.reply("ada") == "hello"


async def test_an_option_that_a_verb_does_not_know_is_told_with_those_it_takes(autojump_clock):
    async def asks(turn):
        return await turn.ask("which?", choices=["a"], timeout=3)

    async with open_world(asks) as world:
        await world.say("ada", "hello")
        await world.reply("ada")
        [line] = world.lines("agent failed")
    assert line["error"] == (
        "AgentError: ask: got an unexpected keyword argument 'timeout'; "
        "it takes (text, *, choices=(), timeout_s=3600.0, name='ask')"
    )
    assert __file__ in line["traceback"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (Order("hello"), "AgentError: command /order: run returned a str, not an action: Say(text), Prompt"),
        (Order(None), "AgentError: command /order: run returned None, not an action"),
        (Order(Stop), "AgentError: command /order: run returned the class Stop, not an action"),
        (
            Order(Say(3)),
            "AgentError: command /order: run returned a Say: Expected `str`, got `int` - at `$.text`",
        ),
        (Plainly(Say("x")), "AgentError: command /order: run is no async function: write `async def`"),
    ],
)
async def test_a_command_that_returns_no_action_is_told_with_its_place(autojump_clock, command, said):
    async with open_world(commands=[command]) as world:
        await world.say("ada", "/order")
        await world.settle()
        [line] = world.lines("command failed")
        assert said in line["why"]
        code = type(command).run.__code__
        assert line["traceback"].startswith(f"{__file__}:{code.co_firstlineno} in {code.co_qualname}\n")


@pytest.mark.parametrize(
    ("lookup", "said"),
    [
        (LookupPlainly(), "AgentError: tool 'lookup': run is no async function: write `async def`"),
        (LookupAlone(), "AgentError: tool 'lookup': run cannot be called so: too many positional arguments"),
        (Lookup(forgets_await), "AgentError: tool 'lookup': run returned a coroutine: write `await` before"),
        (
            Lookup(lambda call: call.step(pay)),
            "AgentError: step: missing 1 required positional argument: 'fn'",
        ),
        (Lookup(lambda call: call.step("pay", 3)), "AgentError: step 'pay': fn is an async function, not an"),
        (
            Lookup(lambda call: side_by_side(call.step, "pay", pay)),
            "StepMismatch: two running steps share the name",
        ),
    ],
)
async def test_a_tool_that_is_wrong_is_told_with_its_place(autojump_clock, lookup, said):
    async with open_world(tools=[lookup]) as world:
        world.model.script(tool("lookup"), text("done"))
        await world.say("ada", "look it up")
        await world.settle()
        [line] = world.lines("tool failed")
        assert line["error"].startswith(said)
        assert line["traceback"].startswith(f"{__file__}:")


async def test_a_verb_that_a_tool_forgot_to_await_is_warned_of(autojump_clock):
    async def forgetful(call):
        call.sleep(1)
        return "found"

    async with open_world(tools=[Lookup(forgetful)]) as world:
        world.model.script(tool("lookup"), text("done"))
        await world.say("ada", "look it up")
        await world.settle()
        [line] = world.lines("not awaited")
        assert (line["call"], line["at"]) == (
            "sleep",
            f"{__file__}:{forgetful.__code__.co_firstlineno + 1}",
        )


async def test_what_an_earlier_version_recorded_as_something_else_is_told(autojump_clock):
    kinds = iter([str, int])

    async def agent(turn):
        await turn.step("give", gives("seven"), type=next(kinds))
        await turn.sleep(60)

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.until(seconds=30)
        world.crash()
        await world.start()
        await world.settle()
        page = await world.gateway.turn_page(1)
        assert "step 'give' call 1: what is recorded is no int: Expected `int`, got `str`" in page.error


async def test_two_verbs_side_by_side_are_told_to_have_names(autojump_clock):
    async def agent(turn):
        await side_by_side(turn.ask, "Pay?")

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.settle()
        [line] = world.lines("agent failed")
        assert line["error"] == (
            "StepMismatch: two running steps share the name 'ask':"
            " give each its own (`name=` of ask, sleep, now), or await one after the other"
        )


@pytest.mark.parametrize(
    ("uses", "meant"),
    [
        (lambda turn: turn.user, "did you mean `address.user`?"),
        (lambda turn: turn.send("hello"), "did you mean `say`?"),
        (
            lambda turn: asyncio.sleep(1),
            "asyncio does not run here: the loop is Trio's, so write `trio.sleep`",
        ),
    ],
)
async def test_what_was_likely_meant_stands_before_the_frames(autojump_clock, uses, meant):
    async def agent(turn):
        await uses(turn)

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.settle()
        [line] = world.lines("agent failed")
        assert line["traceback"].startswith(meant)


async def test_of_an_agent_with_a_decorator_its_own_line_is_told(autojump_clock):
    def registered(fn):
        return fn

    @registered
    async def agent(turn):
        return 3

    async with open_world(agent) as world:
        await world.say("ada", "go")
        await world.settle()
        [line] = world.lines("agent failed")
        assert line["traceback"].splitlines()[1].strip() == "async def agent(turn):"


async def test_an_answer_that_was_not_awaited_and_a_silence_without_words_are_told(autojump_clock):
    async def forgetful(turn):
        return pay()

    async def silent(turn):
        return Silence(None)

    said = (
        "the agent returned a coroutine: write `await` before it",
        "the agent returned a Silence: Expected",
    )
    for agent, why in zip((forgetful, silent), said, strict=True):
        async with open_world(agent) as world:
            await world.say("ada", "go")
            await world.settle()
            assert why in (await world.gateway.turn_page(1)).error
