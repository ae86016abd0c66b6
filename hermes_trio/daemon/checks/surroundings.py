"""Tries what a daemon depends on: its accounts, the machine's clock and disk, the time it gets for a stop."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import trio
from msgspec import Struct

from hermes_trio.config.accounts import Account
from hermes_trio.config.filling import dotted
from hermes_trio.config.load import Config
from hermes_trio.daemon.service.supervisor import stop_limit_of, stop_limit_s
from hermes_trio.daemon.state_dir.lock import running_pid
from hermes_trio.errors import AccountRefused, HermesError, OutsideError
from hermes_trio.ports.platform import AdapterContext, Probed, Probing
from hermes_trio.ports.system import WallClock
from hermes_trio.runtime.clock import SystemClock, system_chance
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.runtime.threads import in_thread

PROBE_S = 60.0
CLOCK_S = 10.0
SKEW_MAX_S = 30.0
"""Behind others by more, and a time that a provider names is a wrong one here."""
DISK_S = 20.0
FREE_MIN = 256 << 20
SYNC_MAX_S = 0.1
SYNCS = 5
"""A message is four commits, each with a sync; a disk of a tenth of a second takes ten messages in four."""


class Tried(Struct, frozen=True):
    """What became of one try."""

    good: bool
    line: str


async def surroundings(config: Config) -> list[Tried]:
    """Try everything beside the models, one after the other.

    Cancelled: the call that is under way ends. Nothing is left behind.
    """
    redact = Redactor(config.secrets)
    found = []
    for account in config.accounts:
        one = await account_of(account, config.gateway.state_dir, redact)
        found.append(Tried(one.good, redact(f"online: {one.line}")))
    return [*found, await clock_of(addresses(config).values(), SystemClock()), *await disk_and_stop(config)]


async def disk_and_stop(config: Config) -> list[Tried]:
    """Try what nobody outside need be asked for."""
    found = [await disk_of(config.gateway.state_dir), await stop_of(config)]
    return [*found, *await database_of(config.store.url.reveal())] if config.store.url else found


async def account_of(account: Account, state_dir: Path, redact: Redactor) -> Tried:
    """Ask the service of an account for it, where the platform can be asked."""
    try:
        probed = await probed_account(account, state_dir, redact)
    except (OutsideError, trio.TooSlowError) as error:
        why = f"no answer within {PROBE_S:.0f} s" if isinstance(error, trio.TooSlowError) else str(error)
        hint = "" if isinstance(error, AccountRefused) else "; is its address right, and the network there?"
        return Tried(False, f"{account.id}: {why}{hint}")
    if probed is None:
        return Tried(True, f"{account.id}: its platform cannot be tried beforehand")
    if probed.troubles:
        return Tried(False, f"{account.id}: {probed.name} is accepted, but {'; '.join(probed.troubles)}")
    return Tried(True, f"{account.id}: {probed.name} is accepted")


async def probed_account(account: Account, state_dir: Path, redact: Redactor) -> Probed | None:
    """What the service says of an account; None: its platform cannot be asked.

    Raises:
        OutsideError: it refuses the account, or cannot be reached.
        trio.TooSlowError: it does not answer.
    """
    platform = account.build(AdapterContext(state_dir, system_chance(), SystemClock(), redact.learn))
    if not isinstance(platform, Probing):
        return None
    with trio.fail_after(PROBE_S):
        async with platform.open():
            return await platform.probe()


def addresses(config: Config) -> dict[str, str]:
    """Whom the daemon will speak to, by the key that says so."""
    found = {"model.base_url": config.model.base_url}
    for number, fallback in enumerate(config.model.fallback):
        found[f"model.fallback[{number}].base_url"] = fallback.base_url
    for account in config.accounts:
        if isinstance(url := getattr(account.options, "api_url", None), str):
            found[f"{dotted(account.path)}.api_url"] = url
    return {key: url for key, url in found.items() if url}


# --- the machine ----------------------------------------------------------------------------------


async def clock_of(urls: Iterable[str], clock: WallClock) -> Tried:
    """Compare this machine's clock with what the first of these servers that says it takes for now."""
    origins = dict.fromkeys(f"{urlsplit(url).scheme}://{urlsplit(url).netloc}" for url in urls)
    for origin in origins:
        ahead_s = await _ahead_s(origin, clock)
        if ahead_s is None:
            continue
        if abs(ahead_s) <= SKEW_MAX_S:
            return Tried(True, f"clock: right to {SKEW_MAX_S:.0f} s, says {origin}")
        where = "ahead" if ahead_s > 0 else "behind"
        mend = "set it, and keep it set: timedatectl set-ntp true"
        return Tried(False, f"clock: {abs(ahead_s):.0f} s {where}, says {origin}; {mend}")
    return Tried(True, "clock: nobody was there to compare it with")


async def _ahead_s(origin: str, clock: WallClock) -> float | None:
    """How far ahead of a server this clock is, in seconds; None if it does not say."""
    import httpx

    from hermes_trio.http.client import open_http_client

    with trio.move_on_after(CLOCK_S), suppress(httpx.HTTPError):
        async with open_http_client(connect_s=CLOCK_S, read_s=CLOCK_S) as client:
            begun = clock.now()
            answer = await client.head(f"{origin}/")
            ended = clock.now()
        with suppress(ValueError):
            theirs = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
            # The server's second lies somewhere between; what cannot be told apart is no skew.
            return min(ended - theirs, 0.0) or max(begun - theirs - 1, 0.0)
    return None


async def disk_of(state_dir: Path) -> Tried:
    """See how much room there is where the store is kept, and how long it takes to have something safe."""
    limiter = trio.CapacityLimiter(1)
    try:
        with trio.fail_after(DISK_S):
            free = (await in_thread(lambda: shutil.disk_usage(state_dir), limiter)).free
            sync_s = math.inf
            for _ in range(SYNCS):
                begun = trio.current_time()
                await in_thread(lambda: _sync(state_dir), limiter)
                sync_s = min(sync_s, trio.current_time() - begun)
    except FileNotFoundError:
        return Tried(True, f"disk: {state_dir} is not there yet; the daemon makes it")
    except OSError as error:
        return Tried(False, f"disk: {state_dir}: {error.strerror}; no message can be taken while that is so")
    except trio.TooSlowError:
        return Tried(False, f"disk: {state_dir}: hangs; it did not answer within {DISK_S:.0f} s")
    said = f"disk: {state_dir}: {free >> 20:,} MiB free, a sync takes {sync_s * 1000:.1f} ms"
    if free < FREE_MIN:
        return Tried(False, f"{said}; make room: with a full disk no message is taken")
    if sync_s > SYNC_MAX_S:
        return Tried(False, f"{said}; each message waits for several: is it a disk of the network?")
    return Tried(True, said)


def _sync(folder: Path) -> None:
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(bytes(4096))
        file.flush()
        os.fsync(file.fileno())


async def database_of(url: str) -> list[Tried]:
    """See whether the store's database answers and how fast, and who shares it. Nothing of it is changed."""
    try:
        with trio.fail_after(DISK_S):
            return await in_thread(
                partial(_database, url, trio.lowlevel.current_clock()), trio.CapacityLimiter(1)
            )
    except HermesError as error:
        return [Tried(False, f"store: {error}; no message can be taken while that is so")]
    except trio.TooSlowError:
        return [Tried(False, f"store: PostgreSQL did not answer within {DISK_S:.0f} s")]


def _database(url: str, clock: trio.abc.Clock) -> list[Tried]:
    from hermes_trio.store.postgres.looking import looked_at
    from hermes_trio.store.promises.node_views import nodes

    with looked_at(url) as tx:
        if tx is None:
            return [Tried(True, "store: the database is empty; the first daemon makes the store")]
        asked_s = math.inf
        for _ in range(SYNCS):
            begun = clock.current_time()
            tx.one("select 1")
            asked_s = min(asked_s, clock.current_time() - begun)
        server, size = tx.one(
            "select current_setting('server_version'), pg_database_size(current_database())"
        )
        here = nodes(tx)
    said = f"store: PostgreSQL {server}, {size >> 20:,} MiB, answers in {asked_s * 1000:.1f} ms"
    slow = f"{said}; each message waits for dozens: is it far away?" if asked_s > SYNC_MAX_S else ""
    found = [Tried(not slow, slow or said)]
    alive = [one for one in here if one.lease_left_s > 0]
    found.append(Tried(True, f"nodes: {', '.join(one.name for one in alive) or 'none is alive'}"))
    return found + [
        Tried(False, f'nodes: {lives} that live are called {name}; give each another [store] node = "NAME"')
        for name, lives in Counter(one.name for one in alive).items()
        if lives > 1
    ]


async def stop_of(config: Config) -> Tried:
    """Compare the longest stop with what the supervisor allows: the running daemon's, else this shell's."""
    pid = running_pid(config.gateway.state_dir)
    try:
        limit_s = await (stop_limit_s() if pid is None else stop_limit_of(pid))
    except HermesError as error:
        return Tried(False, f"stop: {error}")
    said = f"stop: takes at most {config.stop_s:g} s"
    if limit_s is None:
        return Tried(True, f"{said}; no supervisor is known to allow less")
    if limit_s >= config.stop_s:
        return Tried(True, f"{said}, and its supervisor allows {limit_s:g}")
    return Tried(
        False, f"{said}, and its supervisor kills after {limit_s:g}: allow more, or lower drain_timeout_s"
    )
