"""Slash commands: what a key's command task does, beside any turn that runs.

A command is a row until it is settled, so it survives a crash; what it wants (a reset, a stop, a reply,
a prompt) takes effect in the transaction that settles it, exactly once.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

import trio

from hermes_trio.keyed import Worker
from hermes_trio.log import Log
from hermes_trio.ports import Command, Platform
from hermes_trio.pure import texts
from hermes_trio.pure.slash import nearest, take_apart
from hermes_trio.store_port import AcceptRules, PendingCommand, Reply, Store
from hermes_trio.supervise import attempt
from hermes_trio.values import (
    Address,
    CommandResult,
    Key,
    OutcomeName,
    Part,
    Prompt,
    Reset,
    Say,
    SessionView,
    Stop,
)

COMMAND_S = 10.0


class Call:
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


class Dispatch:
    """Runs the commands of a key, in order of arrival.

    Args:
        commands: by each of their names.
        rules: per account, for prompts that wait.
        status: lines about the gateway, and about the caller's place in it.
    """

    def __init__(
        self,
        store: Store,
        commands: Mapping[str, Command],
        platform: Callable[[str], Platform | None],
        rules: Callable[[str], AcceptRules],
        status: Callable[[Key], Sequence[str]],
        log: Log,
    ) -> None:
        self._store = store
        self._commands = commands
        self._platform = platform
        self._rules = rules
        self._status = status
        self._log = log

    async def work(self, key: Key, _: Worker) -> None:
        """Settle every unsettled command of the key."""
        while (pending := await self._store.next_command(key)) is not None:
            result = await self._run(key, pending)
            await self._effect(key, pending, result)

    async def _run(self, key: Key, pending: PendingCommand) -> CommandResult | tuple[OutcomeName, str, str]:
        """What the command wants, or (outcome, reason, sentence) where it did not get to want anything."""
        message = pending.message
        name, text = take_apart(message.text)
        command = self._commands.get(name)
        if command is None:
            close = nearest(name, self._commands)
            return "answered", "unknown command", texts.unknown_command(name, close)
        platform = self._platform(message.address.account_id)
        admin = platform is not None and message.address.user in platform.policy.admins
        if command.role == "admin" and not admin:
            return "refused", "not an admin", texts.NOT_ALLOWED
        call = Call(
            name,
            text,
            message.address,
            admin,
            lambda: self._session(key),
            lambda: self.help(admin),
            lambda: self._status(key),
        )
        result: CommandResult | None = None
        error: Exception | None = None
        with trio.move_on_after(COMMAND_S) as deadline:
            result, error = await attempt(lambda: command.run(call))
        if result is None:
            why = "deadline" if deadline.cancelled_caught else repr(error)
            self._log.error("command failed", name=name, key=str(key), why=why)
            return "failed", "command failed", texts.COMMAND_FAILED
        return result

    async def _effect(
        self, key: Key, pending: PendingCommand, result: CommandResult | tuple[OutcomeName, str, str]
    ) -> None:
        store, id, message = self._store, pending.id, pending.message
        match result:
            case Reset(why=why):
                session = await store.reset(key, id, why)
                self._log.info("reset", key=str(key), session=session, who=message.address.user, why=why)
            case Stop():
                stopped = await store.stop(key, id, "asked")
                self._log.info("stop", key=str(key), turn=stopped.turn, who=message.address.user)
            case Prompt():
                await store.prompt(id, result, self._rules(message.address.account_id))
            case Say(text=text):
                await store.settle(id, "answered", "", self._reply(pending, text))
            case (outcome, reason, sentence):
                await store.settle(id, outcome, reason, self._reply(pending, sentence))

    def _reply(self, pending: PendingCommand, text: str) -> Reply:
        message = pending.message
        platform = self._platform(message.address.account_id)
        parts: Sequence[Part] = (Part(text),) if platform is None else platform.split(text)
        anchor = None if message.private else message.message_id
        return Reply(address=message.address, parts=tuple(parts), said="reply", anchor=anchor)

    async def _session(self, key: Key) -> SessionView | None:
        found = await self._store.sessions(key)
        return found[0] if found else None

    def help(self, admin: bool) -> Sequence[tuple[str, str]]:
        """(name, help) of each command such a caller may use, by its first name."""
        seen = {command.names[0]: command for command in self._commands.values()}
        return [(name, c.help) for name, c in sorted(seen.items()) if admin or c.role == "user"]
