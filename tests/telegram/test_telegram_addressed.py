"""To which thread a message belongs, and whether it is addressed to the bot."""

from __future__ import annotations

import pytest

from hermes_trio.values.identity import Address
from tests.telegram.updates import ADA, GROUP, PRIVATE, decoded, mark, message, of, update


def test_a_forum_topic_is_a_thread_and_so_is_one_in_a_private_chat():
    for chat in (GROUP, PRIVATE):
        assert of(chat=chat, message_thread_id=5, is_topic_message=True).address.thread == "5"


def test_a_reply_chain_of_an_ordinary_group_is_no_thread():
    replied = message("before", GROUP) | {"message_id": 5}
    value = of(chat=GROUP, message_thread_id=5, reply_to_message=replied)
    assert (value.address.thread, value.replies_to) == (None, "5")


def test_the_general_topic_is_no_thread():
    assert of(chat=GROUP, message_thread_id=1, is_topic_message=True).address.thread is None


def test_direct_messages_to_a_channel_are_a_thread_for_each_person():
    """Their topics have numbers of their own, and what is said there has to name one."""
    chat = {"id": -100778, "type": "supergroup", "title": "News", "is_direct_messages": True}
    value = of(chat=chat, direct_messages_topic={"topic_id": 5, "user": ADA})
    assert value.address == Address("telegram", "main", "-100778", "direct/5", "42")
    prompt = message("Sure?", chat, direct_messages_topic={"topic_id": 5}) | {"message_id": 30}
    press = {"id": "8", "from": ADA, "chat_instance": "1", "data": "t1", "message": prompt}
    pressed = decoded(update(callback_query=press))
    assert pressed.address == value.address


def test_the_first_message_of_a_topic_is_not_a_reply_to_the_bot_that_made_the_topic():
    bot = {"id": 500, "is_bot": True, "first_name": "H"}
    root = message(None, GROUP, forum_topic_created={"name": "T"}) | {"message_id": 5, "from": bot}
    value = of(chat=GROUP, message_thread_id=5, is_topic_message=True, reply_to_message=root)
    assert (value.addressed, value.replies_to) == (False, None)


def test_a_reply_to_the_bot_is_addressed_to_it_and_a_reply_to_another_is_not():
    for author, addressed in ((500, True), (501, False)):
        bot = {"id": author, "is_bot": True, "first_name": "H"}
        replied = message("before", GROUP) | {"message_id": 5, "from": bot}
        value = of(chat=GROUP, reply_to_message=replied)
        assert (value.addressed, value.replies_to) == (addressed, "5")


@pytest.mark.parametrize(
    ("text", "marks", "addressed", "left"),
    [
        ("hello all", [], False, "hello all"),
        ("@hermes_bot hi", [("mention", "@hermes_bot")], True, "hi"),
        ("😀 @hermes_bot, hi", [("mention", "@hermes_bot")], True, "😀 @hermes_bot, hi"),
        ("  @HERMES_BOT: hi", [("mention", "@HERMES_BOT")], True, "hi"),
        ("@other hi", [("mention", "@other")], False, "@other hi"),
        ("ask 👩‍👩‍👧 @hermes_bot", [("mention", "@hermes_bot")], True, "ask 👩‍👩‍👧 @hermes_bot"),
        ("say @hermes_bot", [], False, "say @hermes_bot"),
        ("@hermes_bot", [("mention", "@hermes_bot")], True, "@hermes_bot"),
        ("/new", [("bot_command", "/new")], True, "/new"),
        ("/new@hermes_bot now", [("bot_command", "/new@hermes_bot")], True, "/new now"),
        ("/new@otherbot now", [("bot_command", "/new@otherbot")], False, "/new@otherbot now"),
        (
            "@hermes_bot /queue@hermes_bot x",
            [("mention", "@hermes_bot"), ("bot_command", "/queue@hermes_bot")],
            True,
            "/queue x",
        ),
        ("see /new there", [("bot_command", "/new")], False, "see /new there"),
        (
            "/new@otherbot @hermes_bot",
            [("bot_command", "/new@otherbot"), ("mention", " @hermes_bot")],
            False,
            "/new@otherbot @hermes_bot",
        ),
    ],
)
def test_in_a_group_mentions_and_commands_address_the_bot(text, marks, addressed, left):
    entities = [mark(kind, text, word) for kind, word in marks]
    value = of(text, GROUP, entities=entities)
    assert (value.addressed, value.text) == (addressed, left)


def test_a_mention_without_a_username_addresses_by_id():
    text = "😀😀 Hermes, hi"
    value = of(text, GROUP, entities=[mark("text_mention", text, "Hermes", user={"id": 500})])
    assert value.addressed
    assert not of(text, GROUP, entities=[mark("text_mention", text, "Hermes", user={"id": 1})]).addressed
