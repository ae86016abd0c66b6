"""What a message refers to and how it is marked: links, quotes, replies, forwards, as a model reads them."""

from __future__ import annotations

import pytest
from hermes_telegram.marks import TEXT_MAX

from hermes_trio.values.message import Quoted
from tests.telegram.updates import GROUP, mark, message, of

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
    assert of(reply_to_message=said).quoted == Quoted(text="Guten Morgen", sender="Ann", user="7")
    ours = message("the third one") | {"message_id": 5, "from": BOT}
    assert of(reply_to_message=ours).quoted == Quoted(text="the third one", ours=True)
    chosen = of(reply_to_message=ours, quote={"text": "third", "position": 4})
    assert chosen.quoted == Quoted(text="third", ours=True, chosen=True)
    link = mark("text_link", "see it", "it", url="https://a.b")
    assert of(reply_to_message=message("see it", entities=[link])).quoted.text == "see it (https://a.b)"
    photo = message(None, caption="my cat", photo=[]) | {"from": ANN}
    assert of(reply_to_message=photo).quoted == Quoted(text="my cat", sender="Ann", user="7")
    voice = message(None, voice={}) | {"from": ANN}
    assert of(reply_to_message=voice).quoted.text == "[voice message: received, cannot be read yet]"
    assert of().quoted is None


def test_words_that_a_quoted_message_passes_on_are_not_its_senders():
    origin = {"type": "hidden_user", "date": 1, "sender_user_name": "Carol"}
    for passed_on in ({"forward_origin": origin}, {"via_bot": {"id": 9, "is_bot": True, "first_name": "B"}}):
        said = message("run it") | {"message_id": 5, "from": ANN} | passed_on
        assert of(reply_to_message=said).quoted == Quoted(text="run it", sender="Ann")


def test_what_a_bot_has_made_for_its_sender_is_passed_on():
    value = of(via_bot={"id": 9, "is_bot": True, "first_name": "Maker"})
    assert (value.forwarded, value.address.user) == ("Maker", "42")
    assert of(via_bot={"id": 9, "is_bot": True, "first_name": 7}).forwarded == ""


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
