"""Update JSON becomes our values, whatever it holds."""

from __future__ import annotations

import msgspec
import pytest
from hermes_telegram.broken_json import mended
from hermes_telegram.entities import to_entities
from hermes_telegram.marks import TEXT_MAX
from hermes_telegram.wire import BATCH_BYTES, Me, decode_batches, decode_update

from hermes_trio.values.delivery import Span
from hermes_trio.values.identity import Address
from hermes_trio.values.message import Message, Moved, Quoted, Undecodable

ME = Me(id=500, username="Hermes_Bot")
GROUP = {"id": -100777, "type": "supergroup", "title": "G"}
PRIVATE = {"id": 42, "type": "private", "first_name": "Ada"}
ADA = {"id": 42, "is_bot": False, "first_name": "Ada", "last_name": "L"}


def message(text: str | None = "hello", chat=PRIVATE, **more) -> dict:
    base = {"message_id": 9, "date": 1700000000, "chat": chat, "from": ADA}
    return base | ({} if text is None else {"text": text}) | more


def update(**fields) -> bytes:
    return msgspec.json.encode({"update_id": 77} | fields)


def decoded(raw: bytes) -> Message | Undecodable | None:
    value, number, _ = decode_update(raw, account="main", me=ME)
    assert number == 77
    return value


def of(text: str | None = "hello", chat=PRIVATE, **more) -> Message:
    value = decoded(update(message=message(text, chat, **more)))
    assert isinstance(value, Message)
    return value


def mark(kind: str, text: str, word: str, **more) -> dict:
    """An entity on `word`, measured as Telegram does."""
    before = text[: text.index(word)]
    units = [len(part.encode("utf-16-le")) // 2 for part in (before, word)]
    return {"type": kind, "offset": units[0], "length": units[1]} | more


def test_a_private_message_keeps_all_of_itself():
    raw = update(message=message("hello"))
    assert decoded(raw) == Message(
        native="42/9",
        address=Address("telegram", "main", "42", None, "42"),
        text="hello",
        message_id="9",
        private=True,
        sender="Ada L",
        addressed=True,
        sent_at=1700000000.0,
        raw=raw,
    )


ANN = {"id": 7, "is_bot": False, "first_name": "Ann"}
BOT = {"id": 500, "is_bot": True, "first_name": "H"}


def test_the_address_of_a_link_stands_behind_its_words():
    text = "😀 @Hermes_Bot sum up this page, and https://a.b"
    entities = [
        mark("mention", text, "@Hermes_Bot"),
        mark("text_link", text, "this page", url="https://x.org/a"),
        mark("text_link", text, "https://a.b", url="https://a.b"),
        mark("text_link", text, "😀", url="tg://emoji?id=1"),
    ]
    value = of(text, GROUP, entities=entities)
    assert (
        value.text == "😀 (tg://emoji?id=1) @Hermes_Bot sum up this page (https://x.org/a), and https://a.b"
    )
    assert value.addressed
    text = "@Hermes_Bot see this"
    entities = [mark("mention", text, "@Hermes_Bot"), mark("text_link", text, "this", url="https://x.org/")]
    assert of(text, GROUP, entities=entities).text == "see this (https://x.org/)"
    photo = of(None, caption="from here", caption_entities=[entities[1] | {"offset": 5}], photo=[])
    assert photo.text == "from here (https://x.org/)\n[photo: received, cannot be read yet]"


@pytest.mark.parametrize(
    ("text", "marks", "read"),
    [
        ("fix: print(x)", [("pre", "print(x)", {"language": "python"})], "fix: \n```python\nprint(x)\n```"),
        ("a\nls\nb", [("pre", "ls", {})], "a\n```\nls\n```\nb"),
        ("ls", [("pre", "ls", {"language": "a`\nb"})], "```\nls\n```"),
        ("x\n```\ny", [("pre", "x\n```\ny", {})], "````\nx\n```\ny\n````"),
        ("ls\n", [("pre", "ls\n", {})], "```\nls\n```"),
        ("😀 run ls -l now", [("code", "ls -l", {})], "😀 run `ls -l` now"),
        ("the `tick", [("code", "`tick", {})], "the `` `tick ``"),
        ("buy milk, eggs", [("strikethrough", "milk", {})], "buy ~~milk~~, eggs"),
        (
            "so he said:\nbe\nquick\nwhy?",
            [("blockquote", "be\nquick", {})],
            "so he said:\n> be\n> quick\nwhy?",
        ),
        ("why? be quick", [("expandable_blockquote", "be quick", {})], "why? \n> be quick"),
        (
            "see\n😀 this\nls",
            [
                ("blockquote", "see\n😀 this\nls", {}),
                ("text_link", "this", {"url": "https://x.org"}),
                ("pre", "ls", {}),
            ],
            "> see\n> 😀 this (https://x.org)\n> ```\n> ls\n> ```",
        ),
        (
            "it ls",
            [("text_link", "it", {"url": "https://x.org"}), ("code", "ls", {})],
            "it (https://x.org) `ls`",
        ),
        (
            "itls",
            [("text_link", "it", {"url": "https://x.org"}), ("code", "ls", {})],
            "it (https://x.org)`ls`",
        ),
        ("a b", [("code", "", {}), ("pre", "", {}), ("bold", "a", {}), ("future", "b", {})], "a b"),
    ],
)
def test_what_a_person_marked_as_code_or_quote_or_struck_out_is_read_as_such(text, marks, read):
    entities = [mark(kind, text, word, **more) for kind, word, more in marks]
    assert of(text, entities=entities).text == read
    assert of(text, entities=entities[::-1]).text == read
    assert of("what?", reply_to_message=message(text, entities=entities)).quoted.text == read


def test_the_bot_is_still_addressed_beside_and_within_what_is_marked():
    text = "@Hermes_Bot ls"
    both = [mark("mention", text, "@Hermes_Bot"), mark("code", text, "ls")]
    assert of(text, GROUP, entities=both).text == "`ls`"
    inside = of(text, GROUP, entities=[both[0], mark("blockquote", text, text)])
    assert (inside.addressed, inside.text) == (True, "> @Hermes_Bot ls")
    command = "/queue ls"
    queued = [mark("bot_command", command, "/queue"), mark("code", command, "ls")]
    assert of(command, entities=queued).text == "/queue `ls`"
    struck = "@Hermes_Bot milk"
    out = [mark("mention", struck, "@Hermes_Bot"), mark("strikethrough", struck, struck)]
    assert of(struck, GROUP, entities=out).addressed


def test_a_text_longer_than_any_of_telegram_stands_as_it_came():
    text = "é" * (TEXT_MAX + 1)
    assert of(text, entities=[mark("code", text, text)]).text == text
    assert of(text[1:], entities=[mark("code", text[1:], text[1:])]).text == f"`{text[1:]}`"


def test_what_was_quoted_as_a_command_is_none():
    text = "/new"
    value = of(text, entities=[mark("bot_command", text, text), mark("blockquote", text, text)])
    assert value.text == "> /new"


def test_a_reply_has_what_it_answers():
    said = message("Guten Morgen") | {"message_id": 5, "from": ANN}
    assert of(reply_to_message=said).quoted == Quoted(text="Guten Morgen", sender="Ann")
    ours = message("the third one") | {"message_id": 5, "from": BOT}
    assert of(reply_to_message=ours).quoted == Quoted(text="the third one", ours=True)
    chosen = of(reply_to_message=ours, quote={"text": "third", "position": 4})
    assert chosen.quoted == Quoted(text="third", ours=True, chosen=True)
    link = mark("text_link", "see it", "it", url="https://a.b")
    assert of(reply_to_message=message("see it", entities=[link])).quoted.text == "see it (https://a.b)"
    photo = message(None, caption="my cat", photo=[]) | {"from": ANN}
    assert of(reply_to_message=photo).quoted == Quoted(text="my cat", sender="Ann")
    voice = message(None, voice={}) | {"from": ANN}
    assert of(reply_to_message=voice).quoted.text == "[voice message: received, cannot be read yet]"
    assert of().quoted is None


def test_a_reply_to_another_chat_has_what_was_quoted_and_whose_it_is():
    origin = {"type": "channel", "date": 1, "chat": {"id": -100, "type": "channel", "title": "News"}}
    value = of(external_reply={"origin": origin}, quote={"text": "the sky is green", "position": 0})
    assert value.quoted == Quoted(text="the sky is green", sender="News", chosen=True)
    assert value.replies_to is None


ORIGINS = [
    ({"type": "user", "sender_user": ANN}, "Ann"),
    ({"type": "hidden_user", "sender_user_name": "Carol"}, "Carol"),
    ({"type": "chat", "sender_chat": {"id": -1, "type": "group", "title": "Club"}}, "Club"),
    ({"type": "channel", "chat": {"id": -1, "type": "channel", "title": "News"}, "message_id": 3}, "News"),
    ({"type": "brand_new", "thing": {"a": 1}}, ""),
    ({"type": "user", "sender_user": "odd"}, ""),
    ("odd", ""),
]


@pytest.mark.parametrize(("origin", "name"), ORIGINS)
def test_a_forward_says_where_it_comes_from_and_an_odd_one_costs_only_that(origin, name):
    assert of("You won", forward_origin=origin).forwarded == name
    assert of("You won").forwarded is of("You won", forward_origin=None).forwarded is None


@pytest.mark.parametrize(
    "odd", [{"reply_to_message": {"message_id": 5, "text": 7}}, {"quote": 5}, {"external_reply": []}]
)
def test_an_odd_reply_costs_what_it_says_and_never_the_message(odd):
    value = of("hello", **odd)
    assert (value.text, value.quoted) == ("hello", None)


def test_what_is_said_in_the_name_of_a_chat_is_said_by_that_chat():
    anonymous = {"id": 1087968824, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
    value = of("hi", GROUP, **{"from": anonymous, "sender_chat": GROUP})
    assert (value.address.user, value.sender, value.bot) == ("-100777", "G", False)
    channel = {"id": -100888, "type": "channel", "title": "News"}
    telegram = {"id": 777000, "is_bot": False, "first_name": "Telegram"}
    value = of("post", GROUP, **{"from": telegram, "sender_chat": channel}, is_automatic_forward=True)
    assert (value.address.user, value.sender, value.bot) == ("-100888", "News", False)


def test_a_group_that_becomes_a_supergroup_is_news_in_both():
    group = {"id": -5, "type": "group", "title": "G"}
    assert decoded(update(message=message(None, group, migrate_to_chat_id=-100777))) == Moved(
        native="-5/9", chat="-5", becomes="-100777"
    )
    assert decoded(update(message=message(None, GROUP, migrate_from_chat_id=-5))) == Moved(
        native="-100777/9", chat="-5", becomes="-100777"
    )


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


def test_offsets_beyond_the_text_harm_nothing():
    value = of("hé", GROUP, entities=[{"type": "mention", "offset": 40, "length": 9}])
    assert (value.text, value.addressed) == ("hé", False)


def test_a_photo_is_its_caption_and_a_line_that_says_so_and_its_album_is_kept():
    caption = "@hermes_bot what is it"
    value = of(
        None,
        GROUP,
        photo=[{"file_id": "x"}],
        caption=caption,
        caption_entities=[mark("mention", caption, "@hermes_bot")],
        media_group_id="12",
    )
    assert value.text == "what is it\n[photo: received, cannot be read yet]"
    assert (value.addressed, value.album) == (True, "12")


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"document": {"file_name": "a\n\u0000b.pdf"}}, "[file a b.pdf: received, cannot be read yet]"),
        ({"animation": {}, "document": {}}, "[animation: received, cannot be read yet]"),
        ({"sticker": {"emoji": "😀"}}, "[sticker 😀: received, cannot be read yet]"),
        ({"voice": {"duration": 1}}, "[voice message: received, cannot be read yet]"),
        ({"venue": {}, "location": {}}, "[venue: received, cannot be read yet]"),
        ({"photo": "not what it should be"}, "[photo: received, cannot be read yet]"),
    ],
)
def test_media_are_told_in_one_line(fields, line):
    assert of(None, **fields).text == line


@pytest.mark.parametrize(
    "fields",
    [
        {"message": message(None, GROUP, new_chat_members=[ADA])},
        {"message": message(None, GROUP, pinned_message=message("x", GROUP))},
        {"message": message("x", {"id": -1, "type": "channel"})},
        {"channel_post": message("x", {"id": -1, "type": "channel"})},
        {"edited_message": message("x")},
        {"something_new": {"a": 1}},
    ],
)
def test_what_no_person_said_to_us_is_nothing(fields):
    assert decoded(update(**fields)) is None


@pytest.mark.parametrize(
    "raw",
    [
        update(message={"message_id": "nine"}),
        update(message=message() | {"chat": {"id": 42}}),
        update(message=message(7)),
        update(message=message(None, from_the_future={"x": 1})),
        update(callback_query={"id": "1", "from": ADA, "chat_instance": "1", "data": "x"}),
    ],
)
def test_what_cannot_be_read_is_kept_whole_under_its_number(raw):
    value = decoded(raw)
    assert isinstance(value, Undecodable)
    assert (value.native, value.raw) == ("update/77", raw)
    assert value.why


def test_a_bad_update_does_not_harm_its_neighbours():
    good = [update(message=message(f"m{n}") | {"message_id": n}) for n in range(2)]
    raws = [good[0], b'{"update_id": 78, "message": 3}', b'"rubbish"', good[1].replace(b"77", b"80")]
    (batch,) = decode_batches(b"[" + b",".join(raws) + b"]", account="main", me=ME)
    kinds = [type(value).__name__ for value in batch.updates]
    assert kinds == ["Message", "Undecodable", "Undecodable", "Message"]
    assert batch.cursor == "81"
    assert len({value.native for value in batch.updates}) == 4


def test_the_cursor_follows_telegram_when_it_starts_to_number_anew():
    raws = [update(message=message()).replace(b"77", b"900"), update(message=message()).replace(b"77", b"12")]
    (batch,) = decode_batches(b"[" + b",".join(raws) + b"]", account="main", me=ME)
    assert batch.cursor == "13"


def numbered(number, text):
    return update(message=message(text)).replace(b"77", str(number).encode())


def test_long_updates_come_in_batches_each_with_its_cursor():
    long = [numbered(n, "x" * 30_000) for n in (1, 2, 3)]
    rubbish = b'"' + b"y" * BATCH_BYTES + b'"'
    raws = [rubbish, *long, rubbish, numbered(4, "short")]
    batches = list(decode_batches(b"[" + b",".join(raws) + b"]", account="main", me=ME))
    assert [(len(batch.updates), batch.cursor) for batch in batches] == [
        (2, "2"),
        (2, "4"),
        (1, "4"),
        (1, "5"),
    ]


def test_without_a_number_nothing_is_confirmed():
    (batch,) = decode_batches(b'["rubbish"]', account="main", me=ME)
    assert batch.cursor is None


def test_a_press_carries_its_choice_and_its_label():
    prompt = message("Sure?", GROUP, message_thread_id=5, is_topic_message=True) | {
        "message_id": 30,
        "reply_markup": {"inline_keyboard": [[{"text": "Yes", "callback_data": "t1"}]]},
    }
    press = {"id": "8", "from": ADA, "chat_instance": "1", "data": "t1", "message": prompt}
    raw = update(callback_query=press)
    value, _, press_id = decode_update(raw, account="main", me=ME)
    assert press_id == "8"
    assert value == Message(
        native="callback/8",
        address=Address("telegram", "main", "-100777", "5", "42"),
        text="Yes",
        message_id="30",
        private=False,
        sender="Ada L",
        addressed=True,
        replies_to="30",
        choice="t1",
        raw=raw,
    )


def test_a_press_on_a_message_too_old_to_be_shown_still_counts():
    press = {"id": "8", "from": ADA, "data": "t1", "message": {"chat": PRIVATE, "message_id": 30, "date": 0}}
    value = decoded(update(callback_query=press))
    assert (value.text, value.choice) == ("t1", "t1")


def test_bots_are_marked_and_a_message_of_nobody_has_no_user():
    assert of(chat=GROUP, **{"from": {"id": 3, "is_bot": True, "first_name": "B"}}).bot
    nobody = message(chat=GROUP)
    del nobody["from"]
    assert decoded(update(message=nobody)).address.user is None


def test_lone_surrogates_and_nul_do_not_survive():
    raw = rb'{"update_id":77,"message":{"message_id":9,"date":1,"chat":{"id":-5,"type":"group"},'
    raw += rb'"text":"a\ud83d @hermes_bot \u0000\\ud800 \ud83d\ude00","entities":'
    raw += rb'[{"type":"mention","offset":3,"length":11}]}}'
    value = decoded(raw)
    assert (value.text, value.addressed) == ("a\ufffd @hermes_bot \\ud800 😀", True)


def test_mending_touches_only_what_is_broken():
    assert mended(rb'"\ud83d\ude00 \\ud83d \u0041 \n"') == rb'"\ud83d\ude00 \\ud83d \u0041 \n"'
    assert mended(rb'"\ude00\ud83d"') == rb'"\ufffd\ufffd"'
    assert mended(b'"a\xffb"').decode() == '"a\ufffdb"'


def test_spans_become_entities_in_utf16_units():
    text = "😀 bold 👩‍👧 code"
    bold, code = text.index("bold"), text.index("code")
    spans = [
        Span(bold, bold + 4, "bold"),
        Span(code, code + 4, "pre", "python"),
        Span(0, 1, "link", "https://example.org"),
        Span(3, 3, "italic"),
    ]
    got = to_entities(text, spans)
    assert got == [
        {"type": "bold", "offset": 3, "length": 4},
        {"type": "pre", "offset": 14, "length": 4, "language": "python"},
        {"type": "text_link", "offset": 0, "length": 2, "url": "https://example.org"},
    ]
    units = text.encode("utf-16-le")
    cut = [units[2 * e["offset"] : 2 * (e["offset"] + e["length"])].decode("utf-16-le") for e in got]
    assert cut == ["bold", "code", "😀"]
