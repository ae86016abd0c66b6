"""What is said again, in which order, and what stands beside it."""

from __future__ import annotations

from collections import Counter

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant, Where, place, row_of, shows
from hermes_trio.testing.simulation.mirror import Change
from hermes_trio.testing.simulation.words import answered

CUT_OFF_BY = ("crash", "start", "stop", "heal")
JUST_S, READY_S = 0.5, 20.0
IN_LINE = "Waiting for a place among the turns that run"


class RepeatedForAReason(Invariant):
    """I2 (why) what the platform has confirmed is not said again."""

    name = "I2 repeat"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._confirmed: set[str] = set()

    def changed(self, change: Change) -> None:
        """What a node that is over has not read is in doubt."""
        if change.table == "boot" and change.became("buried_at"):
            self._confirmed.clear()

    def happened(self, event: Event) -> None:
        """Of each text that a chat is shown, by its key. What a stop or a fault may cut off is in doubt.

        A freeze cuts nothing off: what was answered meanwhile is read.
        """
        if event.who == "world" and event.what in CUT_OFF_BY:
            self._confirmed.clear()
        if event.what != "send" or not shows(event) or not row_of(event):
            return
        key = str(event.fields["key"])
        self.check(key not in self._confirmed, f"part {row_of(event)} is said again, and was confirmed")
        if "fault" not in event.fields:
            self._confirmed.add(key)


class InItsPreview(Invariant):
    """close_turn turns the preview into part 1 of the answer."""

    name = "I2 preview"

    def committed(self) -> None:
        """A finished turn's preview is not left beside its answer."""
        batch = self.facts.batch
        for change in batch:
            if change.table != "outbound" or change.old is None or change.new is None:
                continue
            if change.old["said"] == "preview" and change.became("said"):
                turn = self.facts.mirror.turn[change.new["turn"]]
                beside = [
                    one.id
                    for one in batch
                    if one.table == "outbound"
                    and one.new is not None
                    and one.new["said"] == "final"
                    and one.new["turn"] == change.new["turn"]
                ]
                self.check(
                    turn["state"] != "finished" or change.new["said"] != "notice" or not beside,
                    f"{beside} answer beside the preview {change.id}",
                )


class OneAnswerInTheChat(Invariant):
    """I2 (the user's eye) an answer stands in a chat once, or twice and marked."""

    name = "I2 chat"

    def at_rest(self) -> None:
        """In what the chats show in the end."""
        texts = Counter[tuple[int, int]]()
        for seen in self.facts.shown():
            if seen.said == "final":
                for answer in answered(seen.text):
                    texts[answer] += 1
        for (n, _), count in texts.items():
            most = 1 if self.facts.plan.rules.takes_key else 2
            self.check(count <= most, f"#{n} is answered {count} times")


class NotInLine(Invariant):
    """/status shows the place in line of who waits for one, and of nobody else."""

    name = "line"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._open: dict[int, Where] = {}
        self._open_at: dict[Where, float] = {}
        self._idle: set[int] = set()

    def changed(self, change: Change) -> None:
        """Where something waits, or did just now; and which reply is made where nothing does."""
        new = change.new
        if new is None:
            return
        if change.table == "inbound" and new["key"] is not None and new["kind"] != "command":
            where = place(new["key"])
            self._open_at[where] = self.facts.now
            self._open.pop(change.id, None)
            if new["outcome"] is None and new["state"] != "running":
                self._open[change.id] = where
        elif change.table == "outbound" and change.old is None and new["said"] == "reply":
            where = place(new["lane"])
            just = self.facts.now - self._open_at.get(where, float("-inf")) <= JUST_S + self.facts.grace_s
            life = self.facts.life
            settled = life is not None and self.facts.now - life.began > READY_S
            # Whom a command has woken looks at its rows, and for that waits in line like others.
            running = sum(row["state"] == "running" for row in self.facts.mirror.turn.values())
            free = running < self.facts.plan.rules.turns_max
            if free and settled and not just and where not in self._open.values():
                self._idle.add(change.id)

    def happened(self, event: Event) -> None:
        """When it is shown."""
        if shows(event) and event.fields["said"] == "reply":
            waits = IN_LINE in str(event.fields["text"])
            self.check(not waits or row_of(event) not in self._idle, "a place in a line for nobody")
