"""`hermes-trio chat` as a client: the terminal on this side, a running daemon's websocket on the other."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import trio
from msgspec.structs import replace

from hermes_trio.daemon.control import (
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
from hermes_trio.daemon.life import Surroundings
from hermes_trio.daemon.lock import holder
from hermes_trio.daemon.signals import Caught, caught_signals
from hermes_trio.errors import HermesError, NotSent, SendRefused, SendUnknown
from hermes_trio.plugins import PLATFORMS, installed
from hermes_trio.ports import AdapterContext, Platform
from hermes_trio.values import Message, Undecodable

WEBSOCKET = "websocket"
STARTS_S = 5.0
AGAIN_S = 0.1
ASK_S = 30.0
PRINT_S = 5.0
REMEMBERED = 256
ANSWER_MAX = 1 << 20


class CannotChat(HermesError):
    """The running daemon cannot be chatted with, or went away; the text says why."""


async def attach(state_dir: Path, around: Surroundings) -> int:
    """Chat with the daemon of this state_dir until the input ends and everything is answered, or a signal.

    Raises:
        CannotChat: see there. May be within exception groups.
    """
    account = await _door(state_dir)
    adapter = installed(PLATFORMS)["terminal"]()
    context = AdapterContext(state_dir, around.chance, around.clock)
    terminal = adapter.build(adapter.options(), "main", context)
    client = _client_name(around)
    with caught_signals() as caught:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_leave_on_signal, caught, nursery.cancel_scope, name="signals")
            await _converse(state_dir, terminal, account, client, around)
            nursery.cancel_scope.cancel(reason="everything is answered")
    return 0


async def _converse(
    state_dir: Path, terminal: Platform, account: str, client: str, around: Surroundings
) -> None:
    # The core imports no adapter; like the terminal, the websocket's client is a plug-in that may be missing.
    connect = import_module("hermes_websocket.client").connect
    async with connect(state_dir, client=client, chance=around.chance) as conversation:
        async with trio.open_nursery() as nursery, terminal.open():
            nursery.start_soon(_show, conversation, terminal, name="show")
            await terminal.serve(_Relay(conversation))
            await _at_rest(state_dir, account, client)
            nursery.cancel_scope.cancel(reason="everything is shown")


async def _leave_on_signal(caught: Caught, scope: trio.CancelScope) -> None:
    await caught.next()
    scope.cancel(reason="signal")


class _Relay:
    """An intake that hands the terminal's lines to the daemon, which makes them durable."""

    cursor: str | None = None

    def __init__(self, conversation: Any) -> None:
        self._conversation = conversation

    async def accept(self, updates: Sequence[Message | Undecodable], *, cursor: str | None = None) -> None:
        for update in updates:
            try:
                await self._hand_over(update)
            except SendRefused as error:
                _tell(f"not taken: {error}")
            except (NotSent, SendUnknown) as error:
                raise CannotChat(f"the daemon is gone: {error}") from error

    async def _hand_over(self, update: Message | Undecodable) -> None:
        if isinstance(update, Undecodable):
            raise SendRefused(update.why)
        if update.choice is not None:
            await self._conversation.press(update.choice)
        else:
            await self._conversation.say(update.text, message_id=update.native)

    def received(self) -> None:
        """The daemon counts its own receive cycles."""

    def failed(self, why: str) -> None:
        """As above."""


async def _show(conversation: Any, terminal: Platform) -> None:
    """Print what comes. What was handed out is confirmed, so it is printed whole even when leaving."""
    shown: dict[str, str] = {}
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
    raise CannotChat("the daemon went away; what it has of this conversation is kept")


async def _door(state_dir: Path) -> str:
    """The daemon's websocket account; a daemon that starts is waited for."""
    with trio.move_on_after(STARTS_S):
        while True:
            status = await _asked(state_dir, AskStatus())
            if isinstance(status, Status):
                return _websocket_of(status, state_dir)
            await trio.sleep(AGAIN_S)
    raise CannotChat(f"{state_dir} is in use ({holder(state_dir)}), and the daemon does not answer")


def _websocket_of(status: Status, state_dir: Path) -> str:
    for account in status.accounts:
        if account.name.startswith(f"{WEBSOCKET}/"):
            return account.name
    raise CannotChat(
        f"the daemon of {state_dir} (pid {status.pid}) runs without [platforms.websocket]: add that section"
        " to its configuration and restart it, or stop it and chat without it"
    )


async def _at_rest(state_dir: Path, account: str, client: str) -> None:
    """Return when the daemon has answered everything; it lets nobody wait for ever, so ask again."""
    while True:
        match await _asked(state_dir, AwaitRest(account=account, chat=client)):
            case Done():
                return
            case None:
                raise CannotChat("the daemon went away before everything was answered")


async def _asked(state_dir: Path, request: Request) -> Answer | None:
    """The daemon's answer; None if there is none."""
    with trio.move_on_after(ASK_S):
        try:
            with folder_address(state_dir) as folder:
                stream = await trio.open_unix_socket(f"{folder}/{NAME}")
            async with stream:
                await stream.send_all(encode(request))
                line = b""
                async for piece in stream:
                    line += piece
                    if len(line) > ANSWER_MAX:
                        return None
                return decode_answer(line)
        except (OSError, ValueError, trio.BrokenResourceError):
            return None
    return None


def _client_name(around: Surroundings) -> str:
    """The same for one terminal, so that its conversation goes on; a pipe's is its own."""
    try:
        name = os.ttyname(0).removeprefix("/dev/")
    except OSError:
        return f"pipe-{around.chance.getrandbits(64):016x}"
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:64]


def _tell(text: str) -> None:
    sys.stderr.write(f"hermes-trio: {text}\n")
