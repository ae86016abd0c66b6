"""What the gateway hands every turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec

from hermes_trio.ports.files import CallFiles
from hermes_trio.ports.platform import Platform
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Chance, Log, WallClock
from hermes_trio.processes.background import Background
from hermes_trio.runtime.ages import Ages
from hermes_trio.runtime.allowance import Allowances
from hermes_trio.runtime.outage import OneAsks
from hermes_trio.runtime.redacting_store import Discretion
from hermes_trio.runtime.splitting import Split
from hermes_trio.transcript.cache import Memory
from hermes_trio.values.identity import Address, Lane
from hermes_trio.values.stored import Begun


class Surroundings(msgspec.Struct, frozen=True):
    """What the gateway hands every turn.

    Args:
        ages: how old a message is.
        deadline_s: how long the agent may work, waiting not counted.
        progress_every_s: seconds between two states of the progress line; 0: there is none.
        steer: messages that arrive while the turn runs are taken in at the end of its next step.
        reserve_lane: keeps a lane's task from starting while a turn's end is written, since that commit may
            begin the lane's next delivery. Returns a function, which is called with that delivery or
            None. Returns None if the lane has something to do already.
        typing: shows the typing sign once, or skips it where the platform asked for silence.
        discretion: takes secrets out of what is said and kept.
        allowed: whether somebody may still speak to the account.
        disk: says when a disk that refused takes a write again.
        history: how many characters of a conversation the agent is given with each turn.
        files: those of a conversation, for a tool call.
        may_act: called right before each act on the world outside; returns if the boot may still act.
        memory: what is kept of conversations between their turns.
    """

    store: Store
    clock: WallClock
    ages: Ages
    chance: Chance
    platform: Callable[[str], Platform | None]
    split: Split
    reserve_lane: Callable[[Lane], Callable[[Begun | None], None] | None]
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
    files: Callable[[int], CallFiles]
    may_act: Callable[[], Awaitable[None]]
