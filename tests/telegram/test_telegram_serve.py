"""Receiving: every update once, in order, confirmed only when it is durable."""

from __future__ import annotations

import logging
import traceback

import msgspec
import pytest
import trio
import trio.testing
from hermes_telegram.menu import MENU_BYTES, menu_of

from hermes_trio.errors import AccountRefused, PlatformDown, PollConflict
from hermes_trio.values.delivery import Choice, Delivery, Part
from hermes_trio.values.identity import Address
from hermes_trio.values.message import Undecodable
from tests.fakes.botapi import TOKEN, FakeBotApi
from tests.heard_intake import HeardIntake
from tests.telegram.opened import opened


async def test_a_message_pushed_while_polling_is_heard_and_then_confirmed(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        await fake.until(lambda: fake.pollers == 1)
        assert intake.cycles == 1  # ready after the first, empty poll
        fake.push(42, "hello")
        await intake.until(lambda: intake.texts == ["hello"])
        await fake.wait_confirmed()
        assert intake.cursor == str(fake.offset)
        nursery.cancel_scope.cancel()


async def test_nothing_is_confirmed_before_it_is_accepted(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    intake.shut()
    fake.push(42, "one")
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        await intake.until(lambda: intake.asked == 1)
        fake.push(42, "two")
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert (fake.offsets, len(fake.pending), fake.pollers) == ([], 2, 0)
        intake.reopen()
        await intake.until(lambda: intake.texts == ["one", "two"])
        await fake.wait_confirmed()
        nursery.cancel_scope.cancel()


async def test_a_backlog_of_250_comes_whole_and_in_order(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    for n in range(250):
        fake.push(40 + n % 7, f"m{n}")
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        await intake.until(lambda: len(intake.texts) == 250)
        assert intake.texts == [f"m{n}" for n in range(250)]
        assert fake.drops == 0
        await fake.wait_confirmed()
        assert intake.asked == 3
        nursery.cancel_scope.cancel()


async def test_a_backlog_of_long_messages_is_taken_in_piece_by_piece(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    for n in range(10):
        fake.push(42, f"{n} {'x' * 30_000}")
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        await intake.until(lambda: len(intake.texts) == 10)
        assert [text[0] for text in intake.texts] == list("0123456789")
        assert intake.asked == 5
        await fake.wait_confirmed()
        assert intake.cursor == str(fake.offset)
        nursery.cancel_scope.cancel()


async def test_serving_goes_on_at_the_cursor_of_the_intake(nursery):
    fake = FakeBotApi()
    fake.push(42, "before")
    fake.push(42, "after")
    intake = HeardIntake(cursor=str(fake.pending[1][0]))
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        await intake.until(lambda: intake.texts == ["after"])
        nursery.cancel_scope.cancel()


async def test_an_update_that_cannot_be_read_is_passed_by(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    fake.push(42, "one")
    fake.push_raw(b'{"update_id":%d,"message":{"message_id":"x"}}')
    fake.push_raw(rb'{"update_id":%d,"edited_message":{"text":"\ud800"}}')
    fake.push(42, "two")
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        await intake.until(lambda: len(intake.heard) == 3)
        assert intake.texts == ["one", "two"]
        assert isinstance(intake.heard[1], Undecodable)
        await fake.wait_confirmed()
        nursery.cancel_scope.cancel()


async def test_updates_that_are_nothing_to_us_are_confirmed_all_the_same(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    fake.push_update({"edited_message": {"message_id": 1}})
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        await fake.wait_confirmed()
        assert (intake.heard, intake.cursor) == ([], str(fake.offset))
        nursery.cancel_scope.cancel()


async def test_a_press_is_heard_and_stops_spinning(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    fake.chat(42)
    async with opened(await nursery.start(fake.serve)) as platform:
        address = Address("telegram", "main", "42")
        prompt = Delivery(op="send", address=address, part=Part("Sure?"), choices=(Choice("t", "Yes"),))
        shown = int((await platform.deliver(prompt)).message_id)
        nursery.start_soon(platform.serve, intake)
        fake.refuse("answerCallbackQuery", 400, "Bad Request: query is too old")
        fake.press(42, shown, "t")
        press = fake.press(42, shown, "t")
        await intake.until(lambda: len(intake.heard) == 2)
        assert [(one.text, one.choice) for one in intake.heard] == [("Yes", "t")] * 2
        await fake.until(lambda: fake.pressed == [press])
        nursery.cancel_scope.cancel()


async def test_an_anonymous_admin_presses_in_the_name_of_the_group_and_is_asked_for_once(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    fake.anonymous.add((-100, 7))
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        for chat in (-100, 42):
            fake.chat(chat)
            asked = Delivery(
                op="send",
                address=Address("telegram", "main", str(chat), None, "7"),
                part=Part("Sure?"),
                choices=(Choice("t", "Yes"),),
            )
            await platform.deliver(asked)
        [shown], [private] = fake.sent(-100), fake.sent(42)
        for user in (7, 8, 7):
            fake.press(-100, shown.message_id, "t", user=user)
        fake.press(42, private.message_id, "t")
        await intake.hears(4)
        assert [press.address.user for press in intake.heard] == ["-100", "8", "-100", "42"]
        assert fake.counts["getChatMember"] == 2
        nursery.cancel_scope.cancel()


async def test_a_press_that_nobody_tells_whose_it_is_keeps_its_name(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    fake.refuse("getChatMember", 400, "Bad Request: CHAT_ADMIN_REQUIRED")
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        fake.chat(-100)
        asked = Delivery(
            op="send",
            address=Address("telegram", "main", "-100", None, "7"),
            part=Part("Sure?"),
            choices=(Choice("t", "Yes"),),
        )
        await platform.deliver(asked)
        fake.press(-100, fake.sent(-100)[0].message_id, "t", user=7)
        await intake.hears(1)
        assert intake.heard[0].address.user == "7"
        nursery.cancel_scope.cancel()


async def test_the_menu_is_set_once_and_its_failure_stops_nothing(nursery):
    fake = FakeBotApi()
    url = await nursery.start(fake.serve)
    async with opened(url) as platform:
        platform.menu = [("new", "start afresh")]
        for refused in (False, True):
            if refused:
                fake.refuse("setMyCommands", 500, "Internal Server Error")
            intake = HeardIntake()
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as serving:
                    serving.start_soon(platform.serve, intake)
                    await fake.wait_called("setMyCommands", 1 + refused)
                    fake.push(42, "hello")
                    await intake.until(lambda intake=intake: "hello" in intake.texts)
                    scope.cancel()
    assert fake.commands == [{"command": "new", "description": "start afresh"}]
    assert fake.counts["setMyCommands"] == 2
    nursery.cancel_scope.cancel()


async def test_what_the_menu_does_not_take_costs_that_alone(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    async with opened(await nursery.start(fake.serve)) as platform:
        platform.menu = [
            ("new-one", "x"),
            ("new", "afresh"),
            ("Привет", "x"),
            ("Ask_me", " "),
            ("a" * 33, "x"),
        ]
        nursery.start_soon(platform.serve, intake)
        await fake.until(lambda: fake.commands)
        assert fake.commands == [
            {"command": "new", "description": "afresh"},
            {"command": "ask_me", "description": "ask_me"},
        ]
        nursery.cancel_scope.cancel()


def test_a_long_menu_says_of_each_command_what_there_is_room_for():
    menu = menu_of([(f"command_{n}", "é" * 300) for n in range(120)])
    assert len(menu) == 100
    assert len(msgspec.json.encode({"commands": menu})) <= MENU_BYTES
    assert menu[0]["description"].startswith("éé")
    assert menu_of([("new", "x" * 300)]) == [{"command": "new", "description": "x" * 256}]


async def test_no_menu_is_no_call(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        await fake.until(lambda: fake.pollers == 1)
        assert fake.counts == {"getMe": 1, "getUpdates": 2}
        nursery.cancel_scope.cancel()


async def raised(nursery, kind, *, when=lambda fake: None, before=lambda fake: None):
    """What serve raises when `before` is so at the start, or `when` happens during a long poll."""
    fake, intake = FakeBotApi(), HeardIntake()
    before(fake)
    async with opened(await nursery.start(fake.serve)) as platform:

        async def happen() -> None:
            await fake.until(lambda: fake.pollers)
            when(fake)

        nursery.start_soon(happen)
        with trio.fail_after(5), pytest.raises(kind) as error:
            await platform.serve(intake)
    nursery.cancel_scope.cancel()
    assert TOKEN not in "".join(traceback.format_exception(error.value))
    return str(error.value)


async def test_a_refused_token_stops_the_account(nursery):
    why = await raised(nursery, AccountRefused, before=lambda fake: fake.set_token("1:other"))
    assert "401" in why


async def test_a_token_revoked_while_polling_stops_the_account(nursery):
    def revoke(fake):
        fake.refuse("getUpdates", 401, "Unauthorized")
        fake.push(42)

    await raised(nursery, AccountRefused, when=revoke)


async def test_an_active_webhook_is_said_in_words(nursery):
    why = await raised(nursery, AccountRefused, before=lambda fake: fake.set_webhook("https://x"))
    assert "deleteWebhook" in why


async def test_another_poller_is_a_conflict(nursery):
    def terminate(fake):
        fake.refuse("getUpdates", 409, "Conflict: terminated by other getUpdates request")
        fake.push(42)

    await raised(nursery, PollConflict, when=terminate)


async def test_of_two_real_pollers_one_hears_of_the_other(nursery):
    fake, ended = FakeBotApi(), []
    url = await nursery.start(fake.serve)
    async with opened(url) as first, opened(url) as second:

        async def serve(platform) -> None:
            try:
                await platform.serve(HeardIntake())
            except PollConflict:
                ended.append(platform)

        nursery.start_soon(serve, first)
        await fake.until(lambda: fake.pollers == 1)
        nursery.start_soon(serve, second)
        await fake.wait_called("getUpdates", 4)
        await fake.until(lambda: fake.pollers == 1)
        await trio.testing.wait_all_tasks_blocked(0.02)
        assert ended == [first]
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "trouble",
    [
        lambda fake: fake.go_down(),
        lambda fake: (fake.gateway_error("getUpdates"), fake.push(42)),
        lambda fake: (fake.refuse("getUpdates", 500, "Internal Server Error"), fake.push(42)),
    ],
    ids=["network drop", "gateway", "server error"],
)
async def test_trouble_on_the_way_is_a_platform_that_is_down(nursery, trouble):
    await raised(nursery, PlatformDown, when=trouble)


async def test_nobody_there_is_a_platform_that_is_down():
    async with opened("http://127.0.0.1:9") as platform:
        with pytest.raises(PlatformDown, match="getMe: not connected"):
            await platform.serve(HeardIntake())


async def test_what_was_lost_on_the_way_comes_again(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    async with opened(await nursery.start(fake.serve)) as platform:
        fake.push(42, "hello")
        fake.drop_conn("getUpdates", accepted=True)
        with pytest.raises(PlatformDown):
            await platform.serve(intake)
        nursery.start_soon(platform.serve, intake)
        await intake.until(lambda: intake.texts == ["hello"])
        nursery.cancel_scope.cancel()


async def test_asked_to_wait_it_waits_and_says_that_it_is_degraded(nursery):
    fake, intake = FakeBotApi(), HeardIntake()
    fake.refuse("getUpdates", 429, retry_after=1)
    fake.push(42, "hello")
    async with opened(await nursery.start(fake.serve)) as platform:
        nursery.start_soon(platform.serve, intake)
        await intake.until(lambda: intake.failures)
        begun = trio.current_time()
        await intake.until(lambda: intake.texts == ["hello"])
        assert trio.current_time() - begun > 0.9
        first, second, *_ = fake.called("getUpdates")
        assert second.at - first.at > 0.9
        nursery.cancel_scope.cancel()


async def test_a_cancelled_poll_leaves_no_second_one_behind(nursery):
    fake = FakeBotApi()
    async with opened(await nursery.start(fake.serve)) as platform:
        for _ in range(5):
            with trio.CancelScope() as scope:
                async with trio.open_nursery() as serving:
                    serving.start_soon(platform.serve, HeardIntake())
                    await fake.until(lambda: fake.pollers == 1)
                    scope.cancel()
            await fake.until(lambda: fake.pollers == 0)
        assert fake.most_pollers == 1
    await fake.connections.all_closed()
    nursery.cancel_scope.cancel()


async def test_the_token_is_in_no_log_line(nursery, caplog):
    caplog.set_level(logging.DEBUG)
    fake, intake = FakeBotApi(), HeardIntake()
    fake.push(42, "hello")
    fake.drop_conn("setMyCommands")
    async with opened(await nursery.start(fake.serve)) as platform:
        platform.menu = [("new", "x")]
        nursery.start_soon(platform.serve, intake)
        await fake.until(lambda: fake.pollers == 1 and fake.counts["setMyCommands"])
        await trio.testing.wait_all_tasks_blocked(0.02)
        nursery.cancel_scope.cancel()
    assert "menu not set account=main" in caplog.text
    assert TOKEN not in caplog.text
