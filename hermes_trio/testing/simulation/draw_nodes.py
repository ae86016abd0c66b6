"""A seed draws what befalls several nodes on one store, amid a story of one gateway."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from hermes_trio.testing.simulation.chances import CALM_AFTER_NODES, FREEZES, FROZEN_S, PLACES, SKEWS_S
from hermes_trio.testing.simulation.draw_endings import Endings
from hermes_trio.testing.simulation.draw_rules import Dice, draw_rules
from hermes_trio.testing.simulation.plan import (
    Command,
    Crash,
    CutOff,
    Fault,
    Forbid,
    Freeze,
    Happening,
    Hints,
    Place,
    Plan,
    Rules,
    Say,
    Skew,
    Stop,
)

DOWN_MAX_S, FAULT_MAX_S, GAP_MAX_S = 61.0, 300.0, 700.0
LONG = ("sleep:3600", "sleep:90000")
"""Each node renews its lease every few seconds, so a day of several is a long play, and shows no more."""


def draw_nodes(seed: int, nodes: int) -> Plan:
    """The plan of a seed for so many nodes."""
    dice = Dice(f"hermes-trio simulation of {nodes} nodes {seed}")
    rules = replace(draw_rules(dice), heal_after_s=dice.one(CALM_AFTER_NODES))
    places = tuple(dice.sample(PLACES, dice.one(((1, 3), (2, 4), (3, 2)))))
    story = NodesStory(dice, rules, places, nodes)
    return Plan(
        seed=seed,
        rules=rules,
        places=places,
        happenings=tuple(_of_nodes(story.all_told(), dice, nodes)),
        nodes=nodes,
    )


def _of_nodes(happenings: Iterable[Happening], dice: Dice, nodes: int) -> Iterator[Happening]:
    """A story of one gateway as one of nodes: each end of a life is one node's.

    All have one configuration: who may speak and which bots there are is the same on each.
    """
    for one in happenings:
        match one:
            case Forbid() | Fault(name="clock_jumps"):
                continue
            case Crash(down_s=down_s) | Stop(down_s=down_s):
                down_s = min(down_s, DOWN_MAX_S)
                node = one.node or dice.randrange(nodes)
                yield replace(one, down_s=down_s, node=node, resume=True, without="")
            case Fault(how=how):
                how = {name: _short(name, value) for name, value in how.items()}
                yield replace(one, how=how, node=dice.randrange(nodes))
            case Say(words=words):
                yield replace(one, words=tuple(word for word in words if word not in LONG))
            case _:
                yield one


def _short(name: str, value: float | str) -> float | str:
    return min(value, FAULT_MAX_S) if name == "for_s" and isinstance(value, float) else value


class NodesStory(Endings):
    """Draws what happens to nodes, too."""

    def __init__(self, dice: Dice, rules: Rules, places: tuple[Place, ...], nodes: int) -> None:
        super().__init__(dice, rules, places)
        self.nodes = nodes

    def _kinds(self) -> tuple[tuple[Callable[[], None], float], ...]:
        return (
            *super()._kinds(),
            (self._rolling, 1.0),
            (self._freeze, 5.0),
            (self._late_answer, 1.0),
            (self._cut_off, 2.0),
            (self._hints, 1.0),
            (self._skew, 0.7),
            (self._one_after_another, 0.7),
        )

    def _node(self) -> int:
        return self.dice.randrange(self.nodes)

    def _freeze(self) -> None:
        """A machine is frozen, perhaps amid something that is said or done just now."""
        if self.dice.random() < 0.6:
            self._say()
            self._after(self.dice.choice((0.0, 0.0005, 0.005, 2.0)))
        when, nth = self.dice.choice(FREEZES), self.dice.randint(1, 12)
        self.told_all.append(Freeze(self.at, self._node(), self.dice.one(FROZEN_S), when, nth))

    def _late_answer(self) -> None:
        """A node hears late of a renewal, and then does not reach the store."""
        user, place = self._who()
        self.told_all.append(Say(self.at, self._number(), user, place, ("think:20", "stone", "think:20")))
        self._after(3.0)
        node = self._node()
        self.told_all.append(Freeze(self.at, node, 11.0, "after commit"))
        self._after(self.dice.choice((11.5, 13.5, 16.5)))
        self.told_all.append(CutOff(self.at, node, 45.0))

    def _cut_off(self) -> None:
        """A node does not reach the store, in time or for longer than its lease."""
        if self.dice.random() < 0.6:
            self._say()
            self._after(self.dice.choice((0.0, 0.0005, 0.005, 2.0)))
        self.told_all.append(CutOff(self.at, self._node(), self.dice.one(FROZEN_S), self.dice.random() < 0.3))

    def _hints(self) -> None:
        """Hints are lost or late, while somebody is answered and somebody else gives it up."""
        user, place = self._who()
        self.told_all.append(Hints(self.at, self.dice.choice((None, None, 0.3, 7.0))))
        self.told_all.append(Say(self.at, self._number(), user, place, self._words()))
        self._after(self.dice.choice((0.02, 0.3, 5.0)))
        if self.dice.random() < 0.5:
            text = self.dice.choice(("/stop", "/new"))
            self.told_all.append(Command(self.at, self._number(), user, text, place))
        self._after(self.dice.choice((0.3, 5.0, 30.0)))
        self.told_all.append(Hints(self.at, 0.0))

    def _skew(self) -> None:
        """The clock of a machine is wrong, by minutes or by hours."""
        self.told_all.append(Skew(self.at, self._node(), self.dice.choice(SKEWS_S)))

    def _one_after_another(self) -> None:
        """Who buries another is killed or frozen as it does so, or right behind."""
        first = self._node()
        other = (first + 1) % self.nodes
        self._say()
        self.told_all.append(Crash(self.at, node=first, down_s=61.0))
        self._after(self.dice.choice((11.9, 14.9, 15.0, 15.1)))
        if self.dice.random() < 0.5:
            self.told_all.append(Crash(self.at, "after commit", self.dice.randint(1, 3), 1.0, node=other))
        else:
            self.told_all.append(Freeze(self.at, other, 45.0, "after commit", self.dice.randint(1, 3)))

    def _after(self, seconds: float) -> None:
        super()._after(min(seconds, GAP_MAX_S))

    def _rolling(self) -> None:
        """One node behind the other is stopped and begun again."""
        for node in range(self.nodes):
            drain_s = self.dice.choice((0.0, 0.5, 20.0))
            down_s = self.dice.choice((0.0, 1.0))
            self.told_all.append(Stop(self.at, drain_s, down_s, node=node))
            self._after(self.dice.choice((0.3, 5.0, 30.0)))
