"""What happens in a play: people write, operators ask, things break, the gateway dies and starts again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import trio
from msgspec.structs import replace

from hermes_trio.errors import HermesError
from hermes_trio.testing.memory_platform import MemoryPlatform
from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.chances import STRANGER
from hermes_trio.testing.simulation.facts import Facts, Spoken
from hermes_trio.testing.simulation.facts import place as where_of
from hermes_trio.testing.simulation.plan import (
    Blink,
    Command,
    Crash,
    Delete,
    Fault,
    Forbid,
    Happening,
    Operate,
    Place,
    Plan,
    Press,
    Say,
    Spoil,
    Stop,
    Stray,
)
from hermes_trio.testing.simulation.setting import policy
from hermes_trio.testing.simulation.words import spoken
from hermes_trio.testing.world import World
from hermes_trio.values.message import Message, Undecodable

CRASHES_WITHIN_S = 10.0
"""A crash that waits for a commit or a round that does not come happens then."""
OPERATED_WITHIN_S = 5.0


class Hand:
    """Does what a plan says, in one World."""

    def __init__(self, world: World, plan: Plan, facts: Facts) -> None:
        self._world = world
        self._plan = plan
        self._facts = facts
        self._platforms = tuple(world.platforms)
        self._forbidden: set[str] = set()
        self._restarts = 0
        self._blinks = 0
        self._spoils: list[tuple[int, Spoil]] = []
        self._operators: trio.Nursery

    def look(self, event: Event) -> None:
        """What something that has taken effect brings about."""
        if self._blinks and (event.who, event.what) == ("tool", "effect"):
            times, self._blinks = self._blinks, 0
            self._world.fault("store_fails_commit", times=times)
        if self._spoils and (event.who, event.what) == ("store", "commit"):
            now, self._spoils = self._spoils, []
            for left, spoil in now:
                if left > 1:
                    self._spoils.append((left - 1, spoil))
                else:
                    self._spoil(spoil)

    async def do_all(self) -> None:
        """Each at its time, or when what came before is over."""
        async with trio.open_nursery() as self._operators:
            for happening in self._plan.happenings:
                await self._world.until(seconds=happening.at)
                self._facts.met[name_of(happening)] += 1
                await self._do(happening)
                await self._restart_if_asked()

    async def _do(self, happening: Happening) -> None:
        match happening:
            case Say() | Command() | Press():
                self.speak(happening)
            case Stray():
                self._stray(happening)
            case Operate(what=what, place=place, rounds=rounds):
                self._operators.start_soon(self._operate, what, self._plan.places[place], rounds)
            case Spoil(commits=commits):
                self._spoils.append((commits, happening))
            case Blink(times=times):
                self._blinks = times
            case Delete(place=place):
                self._delete(self._plan.places[place])
            case Fault(name=name, how=how):
                if self._world.lives.now is not None:
                    self._world.fault(name, **{key: _whole(value) for key, value in how.items()})
            case Crash():
                await self._crash(happening)
            case Stop():
                await self._stop(happening)
            case Forbid(user=user, allowed=allowed):
                (self._forbidden.discard if allowed else self._forbidden.add)(user)

    # -- people

    def speak(self, what: Say | Command | Press) -> None:
        """A message comes to the platform."""
        place = self._plan.places[what.place]
        album = what.album if isinstance(what, Say) else None
        choice = self._token(place, what.choice) if isinstance(what, Press) else None
        platform = self._platform(place)
        message = platform.message(
            what.user,
            self._text(what),
            chat=place.chat,
            thread=place.thread,
            group=place.group,
            album=album,
            choice=choice,
            forwarded=STRANGER if isinstance(what, Say) and what.passed_on else None,
        )
        self._note(what, message)
        platform.push(message)

    def _stray(self, what: Stray) -> None:
        """What comes is no message to this bot."""
        place = self._plan.places[what.place]
        platform = self._platform(place)
        if what.how == "undecodable":
            platform.push(Undecodable(native=f"odd{what.n}", why="nobody knows it", raw=b"?"))
            return
        message = platform.message(
            what.user,
            "/new@another_bot" if what.how == "another bot" else spoken(what.n, ()),
            chat=place.chat,
            thread=place.thread,
            group=place.group,
            addressed=what.how == "bot",
        )
        message = replace(message, bot=what.how == "bot")
        self._note(what, message)
        platform.push(message)

    def _text(self, what: Say | Command | Press) -> str:
        match what:
            case Command(text=text):
                return text
            case Press():
                return "pressed"
            case Say(n=n, words=words, before=before, long=long):
                text = f"{before} {spoken(n, words)}".strip()
                return text.ljust(self._plan.rules.text_max - 20, "y") if long else text

    def _note(self, what: Say | Command | Press | Stray, message: Message) -> None:
        named = Spoken(what.n if isinstance(what, Say) else 0, message, self._world.now)
        self._facts.spoken[message.address.account_id, message.native] = named
        self._facts.by_number[what.n] = named

    def _platform(self, place: Place) -> MemoryPlatform:
        return next(one for one in self._platforms if one.account == place.account)

    def _token(self, place: Place, choice: int) -> str:
        """Of the newest question that was put there; of one that never was if there is none."""
        for call in reversed(self._platform(place).calls):
            where, choices = call.delivery.address, call.delivery.choices
            if (where.chat, where.thread) == (place.chat, place.thread) and choices:
                return choices[choice % len(choices)].token
        return f"1.1.{choice}"

    def _spoil(self, spoil: Spoil) -> None:
        self._facts.met["fault store_spoils_row"] += 1
        self._world.fault("store_spoils_row", table=spoil.table, column=spoil.column, how=spoil.how)

    def _delete(self, place: Place) -> None:
        seen = self._platform(place).seen
        sent = [one for one in seen.values() if (one.chat, one.thread) == (place.chat, place.thread)]
        if sent:
            del seen[sent[-1].message_id]

    # -- operators

    async def _operate(self, what: str, place: Place, rounds: int) -> None:
        """Ask as the control socket does. A crash may come first, a store may refuse."""
        for _ in range(rounds):
            await trio.lowlevel.checkpoint()
        life = self._world.lives.now
        if life is None or (gateway := life.gateway) is None:
            return
        open_now = [id for id, is_open in self._sessions(place) if is_open]
        ended = [id for id, is_open in self._sessions(place) if not is_open]
        with suppress(HermesError), trio.move_on_after(OPERATED_WITHIN_S):
            if what == "resume" and ended:
                self._facts.resumed.add(ended[-1])
                await gateway.resume(ended[-1])
            elif what == "reset" and open_now:
                self._facts.operated.add(open_now[-1])
                await gateway.reset(open_now[-1])
            elif open_now:
                self._facts.operated.add(open_now[-1])
                await gateway.stop(open_now[-1], everything=what == "stop all")

    def _sessions(self, place: Place) -> Iterator[tuple[int, bool]]:
        for id, row in self._facts.mirror.session.items():
            if where_of(row["key"]) == (place.account, place.chat, place.thread):
                yield id, row["ended_at"] is None

    # -- lives

    async def _crash(self, crash: Crash) -> None:
        world = self._world
        if world.lives.now is None:
            return
        match crash.when:
            case "now":
                world.crash()
            case "round":
                world.crash_at(round=crash.nth)
            case "before commit":
                world.crash_before_commit(crash.nth)
            case "after commit":
                world.crash_after_commit(crash.nth)
        with trio.move_on_after(CRASHES_WITHIN_S):
            await world.crashed()
        if world.lives.now is not None:
            world.crash()
        await trio.sleep(crash.down_s)
        await self.start(resume=crash.resume, without=crash.without)

    async def _stop(self, stop: Stop) -> None:
        life = self._world.lives.now
        if life is None:
            return
        if life.gateway is not None:
            life.gateway.hurry(stop.drain_s)
        await self.stop()
        await trio.sleep(stop.down_s)
        await self.start(resume=stop.resume, without=stop.without)

    async def _restart_if_asked(self) -> None:
        """At /restart the daemon stops, and is begun anew."""
        if len(self._world.restarts_asked) > self._restarts:
            self._restarts = len(self._world.restarts_asked)
            await self.stop()
            await self.start()

    async def stop(self) -> None:
        """Stop the life that runs."""
        if self._world.lives.now is not None:
            await self._world.stop()
            self._world.record.add("world", "stopped")

    async def start(self, *, resume: bool = True, without: str = "") -> None:
        """The next life. One that ends before it is ready is followed by another, as a supervisor sees to."""
        world = self._world
        allowed = policy(self._forbidden)
        world.platforms[:] = [one for one in self._platforms if one.account != without]
        for platform in world.platforms:
            platform.policy = allowed
        self._facts.served = {f"{one.name}/{one.account}" for one in world.platforms}
        self._facts.allowed, self._facts.resumes = allowed.allow_users, resume
        while world.lives.now is None:
            try:
                await world.start(resume=resume)
            except* RuntimeError:
                if world.lives.now is not None:
                    raise

    def forgive(self) -> None:
        """Everybody may speak again, from the next start on, and the disk is well."""
        self._blinks = 0
        self._spoils.clear()
        self._forbidden.clear()


def name_of(happening: Happening) -> str:
    """What it is called in the table of what was met."""
    match happening:
        case Say(passed_on=True):
            return "say passed on"
        case Say(before=before, album=album, long=long):
            return f"say {before or ('album' if album else 'long' if long else '')}".strip()
        case Command(text=text):
            return f"command {text}"
        case Fault(name=name):
            return f"fault {name}"
        case Crash(when=when):
            return f"crash {when}"
        case Operate(what=what):
            return f"operate {what}"
        case Stray(how=how):
            return f"stray {how}"
        case _:
            return type(happening).__name__.lower()


def _whole(value: float | str) -> float | int | str:
    return int(value) if isinstance(value, float) and value.is_integer() else value
