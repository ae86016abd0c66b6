"""What `hermes-trio doctor` finds: everything that can be looked at without changing it."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from shlex import quote
from typing import Any

import trio
from msgspec import Struct

from hermes_trio.config.load import Config, load
from hermes_trio.daemon.checks.configuration import NO_FILE
from hermes_trio.daemon.checks.online import asked
from hermes_trio.daemon.checks.strays import Leftover, leftovers, strays
from hermes_trio.daemon.checks.surroundings import disk_and_stop, surroundings
from hermes_trio.daemon.control.daemon_or_store import Seen, look_at
from hermes_trio.daemon.control.requests import AskKeys, AskStatus, Keys, Status
from hermes_trio.daemon.state_dir.folder import STORE, user_name
from hermes_trio.daemon.state_dir.ownership import Wrong, owner_of, wrongs
from hermes_trio.daemon.state_dir.place import DaemonPlace, place_of
from hermes_trio.errors import HermesError, StoreRefused
from hermes_trio.processes.environment import BOOT
from hermes_trio.processes.proc_files import living
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.runtime.threads import in_thread
from hermes_trio.store.sqlite.health import Health, look_at_health
from hermes_trio.text.sentences import span

PAGES_S = 60.0
"""For a look at each page of a store."""
BAD_ENDS_MAX = 2
SINCE = "; others were answered since"
REFUSED = "docs/operate.md#a-store-that-is-refused"
IT_DOES_NOT_ANSWER = "docs/troubleshooting.md#it-does-not-answer"


class Finding(Struct, frozen=True):
    """One thing that was looked at.

    Args:
        area: what it is about: "store".
        mend: the command or page that helps; empty: there is nothing to do.
        words: it may hold words of people or of a provider: no report takes it along.
    """

    area: str
    good: bool
    line: str
    mend: str = ""
    words: bool = False


class Examined(Struct, frozen=True):
    """What a doctor has seen.

    Args:
        findings: in the order in which they were looked at.
        health: None: there is no store, or it cannot be read.
    """

    findings: tuple[Finding, ...]
    config: Config | None
    health: Health | None


async def examine(file: Path | None, environ: Mapping[str, str], *, online: bool, fix: bool) -> Examined:
    """Look at everything.

    Args:
        file: the configuration, None for the embedded default.
        environ: of the operator.
        online: ask models and accounts too; each key costs one short answer.
        fix: mend modes and owners, and remove what a setup that was killed has left.
    """
    found = [Finding("versions", True, ", ".join(f"{name} {one}" for name, one in versions().items()))]
    config, seen, health = None, None, None
    left: list[Leftover] = []
    try:
        config = load(file, environ=environ)
        found.append(Finding("config", True, f"{file}: right" if file else NO_FILE))
        found += _modes(config, fix=fix)
        found += [_tried(one.line, good=one.good) for one in await _outside(config, online=online)]
    except HermesError as error:
        found.append(Finding("config", False, str(error), "docs/hermes.toml"))
    redact = Redactor(config.secrets if config else ())
    with suppress(HermesError, OSError):
        found += _left_by_setup(left := list(leftovers(file, environ)), fix=fix)
    with suppress(HermesError):
        place = place_of(file, environ, redact.learn)
        state_dir = config.gateway.state_dir if config else place.state_dir
        with suppress(OSError):
            found += _strays(state_dir, strays(state_dir, config, [one.path for one in left]))
        seen = _daemon(place, found)
        boot = _boot(seen)
        if (state_dir / STORE).exists() and not place.url():
            health = await _store(state_dir / STORE, boot, found)
        elif not place.url():
            found.append(Finding("store", True, f"{state_dir / STORE} is not there yet"))
        if health is not None:
            found += _lives(health)
            found += _failures(health)
            found += _orphans(health.mark, boot)
        if seen is not None:
            found += _keys(place)
    told = (Finding(one.area, one.good, redact(one.line), redact(one.mend), one.words) for one in found)
    return Examined(tuple(told), config, health)


def versions() -> dict[str, str]:
    """Of what a daemon is made of."""
    return {
        "hermes-trio": version("hermes-trio"),
        "Python": platform.python_version(),
        "trio": version("trio"),
        "SQLite": sqlite3.sqlite_version,
        platform.system(): platform.release(),
    }


def _modes(config: Config, *, fix: bool) -> Iterator[Finding]:
    all_wrong = list(wrongs(config))
    if not all_wrong:
        yield Finding("modes", True, "files are read and written by their owner alone")
    state_dir = config.gateway.state_dir
    if (owner := owner_of(state_dir)) != os.geteuid():
        name = user_name(owner)
        line = f"{state_dir} is the user {name}'s: the daemon and its commands run as that user alone"
        yield Finding("modes", os.geteuid() == 0, line, f"sudo -u {quote(name)} hermes-trio doctor")
    for one in all_wrong:
        yield _mended(one) if fix else Finding("modes", False, f"{one.path}: {one.why}", one.mend)


def _mended(one: Wrong) -> Finding:
    try:
        one.mended()
    except OSError as error:
        return Finding("modes", False, f"{one.path}: {one.why}; {error.strerror}", f"sudo {one.mend}")
    return Finding("modes", True, f"{one.path}: {one.why}; mended: {one.mend}")


def _left_by_setup(left: Iterable[Leftover], *, fix: bool) -> Iterator[Finding]:
    for one in left:
        line = f"{one.path}: left by a setup that was killed, and may hold a secret"
        if not fix:
            yield Finding("setup", False, line, one.mend)
            continue
        try:
            one.path.unlink(missing_ok=True)
        except OSError as error:
            yield Finding("setup", False, f"{line}; {error.strerror}", f"sudo {one.mend}")
        else:
            yield Finding("setup", True, f"{line}; mended: {one.mend}")


def _strays(state_dir: Path, names: Iterable[str]) -> Iterator[Finding]:
    """They are told, and let be: somebody has put them there."""
    if told := ", ".join(names):
        yield Finding("strays", True, f"{state_dir} holds what is not the gateway's: {told}", words=True)


async def _outside(config: Config, *, online: bool) -> list[Any]:
    if not online:
        return await disk_and_stop(config)
    return [*await asked(config), *await surroundings(config)]


def _tried(line: str, *, good: bool) -> Finding:
    area, _, said = line.partition(": ")
    mend = "docs/scale.md" if area == "nodes" else "hermes-trio check --online"
    return Finding(area, good, said, "" if good else mend, words=area == "online")


# --- the daemon and its store ---------------------------------------------------------------------


def _daemon(place: DaemonPlace, found: list[Finding]) -> Seen | None:
    try:
        seen = look_at(place, AskStatus())
    except StoreRefused:  # what is wrong with it, the look at the store tells
        found.append(Finding("daemon", True, "does not run"))
        return None
    except HermesError as error:
        if any(str(error) in one.line for one in found):  # the configuration, or the database
            found.append(Finding("daemon", True, "does not run"))
        else:
            found.append(Finding("daemon", False, str(error), "hermes-trio service logs"))
        return None
    if not isinstance(seen.answer, Status):
        found.append(Finding("daemon", True, "does not run"))
        return seen
    status = seen.answer
    found.append(Finding("daemon", True, f"pid {status.pid}, up {span(status.uptime_s)}"))
    for account in status.accounts:
        if not account.receiving:
            why = account.why or "nothing received yet"
            line = f"{account.name} does not receive: {why}"
            found.append(Finding("daemon", False, line, IT_DOES_NOT_ANSWER, words=True))
    for model in status.failing:
        line = f"model {model.name} failed {span(model.s_ago)} ago: {model.kind}: {model.why}"
        found.append(Finding("daemon", False, line, "hermes-trio check --online", words=True))
    for name in status.unavailable:
        found.append(Finding("daemon", False, f"{name} is unavailable", "hermes-trio check"))
    if status.store is not None and status.store.paused:
        line = f"{status.store.paused} turns are paused, since starts ended badly"
        found.append(Finding("daemon", False, line, "docs/operate.md#stop"))
    return seen


def _boot(seen: Seen | None) -> int | None:
    """The boot that lives now."""
    answer = seen.answer if seen is not None else None
    return answer.store.boot if isinstance(answer, Status) and answer.store is not None else None


async def _store(path: Path, boot: int | None, found: list[Finding]) -> Health | None:
    limiter, time = trio.CapacityLimiter(1), trio.lowlevel.current_clock()
    give_up_at = trio.current_time() + PAGES_S
    try:
        health = await in_thread(
            lambda: look_at_health(path, boot, lambda: time.current_time() < give_up_at), limiter
        )
    except HermesError as error:
        found.append(Finding("store", False, str(error), REFUSED))
        return None
    if health.broken:
        found.append(Finding("store", False, f"{path} is broken: {health.broken}", REFUSED, words=True))
    else:
        whole = "whole" if health.broken == "" else f"not all looked at within {PAGES_S:.0f} s"
        size = (
            f"{_mib(health.bytes)}, {_mib(health.free_bytes)} of it free, and {_mib(health.wal_bytes)} of log"
        )
        found.append(Finding("store", True, f"{path}: {whole}, {size}"))
    grown = [
        f"{each.rows:,} of {table}" + (f" since {_day(each.oldest)}" if each.oldest else "")
        for table, each in health.growth.items()
    ]
    found.append(Finding("store", True, f"rows: {', '.join(grown)}"))
    return health


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.1f} MiB"


def _day(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
    except (ValueError, OverflowError, OSError, TypeError):
        return "?"


def _lives(health: Health) -> Iterator[Finding]:
    bad = health.bad_ends
    line = f"{bad} of the last lives were killed or fell" if bad else "each of the last lives ended as asked"
    yield Finding("lives", bad <= BAD_ENDS_MAX, line, "hermes-trio service logs" if bad else "")


def _failures(health: Health) -> Iterator[Finding]:
    if not health.failures:
        yield Finding("failures", True, "no message has failed")
    for each in health.failures:
        when = f", last on {_day(each.last)}" if each.last else ""
        mend = f"hermes-trio turn {each.turn}" if each.turn is not None else "hermes-trio ledger"
        over = (health.answered or 0.0) > (each.last or 0.0)
        line = f"{each.count} of the messages failed{when}: {each.reason}{SINCE if over else ''}"
        yield Finding("failures", over, line, mend, words=True)
    if health.undelivered:
        line = f"{health.undelivered} parts of answers were given up, or may be missing"
        line += SINCE if health.said_since else ""
        yield Finding("failures", health.said_since, line, "hermes-trio ledger")


def _orphans(mark: str, boot: int | None) -> Iterator[Finding]:
    """Programs that a boot of this store has started, and left behind."""
    ours = f"{BOOT}={mark}.".encode()
    mine = f"{BOOT}={mark}.{boot}".encode()
    left = living(frozenset(), lambda variable: variable.startswith(ours) and variable != mine)
    if left:
        pids = " ".join(map(str, left))
        yield Finding("orphans", False, f"programs of an earlier life still run: {pids}", f"kill {pids}")
    else:
        yield Finding("orphans", True, "no program of an earlier life runs")


def _keys(place: DaemonPlace) -> Iterator[Finding]:
    with suppress(HermesError):
        answer = look_at(place, AskKeys()).answer
        unready = [row for row in answer.rows if row.state != "ready"] if isinstance(answer, Keys) else []
        for row in unready:
            line = f"{row.pool}, key {row.key}: {row.state}, refused for {row.kind}"
            yield Finding("keys", False, line, "hermes-trio keys", words=True)
        if not unready:
            yield Finding("keys", True, "none is in its cooldown")
