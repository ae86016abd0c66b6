"""Tools that break one clause each: the clause's name, and what is wrong."""

from __future__ import annotations

import subprocess
import threading
from itertools import count

import trio

BROKEN = []
WRITTEN = []


def breaks(*clauses):
    """This class breaks the clauses of these names."""

    def keep(kind):
        BROKEN.extend((clause, kind) for clause in clauses)
        return kind

    return keep


class Repeat:
    """Repeats a text, as it should."""

    name = "repeat"
    description = "Repeat a text."
    parameters = {  # noqa: RUF012
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "times": {"type": "integer", "minimum": 1, "maximum": 9},
            "how": {"type": "string", "enum": ["loud", "quiet"]},
        },
        "required": ["text"],
        "additionalProperties": False,
    }
    idempotent = True

    async def run(self, arguments, call):
        text, times = arguments.get("text"), arguments.get("times", 1)
        if not isinstance(text, str):
            raise ValueError("text must be a text")
        if isinstance(times, bool) or not isinstance(times, int) or not 1 <= times <= 9:
            raise ValueError("times must be 1 to 9")
        if arguments.get("how", "quiet") not in ("loud", "quiet"):
            raise ValueError("how must be loud or quiet")
        await call.sleep(0.01)
        return text * times


GOOD = [{"text": "a"}, {"text": "b", "times": 3, "how": "loud"}]


@breaks("says_what_it_is")
class NameWithASpace(Repeat):
    name = "say again"


@breaks("says_what_it_is")
class PerhapsIdempotent(Repeat):
    idempotent = None


@breaks("has_a_sound_schema")
class NoObject(Repeat):
    parameters = {"type": "string"}  # noqa: RUF012


@breaks("has_a_sound_schema")
class UnknownType(Repeat):
    parameters = {"type": "object", "properties": {"text": {"type": "str"}}}  # noqa: RUF012


@breaks("has_a_sound_schema")
class RequiresWhatItDoesNotDescribe(Repeat):
    parameters = {"type": "object", "properties": {}, "required": ["text"]}  # noqa: RUF012


@breaks("takes_what_its_schema_allows")
class NarrowerThanItsSchema(Repeat):
    async def run(self, arguments, call):
        if arguments.get("how") == "loud":
            raise ValueError("not so loud")
        return await super().run(arguments, call)


@breaks("takes_what_its_schema_allows")
class SchemaOfAnother(Repeat):
    parameters = {  # noqa: RUF012
        "type": "object",
        "properties": {"words": {"type": "string"}},
        "required": ["words"],
    }


@breaks("refuses_what_its_schema_refuses")
class TakesAnything(Repeat):
    async def run(self, arguments, call):
        await call.sleep(0.01)
        return f"{arguments}"


@breaks("refuses_what_its_schema_refuses")
class KeyErrors(Repeat):
    async def run(self, arguments, call):
        await call.sleep(0.01)
        return arguments["text"] * arguments.get("times", 1)


@breaks("refuses_what_its_schema_refuses")
class SaysNotWhy(Repeat):
    async def run(self, arguments, call):
        try:
            return await super().run(arguments, call)
        except ValueError:
            raise ValueError from None


@breaks("gives_what_can_be_json")
class GivesAnObject(Repeat):
    async def run(self, arguments, call):
        await super().run(arguments, call)
        return object()


@breaks("leaves_its_arguments_alone")
class TakesThemOut(Repeat):
    async def run(self, arguments, call):
        mine = dict(arguments)
        result = await super().run(mine, call)
        arguments.pop("text")
        return result


@breaks("comes_to_an_end")
class NeverEnds(Repeat):
    async def run(self, arguments, call):
        await trio.sleep_forever()


@breaks("yields")
class NoCheckpoint(Repeat):
    async def run(self, arguments, call):
        return arguments["text"]


@breaks("leaves_nothing_behind")
class LeavesATask(Repeat):
    async def run(self, arguments, call):
        trio.lowlevel.spawn_system_task(trio.sleep, 100, name="left behind")
        return await super().run(arguments, call)


@breaks("cancelled_it_leaves_nothing_behind")
class LeavesAThread(Repeat):
    async def run(self, arguments, call):
        done = threading.Event()
        threading.Thread(target=done.wait, args=(6,), daemon=True).start()
        result = await super().run(arguments, call)
        done.set()
        return result


def begin():
    WRITTEN.append(subprocess.Popen(["sleep", "8"]))
    return WRITTEN[-1]


@breaks("cancelled_it_leaves_nothing_behind")
class LeavesAProgram(Repeat):
    async def run(self, arguments, call):
        program = begin()
        result = await super().run(arguments, call)
        program.kill()
        program.wait()
        return result


@breaks("cancelled_it_leaves_nothing_behind")
class Dawdles(Repeat):
    async def run(self, arguments, call):
        try:
            return await super().run(arguments, call)
        finally:
            with trio.CancelScope(shield=True):
                await trio.sleep(8)


@breaks("remembers_nothing")
class Counts(Repeat):
    def __init__(self):
        self.count = count()

    async def run(self, arguments, call):
        return f"{await super().run(arguments, call)} {next(self.count)}"


@breaks("runs_beside_itself")
class OneBufferForAll(Repeat):
    async def run(self, arguments, call):
        self.text = arguments["text"]
        await super().run(arguments, call)
        return self.text


@breaks("runs_beside_itself")
class OneAtATime(Repeat):
    busy = False

    async def run(self, arguments, call):
        if self.busy:
            raise RuntimeError("I am busy")
        self.busy = True
        try:
            return await super().run(arguments, call)
        finally:
            self.busy = False


@breaks("repeated_it_takes_effect_once")
class ActsEachTime(Repeat):
    async def run(self, arguments, call):
        WRITTEN.append(arguments["text"])
        return await super().run(arguments, call)
