"""Update JSON becomes our values, whatever it holds."""

from __future__ import annotations

import pytest
from hermes_telegram.broken_json import mended
from hermes_telegram.entities import to_entities
from hermes_telegram.wire import BATCH_BYTES, decode_batches, decode_update

from hermes_trio.values.delivery import Span
from hermes_trio.values.identity import Address
from hermes_trio.values.message import Message, Moved, Undecodable
from tests.telegram.updates import ADA, GROUP, ME, PRIVATE, decoded, mark, message, of, update


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
