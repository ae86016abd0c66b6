"""`hermes-trio chat` as a client: the terminal on this side, a running daemon's websocket on the other.

A daemon that goes away is waited for: it may be restarting. What was said meanwhile is handed over again
under its own id, and what the daemon says is shown once, whichever connection it came by.
"""

from __future__ import annotations

import math
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import trio
from msgspec.structs import replace

from hermes_trio.config.accounts import Account
from hermes_trio.daemon.control.requests import (
    NAME,
    Answer,
    AskStatus,
    AwaitRest,
    Done,
    Request,
    Status,
    decode_answer,
    encode,
    folder_address,
)
from hermes_trio.daemon.life import Host
from hermes_trio.daemon.signals import Caught, caught_signals
from hermes_trio.daemon.state_dir.lock import holder
from hermes_trio.errors import HermesError, NotJson, NotSent, PlatformDown, SendRefused, SendUnknown
from hermes_trio.ports.platform import AdapterContext, Platform
from hermes_trio.ports.system import Chance
from hermes_trio.runtime.plugins import CLIENTS, PLATFORMS, installed
from hermes_trio.values.message import Message, Moved, Undecodable

WEBSOCKET = "websocket"
STARTS_S = 5.0
RETURNS_S = 30.0
AGAIN_S = 0.1
ASK_S = 30.0
PRINT_S = 5.0
REMEMBERED = 256
ANSWER_MAX = 1 << 20


class CannotChat(HermesError):
    """The running daemon cannot be chatted with, or went away; the text says why."""


async def attach(state_dir: Path, host: Host, *, returns_s: float = RETURNS_S) -> int:
    """Chat with the daemon of this state_dir until the input ends and everything is answered, or a signal.

    Args:
        returns_s: how long a daemon that went away is waited for.

    Raises:
        CannotChat: see there. May be within exception groups.
    """
    account = await _door(state_dir)
    adapter = installed(PLATFORMS)["terminal"]()
    context = AdapterContext(state_dir, host.chance, host.clock, host.redact.learn)
    terminal = Account(platform="terminal", adapter=adapter, options=adapter.options()).build(context)
    link = _Link(state_dir, account, _client_name(host), host.chance, returns_s)
    with caught_signals() as caught:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_leave_on_signal, caught, nursery.cancel_scope, name="signals")
            async with terminal.open():
                nursery.start_soon(link.keep, terminal, name="link")
                await terminal.serve(_Relay(link))
                await _at_rest(link, account)
            nursery.cancel_scope.cancel(reason="everything is answered")
    return 0


class _Link:
    """The connection to the daemon, made again when it breaks. `keep` owns it."""

    def __init__(self, state_dir: Path, account: str, client: str, chance: Chance, returns_s: float) -> None:
        self._side = installed(CLIENTS)[WEBSOCKET]()
        self._known = self._side.Known()
        self._chance = chance
        self._returns_s = returns_s
        self._conversation: Any = None
        self._made, self._lost = trio.Event(), trio.Event()
        self.state_dir = state_dir
        # What lies in the folder of one daemon has not its node's name.
        self.account = account.partition("/")[2].partition("@")[0]
        self.client = client

    async def keep(self, terminal: Platform) -> None:
        """Show what comes, for ever.

        Raises:
            CannotChat: the daemon went away and did not return in time, or the terminal takes nothing.
        """
        shown: dict[str, str] = {}
        while True:
            with trio.move_on_after(self._returns_s) as patience:
                while not await self._talk(terminal, shown, patience):
                    pass
            if patience.cancelled_caught:
                raise CannotChat("the daemon did not come back")
            _tell("the daemon went away; waiting for it (what it has of this conversation is kept)")

    async def _talk(self, terminal: Platform, shown: dict[str, str], patience: trio.CancelScope) -> bool:
        """Show what comes over one connection until it ends. False: there is none to be had yet."""
        connected = False
        try:
            async with self._side.connect(
                self.state_dir,
                client=self.client,
                chance=self._chance,
                known=self._known,
                account=self.account,
            ) as self._conversation:
                patience.deadline = math.inf
                connected = True
                self._made.set()
                await _show(self._conversation, terminal, shown)
        except PlatformDown:
            pass
        if not connected:
            await trio.sleep(AGAIN_S)
            return False
        # Only what was set may be put out of use: somebody waits for the other.
        self._made = trio.Event()
        self._lost.set()
        self._lost = trio.Event()
        return True

    async def say(self, message: Message) -> None:
        """Return when the daemon has it for good, whichever connection it took.

        Raises:
            SendRefused: the daemon does not take it.
        """
        while True:
            await self._made.wait()
            conversation, lost = self._conversation, self._lost
            try:
                if message.choice is not None:
                    await conversation.press(message.choice, message_id=message.native)
                else:
                    await conversation.say(message.text, message_id=message.native)
                return
            except NotSent:
                await lost.wait()
            except SendUnknown:
                # Said again under the same id it counts once.
                await trio.lowlevel.checkpoint()

    async def back(self) -> None:
        """Return when there is a connection."""
        await self._made.wait()


async def _leave_on_signal(caught: Caught, scope: trio.CancelScope) -> None:
    await caught.next()
    scope.cancel(reason="signal")


class _Relay:
    """An intake that hands the terminal's lines to the daemon, which makes them durable."""

    cursor: str | None = None

    def __init__(self, link: _Link) -> None:
        self._link = link

    async def accept(
        self, updates: Sequence[Message | Undecodable | Moved], *, cursor: str | None = None
    ) -> None:
        for update in updates:
            try:
                if isinstance(update, Undecodable):
                    raise SendRefused(update.why)
                if isinstance(update, Message):
                    await self._link.say(update)
            except SendRefused as error:
                _tell(f"not taken: {error}")

    def received(self) -> None:
        """The daemon counts its own receive cycles."""

    def reachable(self, chat: str) -> None:
        """There is one chat, and whoever sits at it is here."""

    def failed(self, why: str) -> None:
        """As above."""


async def _show(conversation: Any, terminal: Platform, shown: dict[str, str]) -> None:
    """Print what comes until the connection ends. What was handed out is confirmed, so it is printed whole.

    Args:
        shown: the terminal's id of a message by the daemon's.
    """
    async for delivery in conversation:
        if delivery.op not in ("send", "edit", "delete"):
            continue
        known = shown.get(delivery.message_id, delivery.message_id)
        with trio.move_on_after(PRINT_S, shield=True):
            try:
                receipt = await terminal.deliver(replace(delivery, message_id=known))
            except SendRefused as error:
                raise CannotChat(str(error)) from error
            shown[delivery.message_id] = receipt.message_id or known
            if len(shown) > REMEMBERED:
                del shown[next(iter(shown))]


async def _door(state_dir: Path) -> str:
    """The daemon's websocket account; a daemon that starts is waited for."""
    with trio.move_on_after(STARTS_S):
        return _websocket_of(await _status(state_dir), state_dir)
    raise CannotChat(f"{state_dir} is in use ({holder(state_dir)}), and the daemon does not answer")


async def _status(state_dir: Path) -> Status:
    """The daemon's status, as soon as there is a daemon."""
    while True:
        status = await _asked(state_dir, AskStatus())
        if isinstance(status, Status):
            return status
        await trio.sleep(AGAIN_S)


def _websocket_of(status: Status, state_dir: Path) -> str:
    for account in status.accounts:
        if account.name.startswith(f"{WEBSOCKET}/"):
            return account.name
    raise CannotChat(
        f"the daemon of {state_dir} (pid {status.pid}) runs without [platforms.websocket]: add that section"
        " to its configuration and restart it, or stop it and chat without it"
    )


async def _at_rest(link: _Link, account: str) -> None:
    """Return when the daemon has answered everything; it lets nobody wait for ever, so ask again."""
    while not isinstance(await _asked(link.state_dir, AwaitRest(account=account, chat=link.client)), Done):
        await trio.sleep(AGAIN_S)
        await link.back()


async def _asked(state_dir: Path, request: Request) -> Answer | None:
    """The daemon's answer; None if there is none."""
    with trio.move_on_after(ASK_S):
        try:
            with folder_address(state_dir) as folder:
                stream = await trio.open_unix_socket(f"{folder}/{NAME}")
            async with stream:
                await stream.send_all(encode(request))
                line = bytearray()
                async for piece in stream:
                    line += piece
                    if len(line) > ANSWER_MAX:
                        return None
                return decode_answer(bytes(line))
        except (OSError, NotJson, trio.BrokenResourceError):
            return None
    return None


def _client_name(host: Host) -> str:
    """The same for one terminal, so that its conversation goes on; a pipe's is its own."""
    try:
        name = os.ttyname(0).removeprefix("/dev/")
    except OSError:
        return f"pipe-{host.chance.getrandbits(64):016x}"
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:64]


def _tell(text: str) -> None:
    sys.stderr.write(f"hermes-trio: {text}\n")
