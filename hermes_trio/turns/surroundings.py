"""What the gateway hands every turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from hermes_trio.ports.platform import Platform
from hermes_trio.ports.store import Begun, Store
from hermes_trio.ports.system import Chance, Log, WallClock
from hermes_trio.processes.background import Background
from hermes_trio.runtime.allowance import Allowances
from hermes_trio.runtime.discretion import Discretion
from hermes_trio.runtime.retry import OneAsks
from hermes_trio.runtime.splitting import Split
from hermes_trio.transcript.cache import Memory
from hermes_trio.values.identity import Address, Lane


class Surroundings(msgspec.Struct, frozen=True):
    """What the gateway hands every turn.

    Args:
        deadline_s: how long the agent may work, waiting not counted.
        allowances: end that time.
        progress_every_s: between two states of the progress line; 0 is off.
        steer: messages that arrive are taken in at the next step.
        hold: keeps the lane for a turn's end, which may begin the call of what it says, until what it returns
            is called with that. None: the lane has something to do.
        typing: does one typing call, or skips it.
        split: makes parts of a text, as a platform does.
        discretion: takes secrets out of what is said and kept.
        allowed: whether somebody may still speak to the account.
        disk: says when a disk that refused takes a write again.
        background: the programs that conversations have started.
        history: how many characters of a conversation the agent is given with each turn.
        memory: what is kept of conversations between their turns.
        log: takes what goes wrong in it.
    """

    store: Store
    clock: WallClock
    chance: Chance
    platform: Callable[[str], Platform | None]
    split: Split
    hold: Callable[[Lane], Callable[[Begun | None], None] | None]
    typing: Callable[[Address], Awaitable[None]]
    discretion: Discretion
    allowed: Callable[[Address], bool]
    disk: OneAsks
    background: Background
    deadline_s: float
    allowances: Allowances
    progress_every_s: float
    steer: bool
    history: int
    memory: Memory
    log: Log
