"""Slash commands: what a key's command task does, beside any turn that runs.

A command is a row until it is settled, so it survives a crash. It returns an action (a reset, a stop, a
reply, a prompt). The action takes effect in the transaction that settles the command, exactly once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any

import trio
from msgspec import Struct

from hermes_trio.errors import ConfigWrong, Fenced, StaleCommand, StoreFailed
from hermes_trio.intake.slash import take_apart
from hermes_trio.ports.command import Command
from hermes_trio.ports.platform import Platform
from hermes_trio.ports.store import Store
from hermes_trio.ports.system import Log
from hermes_trio.runtime import wrong_parts
from hermes_trio.runtime.allowance import Allowance, Allowances
from hermes_trio.runtime.retry import until_stored
from hermes_trio.runtime.splitting import Split
from hermes_trio.runtime.supervise import attempt, first_leaf
from hermes_trio.runtime.tracebacks import traceback_of
from hermes_trio.runtime.workers import Worker
from hermes_trio.runtime.wrong_use import awaited
from hermes_trio.text import sentences
from hermes_trio.text.foreign_errors import told_in_short
from hermes_trio.text.nearest import nearest
from hermes_trio.text.sanitize import clean
from hermes_trio.values.actions import CommandResult, Prompt, Reset, Restart, Resume, Say, Stop
from hermes_trio.values.delivery import Part
from hermes_trio.values.identity import Address, ConversationKey
from hermes_trio.values.message import Message, OutcomeName
from hermes_trio.values.stored import AcceptRules, PendingCommand, Reply
from hermes_trio.values.views import SessionView

COMMAND_S = 10.0
RESET_S = 2.0


def by_name(commands: Sequence[Command]) -> dict[str, Command]:
    """The commands by each of their names.

    Raises:
        ConfigWrong: two have the same name.
        AgentError: one of them is no command.
    """
    wrong_parts.members("open_gateway: commands", commands, (), "command")
    found: dict[str, Command] = {}
    for command in commands:
        wrong_parts.command("open_gateway: commands", command)
        for name in command.names:
            if name in found:
                raise ConfigWrong(f"two commands are both called /{name}")
            found[name] = command
    return found


class Refusal(Struct, frozen=True):
    """What becomes of a command that has no action: its outcome, and what is said."""

    outcome: OutcomeName
    reason: str
    sentence: str


NO_RESTART = Refusal("refused", "no restart here", sentences.CANNOT_RESTART)
FAILED = Refusal("failed", "command failed", sentences.COMMAND_FAILED)


class CalledCommand:
    """A command as it was called: see the CommandCall port."""

    def __init__(
        self,
        name: str,
        text: str,
        address: Address,
        admin: bool,
        session: Callable[[], Coroutine[Any, Any, SessionView | None]],
        help: Callable[[], Sequence[tuple[str, str]]],
        status: Callable[[], Sequence[str]],
    ) -> None:
        self.name = name
        self.text = text
        self.address = address
        self.admin = admin
        self.session = session
        self.help = help
        self.status = status


class CommandRunner:
    """Runs the commands of a key, in order of arrival.

    Args:
        commands: by each of their names.
        rules: per account; a prompt waits by them, as a message does.
        status: the lines of /status for a key.
        cut: cancels the turn that a key runs. Called when a reset cannot be written in time.
        tell: says a sentence without the store. Called then too.
        allowed: whether the person at an address may speak. Another boot may have taken its command.
        restarting: the sentence to somebody who asks for a restart; None: the host cannot restart.
    """

    def __init__(
        self,
        store: Store,
        commands: Mapping[str, Command],
        platform: Callable[[str], Platform | None],
        rules: Callable[[str], AcceptRules],
        status: Callable[[ConversationKey], Sequence[str]],
        cut: Callable[[ConversationKey, str], None],
        tell: Callable[[Address, str], Awaitable[None]],
        log: Log,
        *,
        allowed: Callable[[Address], bool],
        restarting: Callable[[], str | None],
        allowances: Allowances,
        split: Split,
    ) -> None:
        self._store = store
        self._allowed = allowed
        self._restarting = restarting
        self._allowances = allowances
        self._split = split
        self._cut = cut
        self._tell = tell
        self._commands = commands
        self._platform = platform
        self._rules = rules
        self._status = status
        self._log = log

    async def work(self, key: ConversationKey, _: Worker) -> None:
        """Settle every unsettled command of the key."""
        while (pending := await self._store.next_command(key)) is not None:
            if not self._allowed(pending.message.address):
                await self._store.drop([pending.id], "allow_users")
                continue
            result = await self._run(key, pending)
            failed = (await attempt(lambda: self._effect(key, pending, result)))[1]  # noqa: B023
            if failed is None:
                continue
            error = first_leaf(failed)
            if isinstance(error, StaleCommand):
                # It was settled meanwhile, because its row cannot be read. Its caller was told so.
                self._log.info("fenced", key=str(key), session=None, why=repr(error))
                continue
            if isinstance(error, Fenced | StoreFailed):
                raise error
            # Its action cannot be written or said. It must not stand in the way for ever.
            self._log_failed(key, pending, told_in_short(error), error)
            await self._refuse(pending, FAILED)

    async def fail_first(self, key: ConversationKey, _: Worker) -> str | None:
        """Fail the command that cannot be run."""
        return await self._store.fail_command(key)

    async def _run(self, key: ConversationKey, pending: PendingCommand) -> CommandResult | Refusal:
        """Run the command; returns its action."""
        message = pending.message
        name, text = take_apart(message.text)
        command = self._commands.get(name)
        if command is None:
            close = nearest(name.partition("@")[0], self._commands)
            return Refusal("answered", "unknown command", sentences.unknown_command(name, close))
        platform = self._platform(message.address.account_id)
        admin = platform is not None and platform.policy.role_of(message.address.user) == "admin"
        if command.role == "admin" and not admin:
            return Refusal("refused", "not an admin", sentences.NOT_ALLOWED)
        time = Allowance(self._allowances, COMMAND_S)
        call = CalledCommand(
            name,
            text,
            message.address,
            admin,
            lambda: self._session(key, time),
            lambda: self.help(admin),
            lambda: self._status(key),
        )
        where = f"command /{name}: run"

        async def run() -> CommandResult:
            result = await awaited(where, command.run, call)
            wrong_parts.action(where, result, CommandResult)
            return result

        result: CommandResult | None = None
        failed: Exception | None = None
        with time:
            result, failed = await attempt(run)
        if result is not None:
            return result
        why = f"it did not return within {COMMAND_S:.0f} s"
        error = None if failed is None else first_leaf(failed)
        self._log_failed(key, pending, why if error is None else told_in_short(error), error, command.run)
        return FAILED

    def _log_failed(
        self,
        key: ConversationKey,
        pending: PendingCommand,
        why: str,
        error: BaseException | None = None,
        called: object = None,
    ) -> None:
        name, _ = take_apart(pending.message.text)
        trace = None if error is None else traceback_of(error, called)
        self._log.error("command failed", name=name, key=str(key), why=why, traceback=trace)

    async def _effect(
        self, key: ConversationKey, pending: PendingCommand, result: CommandResult | Refusal
    ) -> None:
        store, id, message = self._store, pending.id, pending.message
        match result:
            case Reset(why=why):
                await self._reset(key, pending, why)
            case Stop(everything=everything):
                stopped = await store.stop(key, id, "asked", everything=everything)
                self._log.info("stop", key=str(key), turn=stopped.turn, who=message.address.user)
            case Resume(session=session):
                await store.resume(key, id, session)
            case Restart() if (says := self._restarting()) is not None:
                await store.restart(id, says)
                self._log.info("restart", key=str(key), who=message.address.user)
            case Restart():
                await self._refuse(pending, NO_RESTART)
            case Prompt():
                await store.prompt(id, result, self._rules(message.address.account_id))
            case Say(text=text):
                await store.settle(id, "answered", "", _reply(message, await self._parts(message, text)))
            case Refusal():
                await self._refuse(pending, result)

    async def _reset(self, key: ConversationKey, pending: PendingCommand, why: str) -> None:
        """End the session. Its turn is cut in time, also while the store cannot write the reset."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._overdue, key, pending.message.address, name=f"overdue reset {key}")
            await until_stored(lambda: self._store.reset(key, pending.id, why))
            nursery.cancel_scope.cancel(reason="the reset is committed")

    async def _overdue(self, key: ConversationKey, address: Address) -> None:
        await trio.sleep(RESET_S)
        self._log.warning("reset overdue", key=str(key))
        self._cut(key, "reset")
        await self._tell(address, sentences.RESET_LATER)

    async def _refuse(self, pending: PendingCommand, refusal: Refusal) -> None:
        """Settle it with a sentence of ours. Such a sentence is short, so it needs no splitting."""
        reply = _reply(pending.message, (Part(refusal.sentence),))
        await self._store.settle(pending.id, refusal.outcome, refusal.reason, reply)

    async def _parts(self, message: Message, text: str) -> Sequence[Part]:
        return await self._split(self._platform(message.address.account_id), clean(text))

    async def _session(self, key: ConversationKey, time: Allowance) -> SessionView | None:
        with time.stopped():
            found = await until_stored(lambda: self._store.sessions(key))
        return found[0] if found else None

    def help(self, admin: bool) -> Sequence[tuple[str, str]]:
        """(name, help) of each command such a caller may use, by its first name."""
        seen = {command.names[0]: command for command in self._commands.values()}
        return [(name, c.help) for name, c in sorted(seen.items()) if admin or c.role == "user"]


def _reply(message: Message, parts: Sequence[Part]) -> Reply:
    anchor = None if message.private else message.message_id
    return Reply(address=message.address, parts=tuple(parts), said="reply", anchor=anchor)
