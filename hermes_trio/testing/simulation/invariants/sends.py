"""What a person sees, and when."""

from __future__ import annotations

from collections import defaultdict

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant, lane_of, place, row_of, shows
from hermes_trio.testing.simulation.mirror import Change, Row
from hermes_trio.testing.simulation.words import answered
from hermes_trio.text.sentences import MARK

WITHIN_S = 2.0
COMMAND_WAITS = 3 * 4
"""A command looks, decides and settles; each waits for its own commit and for one before it, at both ends."""
UNANSWERED = ("superseded", "stopped", "dropped", "expired")
CONTROL = ("/status", "/stop")


class OneFinal(Invariant):
    """I2 at most one final reply visible per message; after an ambiguous send (accepted, answer lost) at most
    one extra, recorded and visibly marked as possibly a repeat; none on platforms with an idempotency key."""

    name = "I2"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._shown: dict[str, list[str]] = defaultdict(list)
        self._keys: dict[int, set[str]] = defaultdict(set)
        self._not_there: set[int] = set()
        self._finals: dict[tuple[int, int], set[int]] = defaultdict(set)

    def happened(self, event: Event) -> None:
        """A part is shown once, or twice and marked; an answer stands in one part."""
        if event.who == "platform" and event.what == "edit" and not shows(event):
            self._not_there.add(row_of(event))
        if not shows(event):
            return
        row, text = row_of(event), str(event.fields["text"])
        if event.what == "send" and row:
            self._repeats(row, str(event.fields["key"]), text)
        if event.fields["said"] == "final":
            for answer in answered(text):
                self._finals[answer].add(row)
                self.check(
                    len(self._finals[answer]) == 1,
                    lambda: f"#{answer[0]} is answered by the parts {sorted(self._finals[answer])}",  # noqa: B023
                )

    def _repeats(self, row: int, key: str, text: str) -> None:
        seen = self._shown[key]
        if self.facts.plan.rules.takes_key:
            self._keys[row].add(key)
            other = len(self._keys[row]) > 1 and row not in self._not_there
            self.check(not other, f"part {row} is shown under the keys {sorted(self._keys[row])}")
            return
        seen.append(text)
        self.check(len(seen) <= 2, f"part {row} is shown {len(seen)} times")
        if len(seen) == 2:
            recorded = self.facts.mirror.outbound[row]
            self.check(text.endswith(MARK), f"part {row} is shown twice, unmarked: {text!r}")
            self.check(bool(recorded["marked"] and recorded["unknown"]), f"the repeat of {row} is no record")


class InTheirOrder(Invariant):
    """I4 (of what is said) finals stay in order."""

    name = "I4 lane"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._newest: dict[str, int] = {}
        self._shown: set[int] = set()

    def happened(self, event: Event) -> None:
        """What a conversation's turns say is seen for the first time in the order in which it was owed."""
        row = self.facts.mirror.outbound.get(row_of(event)) if shows(event) else None
        turn = self.facts.mirror.turn.get(row["turn"] or 0) if row is not None else None
        if row is None or turn is None or row["said"] not in ("say", "final") or row_of(event) in self._shown:
            return
        self._shown.add(row_of(event))
        newest = self._newest.get(turn["key"], 0)
        self._newest[turn["key"]] = max(newest, row_of(event))
        self.check(row_of(event) > newest, f"part {row_of(event)} is said behind part {newest}")


class NothingIsOwed(Invariant):
    """What is owed is said, also when nobody speaks any more."""

    name = "owed"

    def happened(self, event: Event) -> None:
        """When faults have ended and everything is calm no part waits."""
        if event.who == "world" and event.what == "calm":
            owed = [
                id for id, row in self.facts.mirror.outbound.items() if row["state"] in ("owed", "sending")
            ]
            self.check(not owed, f"parts {owed} are owed, and nobody says them")


class WrittenThenSaid(Invariant):
    """What we owe is committed before we try to send it; that a send begins, before the call."""

    name = "outbox"

    def happened(self, event: Event) -> None:
        """Each call that carries a text has its row, on which its beginning stands."""
        if event.who != "platform" or event.what not in ("send", "edit") or not row_of(event):
            return
        row = self.facts.mirror.outbound.get(row_of(event))
        self.check(
            row is not None and bool(row["begun"]), f"part {row_of(event)} is said, and not begun: {row}"
        )


class OneAnswerToATurn(Invariant):
    """I2 (of a turn) a turn has one final, a finished one is said, and what counts as sent was shown."""

    name = "I2 turn"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._shown: set[int] = set()

    def changed(self, change: Change) -> None:
        """At most one final of each turn."""
        if change.table != "outbound" or change.new is None or not change.became("said", "final"):
            return
        turn = change.new["turn"]
        finals = [
            id
            for id, row in self.facts.mirror.outbound.items()
            if row["turn"] == turn and row["said"] == "final" and row["reply"] is None
        ]
        self.check(len(finals) <= 1, f"turn {turn} has the finals {finals}")

    def happened(self, event: Event) -> None:
        """Remember what was shown."""
        if shows(event):
            self._shown.add(row_of(event))

    def at_rest(self) -> None:
        """Whoever was answered got an answer."""
        mirror = self.facts.mirror
        says: dict[int, list[int]] = defaultdict(list)
        for id, row in mirror.outbound.items():
            if row["said"] in ("final", "say", "reply", "prompt", "notice", "refusal"):
                ended = row["state"] in ("sent", "unknown", "failed", "dropped", "held")
                self.check(ended, f"part {id} is {row['state']} at rest")
            if row["state"] == "sent" and row["op"] == "send":
                self.check(id in self._shown, f"part {id} counts as sent and was never shown")
            if row["said"] == "final":
                says[row["turn"]].append(id)
        for turn, row in mirror.turn.items():
            if row["state"] == "finished" and not row["reason"]:
                self.check(bool(says[turn]), f"turn {turn} is finished and says nothing")


class SilentOnceEnded(Invariant):
    """A message that was superseded or stopped is never answered after."""

    name = "silent"

    def happened(self, event: Event) -> None:
        """No final names it."""
        if not shows(event) or event.fields["said"] != "final":
            return
        for n, _ in answered(str(event.fields["text"])):
            found = self.facts.inbound_of(n)
            outcome = found[1]["outcome"] if found else None
            self.check(outcome not in UNANSWERED, f"#{n} is {outcome}, and is answered")


class CommandsFirst(Invariant):
    """I8 (order) what a command is answered comes before anything else that its lane has still to say."""

    name = "I8 order"

    def changed(self, change: Change) -> None:
        """When an answer's delivery begins, no command's answer waits."""
        new = change.new
        if change.table != "outbound" or new is None or not change.became("begun", 1):
            return
        if new["said"] == "reply":
            return
        waits = [
            id
            for id, row in self.facts.mirror.outbound.items()
            if row["lane"] == new["lane"] and row["said"] == "reply" and row["state"] == "owed"
        ]
        self.check(
            not waits, f"part {change.id} ({new['said']}) is said before the commands' answers {waits}"
        )


class ControlInTime(Invariant):
    """I8 the answers to `/status` and `/stop` are committed and first in their lane within 2 s whatever any
    turn is doing, and sent at once when the platform imposes no wait."""

    name = "I8"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._answers: dict[int, tuple[float, float]] = {}
        self._sends: dict[int, float] = {}

    def changed(self, change: Change) -> None:
        """A command begins to wait for its answer, an answer to be said; and each ends."""
        new = change.new
        if new is None:
            return
        if change.table == "inbound" and new["kind"] == "command" and new["outcome"] is None:
            spoken = self.facts.spoken_of(new)
            if spoken is not None and spoken.message.text.startswith(CONTROL):
                self._answers.setdefault(change.id, (self.facts.now, self._ahead_s(change.id, new["key"])))
        elif change.table == "inbound" and change.id in self._answers:
            self._answered(change.id, new["native"])
        elif change.table == "outbound" and new["said"] == "reply":
            self._reply(change, new)

    def _reply(self, change: Change, new: Row) -> None:
        if change.old is None:
            self._sends[change.id] = self.facts.now
        elif new["state"] == "sent" and change.id in self._sends:
            late = max(self.facts.platform_late_until, self.facts.store_late_until)
            self._in_time(self._sends.pop(change.id), late, f"part {change.id}", self._slack())

    def happened(self, event: Event) -> None:
        """What a crash or a stop interrupts may take until the next start."""
        if event.who == "world" and event.what in ("crash", "stop", "start", "stopped"):
            self._answers.clear()
            self._sends.clear()
        for id, (since, ahead_s) in list(self._answers.items()):
            if self.facts.now - since > WITHIN_S + ahead_s:
                self._answered(id, f"command {id}")

    def _answered(self, id: int, what: str) -> None:
        since, ahead_s = self._answers.pop(id)
        self._in_time(since, self.facts.store_late_until, what, ahead_s)

    def _ahead_s(self, id: int, key: str) -> float:
        """What the key's commands in front of this one take on a slow disk: they are answered in order."""
        rows = self.facts.mirror.inbound.items()
        ahead = [row for at, row in rows if at < id and row["key"] == key and row["outcome"] is None]
        commands = sum(row["kind"] == "command" for row in ahead)
        return float(commands * COMMAND_WAITS * self.facts.plan.rules.commit_s)

    def _slack(self) -> float:
        return 3 * self.facts.plan.rules.call_s + 20 * self.facts.grace_s

    def _in_time(self, since: float, late_until: float, what: str, slack_s: float = 0.0) -> None:
        took = self.facts.now - since
        self.check(
            took <= WITHIN_S + slack_s or since <= late_until,
            f"{what} waits for {took:.4f} s",
        )


class NoTypingAfterwards(Invariant):
    """I7 no typing call to a chat after its turn has ended."""

    name = "I7"

    def happened(self, event: Event) -> None:
        """A turn of this place runs, as far as the process has been told."""
        if event.who != "platform" or event.what != "typing":
            return
        where, facts = lane_of(event), self.facts
        runs = any(
            place(row["address"]) == where and (row["state"] == "running" or not self._is_known(id))
            for id, row in facts.mirror.turn.items()
        )
        self.check(runs, f"typing in {where}, where no turn runs")

    def _is_known(self, turn: int) -> bool:
        facts = self.facts
        return facts.knows("turn", turn) if facts.several else ("turn", turn) not in facts.untold


class NothingIsLeftShowing(Invariant):
    """Signs of waiting, previews and progress are gone when their turn is over, where that can be."""

    name = "live"

    def at_rest(self) -> None:
        """Looked at where the platform did what it was asked."""
        facts = self.facts
        if not facts.plan.rules.deletes or any(name.startswith("fault platform") for name in facts.met):
            return
        if any(life.crashed for life in facts.lives) or facts.met["stop"]:
            return
        shown = [seen.text for seen in facts.shown() if seen.said in ("preview", "progress", "sign")]
        self.check(not shown, f"chats show still: {shown}")


class NoSecret(Invariant):
    """I9 no secret the gateway holds appears in a send, a log line, the store or an error."""

    name = "I9"

    def happened(self, event: Event) -> None:
        """Of what leaves the gateway."""
        if event.who not in ("platform", "log"):
            return
        text = repr(event.fields)
        found = [secret for secret in self.facts.secrets if secret in text]
        self.check(not found, f"{event.who} {event.what} holds a secret")

    def at_rest(self) -> None:
        """Of every page of the store."""
        pages = self.facts.db.serialize()
        for secret in self.facts.secrets:
            self.check(secret.encode() not in pages, "the store holds a secret")
