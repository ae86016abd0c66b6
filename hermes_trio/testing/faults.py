"""What can go wrong in a World, by name: `world.fault("model_hangs_midstream")`.

Some faults hit the next call of their kind, and end with it. Others last for `for_s` seconds.
`world.heal()` ends all. One of a platform or a model is the first one's, or that of the number `of`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any

import trio
from trio.testing import MockClock

from hermes_trio.testing.crashing_store import Hang
from hermes_trio.testing.scripted_model import fails, hangs, partial
from hermes_trio.testing.spoilt_values import Rubbish, spoil
from hermes_trio.text.nearest import nearest

if TYPE_CHECKING:
    from hermes_trio.testing.world import World


def platform_refuses(world: World, of: int = 0) -> None:
    """The next send is refused."""
    world.platforms[of].fault("refuse")


def platform_gone(world: World, of: int = 0) -> None:
    """The next send finds its chat gone."""
    world.platforms[of].fault("gone")


def platform_refuses_markup(world: World, of: int = 0) -> None:
    """The next send is refused for its formatting."""
    world.platforms[of].fault("markup")


def platform_not_sent(world: World, of: int = 0) -> None:
    """The next send certainly does not get there."""
    world.platforms[of].fault("not_sent")


def platform_loses_answer(world: World, of: int = 0) -> None:
    """The next send is shown, and its answer is lost."""
    world.platforms[of].fault("lost_answer")


def platform_hangs(world: World, of: int = 0) -> None:
    """The next send is shown, and never answered."""
    world.platforms[of].fault("hang")


def platform_limits(world: World, wait_s: float = 3.0, of: int = 0) -> None:
    """The next send is refused with a 429 that asks for so many seconds of silence."""
    world.platforms[of].fault("wait", wait_s=wait_s)


def platform_disconnects(world: World, for_s: float = 30.0, of: int = 0) -> None:
    """The line is cut in both directions for so long."""
    platform = world.platforms[of]
    platform.disconnect()
    world.later(for_s, platform.connect)


def platform_repeats_updates(world: World, count: int = 1, of: int = 0) -> None:
    """The newest updates that were confirmed are handed over once more."""
    world.platforms[of].repeat(count)


def platform_reorders_updates(world: World, count: int = 2, of: int = 0) -> None:
    """The next updates are kept back until there are so many, and come in the opposite order."""
    world.platforms[of].reorder(count)


def model_hangs(world: World, of: int = 0) -> None:
    """The next model call gets no first byte."""
    world.models[of].fault(hangs())


def model_hangs_midstream(world: World, text: str = "I was about to", of: int = 0) -> None:
    """The next model call begins its answer and stops."""
    world.models[of].fault(hangs(text))


def model_ends_early(world: World, text: str = "I was about to", of: int = 0) -> None:
    """The next model call's stream ends without its end event."""
    world.models[of].fault(partial(text))


def model_quota(world: World, of: int = 0) -> None:
    """The next model call is refused with a 402."""
    world.models[of].fault(fails("quota"))


def model_unauthorized(world: World, of: int = 0) -> None:
    """The next model call is refused with a 401."""
    world.models[of].fault(fails("auth"))


def model_rate_limit(world: World, retry_after_s: float | None = None, of: int = 0) -> None:
    """The next model call is refused with a 429."""
    world.models[of].fault(fails("rate_limit", retry_after_s=retry_after_s))


def model_unavailable(world: World, of: int = 0) -> None:
    """The next model call is refused with a 503."""
    world.models[of].fault(fails("overload"))


def model_rubbish(world: World, of: int = 0) -> None:
    """The next model call is answered with what nobody can read."""
    world.models[of].fault(fails("unknown"))


def model_breaks_off(world: World, of: int = 0) -> None:
    """The next model call fails on its line."""
    world.models[of].fault(fails("transport"))


def model_too_long(world: World, of: int = 0) -> None:
    """The next model call is refused since the conversation is too long for it."""
    world.models[of].fault(fails("context"))


def store_full(world: World, for_s: float = 10.0) -> None:
    """The disk is full for so long: what writes is refused."""
    world.disk.full = True
    world.later(for_s, lambda: setattr(world.disk, "full", False))


def store_slow(world: World, for_s: float = 10.0, delay_s: float = 1.0) -> None:
    """For so long each commit of this life takes `delay_s` longer before it, and as much after it."""
    store = world.life.store
    store.slow_s = delay_s
    world.later(for_s, lambda: setattr(store, "slow_s", 0.0))


def store_hangs(world: World, nth: int = 1, for_s: float = 10.0, done: int = 0) -> None:
    """The n-th commit of this life from now hangs for so long: before it, or where `done` is 1 after it."""
    world.life.store.hangs = Hang(nth, for_s, done=bool(done))


def store_fails_commit(world: World, nth: int = 1, times: int = 1) -> None:
    """The n-th commit from now that writes fails with an I/O error, or so many from there on."""
    world.disk.fails_in, world.disk.fails_times = nth, times


def store_spoils_row(
    world: World, table: str = "inbound", column: str = "body", how: Rubbish = "rubbish", back: int = 0
) -> None:
    """One value of the newest row of a table, or of the `back`-th before it, becomes something else.

    `hermes_trio.testing.spoilt_values` names what it can become. A table without such a row stays as it is.
    """
    spoil(world.db, table, column, how, back)


def store_fails_read(world: World, nth: int = 1) -> None:
    """The n-th query from now fails with an I/O error, and with it whatever it was asked for."""
    world.disk.unread_in = nth


def machine_full(world: World, for_s: float = 10.0) -> None:
    """For so long no program can be started: the machine is out of descriptors."""
    world.processes.full = True
    world.later(for_s, lambda: setattr(world.processes, "full", False))


def clock_jumps(world: World, by_s: float) -> None:
    """The wall clock is set by so many seconds, forward or back."""
    world.clock.offset += by_s


def freezes(world: World, for_s: float = 60.0) -> None:
    """The process is frozen (SIGSTOP, a laptop's lid): time passes and nothing runs.

    Raises:
        RuntimeError: the World does not run under a MockClock.
    """
    clock = trio.lowlevel.current_clock()
    if not isinstance(clock, MockClock):
        raise RuntimeError("only a MockClock can be frozen; run the World under one")
    clock.jump(for_s)


def heal(world: World) -> None:
    """All faults end. What a hanging call waits for does not come: it fails."""
    for platform in world.platforms:
        platform.heal()
    for model in world.models:
        model.heal()
    world.disk.full, world.disk.fails_in, world.disk.unread_in = False, 0, 0
    world.processes.full = False
    for lives in world.all_lives:
        if lives.now is not None:
            lives.now.store.slow_s = 0.0
            lives.now.store.hangs.end()


FAULTS: Mapping[str, Callable[..., None]] = {
    fault.__name__: fault
    for fault in (
        platform_refuses,
        platform_gone,
        platform_refuses_markup,
        platform_not_sent,
        platform_loses_answer,
        platform_hangs,
        platform_limits,
        platform_disconnects,
        platform_repeats_updates,
        platform_reorders_updates,
        model_hangs,
        model_hangs_midstream,
        model_ends_early,
        model_quota,
        model_unauthorized,
        model_rate_limit,
        model_unavailable,
        model_rubbish,
        model_breaks_off,
        model_too_long,
        store_full,
        store_slow,
        store_hangs,
        store_fails_commit,
        store_spoils_row,
        store_fails_read,
        machine_full,
        clock_jumps,
        freezes,
    )
}
"""Each by its name; its docstring says what it does, its arguments after the World how much.

`world.fault(name, ...)` takes them; docs/testing.md has a table.
"""


def named(name: str, how: Mapping[str, Any]) -> Callable[[World], None]:
    """The fault of this name with these arguments.

    Raises:
        ValueError: there is none of this name, or it takes other arguments.
    """
    if (fault := FAULTS.get(name)) is None:
        near = nearest(name, FAULTS)
        raise ValueError(f"no fault {name!r}" + (f"; did you mean {near!r}?" if near else ""))
    takes = [parameter for parameter in signature(fault).parameters if parameter != "world"]
    if unknown := set(how) - set(takes):
        raise ValueError(
            f"{name} takes {', '.join(takes) or 'no arguments'}, not {', '.join(sorted(unknown))}"
        )
    return lambda world: fault(world, **how)
