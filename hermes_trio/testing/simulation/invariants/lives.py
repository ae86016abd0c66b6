"""What one life may do to the next."""

from __future__ import annotations

from hermes_trio.runtime.stop_times import stop_s
from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant
from hermes_trio.testing.simulation.mirror import Change
from hermes_trio.testing.simulation.plan import Stop

GONE_WITHIN_S = 5.0
OF_BEFORE = ("cancelled", "failed", "answered", "goes on")
"""What was asked for, or told, before. What may go on is looked at elsewhere."""
OURS = ("platform", "model", "tool", "log")


class TheDeadAreSilent(Invariant):
    """Of a life that was killed nothing is heard: it does not write, send, ask, act, or signal."""

    name = "dead"

    def changed(self, change: Change) -> None:
        """Nothing is committed while no life runs."""
        lives = self.facts.life_of(self.facts.writer[0]) is not None
        self.check(lives, f"{change.table} {change.id} was written by the dead")

    def happened(self, event: Event) -> None:
        """Nothing is done while no life runs. What was asked of a provider may still fail."""
        lives = self.facts.life_of(event.node) is not None
        if event.who == "machine" and event.what in ("started", "signal"):
            self.check(lives, f"the dead: {event.what} {event.fields}")
        elif event.who in OURS and event.what not in OF_BEFORE:
            self.check(lives, f"the dead: {event.who} {event.what}")


class NoProcessOfBefore(Invariant):
    """I6 five seconds after stop or kill + restart, no process of an older boot is alive."""

    name = "I6"

    def happened(self, event: Event) -> None:
        """Whoever was started by a life before this one, of its node, is gone in time."""
        if self.facts.alive:
            for node in {life.node for life in self.facts.alive.values()}:
                self._gone(node)

    def _gone(self, node: str) -> None:
        last = next(one for one in reversed(self.facts.lives) if one.node == node)
        since = last.began
        if last.ended is not None:
            if last.crashed:
                return
            since = last.ended
        theirs = [(pid, life) for pid, life in self.facts.alive.items() if life.node == node]
        old = [pid for pid, life in theirs if life is not last or last.ended is not None]
        in_time = self.facts.now - since <= GONE_WITHIN_S or self.facts.store_late_until > since
        self.check(not old or in_time, f"processes {old} of an older life are alive")


class StopsInTime(Invariant):
    """A stop takes no longer than its parts may, whatever hangs. Nothing can cut a task that is shielded."""

    name = "stop"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._since: dict[str, float] = {}
        plan = facts.plan
        stops = (one.drain_s for one in plan.happenings if isinstance(one, Stop))
        self._most_s = stop_s(max(plan.rules.drain_s, *stops, 0.0))

    def happened(self, event: Event) -> None:
        """From the signal until it has left, beside the time in which it did not run."""
        facts = self.facts
        if event.who == "log" and event.what == "left behind":
            self._since.pop(event.node, None)
        if event.who != "world":
            return
        if event.what == "stop":
            self._since[event.node] = facts.now
        elif event.what in ("stopped", "crash", "start") and event.node in self._since:
            since = self._since.pop(event.node)
            took = facts.now - since - facts.frozen_s(since, facts.now, event.node)
            self.check(took <= self._most_s + 1e-6, f"a stop takes {took:.3f} s, not {self._most_s} at most")


class CleanStopResumesNothing(Invariant):
    """A clean stop resumes nothing, and a stop is clean where no turn was left running."""

    name = "clean"

    def changed(self, change: Change) -> None:
        """Clean is who left nothing."""
        if change.table == "boot" and change.became("clean", 1):
            running = [
                id
                for id, row in self.facts.mirror.turn.items()
                if row["state"] == "running" and row["boot"] == change.id
            ]
            if self.facts.several and self._others(change.id):
                return  # who hands over leaves them to others
            self.check(not running, f"boot {change.id} ends cleanly and leaves {running}")

    def _others(self, boot: int) -> bool:
        rows = self.facts.mirror.boot.items()
        return any(
            id != boot and row["ended_at"] is None and row["buried_at"] is None and not row["draining_at"]
            for id, row in rows
        )

    def happened(self, event: Event) -> None:
        """Behind a clean end no turn has a verdict, and none is attempted again."""
        if event.who != "log" or self.facts.several:
            return
        boots = self.facts.mirror.boot
        before = boots.get(max(boots) - 1) if boots else None
        if before is None or not before["clean"]:
            return
        if event.what == "resume verdict":
            self.check(
                event.fields["turn"] is None, f"turn {event.fields['turn']} is resumed after a clean end"
            )
