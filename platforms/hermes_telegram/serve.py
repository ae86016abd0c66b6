"""Receiving: one long poll after another. What a poll gave is confirmed by the next, after it is durable.

Telegram forgets an update when it is asked for a later one (https://core.telegram.org/bots/api#getupdates),
so the offset of a poll is always the cursor of the last accepted batch, and nothing else ever is.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Never

import trio

from hermes_telegram.anonymous import Pressers
from hermes_telegram.answer import ANSWER_BYTES_MAX, Answer
from hermes_telegram.api import READ_S, BotApi
from hermes_telegram.calls import encode
from hermes_telegram.menu import menu_of
from hermes_telegram.refusal import raise_refusal
from hermes_telegram.wire import Me, decode_batches
from hermes_trio import (
    ForeignJson,
    Intake,
    NotJson,
    NotSent,
    OutsideError,
    PlatformDown,
    SendUnknown,
)

BATCH_MAX = 100
READ_MARGIN_S = 15.0
ANSWER_PRESS_S = 10.0
PRESSES_MAX = 100
LONGEST_WAIT_S = 3600.0
"""Who asks for a longer silence is asked again after this: an account is not deaf for ever."""
_WANTED = ["message", "callback_query"]

_read_me: ForeignJson[Me] = ForeignJson(Me, most_bytes=ANSWER_BYTES_MAX)
log = logging.getLogger("hermes_trio.telegram")


async def receive(
    api: BotApi, intake: Intake, *, account: str, poll_timeout_s: int, menu: Sequence[tuple[str, str]]
) -> Never:
    """Receive until cancelled; cancelled, the poll's connection is closed and nothing is confirmed.

    Args:
        intake: where updates go; its cursor is the offset to begin at.
        poll_timeout_s: how long Telegram holds an empty poll, in seconds.
        menu: (command, help) for the client's menu; empty: it is left as it is.

    Raises:
        AccountRefused: the token is refused, or a webhook holds the bot's updates.
        PollConflict: another poller has the bot.
        PlatformDown: anything else that ends receiving.
    """
    me = _me(await _ask(api, intake, "getMe", b"{}", READ_S))
    presses, pressed = trio.open_memory_channel[str](PRESSES_MAX)
    ended: OutsideError | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_answer_presses, api, pressed, name=f"telegram/{account} answers presses")
        if menu:
            nursery.start_soon(_set_menu, api, account, menu, name=f"telegram/{account} sets menu")
        try:
            await _poll(api, intake, account, me, poll_timeout_s, presses)
        except OutsideError as error:
            ended = error  # raised outside the nursery, so that it arrives bare
        nursery.cancel_scope.cancel()
    assert ended is not None
    raise ended


async def _poll(
    api: BotApi,
    intake: Intake,
    account: str,
    me: Me,
    poll_timeout_s: int,
    presses: trio.MemorySendChannel[str],
) -> Never:
    cursor, pressers = intake.cursor, Pressers(api)
    timeout_s = 0  # the first poll returns at once, and so tells that the account receives
    while True:
        action = {"limit": BATCH_MAX, "timeout": timeout_s, "allowed_updates": _WANTED}
        if cursor is not None and cursor.isascii() and cursor.isdigit():
            action["offset"] = int(cursor)
        answer = await _ask(api, intake, "getUpdates", encode(action), timeout_s + READ_MARGIN_S)
        # A hundred long updates took a second in one go; others have the loop between two pieces of that.
        await trio.lowlevel.checkpoint()
        try:
            for batch in decode_batches(answer.result, account=account, me=me):
                if batch.cursor is None:
                    raise PlatformDown("getUpdates: no update has an update_id")
                await intake.accept(await pressers.named(batch.updates), cursor=batch.cursor)
                cursor = batch.cursor
                for press in batch.presses:
                    _offer(presses, press)
        except NotJson as error:
            raise PlatformDown(f"getUpdates: {error}") from None
        intake.received()
        timeout_s = poll_timeout_s


def _offer(presses: trio.MemorySendChannel[str], press: str) -> None:
    try:
        presses.send_nowait(press)
    except trio.WouldBlock:
        log.info("press not answered why=too many at once")


def _me(answer: Answer) -> Me:
    try:
        return _read_me(answer.result)
    except NotJson as error:
        raise PlatformDown(f"getMe: {error}") from None


async def _ask(api: BotApi, intake: Intake, method: str, body: bytes, read_s: float) -> Answer:
    while True:
        try:
            answer = await api.call(method, body, read_s=read_s)
        except (NotSent, SendUnknown) as error:
            raise PlatformDown(str(error)) from None
        if answer.ok:
            return answer
        why = f"{method}: {answer.error_code} {answer.description}"
        if answer.error_code != 429:
            raise_refusal(answer, why)
        intake.failed(why)
        await trio.sleep(min(max(1.0, answer.parameters.retry_after or 0.0), LONGEST_WAIT_S))


async def _set_menu(api: BotApi, account: str, menu: Sequence[tuple[str, str]]) -> None:
    try:
        answer = await api.call("setMyCommands", encode({"commands": menu_of(menu)}))
    except (NotSent, SendUnknown) as error:
        log.warning("menu not set account=%s why=%s", account, error)
        return
    if not answer.ok:
        log.warning("menu not set account=%s why=%s", account, answer.description)


async def _answer_presses(api: BotApi, pressed: trio.MemoryReceiveChannel[str]) -> None:
    """Stop the waiting sign on pressed buttons. Only that: the press itself is durable already."""
    async for press in pressed:
        with trio.move_on_after(ANSWER_PRESS_S):
            try:
                answer = await api.call("answerCallbackQuery", encode({"callback_query_id": press}))
            except (NotSent, SendUnknown) as error:
                log.info("press not answered why=%s", error)
                continue
            if not answer.ok:
                log.info("press not answered why=%s", answer.description)
