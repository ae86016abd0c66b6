"""`hermes-trio setup`: from nothing to a bot that answers, asked in a terminal or told by options."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from contextlib import suppress
from functools import partial

import pytest
import trio

from tests.daemon.process import HERMES, environ_of, hermes, started
from tests.fakes import systemd
from tests.fakes.botapi import FakeBotApi
from tests.fakes.model_script import Item
from tests.fakes.openai_server import OpenAIFake

KEY = "sk-a-very-secret-key"
ADA, EVE = 42, 66


class Newcomer:
    """Somebody with a bot's token and a model's key, and nothing else."""

    def __init__(self, home, bot, model, bot_url, model_url):
        self.home, self.bot, self.model = home, bot, model
        self.urls = ("--api-url", bot_url, "--base-url", f"{model_url}/v1")
        self.folder = home / ".config" / "hermes-trio"
        self.file = self.folder / "hermes.toml"
        self.environ = {"OPENAI_API_KEY": KEY, "TELEGRAM_BOT_TOKEN": bot.token}
        self.told = (*self.urls, "--platform", "telegram", "--allow", ADA)

    async def setup(self, *words, **more):
        """Told everything by options."""
        return await hermes("setup", *words, home=self.home, **{**self.environ, **more})

    def left(self):
        """Everything that is there below the home."""
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*"))

    async def is_answered(self):
        async with started("run", home=self.home) as daemon:
            await daemon.ready()
            self.model.push(Item(text="hello Ada"))
            self.bot.push(ADA, "hello")
            assert "hello Ada" in await self.bot.wait_sent(ADA)
            assert await daemon.stop() == 0


@pytest.fixture
async def newcomer(tmp_path, nursery):
    bot, model = FakeBotApi(), OpenAIFake()
    bot_url = await nursery.start(bot.serve)
    model_url = await nursery.start(partial(model.serve))
    return Newcomer(tmp_path, bot, model, bot_url, model_url)


class Terminal:
    """A setup in a terminal: what it shows, and what is typed."""

    def __init__(self, newcomer, *words, **more):
        self._master, slave = os.openpty()
        environ = environ_of(newcomer.home, TERM="dumb", **more)
        self.process = subprocess.Popen(
            [HERMES, "setup", *map(str, words)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environ,
            cwd=newcomer.home,
            start_new_session=True,
            preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
        )
        os.close(slave)
        os.set_blocking(self._master, False)
        self.shown = ""
        self._read_to = 0

    async def until(self, text, within_s=20):
        """Return what is shown up to a text, once it is there."""
        with trio.move_on_after(within_s):
            while text not in self.shown[self._read_to :]:
                await trio.lowlevel.wait_readable(self._master)
                try:
                    self.shown += os.read(self._master, 65536).decode()
                except OSError:
                    break
        at = self.shown.find(text, self._read_to)
        assert at >= 0, self.shown
        found, self._read_to = self.shown[self._read_to : at], at + len(text)
        return found

    async def asked(self, question, answer):
        await self.until(question)
        os.write(self._master, f"{answer}\n".encode())

    async def ends(self, *, pressing=False):
        """Its exit code. Pressing: Ctrl-C until then. Python may miss one between a prompt and its wait."""
        with trio.fail_after(20):
            while self.process.poll() is None:
                if pressing:
                    os.write(self._master, b"\x03")
                await trio.sleep(0.5)
        with suppress(OSError):
            self.shown += os.read(self._master, 65536).decode()
        return self.process.returncode


@pytest.fixture
def terminal(newcomer):
    opened = []

    def make(*words, **more):
        opened.append(Terminal(newcomer, *words, **more))
        return opened[-1]

    yield make
    for each in opened:
        each.process.kill()
        each.process.wait()


async def test_told_by_options_it_writes_what_runs(newcomer):
    done = await newcomer.setup(*newcomer.told)
    assert done.returncode == 0, done.stderr
    assert "@hermes_bot is accepted" in done.stdout
    assert KEY not in done.stdout + done.stderr
    written = {path.name: stat.S_IMODE(path.stat().st_mode) for path in newcomer.folder.iterdir()}
    assert written == {"hermes.toml": 0o600, "model.key": 0o600, "telegram.token": 0o600}
    text = newcomer.file.read_text()
    assert KEY not in text
    assert newcomer.bot.token not in text
    assert 'keys = ["file:model.key"]' in text
    assert "allow_users = [42]" in text
    await newcomer.is_answered()


async def test_without_a_model_it_says_that_echo_is_none(newcomer):
    done = await newcomer.setup("--provider", "echo", "--platform", "websocket")
    assert done.returncode == 0, done.stderr
    none = "which is no model: it says back what is written to it, for a first try"
    assert done.stdout.splitlines()[0] == f"echo: {none}"
    assert f'provider = "echo"  # {none}; `hermes-trio setup --overwrite` asks for one\n' in (
        newcomer.file.read_text()
    )
    done = await hermes("check", "--online", home=newcomer.home)
    assert f"online: echo: {none}\n" in done.stdout


async def test_asked_in_a_terminal_it_meets_who_writes_the_word(newcomer, terminal):
    newcomer.bot.push(EVE, "hello 000000")  # somebody who was there before
    shown = terminal(*newcomer.urls[:2])
    await shown.asked("Model provider", "openai")
    await shown.asked("Its address", newcomer.urls[3])
    await shown.asked("Model [gpt-5.5]", "")
    await shown.asked("Its key", KEY)
    await shown.until("gpt-5.5, key 1/1: answers")
    await shown.asked("Platform", "telegram")
    await shown.asked("The token of telegram", newcomer.bot.token)
    await shown.until("@hermes_bot is accepted")
    await shown.until("Write this to @hermes_bot, from the account that is to be allowed: hello ")
    word = (await shown.until("\n")).strip()
    newcomer.bot.push(EVE, "hello there")
    await newcomer.bot.wait_called("getUpdates", 3)
    newcomer.bot.push(ADA, f"hello {word}")
    await shown.until("wrote it: 42 may speak and rule")
    await shown.asked("Have it run now", "n")
    assert await shown.ends() == 0
    assert re.search(r"written: \S+/hermes.toml", shown.shown)
    assert KEY not in shown.shown
    assert newcomer.bot.token not in shown.shown
    assert "allow_users = [42]" in newcomer.file.read_text()
    # Nothing of what came was taken from the daemon.
    assert len(newcomer.bot.pending) == 3
    assert newcomer.bot.offset == 0


async def test_a_service_that_speaks_as_openai_does_is_named_by_its_name(newcomer):
    """Of a server on this machine no key is asked for; OpenAI's own is handed to none of them."""
    done = await newcomer.setup(*newcomer.told, "--provider", "ollama", "--model", "llama3", "--no-try")
    assert done.returncode == 0, done.stderr
    text = newcomer.file.read_text()
    assert 'provider = "openai"' in text
    assert 'name = "llama3"' in text
    assert (newcomer.folder / "model.key").read_text().strip() == "none"
    await newcomer.is_answered()


async def test_without_a_supervisor_the_configuration_stays_and_it_says_how_to_start(newcomer):
    (newcomer.home / "bin").mkdir()
    words = (*newcomer.told, "--service", "user")
    done = await newcomer.setup(*words, PATH=str(newcomer.home / "bin"))
    assert done.returncode == 1
    assert "written and stays; without a service: hermes-trio run\n" in done.stderr
    await newcomer.is_answered()


async def test_how_to_start_names_the_file_only_where_run_does_not_look(newcomer):
    words = (*newcomer.told, "--no-try", "--service", "none")
    usual = await newcomer.setup(*words)
    elsewhere = newcomer.home / "my bots" / "hermes.toml"
    other = await newcomer.setup(*words, "--config", elsewhere)
    assert usual.stdout.splitlines()[-1] == "start it: hermes-trio run"
    assert other.stdout.splitlines()[-1] == f"start it: hermes-trio run --config '{elsewhere}'"


async def test_what_is_refused_is_asked_again(newcomer, terminal):
    newcomer.model.by_key["sk-wrong-key"] = Item(status=401, body={"error": {"message": "no such key"}})
    shown = terminal(*newcomer.urls[:2], "--allow", ADA, "--service", "none")
    for key, said in (("sk-wrong-key", "auth: 401: no such key"), (KEY, "answers")):
        await shown.asked("Model provider", "openai")
        await shown.asked("Its address", newcomer.urls[3])
        await shown.asked("Model [", "")
        await shown.asked("Its key", key)
        await shown.until(said)
    for token, said in (
        ("no token", "not a bot token"),
        ("1:AAwrong", "401"),
        (newcomer.bot.token, "accepted"),
    ):
        await shown.asked("Platform", "telegram")
        await shown.asked("The token of telegram", token)
        await shown.until(said)
    assert await shown.ends() == 0
    assert newcomer.file.exists()


async def test_what_was_right_need_not_be_said_again(newcomer, terminal):
    """An address without its /v1 is mended alone; another provider has another address and key."""
    url = newcomer.urls[3]
    shown = terminal(*newcomer.urls[:2], "--allow", ADA, "--service", "none", "--platform", "telegram")
    await shown.asked("Model provider", "openai")
    await shown.asked("Its address", url.removesuffix("/v1"))
    await shown.asked("Model [", "gpt-mine")
    await shown.asked("Its key", KEY)
    await shown.until("404")
    await shown.asked("[openai]: ", "")
    await shown.asked(f"[{url.removesuffix('/v1')}]: ", url)
    await shown.asked("Model [gpt-mine]: ", "")
    await shown.asked("Its key (not shown; any word where none is wanted; Enter: the same): ", "")
    await shown.until("gpt-mine, key 1/1: answers")
    await shown.asked("The token of telegram (not shown): ", "1:AAwrong")
    await shown.asked("Platform", "")
    await shown.asked("The token of telegram (not shown; Enter: the same): ", newcomer.bot.token)
    await shown.until("accepted")
    assert await shown.ends() == 0
    assert KEY not in shown.shown
    assert (newcomer.folder / "model.key").read_text().strip() == KEY


@pytest.mark.parametrize(
    "question", ["Model provider", "Its key", "Platform", "The token", "hello ", "Have it"]
)
async def test_interrupted_anywhere_it_says_what_it_has_written(newcomer, terminal, question):
    shown = terminal(*newcomer.urls[:2])
    answers = {
        "Model provider": "openai",
        "Its address": newcomer.urls[3],
        "Model [": "",
        "Its key": KEY,
        "Platform": "telegram",
        "The token": newcomer.bot.token,
    }
    for asked, answer in answers.items():
        if asked == question:
            break
        await shown.asked(asked, answer)
    await shown.until("hello " if question == "Have it" else question)
    if question == "Have it":
        word = (await shown.until("\n")).strip()
        newcomer.bot.push(ADA, f"hello {word}")
        await shown.until(question)
    assert await shown.ends(pressing=True) == 1
    if question == "Have it":
        # Everything was written before the service was offered.
        assert "the configuration is written and stays" in shown.shown
        assert "nothing is written" not in shown.shown
        assert newcomer.file.exists()
        return
    assert "nothing is written" in shown.shown
    assert newcomer.left() == []


async def test_what_is_there_is_not_replaced_unasked(newcomer):
    assert (await newcomer.setup(*newcomer.told)).returncode == 0
    newcomer.file.write_text("# mine\n")
    done = await newcomer.setup(*newcomer.told)
    assert done.returncode == 1
    assert done.stderr == f"hermes-trio: {newcomer.file} is there: --overwrite replaces it\n"
    assert newcomer.file.read_text() == "# mine\n"
    done = await newcomer.setup(*newcomer.told, "--overwrite")
    assert done.returncode == 0
    await newcomer.is_answered()


@pytest.mark.parametrize(
    ("words", "more", "why"),
    [
        ((), {"OPENAI_API_KEY": ""}, "there is no terminal to ask: give --key"),
        (("--key", "sk-written-out"), {}, '--key: a secret is not written out here: write "env:NAME"'),
        (("--provider", "olama"), {}, "--provider: there is no olama; there are: anthropic, echo, openai,"),
        (("--provider", "groq", "--model", "m"), {}, "there is no terminal to ask: give --key"),
        (("--platform", "telegramm"), {}, "--platform: there is no telegramm; there are: telegram,"),
        (("--secret", "token=env:NOT_SET"), {}, "the environment variable NOT_SET is not set"),
        (("--allow", "@ada"), {}, "allow_users"),
    ],
)
async def test_what_cannot_be_right_is_one_line_and_nothing_is_written(newcomer, words, more, why):
    done = await newcomer.setup(*newcomer.told, *words, **more)
    assert done.returncode not in (0, -1)
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert "sk-written-out" not in done.stdout + done.stderr
    assert newcomer.left() == []


async def test_a_bot_that_another_program_receives_for_is_one_line(newcomer, nursery):
    async with started("run", home=newcomer.home, **newcomer.environ) as daemon:
        assert (await newcomer.setup(*newcomer.told)).returncode == 0
    del daemon
    async with started("run", home=newcomer.home) as daemon:
        await daemon.ready()
        other = newcomer.home / "other"
        done = await newcomer.setup(*newcomer.told[:-2], "--config", other / "hermes.toml", "--wait", "5")
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert not other.exists()


async def test_a_model_that_refuses_the_key_ends_a_script(newcomer):
    newcomer.model.by_key[KEY] = Item(status=401, body={"error": {"message": f"{KEY} is no key"}})
    done = await newcomer.setup(*newcomer.told)
    assert done.returncode == 1
    assert "auth: 401" in done.stdout
    assert KEY not in done.stdout + done.stderr
    assert newcomer.left() == []


async def test_nobody_who_writes_in_time(newcomer):
    newcomer.bot.push(EVE, "me, me")
    done = await newcomer.setup(*newcomer.told[:-2], "--wait", "2")
    assert done.returncode == 1
    assert "nobody wrote it within 2 s" in done.stderr
    assert newcomer.left() == []


async def test_a_disk_that_refuses_leaves_nothing_half_written(newcomer):
    newcomer.folder.mkdir(parents=True)
    (newcomer.folder / ".telegram.token.new").mkdir()  # what cannot be written over
    done = await newcomer.setup(*newcomer.told)
    assert done.returncode == 1
    assert [path.name for path in newcomer.folder.iterdir()] == [".telegram.token.new"]


async def test_from_nothing_to_a_service_that_answers(newcomer):
    """With a fake of systemctl that starts the real daemon."""
    path = f"{systemd.put_in_place(newcomer.home / 'bin')}:/usr/bin:/bin"
    done = await newcomer.setup(*newcomer.told, "--service", "user", PATH=path)
    assert done.returncode == 0, done.stderr
    assert "hermes-trio service status --user" in done.stdout
    try:
        newcomer.model.push(Item(text="hello Ada"))
        newcomer.bot.push(ADA, "hello")
        assert await newcomer.bot.wait_sent(ADA, within_s=10) == ["hello Ada"]
    finally:
        with trio.move_on_after(40, shield=True):
            await hermes("service", "uninstall", "--user", home=newcomer.home, PATH=path)
