"""`check_command`: what every Command must do."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, get_args

import msgspec
import trio

from hermes_trio.ports.command import Command
from hermes_trio.testing.conformance.clauses import Report, Unable, Unlike, expect, hold_against
from hermes_trio.testing.conformance.leftovers import nothing_left
from hermes_trio.values.actions import CommandResult, Prompt, Resume, Say
from hermes_trio.values.identity import Address, ConversationKey
from hermes_trio.values.views import SessionView, TurnView

NAME = re.compile(r"[a-z0-9_]{1,32}")
HELP_MAX = 100
QUICK_S = 10.0
ACTIONS = get_args(CommandResult)
ODD = (
    "help",
    "-1",
    "99999999999999999999999",
    "all",
    "  two words  ",
    "line\nline",
    "\0",
    "ünï 日本 👨‍👩‍👧",
    "\ud800",
    "x" * 20_000,
)
"""What users type behind a command."""

ADA = Address("memory", "main", "ada", None, "ada")
KEY = ConversationKey("memory", "main", "ada")


class Called:
    """A command as it was called, of a session that is given."""

    def __init__(self, name: str, text: str, *, admin: bool, view: SessionView | None) -> None:
        self.name, self.text, self.address, self.admin = name, text, ADA, admin
        self._view = view

    async def session(self) -> SessionView | None:
        """See the port."""
        await trio.lowlevel.checkpoint()
        return self._view

    def help(self) -> Sequence[tuple[str, str]]:
        """See the port."""
        return [("new", "start a new conversation"), ("help", "list the commands")]

    def status(self) -> Sequence[str]:
        """See the port."""
        return ["Up for 1 min."]


def _views() -> tuple[SessionView | None, ...]:
    """No session, one at rest, and one in which a turn runs and messages wait."""
    turn = TurnView(id=3, session=2, key=KEY, state="running", opened_at=1e9, steps=1, step="model")
    return (
        None,
        SessionView(id=1, key=KEY, opened_at=1e9),
        SessionView(id=2, key=KEY, opened_at=1e9, waiting=2, turns=3, running=turn),
    )


class CommandTrial:
    """What a clause of the Command port is looked at with."""

    def __init__(self, command: Command, texts: Sequence[str], actions: Collection[type]) -> None:
        self.command, self.texts, self.actions = command, texts, actions

    def calls(self, texts: Sequence[str]) -> Iterator[Called]:
        """Each way it may be called with these texts: by each name, by whom it is for, in any session."""
        for name in self.command.names:
            for text in texts:
                for view in _views():
                    yield Called(name, text, admin=True, view=view)
                    if self.command.role == "user":
                        yield Called(name, text, admin=False, view=view)

    async def run(self, call: Called) -> CommandResult:
        """Its action. Anything else breaks the clause."""
        result = await self.command.run(call)
        expect(isinstance(result, ACTIONS), "one of the actions", result)
        return result


async def has_names_that_can_be_typed(trial: CommandTrial) -> None:
    """Names are lower case letters, digits and _, without the slash, each once."""
    names = trial.command.names
    sound = not isinstance(names, str) and names and all(NAME.fullmatch(name) for name in names)
    expect(bool(sound) and len(set(names)) == len(names), "names like 'new'", names)


async def has_one_line_of_help(trial: CommandTrial) -> None:
    """Its help is one line for /help and the platform's menu."""
    text = trial.command.help
    expect(bool(text.strip()) and "\n" not in text and len(text) <= HELP_MAX, "one line, at most 100", text)


async def says_whom_it_is_for(trial: CommandTrial) -> None:
    """Its role is "user" or "admin"."""
    expect(trial.command.role in ("user", "admin"), "'user' or 'admin'", trial.command.role)


async def returns_a_wish(trial: CommandTrial) -> None:
    """By each of its names, in any session or none, whoever may call it: it returns an action."""
    for call in trial.calls(("", *trial.texts)):
        await trial.run(call)


async def takes_whatever_is_typed(trial: CommandTrial) -> None:
    """What a user writes behind it is never an exception."""
    for call in trial.calls(ODD):
        await trial.run(call)


async def returns_only_what_it_declares(trial: CommandTrial) -> None:
    """Its actions are of the kinds that are declared for it."""
    if not trial.actions:
        raise Unable("the tester declares no actions")
    for call in trial.calls(("", *trial.texts, *ODD)):
        result = await trial.run(call)
        expect(type(result) in trial.actions, f"one of {[w.__name__ for w in trial.actions]}", result)


async def wishes_what_can_be(trial: CommandTrial) -> None:
    """A text to be said or asked is not blank, a session is a number above 0, and all is of its type."""
    for call in trial.calls(("", *trial.texts, *ODD)):
        result = await trial.run(call)
        if isinstance(result, Say | Prompt):
            blank = isinstance(result.text, str) and not result.text.strip() and call.text.strip(" \0\n")
            expect(not blank and result.text != "", "a text", result)
        if isinstance(result, Resume) and result.session is not None:
            expect(0 < result.session < 1 << 63, "the number of a session", result)
        try:
            msgspec.convert(msgspec.to_builtins(result), type(result), strict=True)
        except msgspec.ValidationError as error:
            raise Unlike("an action whose fields are of their types", f"{result}: {error}") from error


async def is_quick(trial: CommandTrial) -> None:
    """It decides within 10 s; it does not wait for what a turn does."""
    for call in trial.calls(("", *trial.texts)):
        with trio.move_on_after(QUICK_S) as patience:
            await trial.run(call)
        expect(not patience.cancelled_caught, "a wish within 10 s", f"none for {call.text!r}")


async def remembers_nothing(trial: CommandTrial) -> None:
    """The same call has the same wish, whatever was called in between: it may be run again after a crash."""
    first = [await trial.run(call) for call in trial.calls(("", *trial.texts))]
    for call in trial.calls(ODD[:3]):
        await trial.run(call)
    again = [await trial.run(call) for call in trial.calls(("", *trial.texts))]
    odd = [(one, other) for one, other in zip(first, again, strict=True) if one != other]
    expect(not odd, "the same actions", odd[:1])


async def runs_beside_itself(trial: CommandTrial) -> None:
    """Two calls at once do not disturb each other."""
    calls = list(trial.calls(("", *trial.texts)))
    results: dict[int, Any] = {}

    async def one(number: int) -> None:
        results[number] = await trial.run(calls[number])

    async with trio.open_nursery() as nursery:
        for number in range(len(calls)):
            nursery.start_soon(one, number)
    for number, call in enumerate(calls):
        alone = await trial.run(call)
        expect(results[number] == alone, f"the wish it has alone: {alone}", results[number])


async def leaves_nothing_behind(trial: CommandTrial) -> None:
    """After its end, also by a cancel, no task, file or thread of it is there: effects are actions."""
    [call, *_] = trial.calls(("", *trial.texts))
    async with nothing_left("a run"):
        await trial.run(call)
    for rounds in range(3):
        async with nothing_left(f"a run cancelled after {rounds} rounds"):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trial.run, call)
                for _ in range(rounds):
                    await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()


COMMAND_CLAUSES = (
    has_names_that_can_be_typed,
    has_one_line_of_help,
    says_whom_it_is_for,
    returns_a_wish,
    takes_whatever_is_typed,
    returns_only_what_it_declares,
    wishes_what_can_be,
    is_quick,
    remembers_nothing,
    runs_beside_itself,
    leaves_nothing_behind,
)


async def check_command(
    command: Command,
    *,
    texts: Sequence[str] = (),
    actions: Collection[type] = (),
    only: Collection[str] = (),
) -> Report:
    """Hold a slash command against the contract of its port, clause by clause.

    Args:
        command: what is held.
        texts: what may be written behind it, beside nothing.
        actions: the kinds of actions it may return, `{Say, Reset}`; empty: any, and that clause is skipped.
        only: names of clauses to look at; empty: all.

    Cancelled, the clause that is looked at is left with everything it opened.

    Raises:
        Broken: an AssertionError whose text names each clause that is broken, what was seen, what is wanted.
    """

    @asynccontextmanager
    async def trial() -> AsyncIterator[CommandTrial]:
        yield CommandTrial(command, texts, actions)

    return await hold_against("command", COMMAND_CLAUSES, trial, only)
