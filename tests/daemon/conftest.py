from functools import partial

import pytest

from tests.daemon.process import HERMES, hermes, program
from tests.fakes.botapi import FakeBotApi
from tests.fakes.openai_server import OpenAIFake

TELEGRAM = """
[gateway]
state_dir = "state"
drain_timeout_s = {drain_timeout_s}
[model]
base_url = "{model}/v1"
keys = ["env:MODEL_KEY"]
[platforms.telegram]
token = "env:BOT_TOKEN"
api_url = "{bot}"
allow_users = {allow_users}
"""


class Place:
    """A folder with a configuration for Telegram and OpenAI, both faked, and daemons that run in it."""

    def __init__(self, home, bot, model, bot_url, model_url):
        self.home, self.bot, self.model = home, bot, model
        self.state_dir = home / "state"
        self.model_url = model_url
        self._urls = {"bot": bot_url, "model": model_url}
        self.environ = {"BOT_TOKEN": bot.token, "MODEL_KEY": "sk-a-very-secret-key"}
        self.configure()

    def configure(self, more="", *, allow_users="[42]", drain_timeout_s=20.0):
        text = TELEGRAM.format(allow_users=allow_users, drain_timeout_s=drain_timeout_s, **self._urls)
        self.write(text + more)

    def write(self, text):
        """Another configuration."""
        (self.home / "hermes.toml").write_text(text)

    def daemon(self, *arguments, through=(), **environ):
        """The daemon, begun by another program with `through`."""
        command = [*through, HERMES, "run", *arguments]
        return program(*command, home=self.home, **{**self.environ, **environ})

    def hermes(self, *arguments, **more):
        """Another command; an operator's shell does not hold the daemon's secrets."""
        return hermes(*arguments, home=self.home, **more)


@pytest.fixture
async def place(tmp_path, nursery):
    bot, model = FakeBotApi(), OpenAIFake()
    bot_url = await nursery.start(bot.serve)
    model_url = await nursery.start(partial(model.serve))
    return Place(tmp_path, bot, model, bot_url, model_url)
