"""Commands that break one clause each: the clause's name, and what is wrong."""

from __future__ import annotations

from itertools import count

import trio

from hermes_trio.values.actions import Prompt, Reset, Resume, Say

BROKEN = []


def breaks(*clauses):
    """This class breaks the clauses of these names."""

    def keep(kind):
        BROKEN.extend((clause, kind) for clause in clauses)
        return kind

    return keep


class Greet:
    """Greets, as it should."""

    names = ("greet", "hi")
    help = "say hello"
    role = "user"

    async def run(self, call):
        session = await call.session()
        return Say("Hello." if session is None else f"Hello in session {session.id}.")


@breaks("has_names_that_can_be_typed")
class WithSlash(Greet):
    names = ("/greet",)


@breaks("has_names_that_can_be_typed")
class OneText(Greet):
    names = "greet"


@breaks("has_one_line_of_help")
class TwoLines(Greet):
    help = "say hello\nand more"


@breaks("has_one_line_of_help")
class NoHelp(Greet):
    help = ""


@breaks("says_whom_it_is_for")
class ForOwners(Greet):
    role = "owner"


@breaks("returns_a_wish")
class ReturnsText(Greet):
    async def run(self, call):
        return "Hello."


@breaks("returns_a_wish")
class KnowsOneName(Greet):
    async def run(self, call):
        return Say("Hello.") if call.name == "greet" else None


@breaks("returns_a_wish")
class NeedsASession(Greet):
    async def run(self, call):
        return Say(f"Hello in session {(await call.session()).id}.")


@breaks("takes_whatever_is_typed")
class ReadsANumber(Greet):
    async def run(self, call):
        return Say("Hello. " * int(call.text or "1"))


@breaks("returns_only_what_it_declares")
class ResetsTooMuch(Greet):
    async def run(self, call):
        return Reset() if call.text == "all" else Say("Hello.")


@breaks("wishes_what_can_be")
class SaysNothing(Greet):
    async def run(self, call):
        return Say("")


@breaks("wishes_what_can_be")
class ResumesANegative(Greet):
    async def run(self, call):
        return Resume(-1)


@breaks("wishes_what_can_be")
class NoWayToPrompt(Greet):
    async def run(self, call):
        return Prompt("hello", "somehow")


@breaks("is_quick")
class Waits(Greet):
    async def run(self, call):
        await trio.sleep(11)
        return Say("Hello.")


@breaks("remembers_nothing")
class Counts(Greet):
    def __init__(self):
        self.count = count()

    async def run(self, call):
        return Say(f"Hello for the {next(self.count)}. time.")


@breaks("runs_beside_itself")
class OneBufferForAll(Greet):
    async def run(self, call):
        self.name = call.name
        await call.session()
        return Say(f"/{self.name}")


@breaks("leaves_nothing_behind")
class LeavesATask(Greet):
    async def run(self, call):
        trio.lowlevel.spawn_system_task(trio.sleep, 100, name="left behind")
        return await super().run(call)
