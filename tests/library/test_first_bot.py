"""The first program a user writes: a function, a platform, a file."""

import logging
import sqlite3

import pytest
import trio

from hermes_trio import GatewayOptions, StoreRefused, open_gateway
from hermes_trio.testing import MemoryPlatform


async def answer(turn):
    await turn.say(f"you said {turn.text}")


async def shown(platform, count):
    """Wait until the chat shows so many messages."""
    with trio.fail_after(10):
        while len(platform.seen) < count:
            await platform.changed()
    return [seen.text for seen in platform.seen.values()]


async def test_it_answers_and_its_file_remembers(tmp_path):
    platform = MemoryPlatform()
    async with open_gateway(answer, platforms=[platform], store=tmp_path / "bot.db") as gateway:
        platform.push(platform.message("ada", "hello"))
        assert await shown(platform, 1) == ["you said hello"]
        await gateway.at_rest()
        assert [row.outcome for row in await gateway.ledger()] == ["answered"]
    async with open_gateway(answer, platforms=[platform], store=str(tmp_path / "bot.db")) as gateway:
        platform.push(platform.message("ada", "again"))
        assert await shown(platform, 2) == ["you said hello", "you said again"]
        await gateway.at_rest()
        [session] = await gateway.session_views()
        assert session.turns == 2


async def test_it_can_live_in_memory():
    platform = MemoryPlatform()
    async with open_gateway(answer, platforms=[platform], store=":memory:"):
        platform.push(platform.message("ada", "hello"))
        assert await shown(platform, 1) == ["you said hello"]


async def test_two_of_them_in_one_process_with_a_file_each(tmp_path):
    platforms = [MemoryPlatform(), MemoryPlatform()]
    async with (
        open_gateway(answer, platforms=[platforms[0]], store=tmp_path / "one.db"),
        open_gateway(answer, platforms=[platforms[1]], store=tmp_path / "two.db"),
    ):
        for n, platform in enumerate(platforms):
            platform.push(platform.message("ada", str(n)))
        assert [await shown(p, 1) for p in platforms] == [["you said 0"], ["you said 1"]]


async def test_a_turn_that_leaving_cuts_goes_on_in_the_next_gateway(tmp_path):
    platform = MemoryPlatform()
    begun = trio.Event()

    async def slow(turn):
        begun.set()
        await trio.sleep(0 if turn.attempt > 1 else 3600)
        return f"attempt {turn.attempt}"

    options = GatewayOptions(drain_timeout_s=0.05)
    async with open_gateway(slow, platforms=[platform], store=tmp_path / "bot.db", options=options):
        platform.push(platform.message("ada", "hello"))
        with trio.fail_after(10):
            await begun.wait()
    async with open_gateway(slow, platforms=[platform], store=tmp_path / "bot.db"):
        assert (await shown(platform, 1))[-1] == "attempt 2"


async def test_a_file_that_is_no_store_is_refused_and_left_untouched(tmp_path):
    (tmp_path / "bot.db").write_bytes(b"my only copy" * 100)

    async def run():
        async with open_gateway(answer, platforms=[], store=tmp_path / "bot.db"):
            pass

    with pytest.raises(StoreRefused):
        await run()
    assert (tmp_path / "bot.db").read_bytes() == b"my only copy" * 100


async def test_its_lines_are_in_the_standard_logger_and_hold_no_body(tmp_path, caplog):
    caplog.set_level(logging.INFO, logger="hermes_trio")
    platform = MemoryPlatform()
    async with open_gateway(answer, platforms=[platform], store=tmp_path / "bot.db"):
        platform.push(platform.message("ada", "a body of its own"))
        await shown(platform, 1)
    events = [record.getMessage() for record in caplog.records if record.name == "hermes_trio"]
    assert any(line.startswith("message accepted") and "length=17" in line for line in events)
    assert any(line.startswith("turn closed") and "outcome=finished" in line for line in events)
    assert not [line for line in events if "body" in line]


class Blabs:
    """A command that fails with a secret in its error."""

    names = ("blab",)
    help = "say what nobody may know"
    role = "user"

    async def run(self, call):
        raise ValueError("the key is sk-1234567890")


async def test_no_line_in_the_standard_logger_holds_a_secret(caplog):
    caplog.set_level(logging.INFO, logger="hermes_trio")
    platform = MemoryPlatform()

    def redact(text):
        return text.replace("sk-1234567890", "***")

    async with open_gateway(
        answer, platforms=[platform], store=":memory:", commands=[Blabs()], redact=redact
    ):
        platform.push(platform.message("ada", "/blab"))
        await shown(platform, 1)
    events = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("command failed") and "***" in line for line in events)
    assert not [line for line in events if "sk-" in line]


async def test_the_file_is_an_ordinary_one_when_it_is_closed(tmp_path):
    async with open_gateway(answer, platforms=[], store=tmp_path / "bot.db"):
        pass
    db = sqlite3.connect(tmp_path / "bot.db")
    assert db.execute("pragma integrity_check").fetchone() == ("ok",)
    assert db.execute("select clean from boot").fetchall() == [(1,)]
    db.close()
