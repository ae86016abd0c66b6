"""Each cause on the page of what is wrong is made, and the command that the page names shows it."""

from __future__ import annotations

import shlex
from contextlib import asynccontextmanager

import pytest

from tests.documents import pages
from tests.fakes.model_script import Item

PAGE = "docs/troubleshooting.md"
ADA, EVE, GROUP = 42, 66, -100123
SLOW = "async def agent(turn):\n    await turn.sleep(3600)\n"
BLOCKING = "import time\n\n\nasync def agent(turn):\n    time.sleep(40)\n"
FAULTY = "async def agent(turn):\n    return {}['price']\n"


@asynccontextmanager
async def no_daemon(place):
    yield


@asynccontextmanager
async def wrong(place):
    place.configure("\n[gatewey]\n")
    yield


@asynccontextmanager
async def refused_token(place):
    async with place.daemon(BOT_TOKEN="123:AAanothertoken") as daemon:
        await daemon.until_said("account refused")
        yield


@asynccontextmanager
async def webhook(place):
    place.bot.webhook = "https://bot.example/hook"
    yield


@asynccontextmanager
async def stranger(place):
    async with place.daemon() as daemon:
        place.bot.push(EVE, "hello")
        await daemon.until_said("message dropped")
        yield


@asynccontextmanager
async def unaddressed(place):
    async with place.daemon() as daemon:
        place.bot.push(GROUP, "hello all", user=ADA)
        await daemon.until_said("message dropped")
        yield


@asynccontextmanager
async def asked(place):
    """The model has been asked once, and has failed."""
    async with place.daemon() as daemon:
        place.bot.push(ADA, "hello")
        await daemon.until_said("turn closed")
        yield daemon


@asynccontextmanager
async def refused_key(place):
    place.model.by_key[place.environ["MODEL_KEY"]] = Item(status=401, body={"error": {"message": "no key"}})
    async with asked(place) as daemon:
        yield daemon


@asynccontextmanager
async def wrong_address(place):
    file = place.home / "hermes.toml"
    file.write_text(file.read_text().replace("/v1", ""))
    async with asked(place) as daemon:
        yield daemon


@asynccontextmanager
async def own_agent(place, source):
    (place.home / "my_bot.py").write_text(source)
    place.configure('\n[agent]\nrun = "my_bot:agent"\n')
    async with place.daemon() as daemon:
        place.bot.push(ADA, "hello")
        await daemon.until_said("turn opened")
        yield daemon


@asynccontextmanager
async def busy(place):
    async with own_agent(place, SLOW) as daemon:
        place.bot.push(ADA, "and this?")
        await daemon.until_said("message accepted", 2)
        yield


@asynccontextmanager
async def raising(place):
    async with own_agent(place, FAULTY) as daemon:
        await daemon.until_said("turn closed")
        yield


@asynccontextmanager
async def blocking(place):
    async with own_agent(place, BLOCKING) as daemon:
        await daemon.until_said("loop held", within_s=20)
        yield


@asynccontextmanager
async def unsent(place):
    place.bot.gateway_error("sendMessage", times=None)
    async with place.daemon() as daemon:
        place.bot.push(ADA, "hello")
        await daemon.until_said("send retried")
        yield


CAUSES = {
    "no daemon runs": no_daemon,
    "the configuration is wrong": wrong,
    "the platform refuses the token": refused_token,
    "another program takes the messages": webhook,
    "you are not allowed": stranger,
    "in a group nobody spoke to it": unaddressed,
    "the model refuses the key": refused_key,
    "the model's address or name is wrong": wrong_address,
    "something before it still runs, or waits for an answer": busy,
    "your agent or tool raised": raising,
    "your code blocks": blocking,
    "the answer is there, and the platform does not take it": unsent,
}


def test_each_cause_of_the_page_is_made():
    assert [row[0] for row in pages.table(PAGE, "cause")] == list(CAUSES)


@pytest.mark.parametrize("row", pages.table(PAGE, "cause"), ids=lambda row: row[0])
async def test_the_command_shows_the_cause(place, row):
    cause, look, prints, _ = row
    [command] = pages.code(look)
    async with CAUSES[cause](place):
        done = await place.hermes(*shlex.split(command)[1:], **place.environ)
    shown = " ".join((done.stdout + done.stderr).split())
    for word in pages.code(prints):
        assert word in shown


MODEL_FAULTS = {
    "an address without its version": (wrong_address, "404", "is `base_url` http://"),
    "a key that is refused": (refused_key, "401: no key", "is it a key of this service"),
}


@pytest.mark.parametrize(("cause", "said", "mend"), MODEL_FAULTS.values(), ids=MODEL_FAULTS)
async def test_log_status_and_turn_say_what_was_asked_what_was_said_and_what_helps(place, cause, said, mend):
    async with cause(place) as daemon:
        line = daemon.said("turn closed")[0]["error"]
        status = (await place.hermes("status")).stdout
        page = (await place.hermes("turn", 1)).stdout
        [reply] = await place.bot.wait_sent(ADA)
    for shown in (line, status, page):
        assert said in shown
        assert f"{place.model_url}" in shown
        assert mend in shown
    assert reply.startswith("I could not answer: ")
    assert "http" not in reply


async def test_a_model_that_answers_again_is_not_shown_as_one_that_fails(place):
    place.model.push(Item(status=404, body={"error": {"message": "no such path"}}))
    async with asked(place) as daemon:
        assert "model gpt-5.5" in (await place.hermes("status")).stdout
        place.bot.push(ADA, "and now?")
        await daemon.until_said("turn closed", 2)
        assert "model gpt-5.5" not in (await place.hermes("status")).stdout
