"""`check --online` tries what the daemon stands on: accounts, clock, disk, supervisor."""

from __future__ import annotations

import pytest

from tests.daemon.service.test_supervisors import SUPERVISORS, s6

MODEL = "online: gpt-5.5"


async def tried(place, **more):
    """The exit code, and what was said of each thing beside the models."""
    done = await place.hermes("check", "--online", **place.environ, **more)
    assert place.bot.token not in done.stdout + done.stderr
    assert ("\nWRONG " in done.stdout) == (done.returncode == 1)
    said = [line.removeprefix("WRONG ") for line in done.stdout.splitlines()]
    said = [line for line in said if line.split(":")[0] in KINDS]
    return done.returncode, {KINDS[line.split(":")[0]]: line for line in said if not line.startswith(MODEL)}


KINDS = {"online": "account", "clock": "clock", "disk": "disk", "stop": "stop"}


async def test_all_that_is_well_is_said_and_nothing_is_received_or_left_behind(place):
    place.state_dir.mkdir(mode=0o700)
    place.bot.push(42, "hello")
    code, said = await tried(place)
    assert code == 0
    assert said["account"] == "online: telegram/main: @hermes_bot is accepted"
    assert said["clock"] == "clock: nobody was there to compare it with"
    assert "MiB free, a sync takes" in said["disk"]
    assert said["stop"] == "stop: takes at most 32 s; no supervisor is known to allow less"
    assert (place.bot.called("getUpdates"), len(place.bot.pending)) == ([], 1)
    assert list(place.state_dir.iterdir()) == []


async def test_a_token_that_is_refused(place):
    place.bot.set_token("123456789:AAanother")
    code, said = await tried(place)
    assert code == 1
    assert said["account"] == (
        "online: telegram/main: getMe: 401 Unauthorized: the token is not (or no longer) that of a bot"
    )


async def test_a_service_that_nobody_reaches(place):
    place.bot.go_down()
    code, said = await tried(place)
    assert code == 1
    assert said["account"].startswith("online: telegram/main: getMe: no answer")
    assert said["account"].endswith("; is its address right, and the network there?")


async def test_a_webhook_that_takes_the_messages(place):
    place.bot.set_webhook("https://elsewhere.example/hook")
    code, said = await tried(place)
    assert code == 1
    assert "@hermes_bot is accepted, but another program receives" in said["account"]
    assert "deleteWebhook" in said["account"]


@pytest.mark.parametrize(("hears", "code"), [(False, 1), (True, 0)])
async def test_a_bot_that_is_to_hear_its_groups_and_may_not(place, hears, code):
    place.bot.me["can_read_all_group_messages"] = hears
    place.configure("require_mention = false\n")
    ended, said = await tried(place)
    assert ended == code
    assert ("/setprivacy" in said["account"]) == (not hears)


@pytest.mark.parametrize(
    ("ahead_s", "is_said"), [(3600, "behind"), (-3600, "ahead"), (20, "right"), (0, "right")]
)
async def test_a_clock_that_others_do_not_agree_with(place, ahead_s, is_said):
    place.bot.ahead_s = ahead_s
    code, said = await tried(place)
    assert code == (0 if is_said == "right" else 1)
    assert f" {is_said}" in said["clock"]
    if code:
        assert said["clock"].split()[1] in ("3599", "3600")
        assert said["clock"].endswith("timedatectl set-ntp true")


async def test_a_state_dir_that_is_not_there_yet_is_not_made(place):
    code, said = await tried(place)
    assert code == 0
    assert said["disk"].endswith("is not there yet; the daemon makes it")
    assert not place.state_dir.exists()


async def test_a_stop_that_is_longer_than_allowed(place):
    code, said = await tried(place, HERMES_TRIO_STOP_LIMIT_S="10")
    assert code == 1
    assert said["stop"] == (
        "stop: takes at most 32 s, and its supervisor kills after 10: allow more, or lower drain_timeout_s"
    )


@SUPERVISORS[1].marks[0]
async def test_the_limit_of_the_supervisor_that_has_it_now(place):
    service = s6(place)
    async with service.supervised():
        await service.ready(1)
        code, said = await tried(place)
    assert code == 1
    assert "kills after 1:" in said["stop"]
