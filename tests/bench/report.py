"""What was measured, beside what it is to be compared with: as a table for people, as JSON for programs."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Literal

import msgspec

Judged = Literal["value", "ratio", "difference"]
COMMITS = 200
ELSEWHERE = "  share of a core: others on this machine"
QUIET = 0.2


class Goal(msgspec.Struct, frozen=True):
    """What the value, its ratio to the other or its difference from it has to be."""

    of: Judged
    sense: Literal["<=", ">="]
    limit: float

    def text(self, unit: str) -> str:
        """For the table."""
        shown = f"{self.limit:g} {unit}".strip()
        if self.of == "ratio":
            return f"{self.sense} {self.limit:g} x"
        return f"{self.sense} {'+' if self.of == 'difference' else ''}{shown}"


class Line(msgspec.Struct, kw_only=True):
    """One measure: medians of its rounds, and what stands beside it.

    Args:
        value: of the daemon.
        beside: what it is compared with, "" if with nothing.
        other: the value of that.
        rounds, other_rounds: what the medians are of; values of single messages are left out.
    """

    name: str
    unit: str
    value: float
    beside: str = ""
    other: float | None = None
    ratio: float | None = None
    goal: Goal | None = None
    met: bool | None = None
    rounds: list[float] = []
    other_rounds: list[float] = []


def line(
    name: str,
    unit: str,
    values: Sequence[float],
    *,
    beside: str = "",
    others: Sequence[float] = (),
    goal: Goal | None = None,
) -> Line:
    """A measure of several rounds. The ratio is that of the medians."""
    value, other = median(values), median(others) if others else None
    made = Line(name=name, unit=unit, value=value, beside=beside, other=other, goal=goal)
    made.ratio = value / other if other and other > 0 else None
    if goal is not None:
        judged = {"value": value, "ratio": made.ratio, "difference": value - (other or 0.0)}[goal.of]
        # What lies beside it may be too little to be seen, in a run that is only to see it work.
        if judged is not None:
            made.met = judged <= goal.limit if goal.sense == "<=" else judged >= goal.limit
    if len(values) <= 20:
        made.rounds, made.other_rounds = list(values), list(others)
    return made


def p95(values: Sequence[float]) -> float:
    """The value that one in twenty is above."""
    return quantiles(values, n=20)[-1] if len(values) > 1 else values[0]


class Facts(msgspec.Struct, kw_only=True):
    """The machine, as far as numbers depend on it."""

    cores: int
    python: str
    system: str
    trio: str
    httpx: str
    msgspec: str
    sqlite: str
    disk: str
    load_before: float
    commit_ms: float


def facts(folder: Path) -> Facts:
    """Look at the machine, and at the disk of this folder."""
    return Facts(
        cores=len(os.sched_getaffinity(0)),
        python=f"{platform.python_implementation()} {platform.python_version()}",
        system=f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
        trio=version("trio"),
        httpx=version("httpx"),
        msgspec=version("msgspec"),
        sqlite=sqlite3.sqlite_version,
        disk=_file_system(folder),
        load_before=os.getloadavg()[0],
        commit_ms=median(_commits(folder / "commits.db")) * 1000,
    )


def _commits(path: Path) -> Iterable[float]:
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = full")
    db.execute("create table row(id integer primary key, body blob)")
    for _ in range(COMMITS):
        began = perf_counter()
        db.execute("insert into row(body) values(?)", (b"x" * 300,))
        yield perf_counter() - began
    db.close()


def _file_system(folder: Path) -> str:
    device, found = folder.stat().st_dev, "unknown"
    for mount in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        _, where, kind, *_ = mount.split()
        try:
            if os.stat(where).st_dev == device:
                found = kind
        except OSError:
            continue
    return found


class Report(msgspec.Struct):
    """A whole run."""

    facts: Facts
    quick: bool
    took_s: float
    lines: list[Line]


def table(report: Report) -> str:
    """The report for people."""
    of = report.facts
    rows = [("", "measured", "", "beside it", "ratio", "goal", "")]
    for one in report.lines:
        rows.append(
            (
                one.name,
                _number(one.value, one.unit),
                "" if one.other is None else _number(one.other, one.unit),
                one.beside,
                "" if one.ratio is None else f"{one.ratio:.2f}",
                one.goal.text(one.unit) if one.goal else "",
                "" if one.met is None else "met" if one.met else "MISSED",
            )
        )
    widths = [max(len(row[column]) for row in rows) for column in range(7)]
    right = (1, 2, 4)
    lines = [
        "  ".join(
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    head = (
        f"{of.cores} cores, {of.system}, {of.python}, trio {of.trio}, httpx {of.httpx}, msgspec {of.msgspec},"
        f" SQLite {of.sqlite}\none durable commit on this disk ({of.disk}): {of.commit_ms:.2f} ms;"
        f" load average before: {of.load_before:.2f}; {'quick run' if report.quick else 'run'} of"
        f" {report.took_s:.0f} s"
    )
    if of.disk == "tmpfs":
        head += "\nThis is no disk: nothing is durable, commits cost nothing. Use --dir."
    if any(one.name == ELSEWHERE and one.value > QUIET for one in report.lines):
        head += "\nOthers kept this machine busy: times are too long and rates too low; the ratios hold."
    return "\n".join([head, "", *lines])


def _number(value: float, unit: str) -> str:
    digits = 0 if value >= 100 or unit == "answers" else 1 if value >= 20 else 2
    return f"{value:.{digits}f} {unit}".strip()
