"""To whom a text speaks, and what it says to them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hermes_telegram.entities import Entity, Units
from hermes_telegram.marks import spelled
from hermes_trio import units


class Spoken(msgspec.Struct):
    """What a text says, and to whom.

    Args:
        text: without a leading mention of the bot and without the bot's name behind a command.
        to_us: the bot is mentioned or commanded.
        to_another: it is a command for another bot.
    """

    text: str
    to_us: bool = False
    to_another: bool = False


def listen(text: str, entities: Sequence[Entity], bot_id: int, bot_name: str) -> Spoken:
    """Read who a text speaks to, and take the address off it."""
    if not entities:
        return Spoken(text.replace("\x00", ""))
    text, entities = spelled(text, entities)
    counted = Units(text)
    name = f"@{bot_name}".casefold()
    rest, taken = text, 0  # the bot's name was taken off so far
    to_us = to_another = False
    for entity in sorted(entities, key=lambda entity: entity.offset):
        said = counted.cut(entity.offset, entity.end)
        leads = not counted.cut(taken, entity.offset).strip()
        if _is_mention(entity, said, bot_id, name):
            to_us = True
            if leads:
                rest = counted.cut(entity.end).lstrip(" \t\r\n,:")
                taken = counted.length - units(rest, "utf16")
        elif entity.type == "bot_command" and leads:
            command, at, other = said.partition("@")
            to_another = bool(at) and f"@{other}".casefold() != name
            to_us = not to_another
            behind = counted.cut(entity.end)
            rest = counted.cut(entity.offset) if to_another else f"{command}{behind}"
            break
    return Spoken((rest or text).replace("\x00", ""), to_us, to_another)


def _is_mention(entity: Entity, said: str, bot_id: int, name: str) -> bool:
    if entity.type == "mention":
        return said.casefold() == name
    return entity.type == "text_mention" and entity.user is not None and entity.user.id == bot_id
