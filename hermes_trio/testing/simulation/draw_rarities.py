"""What hardly comes about by itself: it leaves a value in a row that nothing else leaves there."""

from __future__ import annotations

from hermes_trio.testing.simulation.chances import FAILURES, OPERATIONS, RUBBISH, STRAYS
from hermes_trio.testing.simulation.draw_story import Story
from hermes_trio.testing.simulation.plan import (
    Command,
    Crash,
    Fault,
    Forbid,
    Operate,
    Press,
    Say,
    Stop,
    Stray,
)
from hermes_trio.testing.simulation.setting import ADMINS, ALLOWED

ADMIN, NO_ADMINS = ALLOWED[0], ALLOWED[ADMINS:]

WATCHED = (
    ("watch:chatty",),
    ("watch:chatty", "think:20"),
    ("watch:chatty", "slow"),
    ("start:quick", "watch:chatty", "start:slow"),
)


class Rarities(Story):
    """Draws such situations."""

    def _misheard(self) -> None:
        """An answer cannot be read any more, perhaps nor the step that asked, and its giver writes again."""
        user, place = self._who()
        self.told_all.append(Say(self.at, self._number(), user, place, ("inquire:600",)))
        self._after(self.dice.choice((7.0, 11.0)))
        self.told_all.append(Say(self.at, self._number(), user, place))
        self._after(1.0)
        rows = [("entry", "body", float(self.dice.choice((0, 0, 1))))]
        rows += [("step", "value", float(back)) for back in range(3)] * (self.dice.random() < 0.5)
        for table, column, back in rows:
            how: dict[str, float | str] = {
                "table": table,
                "column": column,
                "how": self.dice.choice(RUBBISH),
                "back": back,
            }
            self.told_all.append(Fault(self.at, "store_spoils_row", how))
        self._after(self.dice.choice((1.0, 30.0)))
        self.told_all.append(Say(self.at, self._number(), user, place, self._words()))

    def _together(self) -> None:
        """An admin has a program in a conversation, and then somebody else speaks there, or is quoted."""
        shared = [
            number
            for number, place in enumerate(self.places)
            if place.group and (place.thread is not None or self.rules.scope == "chat")
        ]
        if not shared:
            return
        place, other = self.dice.choice(shared), self.dice.choice(NO_ADMINS)
        self.told_all.append(Command(self.at, self._number(), ADMIN, "/new", place))
        self._after(1.0)
        self.told_all.append(Say(self.at, self._number(), ADMIN, place, ("start:forever",)))
        self._after(self.dice.choice((5.0, 30.0)))
        self.dice.choice((self._asked_together, self._taken_back, self._passed_on))(other, place)

    def _asked_together(self, other: str, place: int) -> None:
        """One turn answers both, or takes the other in, and shall look at the program or end it."""
        self.told_all.append(Say(self.at, self._number(), ADMIN, place, ("think:20", "slow")))
        self._after(0.3)
        said = [(other, ()), (ADMIN, (self.dice.choice(("poll", "kill")),))]
        for user, words in self.dice.sample(said, 2):
            self.told_all.append(Say(self.at, self._number(), user, place, words))

    def _taken_back(self, other: str, place: int) -> None:
        """What the other said is set aside before the admin speaks."""
        if self.rules.keys and self.dice.random() < 0.5:
            self._no_key_left()
            self.told_all.append(Say(self.at, self._number(), other, place))
            self._after(700.0)
        else:
            self.told_all.append(Say(self.at, self._number(), other, place, ("think:20",)))
            self._after(5.0)
            self.told_all += [Forbid(self.at, other), Crash(self.at)]
            self._after(5.0)
        self.told_all.append(Say(self.at, self._number(), ADMIN, place, ("terminal:quick",)))

    def _passed_on(self, other: str, place: int) -> None:
        """The admin passes on what wants a program run."""
        self.told_all.append(Say(self.at, self._number(), ADMIN, place, ("terminal:quick",), passed_on=True))
        self._after(self.dice.choice((5.0, 30.0)))
        self.told_all.append(Say(self.at, self._number(), ADMIN, place, ("terminal:quick",)))

    def _stray(self) -> None:
        """Updates that are nobody's message to this bot, and a command that fails."""
        user, place = self._who()
        for _ in range(self.dice.randint(1, 3)):
            how = self.dice.choice(STRAYS if self.places[place].group else STRAYS[:2])
            self.told_all.append(Stray(self.at, self._number(), user, place, how))
            self.at = round(self.at + self.dice.choice((0.0, 0.02, 5.0)), 4)
        if self.dice.random() < 0.5:
            self.told_all.append(Command(self.at, self._number(), user, "/broken", place))

    def _failing(self) -> None:
        """A model fails in one way, as often as it is asked for one message."""
        user, place = self._who()
        self.told_all += [Fault(self.at, self.dice.choice(FAILURES))] * 6
        self.told_all.append(Say(self.at, self._number(), user, place))
        self._later(user, place)

    def _chatty(self) -> None:
        """A program writes what is watched for, amid turns and behind; perhaps the conversation ends."""
        place = self._of_the_admin()
        if place is None:
            return
        self.told_all.append(Command(self.at, self._number(), ADMIN, "/new", place))
        self._after(1.0)
        self.told_all.append(Say(self.at, self._number(), ADMIN, place, self.dice.choice(WATCHED)))
        self._after(self.dice.choice((2.0, 7.0)))
        if self.dice.random() < 0.3:
            self.told_all.append(Command(self.at, self._number(), ADMIN, "/new", place))
        elif self.dice.random() < 0.3:
            self.told_all.append(
                Operate(self.at, self.dice.choice(OPERATIONS), place, self.dice.randint(0, 40))
            )
        else:
            self._later(ADMIN, place)

    def _later(self, user: str, place: int) -> None:
        """The same person says something more, half a minute later: until then no fault has ended."""
        self._after(30.0)
        self.told_all.append(Say(self.at, self._number(), user, place))

    def _of_the_admin(self) -> int | None:
        found = [n for n, place in enumerate(self.places) if place.group or place.chat == ADMIN]
        return self.dice.choice(found) if found else None

    def _unsaid(self) -> None:
        """A function has nothing to say, has said it already, or gives up where nobody answers it."""
        user, place = self._who()
        words = self.dice.choice((("mutes",), ("insists:5",), ("records",)))
        self.told_all.append(Say(self.at, self._number(), user, place, words))
        if words == ("records",):
            self._after(2.0)
            self.told_all.append(Crash(self.at))
        self._later(user, place)

    def _pressed(self) -> None:
        """Somebody else presses what one person was asked."""
        groups = [number for number, place in enumerate(self.places) if place.group]
        if groups:
            place, (one, other) = self.dice.choice(groups), self.dice.sample(ALLOWED, 2)
            self.told_all.append(Say(self.at, self._number(), one, place, ("choose:60",)))
            self._after(2.0)
            self.told_all.append(Press(self.at, self._number(), other, place))

    def _unserved(self) -> None:
        """A bot is not among those of the next start, amid its work."""
        number = self.dice.randrange(len(self.places))
        place = self.places[number]
        user = self.dice.choice(self.people) if place.group else place.chat
        if len({one.account for one in self.places} | {"main"}) < 2:
            return
        self.told_all.append(Say(self.at, self._number(), user, number, (*self._words(), "think:20")))
        self._after(self.dice.choice((0.02, 0.3, 5.0)))
        ends = Crash(self.at, without=place.account), Stop(self.at, 0.5, without=place.account)
        self.told_all.append(self.dice.choice(ends))
        self._after(self.dice.choice((0.3, 30.0, 3700.0)))
        self.told_all.append(self.dice.choice((Crash(self.at), Stop(self.at))))
