"""What a start makes of what it finds."""

from __future__ import annotations

import msgspec

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant
from hermes_trio.testing.simulation.invariants.causes import ended_turns
from hermes_trio.testing.simulation.mirror import Change, Row
from hermes_trio.testing.simulation.setting import options
from hermes_trio.values.identity import Address

EXACT_S = 1e-3
_Times = tuple[float | None, float | None, bool]


class RightVerdict(Invariant):
    """A row that says running under an older boot is resumed, unless its bot is not there, its owner may not
    speak, the operator has said no, its session was interrupted too often, or nothing was said in it for too
    long."""

    name = "verdict right"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._found: dict[int, _Times] = {}

    def changed(self, change: Change) -> None:
        """A boot begins: note which turns it finds running. This is read before the boot drops or settles
        anything, since a dropped message of a stranger counts as a sign of life, and a command that waits
        may block an answer."""
        if change.table == "boot" and change.old is None:
            running = self.facts.db.execute("select id, session from turn where state = 'running'").fetchall()
            self._found = {turn: self._times(turn, session) for turn, session in running}

    def happened(self, event: Event) -> None:
        """Each verdict, from the rows, from who may speak and from how this life was started."""
        if event.who != "log" or event.what != "resume verdict" or event.fields["turn"] is None:
            return
        turn, verdict = event.fields["turn"], event.fields["verdict"]
        row = self.facts.mirror.turn[turn]
        if row["state"] != "running":
            return  # a command has ended it before
        said = f"turn {turn} has the verdict {verdict}"
        address = msgspec.json.decode(row["address"], type=Address)
        served = self.facts.serves(row["key"])
        self.check(served != (verdict == "absent"), f"{said}; its bot is there: {served}")
        if not served:
            return
        asked = self._writers(turn) or {str(address.user)}
        may = not asked.isdisjoint(self.facts.allowed)
        self.check(may or verdict == "not_allowed", f"{said}, and none of {sorted(asked)} may speak")
        self.check(not may or verdict != "not_allowed", f"{said}, and one of {sorted(asked)} may speak")
        if verdict in ("answered", "empty", "not_allowed"):
            return
        resumes = self.facts.resumes
        self.check(resumes == (verdict != "not_asked"), f"{said}; the start resumes: {resumes}")
        if verdict != "not_asked":
            self._worked(said, verdict, turn, row)

    def _writers(self, turn: int) -> set[str]:
        """Who wrote what it has to answer: as long as one of them may speak it has somebody to answer."""
        rows = (row for row in self.facts.mirror.inbound.values() if row["turn"] == turn)
        wrote = (self.facts.spoken_of(row) for row in rows if row["outcome"] is None)
        return {str(one.message.address.user) for one in wrote if one is not None}

    def _worked(self, said: str, verdict: str, turn: int, row: Row) -> None:
        limits = options(self.facts.plan.rules)
        if self.facts.several:
            began, found = self.facts.wall(), self._times(turn, row["session"])
        else:
            began = self.facts.mirror.boot[max(self.facts.mirror.boot)]["started_at"]
            found = self._found[turn]
        last, wakes_at, asks = found
        if asks or (wakes_at is not None and wakes_at > began):
            self.check(verdict in ("resume", "paused"), f"{said}, and it waits")
            return
        age_s = self.facts.wall() - max(last or row["opened_at"], wakes_at or 0.0)
        count = self.facts.mirror.session[row["session"]]["interrupted"]
        stuck = count >= limits.stuck_after
        self.check(stuck == (verdict == "stuck"), f"{said}, interrupted {count} times")
        old = age_s > limits.resume_freshness_s + EXACT_S or (age_s < -EXACT_S and count > 1)
        young = -EXACT_S <= age_s <= limits.resume_freshness_s - EXACT_S
        self.check(stuck or not old or verdict == "too_old", f"{said}, {age_s:.3f} s old")
        self.check(stuck or not young or verdict != "too_old", f"{said}, {age_s:.3f} s old")

    def _times(self, turn: int, session: int) -> _Times:
        """When something was said in its session last, when it wakes up, and whether it asks something."""
        ask = self.facts.one
        last = ask("select at from entry where session = ? order by id desc limit 1", session)
        (wakes_at,) = ask("select max(wake_at) from step where turn = ? and state = 'intent'", turn)
        asks = ask("select 1 from step where turn = ? and asked is not null", turn) is not None
        return last[0] if last else None, wakes_at, asks


class CountsAtBoot(Invariant):
    """The interruption count is settled in begin_boot: each session with a turn left running by the boot
    before + 1; every other session 0."""

    name = "count boot"

    def committed(self) -> None:
        """Every session, when a boot begins."""
        batch, mirror = self.facts.batch, self.facts.mirror
        if self.facts.several or not any(one.table == "boot" and one.old is None for one in batch):
            return
        before = {(one.table, one.id): one.old for one in reversed(batch) if one.old is not None}
        left: dict[int, bool] = {}
        for id, turn in mirror.turn.items():
            was = before.get(("turn", id)) or turn
            if was["state"] == "running":
                left[turn["session"]] = was["paused_at"] is not None
        for id, row in mirror.session.items():
            old = (before.get(("session", id)) or row)["interrupted"]
            wanted = 0 if id not in left else old if left[id] else old + 1
            now = row["interrupted"]
            self.check(now == wanted, f"session {id} was interrupted {old} times, counts {now}, not {wanted}")


class StuckIsSetAside(Invariant):
    """A session that was interrupted too often is set aside in the commit that ends its turn."""

    name = "stuck"

    def committed(self) -> None:
        """Its turn is abandoned, the session has ended."""
        for change in ended_turns(self.facts.batch):
            assert change.new is not None
            stuck = change.new["state"] == "abandoned" and change.new["reason"] == "stuck"
            session = self.facts.mirror.session[change.new["session"]]
            aside = session["ended_at"] is not None
            self.check(aside or not stuck, f"session {change.new['session']} is not set aside")


class AnswersAreDelivered(Invariant):
    """A turn whose answer the transcript has is finished with it at the next start, and not given up."""

    name = "answer kept"

    def committed(self) -> None:
        """By the verdict that ended it."""
        for change in ended_turns(self.facts.batch):
            assert change.new is not None
            lost = change.new["state"] != "finished" and change.new["reason"] == "answered"
            self.check(not lost, f"turn {change.id} has its answer, and is {change.new['state']}")
