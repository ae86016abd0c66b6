"""Deliveries: one call each, to the address and nowhere else, ended by a receipt or one of three errors."""

from __future__ import annotations

import traceback
from functools import partial

import pytest
import trio
from hermes_telegram.api import open_api

from hermes_trio.errors import ChatMoved, NotSent, SendFailed, SendRefused, SendUnknown
from hermes_trio.text.chunking import units
from hermes_trio.values.delivery import Choice, Delivery, Part, Receipt, Span
from hermes_trio.values.identity import Address
from tests.fakes.botapi import TOKEN, FakeBotApi
from tests.telegram.opened import opened

HERE = Address("telegram", "main", "42", None, "42")


def send(text: str = "hello", *spans: Span, to: Address = HERE, **more) -> Delivery:
    return Delivery(op="send", address=to, part=Part(text, spans), **more)


@pytest.fixture
async def fake(nursery):
    fake = FakeBotApi()
    fake.url = await nursery.start(fake.serve)
    fake.chat(42)
    fake.chat(-100)
    yield fake
    nursery.cancel_scope.cancel()


@pytest.fixture
async def platform(fake):
    async with opened(fake.url) as platform:
        yield platform


async def test_a_send_is_received_with_its_id(fake, platform):
    text = "😀 bold"
    receipt = await platform.deliver(send(text, Span(2, 6, "bold")))
    [shown] = fake.sent(42)
    assert receipt == Receipt(str(shown.message_id))
    assert (shown.text, shown.entities) == (text, [{"type": "bold", "offset": 3, "length": 4}])


async def test_edit_delete_react_and_typing_do_what_they_say(fake, platform):
    asked = fake.push(42, "hi")
    sent = (await platform.deliver(send("first"))).message_id
    edit = Delivery(op="edit", address=HERE, message_id=sent, part=Part("second"))
    assert await platform.deliver(edit) == Receipt(sent)
    assert await platform.deliver(edit) == Receipt(sent)  # not modified is a success
    assert fake.texts(42) == ["second"]
    delete = Delivery(op="delete", address=HERE, message_id=sent)
    assert await platform.deliver(delete) == Receipt(sent)
    assert await platform.deliver(delete) == Receipt(sent)  # already gone is a success
    assert fake.texts(42) == []
    for op, reactions in (("react", [{"type": "emoji", "emoji": "👀"}]), ("unreact", [])):
        await platform.deliver(Delivery(op=op, address=HERE, message_id=str(asked)))
        assert fake.reactions[42, asked] == reactions
    assert await platform.deliver(Delivery(op="typing", address=HERE)) == Receipt(None)
    assert [call.params for call in fake.typing(42)] == [{"chat_id": 42, "action": "typing"}]


async def test_a_topic_gets_its_sends_and_typing_and_the_general_one_carries_no_number(fake, platform):
    fake.topic(-100, 5)
    topic = Address("telegram", "main", "-100", "5", "42")
    general = Address("telegram", "main", "-100", None, "42")
    await platform.deliver(send("in the topic", to=topic))
    await platform.deliver(Delivery(op="typing", address=topic))
    await platform.deliver(send("in general", to=general))
    assert [(shown.text, shown.thread) for shown in fake.sent(-100)] == [
        ("in the topic", 5),
        ("in general", None),
    ]
    assert fake.typing(-100)[0].params["message_thread_id"] == 5


async def test_direct_messages_to_a_channel_are_answered_to_their_person_and_nobody_types(fake, platform):
    fake.topic(-100, 5)
    fake.direct.add(-100)
    direct = Address("telegram", "main", "-100", "direct/5", "42")
    await platform.deliver(send("to you", to=direct))
    with pytest.raises(SendRefused):
        await platform.deliver(Delivery(op="typing", address=direct))
    assert [(shown.text, shown.thread) for shown in fake.sent(-100)] == [("to you", 5)]
    assert fake.counts["sendChatAction"] == 0


@pytest.mark.parametrize("state", ["closed", "deleted"])
async def test_a_topic_that_refuses_is_never_answered_in_the_main_chat(fake, platform, state):
    fake.topic(-100, 5, state)
    with pytest.raises(SendRefused) as refused:
        await platform.deliver(send("x", to=Address("telegram", "main", "-100", "5")))
    assert refused.value.kind == "gone"
    assert fake.sent(-100) == []
    assert fake.counts["sendMessage"] == 1


async def test_a_reply_is_anchored_and_goes_out_without_an_anchor_that_is_gone(fake, platform):
    asked = fake.push(42, "question")
    await platform.deliver(send("answer", reply_to=str(asked)))
    await platform.deliver(send("late answer", reply_to="99999"))
    assert [shown.reply_to for shown in fake.sent(42)] == [asked, None]


async def test_in_a_topic_too_an_answer_goes_out_without_an_anchor_that_is_gone(fake, platform):
    fake.topic(-100, 5)
    there = Address("telegram", "main", "-100", "5", "42")
    await platform.deliver(send("hello", Span(0, 5, "bold"), to=there, reply_to="4711"))
    [shown] = fake.sent(-100)
    assert (shown.text, shown.thread, shown.reply_to) == ("hello", 5, None)
    assert [entity["type"] for entity in shown.entities] == ["bold"]
    assert len(fake.called("sendMessage")) == 2


async def test_choices_are_buttons_and_an_edit_without_them_takes_them_away(fake, platform):
    choices = (Choice("t1", "Yes"), Choice("t2", "No"))
    receipt = await platform.deliver(send("Sure?", choices=choices, said="prompt"))
    [shown] = fake.sent(42)
    assert shown.buttons == [{"text": "Yes", "callback_data": "t1"}, {"text": "No", "callback_data": "t2"}]
    await platform.deliver(
        Delivery(op="edit", address=HERE, message_id=receipt.message_id, part=Part("Sure? Yes"))
    )
    assert fake.sent(42)[0].buttons == []


async def failure(fake, platform, delivery: Delivery) -> SendFailed:
    with trio.fail_after(5), pytest.raises(SendFailed) as failed:
        await platform.deliver(delivery)
    assert TOKEN not in "".join(traceback.format_exception(failed.value))
    return failed.value


NOT_SENT = [
    (503, "Service Unavailable"),
    (500, "Internal Server Error: restart"),
    (401, "Unauthorized"),
    (404, "Not Found"),
]


@pytest.mark.parametrize(("code", "said"), NOT_SENT)
async def test_certainly_not_sent(fake, platform, code, said):
    fake.refuse("sendMessage", code, said)
    assert isinstance(await failure(fake, platform, send()), NotSent)


async def test_too_fast_says_when(fake, platform):
    fake.refuse("sendMessage", 429, retry_after=17)
    error = await failure(fake, platform, send())
    assert isinstance(error, NotSent)
    assert error.retry_after_s == 17


REFUSED = [
    (403, "Forbidden: bot was blocked by the user", "gone"),
    (403, "Forbidden: bot was kicked from the supergroup chat", "gone"),
    (403, "Forbidden: user is deactivated", "gone"),
    (400, "Bad Request: chat not found", "gone"),
    (400, "Bad Request: message thread not found", "gone"),
    (400, "Bad Request: TOPIC_CLOSED", "gone"),
    (400, "Bad Request: TOPIC_DELETED", "gone"),
    (400, "Bad Request: group chat was deactivated", "gone"),
    (400, "Bad Request: not enough rights to send text messages to the chat", "gone"),
    (400, "Bad Request: can't parse entities: Can't find end of the entity", "markup"),
    (400, "Bad Request: ENTITY_BOUNDS_INVALID", "markup"),
    (400, "Bad Request: entity URL 'http://a' is invalid: Wrong HTTP URL", "markup"),
    (400, "Bad Request: message to edit not found", "lost"),
    (400, "Bad Request: message can't be edited", "lost"),
    (400, "Bad Request: MESSAGE_ID_INVALID", "lost"),
    (400, "Bad Request: message is too long", "other"),
    (400, "Bad Request: message text is empty", "other"),
    (413, "Request Entity Too Large", "other"),
]


@pytest.mark.parametrize(("code", "said", "kind"), REFUSED)
async def test_certainly_refused(fake, platform, code, said, kind):
    fake.refuse("sendMessage", code, said)
    error = await failure(fake, platform, send())
    assert isinstance(error, SendRefused)
    assert error.kind == kind
    assert said in str(error)


LINKS = [
    ("See [it](vscode://file/x.py:12).", "See it (vscode://file/x.py:12)."),
    ("At [the app](http://localhost:3000)!", "At the app (http://localhost:3000)!"),
    ("At [the app](http://host:port/x)!", "At the app (http://host:port/x)!"),
    ("See [main.c](C:/src/main.c).", "See main.c (C:/src/main.c)."),
    ("See [docs](http://).", "See docs (http://)."),
    ("See [docs](https://x.y:0/).", "See docs (https://x.y:0/)."),
    ("![dot](data:image/png;base64,iVBOR)", "dot (data:image/png;base64,iVBOR)"),
    ("Write to [me](mailto:me@x.org).", "Write to me (mailto:me@x.org)."),
]


@pytest.mark.parametrize(("written", "read"), LINKS)
async def test_an_address_that_telegram_makes_no_link_of_is_read_in_the_text(fake, platform, written, read):
    for part in platform.split(written):
        await platform.deliver(Delivery(op="send", address=HERE, part=part))
    assert fake.texts(42) == [read]


URLS = ["https://x.org", "HTTP://a.b:8080/c?d#e", "http://[::1]:80/", "https://u:p@x.y/z", "tg://user?id=1"]
URLS += ["https://пример.рф/путь", "http://10.0.0.1/", "https://x.org/a_(b)"]


@pytest.mark.parametrize("url", URLS)
async def test_an_address_that_telegram_takes_stays_behind_its_words(fake, platform, url):
    [part] = platform.split(f"see [it](<{url}>)")
    await platform.deliver(Delivery(op="send", address=HERE, part=part))
    [shown] = fake.sent(42)
    assert shown.text == "see it"
    assert [entity["type"] for entity in shown.entities] == ["text_link"]


async def test_no_link_is_lost_past_the_hundred_entities_of_a_message(fake, platform):
    parts = platform.split(" ".join(f"[w{n}](https://x.y/{n})" for n in range(130)))
    for part in parts:
        await platform.deliver(Delivery(op="send", address=HERE, part=part))
    [shown] = fake.sent(42)
    assert [entity["url"] for entity in shown.entities] == [f"https://x.y/{n}" for n in range(100)]
    assert all(f"w{n} (https://x.y/{n})" in shown.text for n in range(100, 130))


async def test_a_group_that_moved_names_where_it_is_now(fake, platform):
    fake.chat(-5)
    fake.migrate(-5, -1009)
    here = Address("telegram", "main", "-5", None, "42")
    for op in ("send", "typing"):
        part = Part("hi") if op == "send" else None
        error = await failure(fake, platform, Delivery(op=op, address=here, part=part))
        assert isinstance(error, ChatMoved)
        assert error.becomes == "-1009"


async def test_ok_in_http_and_an_error_in_the_answer_is_an_error(fake, platform):
    fake.ok_but_business_error("sendMessage")
    assert isinstance(await failure(fake, platform, send()), SendRefused)


@pytest.mark.parametrize(
    "trouble",
    [
        lambda fake: fake.ok_without_id("sendMessage"),
        lambda fake: fake.drop_conn("sendMessage"),
        lambda fake: fake.drop_conn("sendMessage", accepted=True),
        lambda fake: fake.gateway_error("sendMessage", 502),
        lambda fake: fake.gateway_error("sendMessage", 504),
    ],
    ids=["no id", "dropped", "dropped after accept", "502", "504"],
)
async def test_nobody_knows_whether_it_was_sent(fake, platform, trouble):
    trouble(fake)
    assert isinstance(await failure(fake, platform, send()), SendUnknown)
    assert fake.counts["sendMessage"] == 1


async def test_a_refusal_by_something_in_between_is_not_sent(fake, platform):
    fake.gateway_error("sendMessage", 407)
    assert isinstance(await failure(fake, platform, send()), NotSent)


async def test_an_answer_that_never_comes_is_unknown_though_it_shows(fake):
    fake.timeout_after_accept("sendMessage")
    async with open_api(fake.url, TOKEN, connect_s=0.5) as api:
        body = b'{"chat_id":42,"text":"hello"}'
        with trio.fail_after(3), pytest.raises(SendUnknown, match="no answer in time"):
            await api.call("sendMessage", body, read_s=0.1)
    assert fake.texts(42) == ["hello"]
    fake.release()


async def test_nobody_there_is_not_sent(fake):
    async with opened("http://127.0.0.1:9") as platform:
        assert isinstance(await failure(fake, platform, send()), NotSent)


async def test_not_open_is_not_sent(fake):
    async with opened(fake.url) as platform:
        pass
    assert isinstance(await failure(fake, platform, send()), NotSent)


async def test_an_address_of_another_platform_is_refused_without_a_call(fake, platform):
    odd = Address("telegram", "main", "room-1")
    assert isinstance(await failure(fake, platform, send(to=odd)), SendRefused)
    assert not fake.counts


async def test_a_cancelled_send_gives_its_connection_up(fake, platform):
    fake.hold("sendMessage")
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as sending:
            sending.start_soon(partial(platform.deliver, send()))
            await fake.wait_held("sendMessage")
            scope.cancel()
    await fake.until(lambda: not fake.held)
    await fake.connections.all_closed()
    fake.heal()
    await platform.deliver(send("next"))
    assert fake.texts(42) == ["hello", "next"]


async def test_a_long_rich_answer_arrives_in_parts_that_telegram_takes(fake, platform):
    paragraph = "😀 **bold** and `code` and [a link](https://example.org)\n\n"
    parts = platform.split(paragraph * 300)
    assert len(parts) > 2
    for part in parts:
        assert units(part.text, "utf16") <= 4092
        await platform.deliver(Delivery(op="send", address=HERE, part=part))
    assert fake.texts(42) == [part.text for part in parts]
    assert {entity["type"] for shown in fake.sent(42) for entity in shown.entities} == {
        "bold",
        "code",
        "text_link",
    }


@pytest.mark.parametrize(("options", "said"), [({}, {"is_disabled": True}), ({"link_previews": True}, None)])
async def test_what_a_text_links_to_is_fetched_by_nobody_unless_asked_for(fake, options, said):
    async with opened(fake.url, **options) as platform:
        sent = (await platform.deliver(send("https://evil.example/?d=data"))).message_id
        edit = Delivery(op="edit", address=HERE, message_id=sent, part=Part("https://evil.example/?d=more"))
        await platform.deliver(edit)
    calls = [*fake.called("sendMessage"), *fake.called("editMessageText")]
    assert [call.params.get("link_preview_options") for call in calls] == [said, said]
