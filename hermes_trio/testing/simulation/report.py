"""What a run of many seeds says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from hermes_trio.testing.simulation.chances import COMMANDS, FAULTS, MOMENTS, STRAYS
from hermes_trio.testing.simulation.play import Played
from hermes_trio.testing.simulation.tally import MET, OUTCOMES

ROWS = ("happenings", "crashes", "starts", "faults", "messages", "model calls", "commits", "events")
KINDS = (
    "blink",
    "command",
    "crash",
    "fault",
    "met",
    "operate",
    "say",
    "spoil",
    "stray",
    "message",
    "order",
    "note",
    "turn",
    "verdict",
    "process",
)
HAPPENINGS = (
    *(f"fault {name}" for name, _, _ in FAULTS),
    *(f"command {text}" for text, _ in COMMANDS),
    *(f"crash {when}" for when, _ in MOMENTS),
    *(f"operate {what}" for what in ("stop", "stop all", "reset", "resume")),
    *(
        "say",
        "say /queue",
        "say /steer",
        "say album",
        "say long",
        "say passed on",
        "press",
        "delete",
        "blink",
        "stop",
        "forbid",
        "spoil",
        *(f"stray {how}" for how in STRAYS),
        "command /broken",
        *(f"fault {name}" for name in ("model_breaks_off", "model_too_long")),
        "fault store_hangs",
        "fault store_spoils_row",
    ),
)
FEW = 40
WORTH_MEETING = (
    *HAPPENINGS,
    *(
        f"message {name}"
        for name in ("answered", "refused", "superseded", "stopped", "dropped", "expired", "failed")
    ),
    *(f"order {name}" for name in ("answered", "refused", "failed")),
    *(f"note {name}" for name in ("answered", "superseded")),
    *(f"turn {state}" for state in ("finished", "stopped", "reset", "failed", "abandoned")),
    *(
        f"verdict {name}"
        for name in (
            "resume",
            "paused",
            "absent",
            "answered",
            "too_old",
            "stuck",
            "not_allowed",
            "not_asked",
            "clean",
        )
    ),
    *(f"met {what}" for what in MET),
    *(f"process {state}" for state in ("exited", "killed", "lost")),
    *(f"part final {state}" for state in ("sent", "unknown", "failed")),
)
"""What a long run has met at least once; what it has not is named."""


class Failure(Struct, frozen=True):
    """A seed that broke something."""

    seed: int
    broken: str
    what: str


class Totals:
    """Adds up plays."""

    def __init__(self) -> None:
        self.seeds = 0
        self.counts: Counter[str] = Counter()
        self.checks: Counter[str] = Counter()
        self.failures: list[Failure] = []

    def add(self, played: Played) -> None:
        """One more."""
        self.seeds += 1
        self.counts.update(played.counts)
        self.checks.update(played.checks)
        if played.broken:
            self.failures.append(Failure(played.plan.seed, played.broken, played.what))

    def join(self, other: Totals) -> None:
        """Those of another process."""
        self.seeds += other.seeds
        self.counts.update(other.counts)
        self.checks.update(other.checks)
        self.failures += other.failures

    def table(self, seconds: float) -> Iterator[str]:
        """For people."""
        yield "| played | |"
        yield "|---|---|"
        yield f"| seeds | {self.seeds:,} |"
        for name in ROWS:
            yield f"| {name} | {self.counts[name]:,} |"
        yield f"| seconds | {seconds:.0f} |"
        yield f"| seeds that broke something | {len(self.failures):,} |"
        yield ""
        yield "| invariant | checks |"
        yield "|---|---|"
        for name, count in sorted(self.checks.items(), key=lambda one: _natural(one[0])):
            yield f"| {name} | {count:,} |"
        yield ""
        yield from self.coverage()

    def coverage(self) -> Iterator[str]:
        """What was met how often, and what never."""
        for kind in KINDS:
            met = [(name.removeprefix(f"{kind} "), n) for name, n in self.counts.items() if _is(name, kind)]
            yield f"{kind}: " + ", ".join(f"{name} {n:,}" for name, n in sorted(met))
        pairs = [f"{what} × {outcome}" for what in HAPPENINGS for outcome in OUTCOMES]
        apart = [pair for pair in pairs if not self.counts[pair]]
        yield f"happenings × outcomes of messages: {len(pairs) - len(apart)} of {len(pairs)} met in one play"
        missed = Counter(pair.rpartition(" × ")[2] for pair in apart)
        yield "never met beside: " + ", ".join(f"{outcome} {missed[outcome]}" for outcome in OUTCOMES)
        if len(apart) <= FEW:
            yield f"never in one play: {', '.join(apart) or 'no pair'}"
        never = [name for name in WORTH_MEETING if not self.counts[name]]
        yield f"never met: {', '.join(never) or 'nothing of what can be'}"


def added(plays: Iterable[Played]) -> Totals:
    """The totals of plays."""
    totals = Totals()
    for played in plays:
        totals.add(played)
    return totals


def _is(name: str, kind: str) -> bool:
    return (name == kind or name.startswith(f"{kind} ")) and "×" not in name


def _natural(name: str) -> tuple[int, int, str]:
    head = name.split()[0][1:]
    return (0, int(head), name) if head.isdecimal() else (1, 0, name)
