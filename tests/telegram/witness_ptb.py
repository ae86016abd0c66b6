"""python-telegram-bot, a client nobody here wrote, talks to the fake: poll, send, edit, and the rest."""

from __future__ import annotations

import asyncio
import sys

import httpx
import pytest
from telegram import Bot, BotCommand, InlineKeyboardButton, InlineKeyboardMarkup, MessageEntity
from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter


async def main(url: str, token: str) -> None:
    async with Bot(token, base_url=f"{url}/bot") as bot:
        me = await bot.get_me()
        assert me.is_bot
        assert me.username == "hermes_bot"
        [update] = await bot.get_updates(timeout=5, allowed_updates=["message", "callback_query"])
        assert update.message.text == "/start hello @hermes_bot"
        assert [entity.type for entity in update.message.entities] == ["bot_command", "mention"]
        chat = update.message.chat_id
        sent = await bot.send_message(
            chat,
            "😀 bold",
            entities=[MessageEntity("bold", 3, 4)],
            reply_to_message_id=update.message.message_id,
            reply_markup=InlineKeyboardMarkup([[InlineKeyboardButton("Yes", callback_data="y")]]),
        )
        assert sent.parse_entities() == {sent.entities[0]: "bold"}
        assert sent.reply_to_message.text == update.message.text
        edited = await bot.edit_message_text("edited", chat_id=chat, message_id=sent.message_id)
        assert edited.text == "edited"
        with pytest.raises(BadRequest, match="not modified"):
            await bot.edit_message_text("edited", chat_id=chat, message_id=sent.message_id)
        await bot.send_chat_action(chat, "typing")
        await bot.set_message_reaction(chat, update.message.message_id, "👀")
        assert (await bot.get_chat_member(chat, 42)).status == "member"
        assert (await bot.get_chat_member(chat, 43)).is_anonymous
        await bot.set_my_commands([BotCommand("new", "start afresh")])
        # The offset confirms the first; the fake is asked to press through its control port meanwhile.
        [press] = await bot.get_updates(offset=update.update_id + 1, timeout=5)
        assert press.callback_query.data == "y"
        await press.callback_query.answer()
        await bot.delete_message(chat, sent.message_id)
        assert (await bot.get_webhook_info()).url == ""
        await refusals(bot, chat)
        await two_polls(bot, url, press.update_id + 1)
    with pytest.raises(InvalidToken):
        await Bot("1:wrong", base_url=f"{url}/bot").initialize()
    print("witness satisfied", flush=True)


async def refusals(bot: Bot, chat: int) -> None:
    with pytest.raises(RetryAfter) as slow_down:
        await bot.send_message(chat, "too fast")
    assert slow_down.value._retry_after.total_seconds() == 7
    for wrong, text in ((999, "hello"), (chat, "x" * 4097), (chat, " ")):
        with pytest.raises(BadRequest):
            await bot.send_message(wrong, text)


async def two_polls(bot: Bot, url: str, offset: int) -> None:
    older = asyncio.create_task(bot.get_updates(offset=offset, timeout=5))
    async with httpx.AsyncClient(trust_env=False) as client:
        while (await client.get(f"{url}/_stats")).json()["pollers"] == 0:
            pass
    async with Bot(bot.token, base_url=f"{url}/bot") as other:
        newer = asyncio.create_task(other.get_updates(timeout=1))
        with pytest.raises(Conflict):
            await older
        await newer


asyncio.run(main(*sys.argv[1:]))
