"""What may stand behind a story: situations that seldom come about by themselves."""

from __future__ import annotations

from copy import copy

from hermes_trio.testing.simulation.chances import (
    AMID,
    BANNED,
    BODIES,
    CHATTY,
    COMMANDS,
    FAILING,
    GAPS,
    GIVEN_BACK,
    HANGS_S,
    HASTY,
    HUNG,
    HURRIED,
    INQUIRED,
    KEPT,
    LID,
    MISHEARD,
    NOTED,
    ODDITIES,
    ODDLY,
    OPERATIONS,
    PRESSED,
    REFUSED,
    RUBBISH,
    SLOWLY,
    STRAY,
    TOGETHER,
    UNSAID,
    UNSERVED,
)
from hermes_trio.testing.simulation.draw_rarities import Rarities
from hermes_trio.testing.simulation.plan import (
    Blink,
    Command,
    Crash,
    Fault,
    Forbid,
    Happening,
    Operate,
    Press,
    Say,
    Spoil,
)

PROGRAM_S, NOTED_S = 9.0, 0.3
"""How long the slow program of a play runs; a model that thinks so long can be written to meanwhile."""


class Endings(Rarities):
    """Draws a story and what stands behind it.

    A new one is drawn behind those that are there, which so play what they played before.
    """

    def all_told(self) -> tuple[Happening, ...]:
        """The story and its endings."""
        self.told()
        # They move nobody else's chances.
        self.dice = copy(self.dice)
        if self.dice.random() > 1 - BANNED:
            self._after(self.dice.one(GAPS))
            self._banned()
        for ending, often in (
            (self._lid, LID),
            (self._kept, KEPT),
            (self._slowly, SLOWLY),
            (self._hasty, HASTY),
            (self._oddly, ODDLY),
            (self._refused, REFUSED),
            (self._inquired, INQUIRED if self.rules.agent == "model" else 0.0),
            (self._noted, NOTED),
            (self._given_back, GIVEN_BACK),
            (self._amid, AMID),
            (self._hung, HUNG),
            (self._misheard, MISHEARD if self.rules.agent == "model" else 0.0),
            (self._together, TOGETHER if self.rules.agent == "model" else 0.0),
            (self._stray, STRAY),
            (self._failing, FAILING if self.rules.agent == "model" else 0.0),
            (self._chatty, CHATTY if self.rules.agent == "model" else 0.0),
            (self._unsaid, UNSAID if self.rules.agent == "library" else 0.0),
            (self._pressed, PRESSED if self.rules.agent == "library" else 0.0),
            (self._unserved, UNSERVED),
        ):
            if self.dice.random() < often:
                self._after(self.dice.one(GAPS))
                ending()
        return tuple(self.told_all)

    def _banned(self) -> None:
        """Two ask together, and one of them may not speak any more when that goes on."""
        groups = [number for number, place in enumerate(self.places) if place.group]
        if not groups or self.rules.scope != "chat" or len(self.people) < 2:
            return
        place, both = self.dice.choice(groups), self.dice.sample(self.people, 2)
        if self.rules.keys and self.dice.random() < 0.5:
            self._no_key_left()
        for user in both:
            self.told_all.append(Say(self.at, self._number(), user, place, ("think:20",)))
        self.at = round(self.at + self.dice.choice((0.3, 5.0)), 4)
        self.told_all += [Forbid(self.at, self.dice.choice(both)), Crash(self.at)]

    def _lid(self) -> None:
        """A laptop is closed while somebody waits for an answer."""
        user, place = self._who()
        self.told_all.append(Say(self.at, self._number(), user, place, ("think:20",)))
        self.at = round(self.at + self.dice.choice((0.3, 5.0)), 4)
        self.told_all.append(Fault(self.at, "freezes", {"for_s": self.dice.choice((300.0, 4000.0))}))

    def _kept(self) -> None:
        """What is kept until a key may be used is rubbish in its conversation."""
        user, place = self._who()
        if not self.rules.keys or self.rules.on_exhausted != "defer":
            return
        self.told_all.append(Say(self.at, self._number(), user, place))
        self.at = round(self.at + 5.0, 4)
        self._no_key_left()
        self.told_all.append(Say(self.at, self._number(), user, place))
        self.at = round(self.at + 5.0, 4)
        how = {"table": "entry", "column": "body", "how": self.dice.choice(RUBBISH)}
        self.told_all.append(Fault(self.at, "store_spoils_row", how))

    def _given_back(self) -> None:
        """What is kept until a key may be used cannot be read any more, and its writer writes again."""
        user, place = self._who()
        if not self.rules.keys or self.rules.on_exhausted == "tell" or self.rules.agent != "model":
            return
        self.told_all.append(Say(self.at, self._number(), user, place))
        self._after(5.0)
        self._no_key_left()
        self.told_all.append(Say(self.at, self._number(), user, place, ("once",)))
        self._after(5.0)
        how = {"table": "inbound", "column": "body", "how": self.dice.choice(RUBBISH)}
        self.told_all.append(Fault(self.at, "store_spoils_row", how))
        self._after(self.dice.choice((1.0, 100.0, 700.0)))
        self.told_all.append(Say(self.at, self._number(), user, place))

    def _noted(self) -> None:
        """The end of a program is told to a model, and meanwhile comes what it refuses to answer."""
        user, place = self._who()
        if self.rules.agent != "model" or self.rules.think_s < NOTED_S:
            return
        self.told_all.append(Say(self.at, self._number(), user, place, ("start:slow",)))
        self._after(PROGRAM_S + self.rules.think_s * self.dice.choice((1.3, 1.6, 1.9)))
        self.told_all.append(Say(self.at, self._number(), user, place, ("refuses",)))
        self._after(30.0)
        self.told_all.append(Say(self.at, self._number(), user, place))

    def _amid(self) -> None:
        """A row is spoilt in the middle of a person's or an operator's command, while a turn works."""
        user, place = self._who()
        self.told_all.append(Say(self.at, self._number(), user, place, self._words()))
        self._after(self.dice.choice((0.02, 0.3, 5.0)))
        table, column = self.dice.choice(BODIES)
        how, commits = self.dice.choice(RUBBISH), self.dice.randint(1, 4)
        self.told_all.append(Spoil(self.at, table, column, how, commits))
        if self.dice.random() < 0.3:
            rounds = self.dice.randint(0, 9)
            self.told_all.append(Operate(self.at, self.dice.choice(OPERATIONS), place, rounds))
        else:
            self.told_all.append(Command(self.at, self._number(), user, self.dice.one(COMMANDS), place))

    def _hung(self) -> None:
        """The disk hangs while the gateway stops, amid work and sends; it comes back in time, or does not."""
        user, place = self._who()
        self.told_all.append(Say(self.at, self._number(), user, place, self._words()))
        self._after(self.dice.choice((0.003, 0.02, 0.3, 2.0)))
        how = {"nth": float(self.dice.randint(1, 6)), "for_s": self.dice.choice(HANGS_S)}
        self.told_all.append(Fault(self.at, "store_hangs", how | {"done": float(self.dice.random() < 0.5)}))
        self._stop()

    def _slowly(self) -> None:
        """Each commit takes longer than anybody would wait for it."""
        user, place = self._who()
        self.told_all.append(Fault(self.at, "store_slow", {"for_s": 60.0, "delay_s": 3.0}))
        for _ in range(self.dice.randint(1, 3)):
            self.told_all.append(Say(self.at, self._number(), user, place, self._words()))

    def _oddly(self) -> None:
        """A model whose endpoint answers oddly does things for somebody; perhaps a crash comes amid it."""
        user, place = self._who()
        done = self.dice.sample(("once", "slow", "again", "stubborn"), self.dice.randint(0, 2))
        odd = self.dice.sample(ODDITIES, self.dice.randint(1, 2))
        self.at = round(self.at + self.dice.choice((1.0, 30.0, 61.0)), 4)
        self.told_all.append(Say(self.at, self._number(), user, place, (*done, *odd)))
        if self.dice.random() < 0.3:
            self.at = round(self.at + self.dice.choice((0.003, 0.3, 2.0, 5.0)), 4)
            self._crash()
        self.at = round(self.at + self.dice.choice((0.02, 5.0, 30.0)), 4)
        self.told_all.append(Say(self.at, self._number(), user, place, self._words()))

    def _inquired(self) -> None:
        """A tool asks somebody amid its call, and perhaps a crash comes while it asks, or goes on."""
        user, place = self._who()
        words = (self.dice.choice(("inquire:5", "inquire:600", "inquire:600")),)
        self.told_all.append(Say(self.at, self._number(), user, place, words))
        self.at = round(self.at + self.dice.choice((4.0, 7.0, 9.0)), 4)
        if self.dice.random() < 0.3:
            self._crash()
        if self.dice.random() < 0.7:
            self.told_all.append(Press(self.at, self._number(), user, place, self.dice.randrange(2)))
        else:
            self.told_all.append(Say(self.at, self._number(), user, place))
        if self.dice.random() < 0.5:
            self.at = round(self.at + self.dice.choice((0.003, 1.0, 3.0, 4.0)), 4)
            self._crash()

    def _refused(self) -> None:
        """The disk takes nothing from some write of a turn on, for as many tries as make a turn give up."""
        user, place = self._who()
        how = {"nth": float(self.dice.randint(1, 5)), "times": float(self.dice.randint(4, 6))}
        self.told_all.append(Fault(self.at, "store_fails_commit", how))
        self.told_all.append(Say(self.at, self._number(), user, place))

    def _hasty(self) -> None:
        """A function waits no longer for a step that the disk refuses to record."""
        user, place = self._who()
        if self.rules.agent == "library":
            self.told_all.append(Blink(self.at, self.dice.randint(3, 6)))
            words = self.dice.choice((*(("hasty", then) for then in ("once", "think:20", "say")), HURRIED))
            self.told_all.append(Say(self.at, self._number(), user, place, words))
