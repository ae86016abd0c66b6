"""A seed draws a story: what happens, one thing behind the other."""

from __future__ import annotations

from collections.abc import Callable

from hermes_trio.testing.simulation.chances import (
    ANSWER_WORDS,
    BODIES,
    COMMANDS,
    FAULTS,
    GAPS,
    MOMENTS,
    OPERATIONS,
    RUBBISH,
    STRANGER,
    TOOL_WORDS,
    USERS,
    VERB_WORDS,
)
from hermes_trio.testing.simulation.draw_rules import Dice
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
    Press,
    Rules,
    Say,
    Stop,
)
from hermes_trio.testing.simulation.setting import CROWD


class Story:
    """Draws happenings one behind the other."""

    def __init__(self, dice: Dice, rules: Rules, places: tuple[Place, ...]) -> None:
        self.dice = dice
        self.rules = rules
        self.places = places
        self.people = USERS[: dice.randint(1, 4)]
        self.at = 0.0
        self.n = 0
        self.told_all: list[Happening] = []

    def told(self) -> list[Happening]:
        """All of it."""
        kinds = self._kinds()
        self._say()
        for _ in range(self.dice.one(((2, 2), (4, 3), (7, 3), (12, 2), (20, 1)))):
            self._after(self.dice.one(GAPS))
            self.dice.one(kinds)()
        return self.told_all

    def _kinds(self) -> tuple[tuple[Callable[[], None], float], ...]:
        """What can happen, and how often."""
        return (
            (self._say, 12),
            (self._burst, 3),
            (self._album, 0.7),
            (self._command, 5),
            (self._press, 1.5 if self.rules.agent == "library" else 0.2),
            (self._operate, 1.5),
            (self._spoil, 0.4),
            (self._race, 0.7),
            (self._unread, 0.7),
            (self._full, 0.5),
            (self._blink, 0.7),
            (self._crowd, 0.5),
            (self._fault, 5),
            (self._delete, 0.5),
            (self._crash, 3),
            (self._nights, 0.6),
            (self._stop, 1.5),
            (self._forbid, 0.8),
        )

    def _who(self) -> tuple[str, int]:
        """Somebody, and a place that this person may write in."""
        number = self.dice.randrange(len(self.places))
        place = self.places[number]
        if not place.group:
            return place.chat, number
        return (STRANGER if self.dice.random() < 0.03 else self.dice.choice(self.people)), number

    def _number(self) -> int:
        self.n += 1
        return self.n

    def _words(self) -> tuple[str, ...]:
        table = TOOL_WORDS if self.rules.agent == "model" else VERB_WORDS
        words = [self.dice.one(table) for _ in range(self.dice.one(((0, 3), (1, 4), (2, 3), (4, 1))))]
        if any(word.startswith("start") for word in words) and self.dice.random() < 0.4:
            words.append(self.dice.choice(("poll", "wait", "kill")))
        words += [self.dice.one(ANSWER_WORDS) for _ in range(self.dice.one(((0, 3), (1, 2), (2, 1))))]
        return tuple(words)

    def _say(self) -> None:
        user, place = self._who()
        before = self.dice.one((("", 12), ("/queue", 1), ("/steer", 1)))
        long = self.dice.random() < 0.05 and not before
        self.told_all.append(Say(self.at, self._number(), user, place, self._words(), before, long=long))

    def _burst(self) -> None:
        """Several on end, of one person."""
        user, place = self._who()
        for _ in range(self.dice.randint(2, 4)):
            self.told_all.append(Say(self.at, self._number(), user, place, self._words()))
            self.at = round(self.at + self.dice.one(((0.0, 2), (0.0005, 2), (0.1, 1))), 4)

    def _album(self) -> None:
        user, place = self._who()
        album = f"album{self.n}"
        for _ in range(self.dice.randint(2, 3)):
            self.told_all.append(Say(self.at, self._number(), user, place, (), album=album))
            self.at = round(self.at + self.dice.one(((0.0, 2), (0.3, 2), (0.9, 1))), 4)

    def _command(self) -> None:
        user, place = self._who()
        self.told_all.append(Command(self.at, self._number(), user, self.dice.one(COMMANDS), place))

    def _press(self) -> None:
        user, place = self._who()
        self.told_all.append(Press(self.at, self._number(), user, place, self.dice.randrange(2)))

    def _operate(self) -> None:
        what = self.dice.choice(OPERATIONS)
        rounds = self.dice.one(((0, 1), (self.dice.randint(1, 60), 3)))
        self.told_all.append(Operate(self.at, what, self.dice.randrange(len(self.places)), rounds))

    def _spoil(self) -> None:
        """What a row says is rubbish from now on."""
        table, column = self.dice.choice(BODIES)
        what = {"table": table, "column": column, "how": self.dice.choice(RUBBISH)}
        back = self.dice.one(((0.0, 4), (1.0, 1), (3.0, 1)))
        self.told_all.append(Fault(self.at, "store_spoils_row", {**what, "back": back}))

    def _race(self) -> None:
        """A person and an operator end the same conversation at once."""
        user, place = self._who()
        what = self.dice.choice(OPERATIONS)
        self.told_all.append(Say(self.at, self._number(), user, place, self._words()))
        self.at = round(self.at + self.dice.choice((0.0005, 0.02, 3.0)), 4)
        self.told_all.append(Operate(self.at, what, place, self.dice.randint(1, 40)))
        self.told_all.append(Command(self.at, self._number(), user, "/new", place))

    def _unread(self) -> None:
        """A command comes, and the disk cannot be read."""
        user, place = self._who()
        self.told_all.append(Fault(self.at, "store_fails_read", {"nth": float(self.dice.randint(1, 12))}))
        self.told_all.append(Command(self.at, self._number(), user, self.dice.one(COMMANDS), place))

    def _full(self) -> None:
        """Programs are to be started where none can."""
        user, place = self._who()
        words = (self.dice.choice(("start:quick", "terminal:quick", "keep:slow")), *self._words())
        how = {"for_s": self.dice.choice((0.5, 20.0))}
        self.told_all.append(Fault(self.at, "machine_full", how))
        self.told_all.append(Say(self.at, self._number(), user, place, words))

    def _blink(self) -> None:
        """Something takes effect, and then the disk refuses."""
        user, place = self._who()
        self.told_all.append(Blink(self.at, self.dice.one(((1, 3), (2, 1), (6, 1)))))
        words = (self.dice.choice(("once", "slow", "again", "stubborn")), *self._words())
        self.told_all.append(Say(self.at, self._number(), user, place, words))

    def _crowd(self) -> None:
        """Many conversations at once, and a disk that is slow."""
        groups = [number for number, place in enumerate(self.places) if place.group]
        if not groups or self.rules.scope != "user":
            return
        how = {"for_s": 60.0, "delay_s": self.dice.choice((0.05, 1.0, 3.0))}
        self.told_all.append(Fault(self.at, "store_slow", how))
        for user in CROWD:
            self.told_all.append(Say(self.at, self._number(), user, self.dice.choice(groups)))

    def _fault(self) -> None:
        if self.rules.keys and self.dice.random() < 0.4:
            self._no_key_left()
            return
        name, how, _ = self.dice.one(tuple((one, one[2]) for one in FAULTS))
        drawn = {argument: float(self.dice.choice(values)) for argument, values in how.items()}
        drawn |= {"of": 1.0} if self._is_anothers(name) else {}
        times = self.dice.one(((1, 4), (2, 1), (4, 1))) if name.startswith(("platform", "model")) else 1
        self.told_all += [Fault(self.at, name, drawn)] * times

    def _is_anothers(self, name: str) -> bool:
        """It happens to the second model or the second bot."""
        second = any(place.account == "second" for place in self.places)
        there = {"model": self.rules.fallbacks > 0, "platform": second}.get(name.partition("_")[0], False)
        return there and self.dice.random() < 0.4

    def _no_key_left(self) -> None:
        """Every key is refused, one after the other."""
        for _ in range(self.rules.keys):
            name = self.dice.choice(("model_quota", "model_rate_limit", "model_unauthorized"))
            how = {"retry_after_s": 90.0} if name == "model_rate_limit" else {}
            self.told_all.append(Fault(self.at, name, how))

    def _delete(self) -> None:
        self.told_all.append(Delete(self.at, self.dice.randrange(len(self.places))))

    def _crash(self) -> None:
        for _ in range(self.dice.one(((1, 4), (2, 2), (4, 0.5)))):
            when = self.dice.one(MOMENTS)
            nth = self.dice.randint(1, 60) if when == "round" else self.dice.randint(1, 6)
            down_s = self.dice.one(((0.0, 5), (0.01, 2), (1.0, 2), (61.0, 1), (3700.0, 0.5)))
            resume = self.dice.random() > 0.06
            self.told_all.append(Crash(self.at, when, nth, down_s, resume))
            self.at = round(self.at + down_s + self.dice.one(((0.0, 1), (0.003, 3), (0.3, 2), (5.0, 1))), 4)

    def _nights(self) -> None:
        """A machine that is off for long, twice, while somebody waits for an answer that takes its time."""
        user, place = self._who()
        self.told_all.append(Say(self.at, self._number(), user, place, ("think:20",)))
        for _ in range(2):
            self.at = round(self.at + self.dice.choice((0.3, 5.0)), 4)
            down_s = self.dice.choice((1700.0, 2400.0))
            off = Crash(self.at, down_s=down_s) if self.dice.random() < 0.5 else Stop(self.at, 0.0, down_s)
            self.told_all.append(off)
            self.at = round(self.at + down_s, 4)

    def _stop(self) -> None:
        down_s = self.dice.one(((0.0, 3), (1.0, 2), (4000.0, 0.5)))
        drain_s = self.dice.choice((0.0, 0.5, 20.0))
        self.told_all.append(Stop(self.at, drain_s, down_s, self.dice.random() > 0.06))

    def _forbid(self) -> None:
        user = self.dice.choice(self.people)
        self.told_all.append(Forbid(self.at, user, self.dice.random() < 0.3))

    def _after(self, seconds: float) -> None:
        self.at = round(self.at + seconds, 4)
