"""aiogram, a client nobody here wrote, runs a bot against the fake: dispatcher, long poll, answer, edit."""

from __future__ import annotations

import asyncio
import sys

import pytest
from aiogram import Bot, Dispatcher, F
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramForbiddenError
from aiogram.filters import CommandStart
from aiogram.types import CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup, Message, MessageEntity


async def main(url: str, token: str) -> None:
    session = AiohttpSession(api=TelegramAPIServer.from_base(url))
    bot = Bot(token, session=session)
    dispatcher = Dispatcher()

    @dispatcher.message(CommandStart())
    async def start(message: Message) -> None:
        keyboard = InlineKeyboardMarkup(
            inline_keyboard=[[InlineKeyboardButton(text="Yes", callback_data="y")]]
        )
        sent = await message.reply(
            "😀 bold",
            entities=[MessageEntity(type="bold", offset=3, length=4)],
            reply_markup=keyboard,
        )
        assert sent.entities[0].extract_from(sent.text) == "bold"
        await bot.send_chat_action(message.chat.id, "typing")
        assert (await sent.edit_text("edited", reply_markup=keyboard)).text == "edited"

    @dispatcher.callback_query(F.data == "y")
    async def pressed(query: CallbackQuery) -> None:
        await query.answer()
        with pytest.raises(TelegramForbiddenError):
            await query.message.answer("blocked")
        assert await query.message.delete()
        print("witness satisfied", flush=True)
        await dispatcher.stop_polling()

    await dispatcher.start_polling(bot, polling_timeout=2, handle_signals=False)


asyncio.run(main(*sys.argv[1:]))
