"""The section [platforms.telegram] is checked before anything is opened."""

from __future__ import annotations

import msgspec
import pytest
from hermes_telegram import Options, adapter, telegram

from hermes_trio.errors import ConfigWrong
from hermes_trio.values.identity import Policy, Secret
from tests.fakes.botapi import TOKEN


def from_config(**section) -> Options:
    def secret(kind, value):
        return Secret(value)

    return msgspec.convert({"token": TOKEN} | section, adapter.options, dec_hook=secret)


def test_nobody_is_allowed_until_somebody_is_named():
    assert from_config().policy() == Policy()


def test_ids_become_the_policy():
    options = from_config(allow_users=[5, "007", -100123], admins=[9], require_mention=False, reply_to="all")
    assert options.policy() == Policy(
        allow_users=("5", "7", "-100123"), admins=("9",), require_mention=False, reply_to="all"
    )


def test_a_star_alone_is_anybody():
    assert from_config(allow_users=["*"]).policy().allow_users == ("*",)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"allow_users": ["bob"]}, r"allow_users: 'bob' is not a numeric user id.*userinfobot"),
        ({"allow_users": ["@bob"]}, r"allow_users: '@bob' is not a numeric user id"),
        ({"admins": [-100123]}, "admins: -100123 is not a numeric user id"),
        ({"allow_users": ["--5"]}, "allow_users: '-5' is not a numeric user id"),
        ({"allow_users": ["٣"]}, "is not a numeric user id"),
        ({"admins": [0]}, "admins: 0 is not a numeric user id"),
        ({"allow_users": ["*", 5]}, "must stand alone"),
        ({"api_url": "ftp://x"}, "api_url"),
        ({"api_url": "https://user:pw@x"}, "api_url"),
        ({"poll_timeout_s": 0}, "poll_timeout_s"),
        ({"allow_user": [5]}, "unknown field `allow_user`"),
    ],
)
def test_what_cannot_be_right_is_refused_in_words(section, said):
    with pytest.raises(msgspec.ValidationError, match=said):
        from_config(**section)


@pytest.mark.parametrize("token", ["", "abc:def", "123456:", "123456 :AAA", "123456:AA/../x"])
def test_a_malformed_token_is_refused_without_being_shown(token):
    with pytest.raises(msgspec.ValidationError, match="token: not a bot token") as refused:
        from_config(token=token)
    assert not token or token not in str(refused.value)


def test_the_token_is_in_no_repr():
    assert TOKEN not in repr(from_config())


def test_a_bot_of_the_library_takes_its_token_from_the_environment(monkeypatch):
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", TOKEN)
    bot = telegram(allow_users=[5], admins=[9], reply_to="all")
    assert bot.account == "main"
    assert bot.policy == Policy(allow_users=("5",), admins=("9",), reply_to="all")


@pytest.mark.parametrize(
    ("token", "options", "said"),
    [
        (None, {}, "the environment has no TELEGRAM_BOT_TOKEN"),
        ("  ", {}, "the environment has no TELEGRAM_BOT_TOKEN"),
        ("abc:hush-hush", {}, "not a bot token"),
        (TOKEN, {"allow_users": ["bob"]}, "allow_users: 'bob' is not a numeric user id"),
        (TOKEN, {"allow_user": [5]}, "allow_user"),
    ],
)
def test_a_bot_of_the_library_says_what_is_wrong(monkeypatch, token, options, said):
    monkeypatch.delenv("TELEGRAM_BOT_TOKEN", raising=False)
    if token is not None:
        monkeypatch.setenv("TELEGRAM_BOT_TOKEN", token)
    with pytest.raises(ConfigWrong) as wrong:
        telegram(**options)
    assert said in str(wrong.value)
    assert not (token or "").strip() or token not in str(wrong.value)
