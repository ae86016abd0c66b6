"""What becomes of messages, and in which order."""

from __future__ import annotations

from hermes_trio.testing.record import Event
from hermes_trio.testing.simulation.facts import Facts, Invariant
from hermes_trio.testing.simulation.mirror import Change, Row

WORKED_ON = ("message", "alone", "steer")
RESETS = ("/new", "/cc")
SILENT_OUTCOMES = ("answered", "stopped")


class OneOutcome(Invariant):
    """I1 every accepted inbound message has exactly one terminal outcome, visible in `ledger`."""

    name = "I1"

    def changed(self, change: Change) -> None:
        """An outcome stands for ever, and so does the row."""
        if change.table != "inbound":
            return
        self.check(change.new is not None, f"inbound {change.id} was deleted")
        if change.old is not None and change.new is not None and change.old["outcome"] is not None:
            self.check(
                change.new["outcome"] == change.old["outcome"],
                f"inbound {change.id} was {change.old['outcome']}, and is {change.new['outcome']} now",
            )

    def at_rest(self) -> None:
        """Each has one, with its reason."""
        for id, row in self.facts.mirror.inbound.items():
            self.check(row["outcome"] is not None, f"inbound {id} ({row['native']}) has no outcome: {row}")
            told = row["outcome"] in SILENT_OUTCOMES or bool(row["reason"])
            self.check(told, f"inbound {id} is {row['outcome']} without a reason")


class NothingIsLost(Invariant):
    """I1 (the user's side) what was written is a row, once, whatever was handed over how often."""

    name = "I1 rows"

    def at_rest(self) -> None:
        """Each message that was handed over is there."""
        natives = {(row["account"], row["native"]) for row in self.facts.mirror.inbound.values()}
        for native in self.facts.spoken:
            self.check(native in natives, f"{native} was written and is nowhere")


class WrittenThenConfirmed(Invariant):
    """What comes in is committed before the platform is told that we have it."""

    name = "confirm"

    def happened(self, event: Event) -> None:
        """What is confirmed is a row."""
        if event.who != "platform" or event.what != "confirmed":
            return
        rows = {(row["account"], row["native"]) for row in self.facts.mirror.inbound.values()}
        missing = [native for native in self.facts.confirmed() if native not in rows]
        self.check(not missing, f"{missing} are confirmed and not written")


class CommandsTakeEffectAtOnce(Invariant):
    """`reset` gives outcomes in its one transaction: the command `answered`, the messages the turn had
    claimed and the waiting ones with a lower number `superseded`. `stop`: the turn `stopped`."""

    name = "commands"

    def changed(self, change: Change) -> None:
        """When the command has its outcome, everything else of it is durable too."""
        new = change.new
        if change.table != "inbound" or new is None or new["kind"] != "command":
            return
        spoken = self.facts.spoken_of(new)
        if spoken is None or not change.became("outcome", "answered"):
            return
        command = spoken.message.text.split()[0]
        if command in RESETS:
            self._reset(change.id, new)
        if command in RESETS or command == "/stop":
            runs = [
                id
                for id, row in self.facts.mirror.turn.items()
                if row["key"] == new["key"] and row["state"] == "running"
            ]
            self.check(not runs, f"{command} ({new['native']}) is answered, and turns {runs} run")

    def _reset(self, command: int, new: Row) -> None:
        left = [
            row["native"]
            for id, row in self.facts.mirror.inbound.items()
            if id < command
            and row["key"] == new["key"]
            and row["kind"] in WORKED_ON
            and row["outcome"] is None
        ]
        self.check(not left, f"a reset ({new['native']}) is answered, and {left} before it have no outcome")
        ended = any(
            one.table == "session" and one.new is not None and one.new["key"] == new["key"]
            for one in self.facts.batch
            if one.table == "session" and one.became("ended_at") and one.new and one.new["ended_at"]
        )
        self.check(ended, f"a reset ({new['native']}) is answered, and no session has ended in that commit")


class InOrder(Invariant):
    """I4 order of processing per session = order of arrival."""

    name = "I4"

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts)
        self._steered: set[int] = set()

    def changed(self, change: Change) -> None:
        """Who is given to a turn leaves nobody behind who came before. A steered one may overtake."""
        new = change.new
        if change.table != "inbound" or new is None:
            return
        if change.old is None:
            self._arrival(change)
        if not change.became("turn") or new["turn"] is None or new["kind"] not in WORKED_ON:
            return
        if new["step"] is not None or change.id in self._steered:
            # Given back by a turn that had taken it in, it goes where it stands in the conversation.
            self._steered.add(change.id)
            return
        behind = [
            row["native"]
            for id, row in self.facts.mirror.inbound.items()
            if id < change.id
            and row["key"] == new["key"]
            and row["kind"] in WORKED_ON
            and row["outcome"] is None
            and row["state"] in ("waiting", "deferred")
        ]
        self.check(not behind, f"{new['native']} is worked on before {behind}")

    def _arrival(self, change: Change) -> None:
        assert change.new is not None
        native = change.new["native"]
        if not native.startswith("in") or self.facts.met["fault platform_reorders_updates"]:
            return
        before = [
            row["native"]
            for id, row in self.facts.mirror.inbound.items()
            if id < change.id
            and row["account"] == change.new["account"]
            and row["native"].startswith("in")
            and _number(row["native"]) > _number(native)
        ]
        self.check(not before, f"{native} is a row behind {before}")


class BehindACommand(Invariant):
    """Nothing behind an unsettled command of its key is claimed."""

    name = "barrier"

    def changed(self, change: Change) -> None:
        """Neither by a turn nor as the answer to a question."""
        new = change.new
        if change.table != "inbound" or new is None or not change.became("turn") or new["turn"] is None:
            return
        if new["kind"] in ("wake", "match"):
            return
        before = [
            row["native"]
            for id, row in self.facts.mirror.inbound.items()
            if id < change.id
            and row["key"] == new["key"]
            and row["kind"] == "command"
            and row["outcome"] is None
        ]
        self.check(not before, f"{new['native']} is worked on before the command {before}")


def _number(native: str) -> int:
    return int(native.removeprefix("in"))
