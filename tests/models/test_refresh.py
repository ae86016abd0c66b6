"""A key that can be refreshed: by one request at a time, and its old secret is never sent again."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
import trio

from hermes_trio.errors import ModelFailed, NoCredentials
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.models.key_pool import KeyPool
from hermes_trio.values.identity import Secret
from hermes_trio.values.transcript import ModelAnswer
from tests.models.desk import REQUEST, START, Calendar, Log


class TokenServer:
    """Issues access tokens for a refresh token that works once: used twice, the whole login is revoked."""

    def __init__(self) -> None:
        self.issued = 0
        self.current = "access-0"
        self.refresh_token = "refresh-0"
        self.reused = 0

    async def issue(self, refresh_token: str) -> tuple[str, str]:
        await trio.sleep(0.2)
        if refresh_token != self.refresh_token:
            self.reused += 1
            raise RuntimeError("invalid_grant")
        self.issued += 1
        self.current, self.refresh_token = f"access-{self.issued}", f"refresh-{self.issued}"
        response = self.current, self.refresh_token
        await trio.sleep(0.2)
        return response

    def expire(self) -> None:
        self.current = "nobody has this one"


class Login:
    """A login on a disk that several processes share."""

    def __init__(self) -> None:
        self.lock = trio.Lock()
        self.access, self.refresh_token = "access-0", "refresh-0"


class LoginKey:
    """A RefreshingKey as its contract asks for: look under the lock first, write before use."""

    def __init__(self, login: Login, server: TokenServer) -> None:
        self.login, self.server = login, server
        self.secret = Secret(login.access)
        self.asked = 0

    async def refresh(self, refused: Secret, kind: str) -> Secret:
        self.asked += 1
        async with self.login.lock:
            if self.login.access != refused.reveal() or kind != "auth":
                return Secret(self.login.access)
            with trio.CancelScope(shield=True):
                access, token = await self.server.issue(self.login.refresh_token)
                self.login.access, self.login.refresh_token = access, token
            return Secret(access)


class TokenModel:
    """A model that takes the server's current access token."""

    name = "m"
    needs_key = True

    def __init__(self, server: TokenServer) -> None:
        self.server = server
        self.keys: list[str] = []

    async def complete(self, request, *, key, on_text):
        self.keys.append(key)
        await trio.sleep(0.1)
        if key != self.server.current:
            raise ModelFailed("auth", "token expired", status=401)
        return ModelAnswer(text="ok")


class Process:
    """A gateway's pool over the shared login."""

    def __init__(self, login: Login, server: TokenServer, *more: Secret) -> None:
        self.key = LoginKey(login, server)
        self.model = TokenModel(server)
        self.log = Log()
        self.pool = KeyPool([self.key, *more], clock=Calendar(), chance=random.Random(1), log=self.log)
        self.all = Candidates([Candidate(self.model, self.pool)], chance=random.Random(2), log=self.log)

    async def ask(self) -> str:
        answer = await self.all.walk().complete(REQUEST, lambda _: None, on_restart=lambda: None)
        return answer.text


@pytest.fixture
def server():
    return TokenServer()


@pytest.fixture
def login():
    return Login()


async def test_thirty_turns_at_expiry_refresh_once_and_all_are_answered(server, login, autojump_clock):
    process = Process(login, server)
    server.expire()
    answers: list[str] = []

    async def turn() -> None:
        answers.append(await process.ask())

    async with trio.open_nursery() as nursery:
        for _ in range(30):
            nursery.start_soon(turn)
    assert answers == ["ok"] * 30
    assert (server.issued, server.reused, process.key.asked) == (1, 0, 1)
    assert sorted(process.model.keys) == ["access-0"] * 30 + ["access-1"] * 30


async def test_without_a_single_refresher_the_login_would_be_revoked(server, login, autojump_clock):
    """The naive build: each refused request refreshes with what it read when it was refused."""
    server.expire()

    async def turn() -> None:
        token = login.refresh_token
        with suppress(RuntimeError):
            login.access, login.refresh_token = await server.issue(token)

    async with trio.open_nursery() as nursery:
        for _ in range(30):
            nursery.start_soon(turn)
    assert server.reused == 29


async def test_two_processes_that_share_a_login_refresh_it_once(server, login, autojump_clock):
    both = [Process(login, server), Process(login, server)]
    server.expire()
    async with trio.open_nursery() as nursery:
        for process in both:
            for _ in range(15):
                nursery.start_soon(process.ask)
    assert (server.issued, server.reused) == (1, 0)
    assert [process.key.asked for process in both] == [1, 1]


@pytest.mark.parametrize("cancel_at", [n / 20 for n in range(13)])
async def test_if_the_refresher_is_cancelled_the_next_one_goes_on(cancel_at, server, login, autojump_clock):
    process = Process(login, server)
    server.expire()
    answers: list[str] = []

    async def turn() -> None:
        answers.append(await process.ask())

    async with trio.open_nursery() as nursery:
        first = trio.CancelScope()
        nursery.start_soon(_until_cancelled, process, first)
        nursery.start_soon(turn)
        nursery.start_soon(turn)
        await trio.sleep(cancel_at)
        first.cancel()
    assert answers == ["ok", "ok"]
    assert (server.issued, server.reused) == (1, 0)


async def _until_cancelled(process: Process, scope: trio.CancelScope) -> None:
    with scope:
        await process.ask()


async def test_a_key_whose_refresh_fails_is_dead_and_is_not_sent_again(server, login, autojump_clock):
    process = Process(login, server)
    server.expire()
    server.refresh_token = "revoked"
    with pytest.raises(NoCredentials) as none:
        await process.ask()
    assert (none.value.kind, none.value.until) == (
        "auth",
        pytest.approx(START + trio.current_time() + 30, abs=1),
    )
    assert process.log.lines[1] == ("key dead", {"key": "1/1", "why": "RuntimeError"})
    assert [view.state for view in process.pool.views()] == ["dead"]
    await trio.sleep(3600)
    for _ in range(5):
        with pytest.raises(NoCredentials):
            await process.ask()
    assert process.model.keys == ["access-0"]
    assert process.key.asked == 2  # once more, at the first request an hour later


async def test_thirty_turns_with_a_revoked_login_ask_for_another_secret_once(server, login, autojump_clock):
    process = Process(login, server)
    server.expire()
    server.refresh_token = "revoked"
    refused = 0

    async def turn() -> None:
        nonlocal refused
        with suppress(NoCredentials):
            await process.ask()
        refused += 1

    async with trio.open_nursery() as nursery:
        for _ in range(30):
            nursery.start_soon(turn)
    assert (refused, process.key.asked, server.reused) == (30, 1, 1)


async def test_a_refusal_that_comes_after_the_renewal_says_nothing_of_the_new_secret(
    server, login, autojump_clock
):
    process = Process(login, server)
    late = process.pool.take("m")
    assert late is not None
    server.expire()
    assert await process.ask() == "ok"
    process.pool.refused(late, ModelFailed("auth", "token expired"))
    assert await process.pool.renewed(late, "auth")
    assert (process.key.asked, process.pool.cooldowns()) == (1, {})
    assert [event for event, _ in process.log.lines] == ["key cooled down", "key renewed"]


async def test_after_a_start_a_dead_key_is_tried_when_its_rest_is_over(server, login, autojump_clock):
    process = Process(login, server)
    server.expire()
    server.refresh_token = "revoked"
    with pytest.raises(NoCredentials):
        await process.ask()
    started = Process(login, server)
    started.pool.recall(list(process.pool.cooldowns().values()))
    assert [view.state for view in started.pool.views()] == ["cooldown"]
    server.current = "access-0"  # the provider has made up its mind
    await trio.sleep(30)
    assert await started.ask() == "ok"


async def test_the_time_that_is_told_is_that_of_the_next_look_for_another_secret(
    server, login, autojump_clock
):
    process = Process(login, server)
    server.expire()
    server.refresh_token = "revoked"
    for _ in range(3):
        with pytest.raises(NoCredentials) as none:
            await process.ask()
        assert none.value.until == pytest.approx(START + trio.current_time() + 30, abs=1)
        await trio.sleep(30)
    assert process.key.asked == 3
    login.access = server.current = "access-new"
    assert await process.ask() == "ok"


async def test_a_dead_key_lives_as_soon_as_there_is_another_secret(server, login, autojump_clock):
    process = Process(login, server)
    server.expire()
    server.refresh_token = "revoked"
    with pytest.raises(NoCredentials):
        await process.ask()
    login.access = server.current = "access-new"
    await trio.sleep(30)
    assert await process.ask() == "ok"
    assert process.model.keys == ["access-0", "access-new"]
    assert process.pool.cooldowns() == {}


async def test_a_dead_key_beside_a_good_one_is_looked_up_every_five_minutes(server, login, autojump_clock):
    process = Process(login, server, Secret("spare"))
    server.current = "spare"
    server.refresh_token = "revoked"
    assert await process.ask() == "ok"
    for _ in range(20):
        await trio.sleep(60)
        assert await process.ask() == "ok"
    assert process.model.keys == ["access-0"] + ["spare"] * 21
    assert 4 <= process.key.asked <= 5
    login.access = server.current = "access-new"
    await trio.sleep(300)
    assert await process.ask() == "ok"
    assert process.model.keys[-1] == "access-new"


async def test_a_used_up_key_is_asked_for_another_secret_and_rests_if_there_is_none(autojump_clock):
    asked: list[tuple[str, str]] = []

    class Swapped:
        secret = Secret("old")

        async def refresh(self, refused, kind):
            asked.append((refused.reveal(), kind))
            return Secret("old")

    class UsedUp(TokenModel):
        async def complete(self, request, *, key, on_text):
            self.keys.append(key)
            raise ModelFailed("quota", "pay", status=402)

    model = UsedUp(TokenServer())
    pool = KeyPool([Swapped(), Secret("b")], clock=Calendar(), chance=random.Random(1), log=Log())
    with pytest.raises(NoCredentials) as none:
        await (
            Candidates([Candidate(model, pool)], chance=random.Random(2), log=Log())
            .walk()
            .complete(REQUEST, print, on_restart=print)
        )
    assert (none.value.kind, none.value.until) == ("quota", START + 30)
    assert model.keys == ["old", "b"]
    assert asked == [("old", "quota")]
    assert [view.state for view in pool.views()] == ["cooldown", "cooldown"]


async def test_a_refused_new_secret_is_not_tried_a_third_time(autojump_clock):
    class Endless:
        secret = Secret("s0")

        async def refresh(self, refused, kind):
            return Secret(f"s{int(refused.reveal()[1:]) + 1}")

    class Refuses(TokenModel):
        async def complete(self, request, *, key, on_text):
            self.keys.append(key)
            await trio.sleep(1)
            raise ModelFailed("auth", "no", status=401)

    model = Refuses(TokenServer())
    pool = KeyPool([Endless()], clock=Calendar(), chance=random.Random(1), log=Log())
    with pytest.raises(NoCredentials):
        await (
            Candidates([Candidate(model, pool)], chance=random.Random(2), log=Log())
            .walk()
            .complete(REQUEST, print, on_restart=print)
        )
    assert model.keys == ["s0", "s1"]


@pytest.mark.parametrize("given", ["", "  \n"])
async def test_an_empty_secret_is_none(given, autojump_clock):
    class Emptied:
        secret = Secret("old")

        async def refresh(self, refused, kind):
            return Secret(given)

    model = TokenModel(TokenServer())
    pool = KeyPool([Emptied()], clock=Calendar(), chance=random.Random(1), log=Log())
    with pytest.raises(NoCredentials):
        await (
            Candidates([Candidate(model, pool)], chance=random.Random(2), log=Log())
            .walk()
            .complete(REQUEST, print, on_restart=print)
        )
    assert model.keys == ["old"]


async def test_a_refresh_that_hangs_is_given_up_after_thirty_seconds(autojump_clock):
    class Hangs:
        secret = Secret("old")

        async def refresh(self, refused, kind):
            await trio.sleep_forever()

    model = TokenModel(TokenServer())
    pool = KeyPool([Hangs()], clock=Calendar(), chance=random.Random(1), log=Log())
    with pytest.raises(NoCredentials):
        await (
            Candidates([Candidate(model, pool)], chance=random.Random(2), log=Log())
            .walk()
            .complete(REQUEST, print, on_restart=print)
        )
    assert trio.current_time() == pytest.approx(30.1)
