"""What an adapter hands over, looked at where it comes in: each mistake is told by its field."""

from __future__ import annotations

from datetime import datetime

import msgspec
import pytest

from hermes_trio.errors import AgentError
from hermes_trio.intake.soundness import check_use, looked_at
from hermes_trio.testing import MemoryPlatform, open_world
from hermes_trio.values.identity import Address
from hermes_trio.values.message import Message, Moved, Quoted, Undecodable
from tests.scenes import echo

HOME = Address("pigeon", "main", "loft", None, "ada")
TIME = datetime(2026, 11, 29, 12, 0, 0)  # noqa: DTZ001 - what an author hands over


def message(**more):
    return Message(**({"native": "1", "address": HOME, "text": "coo"} | more))


UNSOUND = [
    ({"native": 5}, "Message.native is str, not an int: write str(...)"),
    ({"native": ""}, "Message.native is empty: a second update with the same would be lost"),
    ({"address": None}, "Message.address is Address, not None"),
    ({"address": Address("pigeon", "main", 5)}, "Message.address.chat is str, not an int: write str(...)"),
    (
        {"address": Address("pigeon", "main", "loft", None, 7)},
        "Message.address.user is str | None, not an int: write str(...)",
    ),
    (
        {"address": Address("Pigeon", "main", "loft")},
        "Message.address is of Pigeon/main, and this account is pigeon/main",
    ),
    (
        {"address": Address("pigeon", "default", "loft")},
        "Message.address is of pigeon/default, and this account is pigeon/main",
    ),
    ({"text": None}, 'Message.text is str, not None: write "" where there is none'),
    (
        {"sent_at": TIME},
        "Message.sent_at is float | None, not a datetime:"
        " write when.timestamp(), of a time that has a time zone",
    ),
    ({"private": "yes"}, "Message.private is bool, not a str"),
    ({"quoted": Quoted(text=3)}, "Message.quoted.text is str, not an int: write str(...)"),
    ({"source": "me"}, "Message.source is one of gateway, admin, user, outside, not 'me'"),
    ({"raw": "{}"}, "Message.raw is bytes, not a str"),
]


@pytest.mark.parametrize(("more", "said"), UNSOUND, ids=[said for _, said in UNSOUND])
def test_a_message_with_a_wrong_field_is_kept_as_what_cannot_be_decoded(more, said):
    kept, wrong = looked_at(message(**more), "pigeon/main")
    assert isinstance(kept, Undecodable)
    assert (kept.why, wrong) == (said, said)
    assert kept.native


def test_two_without_a_native_id_are_two():
    first, second = (looked_at(message(native="", text=text), "pigeon/main")[0] for text in ("a", "b"))
    assert first.native != second.native


def test_an_undecodable_with_wrong_fields_keeps_its_bytes():
    kept, wrong = looked_at(Undecodable(native="", why=ValueError("x"), raw="{"), "pigeon/main")
    assert kept.raw == b"{"
    assert wrong.startswith("Undecodable.why is str, not a ValueError; Undecodable.raw is bytes, not a str")


@pytest.mark.parametrize("user", ["7\0", "\0007", "7\ud800"])
def test_an_id_that_would_have_to_be_mended_to_be_kept_is_nobodys_and_no_mistake_of_the_author(user):
    kept, wrong = looked_at(message(address=Address("pigeon", "main", "loft", None, user)), "pigeon/main")
    assert isinstance(kept, Undecodable)
    assert "would be another id" in kept.why
    assert wrong == ""


def test_a_sound_one_is_what_it_was():
    one = message(raw=b"{}", sent_at=5, quoted=Quoted(text="x"))
    assert looked_at(one, "pigeon/main") == (msgspec.structs.replace(one, sent_at=5.0), "")


MISUSE = [
    (message(), None, "updates is a list, not a Message: write accept([...])"),
    ("coo", None, "updates is a list of updates, not a str"),
    (None, None, "updates is a list of updates, not None"),
    ([{"text": "coo"}], None, "a dict is no update: hand over a Message, an Undecodable or a Moved"),
    ([message()], 7, "cursor is a text (str), not an int: write cursor=str(...)"),
    ([Moved(native="1", chat=5, becomes="6")], None, "Moved.chat is str, not an int: write str(...)"),
]


@pytest.mark.parametrize(("updates", "cursor", "said"), MISUSE, ids=[said for *_, said in MISUSE])
def test_what_no_program_can_mean_is_refused_in_the_call(updates, cursor, said):
    with pytest.raises(AgentError) as wrong:
        check_use(updates, cursor)
    assert str(wrong.value) == f"accept: {said}"


class HandsOver(MemoryPlatform):
    """Hands over something of its own, then serves."""

    def __init__(self, update):
        super().__init__()
        self.update = update

    async def serve(self, intake):
        await intake.accept([self.update])
        await super().serve(intake)


async def test_the_log_names_the_adapters_line_where_the_call_is_refused(autojump_clock):
    async with open_world(echo, platform=HandsOver({"text": "coo"})) as world:
        await world.until(seconds=1)
        first = world.lines("account failed")[0]
        assert first["error"] == (
            "AgentError: accept: a dict is no update: hand over a Message, an Undecodable or a Moved"
        )
        assert first["traceback"].startswith(f"{__file__}:")


async def test_the_log_names_the_adapters_line_where_an_update_is_unsound_and_the_account_goes_on(
    autojump_clock,
):
    odd = Message(native="odd", address=Address("memory", "main", 5), text="coo")
    async with open_world(echo, platform=HandsOver(odd)) as world:
        await world.say("ada", "hello")
        assert await world.reply("ada") == "re: hello"
        [line] = world.lines("update unsound")
        assert line["error"] == "Message.address.chat is str, not an int: write str(...)"
        assert line["traceback"].startswith(f"{__file__}:")
        assert "await intake.accept([self.update])" in line["traceback"]
