"""What happens in a play: people write, operators ask, things break, the gateway dies and starts again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress

import trio
from msgspec.structs import replace

from hermes_trio.errors import HermesError
from hermes_trio.testing.memory_platform import MemoryPlatform
from hermes_trio.testing.nodes import Nodes
from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.chances import STRANGER
from hermes_trio.testing.simulation.facts import Facts
from hermes_trio.testing.simulation.facts import place as where_of
from hermes_trio.testing.simulation.known import Spoken
from hermes_trio.testing.simulation.node import Node
from hermes_trio.testing.simulation.plan import (
    Blink,
    Command,
    Crash,
    CutOff,
    Delete,
    Fault,
    Forbid,
    Freeze,
    Happening,
    Hints,
    Operate,
    Place,
    Plan,
    Press,
    Say,
    Skew,
    Spoil,
    Stop,
    Stray,
)
from hermes_trio.testing.simulation.words import spoken
from hermes_trio.testing.world import World
from hermes_trio.values.message import Message, Undecodable

OPERATED_WITHIN_S = 5.0
SIGNALLED_S = 0.5
"""A hint that is not lost arrives within this."""
NAMES = ("north", "south", "east", "west", "far")


class Hand:
    """Does what a plan says, in one World.

    Args:
        nodes: where several share the store.

    Attributes:
        nodes: the gateways of the play.
    """

    def __init__(self, world: World, plan: Plan, facts: Facts, nodes: Nodes | None) -> None:
        self._world = world
        self._plan = plan
        self._facts = facts
        self._shared = nodes
        self._platforms = tuple(world.platforms)
        self._forbidden: set[str] = set()
        lives = (
            {"": world.lives} if nodes is None else {name: nodes.node(name) for name in NAMES[: plan.nodes]}
        )
        self.nodes = [
            Node(name, one, world, self._platforms, facts, self._forbidden) for name, one in lives.items()
        ]
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
                for node in self.nodes:
                    await self._befalls(node, node.restart_if_asked)

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
            case Fault():
                self._fault(happening)
            case Crash():
                await self._befalls(node := self._node(happening), node.crash, happening)
            case Stop():
                await self._befalls(node := self._node(happening), node.end, happening)
            case Forbid(user=user, allowed=allowed):
                (self._forbidden.discard if allowed else self._forbidden.add)(user)
            case Freeze():
                self._operators.start_soon(self._node(happening).freeze, happening)
            case CutOff():
                self._node(happening).cut_off(happening)
            case Skew() | Hints():
                self._among_nodes(happening)

    def _node(self, happening: Fault | Crash | Stop | Freeze | CutOff | Skew) -> Node:
        return self.nodes[happening.node % len(self.nodes)]

    async def _befalls(self, node: Node, act: Callable[..., Awaitable[None]], *args: object) -> None:
        """Something ends a life. Where there is one gateway the rest of the plan waits for the next."""
        if self._shared is None:
            await act(*args)
        else:
            self._operators.start_soon(node.in_turn, act, *args)

    def _fault(self, fault: Fault) -> None:
        lives = self._node(fault).lives
        if lives.now is not None:
            # Where there are several, the World speaks of the one whose store it hits.
            self._world.lives = lives
            self._world.fault(fault.name, **{key: _whole(value) for key, value in fault.how.items()})

    def _among_nodes(self, happening: Skew | Hints) -> None:
        nodes = self._shared
        if nodes is None:
            return
        if isinstance(happening, Hints):
            nodes.hints_s = happening.late_s
            self._world.record.add("world", "hints", late_s=happening.late_s)
        else:
            name = NAMES[happening.node % len(self.nodes)]
            nodes.skew(name, happening.by_s)
            self._world.record.add_on(name, "world", "skew", by_s=happening.by_s)

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
        gateways = [one for node in self.nodes if (one := node.gateway) is not None]
        if not gateways:
            return
        gateway = gateways[rounds % len(gateways)]
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

    async def stop_all(self, session: int) -> None:
        """An operator stops what runs in a session, and its programs."""
        gateway = next(one for node in self.nodes if (one := node.gateway) is not None)
        self._facts.operated.add(session)
        await gateway.stop(session, everything=True)

    def _sessions(self, place: Place) -> Iterator[tuple[int, bool]]:
        for id, row in self._facts.mirror.session.items():
            if where_of(row["key"]) == (place.account, place.chat, place.thread):
                yield id, row["ended_at"] is None

    async def begin(self) -> None:
        """Start the first lives."""
        for node in self.nodes:
            await node.lives.start()

    async def restart(self) -> None:
        """Stop and start each, one behind the other."""
        for node in self.nodes:
            await node.stop()
            await node.start()

    async def stop(self) -> None:
        """Stop each that runs."""
        for node in self.nodes:
            await node.stop()

    async def at_rest(self) -> None:
        """Return when no key has anything to do, no lane anything to say, and no node is to hear of one."""
        while any(map(_works, self.nodes)) or (self._shared is not None and self._facts.signals()):
            for node in self.nodes:
                if node.gateway is not None:
                    await node.gateway.at_rest()
            if self._shared is not None:
                await trio.sleep(SIGNALLED_S)

    def forgive(self) -> None:
        """Everybody may speak again, from the next start on, and the disk is well."""
        if self._shared is not None:
            self._shared.hints_s = 0.0
            self._world.record.add("world", "hints", late_s=0.0)
        self._blinks = 0
        self._spoils.clear()
        self._forbidden.clear()


def _works(node: Node) -> bool:
    """Whether a task of this gateway has something to do."""
    wiring = None if node.gateway is None else node.gateway.wiring
    return wiring is not None and bool(wiring.commands.live or wiring.sessions.live or wiring.lanes.live)


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
        case Freeze(when=when):
            return f"freeze {when}"
        case Hints(late_s=late_s):
            return "hints lost" if late_s is None else "hints late" if late_s else "hints"
        case _:
            return type(happening).__name__.lower()


def _whole(value: float | str) -> float | int | str:
    return int(value) if isinstance(value, float) and value.is_integer() else value
