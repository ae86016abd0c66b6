"""What turns and sessions may do."""

from __future__ import annotations

from collections import Counter

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.endpoint import forgotten
from hermes_trio.testing.simulation.facts import Invariant, turn_of
from hermes_trio.testing.simulation.mirror import Change
from hermes_trio.testing.simulation.words import numbers
from hermes_trio.values.transcript import AssistantEntry, UserEntry


class OneTurn(Invariant):
    """I3 at most one running turn per session, at most one main model call in flight per session."""

    name = "I3"

    def changed(self, change: Change) -> None:
        """Of the rows that say running."""
        if change.table != "turn" or change.new is None or not change.became("state", "running"):
            return
        running = [
            id
            for id, row in self.facts.mirror.turn.items()
            if row["session"] == change.new["session"] and row["state"] == "running"
        ]
        self.check(len(running) == 1, f"turns {running} of session {change.new['session']} run at once")

    def happened(self, event: Event) -> None:
        """Of the calls in flight."""
        if event.who != "model" or event.what != "asked":
            return
        calls = Counter(asked.key for asked in self.facts.asking.values() if asked.key)
        twice = {key: count for key, count in calls.items() if count > 1}
        self.check(not twice, f"model calls in flight at once: {twice}")


class NeverAgain(Invariant):
    """A finished turn never runs again, and a turn that was ended is not worked on."""

    name = "never again"

    def changed(self, change: Change) -> None:
        """A turn's end stands for ever, and an attempt is counted once."""
        old, new = change.old, change.new
        if change.table != "turn" or old is None:
            return
        self.check(new is not None, f"turn {change.id} was deleted")
        assert new is not None
        if old["state"] != "running":
            self.check(new["state"] == old["state"], f"turn {change.id} was {old['state']}: {new['state']}")
            self.check(new["attempt"] == old["attempt"], f"turn {change.id} runs again: it is {old['state']}")

    def happened(self, event: Event) -> None:
        """A model is asked for a message that a running turn holds."""
        facts = self.facts
        if event.who != "model" or event.what != "asked" or not facts.asking:
            return
        last = facts.last_request.entries[-1] if facts.last_request and facts.last_request.entries else None
        answered = isinstance(last, AssistantEntry) and not last.calls
        self.check(not answered, "a model is asked about a conversation that has its answer")
        asked = facts.asking[max(facts.asking)]
        found = facts.inbound_of(asked.n)
        if found is None or asked.n == 0:
            return
        turn = facts.mirror.turn.get(found[1]["turn"] or 0)
        boot = facts.boot_of(asked.node)
        runs = turn is not None and turn["state"] == "running" and turn["boot"] == boot
        just = facts.since_untaken(asked.n) <= facts.heard_s
        self.check(
            runs or just,
            f"a model is asked about #{asked.n}, which no running turn of this boot holds: {found[1]}",
        )


class NothingOfTheOldSession(Invariant):
    """After `/new` nothing of the old session is seen."""

    name = "/new"

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._over: dict[int, int] = {}

    def changed(self, change: Change) -> None:
        """What its turns held is over, until it is resumed."""
        if change.table != "session" or change.new is None or not change.became("ended_at"):
            return
        mirror = self.facts.mirror
        if change.new["ended_at"] is None:
            self._over = {n: session for n, session in self._over.items() if session != change.id}
            return
        held = {id for id, row in mirror.turn.items() if row["session"] == change.id}
        for row in mirror.inbound.values():
            spoken = self.facts.spoken_of(row)
            if spoken is not None and spoken.n and row["turn"] in held:
                self._over[spoken.n] = change.id

    def happened(self, event: Event) -> None:
        """Not by a model."""
        request = self.facts.last_request
        if event.who != "model" or event.what != "asked" or request is None:
            return
        for entry in request.entries:
            for n in numbers(entry.text) if isinstance(entry, UserEntry) else ():
                session = self._over.get(n)
                known = session is not None and self.facts.knows("session", session)
                self.check(not known, f"a model is shown #{n}, of session {session}, which has ended")


class ShownOnce(Invariant):
    """A message stands once in its conversation, whether that is read or remembered."""

    name = "shown once"

    def happened(self, event: Event) -> None:
        """Whoever is asked."""
        request = self.facts.last_request
        if event.who != "model" or event.what != "asked" or request is None:
            return
        said = Counter(n for one in request.entries if isinstance(one, UserEntry) for n in numbers(one.text))
        twice = [n for n, times in said.items() if times > 1]
        self.check(not twice, f"a model is shown {twice} more than once")


class UnsaidStaysUnsaid(Invariant):
    """I15 what has no answer since its writer may not speak any more, or since it cannot be read, is shown to
    no model from then on."""

    name = "I15 unsaid"

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._unsaid: set[int] = set()

    def changed(self, change: Change) -> None:
        """Which messages: those that wait, and those of a turn that is not resumed."""
        new = change.new
        if change.table != "inbound" or new is None or not change.became("outcome"):
            return
        spoken = self.facts.spoken_of(new)
        of_no_turn = new["reason"] == "unreadable" and new["turn"] is None
        unsaid = of_no_turn or new["outcome"] == "dropped" or new["reason"] == "not_allowed"
        if spoken is not None and spoken.n and unsaid:
            self._unsaid.add(spoken.n)

    def happened(self, event: Event) -> None:
        """Whoever asks, in whatever conversation."""
        request = self.facts.last_request
        if event.who != "model" or event.what != "asked" or request is None:
            return
        said = (n for one in request.entries if isinstance(one, UserEntry) for n in numbers(one.text))
        seen = self._unsaid.intersection(said)
        self.check(not seen, f"a model is shown {sorted(seen)}, which shall not be answered")


class ThoughtsComeBack(Invariant):
    """What a model thought before it called a tool it is shown again with that call, across any crash."""

    name = "thoughts"

    def happened(self, event: Event) -> None:
        """Whoever is asked."""
        request = self.facts.last_request
        if event.who != "model" or event.what != "asked" or request is None:
            return
        called = forgotten(request.entries)
        self.check(not called, f"{called} is shown without what its model thought")


class EffectsOnce(Invariant):
    """I5 a tool call that is not declared idempotent runs at most once per op id, across any crash."""

    name = "I5"

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._by_op: Counter[str] = Counter()
        self._by_wish: Counter[str] = Counter()

    def happened(self, event: Event) -> None:
        """Counted by op id; and what the model wished once, since it sees the result, is done once."""
        if event.who != "tool" or event.what != "effect" or event.fields.get("again"):
            return
        op, action = str(event.fields["op"]), event.fields.get("action")
        self._by_op[op] += 1
        self.check(self._by_op[op] == 1, f"{op} took effect {self._by_op[op]} times")
        if action is not None and self.facts.plan.rules.agent == "model":
            # Another session knows nothing of what was done in this one.
            seen = f"{action} in session {self.facts.mirror.turn[turn_of(op)]['session']}"
            self._by_wish[seen] += 1
            self.check(self._by_wish[seen] == 1, f"what #{seen} wished took effect a second time, as {op}")


class TheCount(Invariant):
    """The interruption count rises by one once per boot, and falls by the delivery of a finished answer."""

    name = "count"

    def __init__(self, *args: object) -> None:
        super().__init__(*args)  # type: ignore[arg-type]
        self._rose: dict[int, list[int]] = {}

    def changed(self, change: Change) -> None:
        """Where the count moves, and where it must."""
        if change.table == "session" and change.old is not None and change.new is not None:
            self._moved(change, change.old["interrupted"], change.new["interrupted"])
        if change.table == "outbound" and change.became("state", "sent"):
            self._delivered(change)

    def _moved(self, change: Change, old: int, new: int) -> None:
        if old == new:
            return
        boots = self._settling()
        booting = bool(boots)
        if new > old:
            self.check(new == old + 1, f"session {change.id}: interrupted {old} times, then {new}")
            self.check(booting, f"session {change.id} counts an interruption, and no boot begins or is over")
            self.check(self._rose.get(change.id) != boots, f"session {change.id} counts boots {boots} twice")
            self._rose[change.id] = boots
            return
        again = change.became("ended_at", None)
        said = any(one.table == "outbound" for one in self.facts.batch)
        self.check(
            new == 0 and (booting or again or said),
            f"session {change.id}: interrupted {old} times, then {new}, for no reason",
        )

    def _settling(self) -> list[int]:
        """The boots at which this commit settles counts: the one that begins, or of nodes those that end."""
        boots = [one for one in self.facts.batch if one.table == "boot"]
        if not self.facts.several:
            return [one.id for one in boots if one.old is None]
        return [one.id for one in boots if one.became("buried_at") or one.became("ended_at")]

    def _delivered(self, change: Change) -> None:
        row = change.new
        assert row is not None
        turn = self.facts.mirror.turn.get(row["turn"] or 0)
        if row["said"] != "final" or not row["last"] or turn is None or turn["state"] != "finished":
            return
        mine = [one for one in self.facts.batch if one.table == "session" and one.id == turn["session"]]
        session = (mine[-1].new if mine else None) or self.facts.mirror.session[turn["session"]]
        self.check(
            session["interrupted"] == 0,
            f"turn {row['turn']} was delivered, and session {turn['session']} counts"
            f" {session['interrupted']} interruptions",
        )


class SetAsideStays(Invariant):
    """A session that was set aside, or reset, is opened again by somebody and never by itself."""

    name = "set aside"

    def changed(self, change: Change) -> None:
        """By a command of its key or by an operator."""
        if change.table != "session" or change.old is None or change.old["ended_at"] is None:
            return
        if change.new is None or change.new["ended_at"] is not None:
            return
        asked = any(
            one.table == "inbound"
            and one.new is not None
            and one.new["kind"] == "command"
            and one.new["key"] == change.new["key"]
            and one.became("outcome", "answered")
            for one in self.facts.batch
        )
        self.check(
            asked or change.id in self.facts.resumed, f"session {change.id} is open again, and nobody asked"
        )
