"""A check that has nothing to look at says so once, by what it waited for, and ends."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio

from hermes_trio.testing import Broken, check_platform
from hermes_trio.testing.conformance.platform import PLATFORM_CLAUSES
from hermes_trio.values.identity import Address
from hermes_trio.values.message import Message
from tests.conformance.memory_side import Line, memory_side


class PollsLong(Line):
    async def serve(self, intake):
        await trio.sleep(60)
        await super().serve(intake)


class Falls(Line):
    async def serve(self, intake):
        await trio.lowlevel.checkpoint()
        raise ValueError("no such line")


class ReturnsAText(Line):
    async def deliver(self, delivery):
        await super().deliver(delivery)
        return "17"


class PollsInVain(Line):
    """Hands over what a poll has brought, also when that is nothing."""

    async def serve(self, intake):
        await intake.accept([])
        await super().serve(intake)


class NumbersItsUsers(Line):
    async def serve(self, intake):
        await trio.lowlevel.checkpoint()
        await intake.accept([Message(native="1", address=Address(self.name, self.account, 5), text="")])


class OpensNothing(Line):
    async def open(self):
        pass


class CannotBeMade(Line):
    def __init__(self, side):
        raise ValueError("no account")


async def broken(make, service=memory_side):
    with pytest.raises(Broken) as failed:
        await check_platform(make, service)
    return failed.value


async def test_one_that_never_says_that_it_receives(autojump_clock):
    began = trio.current_time()
    said = str(await broken(PollsLong))
    assert trio.current_time() - began < 25
    assert said.count("wanted: serve calls `intake.received` within 10 s") == 2
    assert "saw: it was not called: let a poll wait a fraction of a second; serve waits here\n" in said
    assert f"{__file__}:" in said
    assert "await trio.sleep(60)" in said
    assert "further clauses were not looked at: many would end alike" in said


async def test_one_that_cannot_be_made_shows_its_author_s_line_first(autojump_clock):
    error = await broken(CannotBeMade)
    assert len(error.clauses) == 2
    assert "saw: ValueError: no account\n    " + __file__ in str(error)


async def test_one_that_hands_over_an_empty_batch_is_not_kept_waiting(autojump_clock):
    report = await check_platform(PollsInVain, memory_side, only=["confirms_only_what_is_durable"])
    assert report.kept == ("confirms_only_what_is_durable",)


async def test_one_whose_updates_are_unsound_is_told_the_field_and_its_line(autojump_clock):
    said = str(await broken(NumbersItsUsers))
    assert "AgentError: accept: Message.address.chat is str, not an int: write str(...)" in said
    assert f"{__file__}:" in said


async def test_one_that_cannot_be_opened_is_told_before_it_is(autojump_clock):
    said = str(await broken(OpensNothing))
    assert "OpensNothing.open is no context manager: write @asynccontextmanager above it" in said


async def test_one_whose_serve_falls_is_told_twice(autojump_clock):
    error = await broken(Falls)
    assert len(error.clauses) == 2
    assert "saw: ValueError: no such line\n    " + __file__ in str(error)


async def test_one_whose_deliver_returns_no_receipt_shows_where_it_is_written(autojump_clock):
    for clause in ("says_a_text_as_it_is", "gives_each_message_a_receipt", "deletes_what_the_receipt_names"):
        with pytest.raises(Broken) as failed:
            await check_platform(ReturnsAText, memory_side, only=[clause])
        written = ReturnsAText.deliver.__code__.co_firstlineno
        assert (
            "wanted: `deliver` returns a Receipt\n"
            "    saw: deliver returned a str, not a Receipt\n"
            f"    {__file__}:{written} in ReturnsAText.deliver"
        ) in str(failed.value)


async def test_a_service_that_cannot_be_opened_is_told_once(autojump_clock):
    @asynccontextmanager
    async def service():
        await trio.lowlevel.checkpoint()
        raise OSError("the port is taken")
        yield

    error = await broken(Line, service)
    assert len(error.clauses) == 1
    assert "saw: OSError: the port is taken\n    " + __file__ in str(error)
    assert f"{len(PLATFORM_CLAUSES) - 1} further clauses were not looked at" in str(error)


async def test_what_a_clause_waited_for_is_said(autojump_clock):
    class Deaf(Line):
        async def serve(self, intake):
            intake.received()
            await trio.sleep_forever()

    with pytest.raises(Broken) as failed:
        await check_platform(Deaf, memory_side, only=["hears"])
    assert "wanted: 1 updates have been accepted (`intake.accept`), each new" in str(failed.value)
