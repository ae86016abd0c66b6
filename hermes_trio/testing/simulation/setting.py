"""What surrounds the gateway in a play: its options, the platform, the machine, secrets, who may speak."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, cast

import trio

from hermes_trio.commands.help import command as help
from hermes_trio.commands.new import command as new
from hermes_trio.commands.queue import command as queue
from hermes_trio.commands.restart import command as restart
from hermes_trio.commands.resume import command as resume
from hermes_trio.commands.start import command as start
from hermes_trio.commands.status import command as status
from hermes_trio.commands.steer import command as steer
from hermes_trio.commands.stop import command as stop
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.ports.command import Command
from hermes_trio.testing.memory_processes import FakeProcesses
from hermes_trio.testing.simulation.plan import Place, Rules
from hermes_trio.values.actions import Reset
from hermes_trio.values.delivery import Capabilities
from hermes_trio.values.identity import Policy

KEYS = ("sk-canary-0-4f1d7a", "sk-canary-1-9be2c3", "sk-canary-2-77aa01")
SECRET = "tool-canary-5ec2e7"  # noqa: S105 - planted, to be looked for
SECRETS = (*KEYS, SECRET)
ALLOWED = ("ada", "bob", "eve", "zoe")
ADMINS = 2
"""So many of them, the first who may speak, are admins."""
CROWD = tuple(f"one{n}" for n in range(12))


class ClearContext:
    """/cc: a command of a user's own that ends the conversation, after a while."""

    names = ("cc",)
    help = "clear the context"
    role = "user"

    async def run(self, call: Any) -> Reset:
        """Decide."""
        await trio.sleep(0.001)
        return Reset("/cc")


class Broken:
    """/broken: a command of a user's own that has a mistake, and tells a secret with it."""

    names = ("broken",)
    help = "do nothing"
    role = "user"

    async def run(self, call: Any) -> Reset:
        """Fail."""
        raise ValueError(f"as told: {SECRET}")


COMMANDS = cast(
    Sequence[Command],
    [new, resume, stop, status, help, start, queue, steer, restart, ClearContext(), Broken()],
)
"""Ours, and none that happens to be installed: a seed plays the same everywhere."""


def options(rules: Rules) -> GatewayOptions:
    """As the config file would say it."""
    return GatewayOptions(
        drain_timeout_s=rules.drain_s,
        busy=rules.busy,
        queue_max=rules.queue_max,
        turns_max=rules.turns_max,
        turn_deadline_s=rules.deadline_s,
        progress_every_s=rules.progress_s,
        stuck_after=rules.stuck_after,
    )


def sessions(rules: Rules) -> SessionOptions:
    """Likewise."""
    return SessionOptions(
        scope=rules.scope, reset=rules.reset, idle_after_s=rules.idle_after_s, timezone="UTC"
    )


def capabilities(rules: Rules) -> Capabilities:
    """What the platform can do."""
    return Capabilities(
        text_max=rules.text_max,
        can_edit=rules.edits,
        can_delete=rules.deletes,
        can_react=rules.reacts,
        can_type=rules.types,
        takes_key=rules.takes_key,
    )


def accounts(places: Sequence[Place]) -> Sequence[str]:
    """The bots that are written to; the first is always there."""
    return sorted({"main", *(place.account for place in places)})


def policy(forbidden: Collection[str]) -> Policy:
    """Who may speak, and who of them are admins."""
    allowed = tuple(user for user in (*ALLOWED, *CROWD) if user not in forbidden)
    return Policy(allow_users=allowed, admins=allowed[:ADMINS], require_mention=True)


def programs(machine: FakeProcesses) -> None:
    """What there is to run."""
    machine.script("quick", prints=[(0.1, "done\n")], ends_s=0.2)
    machine.script("slow", prints=[(1, "error: none\n")], ends_s=9)
    machine.script("stubborn", ends_s=None, ignores_term=True)
    machine.script("forever", ends_s=None)
    machine.script("chatty", prints=[(n * 0.5, f"error {n}\n") for n in range(30)], ends_s=15)
