"""`hermes-trio keys`: the pool by position and state, from the daemon or from its store, and never a key."""

from __future__ import annotations

import json

from tests.fakes.model_script import Item

ADA = 42
POOL = """
[[model.fallback]]
base_url = "{url}/v1"
name = "another"
keys = ["env:SPARE_KEY"]
"""


def with_pool(place):
    config = place.home / "hermes.toml"
    text = config.read_text().replace('["env:MODEL_KEY"]', '["env:USED_UP", "env:MODEL_KEY"]')
    config.write_text(text + POOL.format(url=place.model_url))
    place.model.by_key["sk-used-up-key"] = Item(status=402, body={"error": {"message": "pay"}})
    return {"USED_UP": "sk-used-up-key", "SPARE_KEY": "sk-spare-key"}


async def test_each_key_is_shown_by_position_while_the_daemon_runs_and_what_rests_when_it_does_not(place):
    environ = with_pool(place)
    async with place.daemon(**environ) as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        assert await place.bot.wait_sent(ADA) == ["you said: hello"]
        live = json.loads((await place.hermes("keys", "--json")).stdout)
        table = (await place.hermes("keys")).stdout
        await daemon.stop()
    assert [(row["key"], row["state"], row["kind"], row["model"]) for row in live] == [
        ("1/2", "cooldown", "quota", "*"),
        ("2/2", "ready", "", "*"),
        ("1/1", "ready", "", "*"),
    ]
    assert live[0]["until"] - live[0]["used_at"] > 500
    assert live[2]["used_at"] is None
    assert [line.split()[0] for line in table.splitlines()[1:]] == ["openai"] * 3
    stored = await place.hermes("keys", "--json")
    (row,) = json.loads(stored.stdout)
    assert (row["key"], row["state"], row["until"]) == ("1/2", "cooldown", live[0]["until"])
    assert "the daemon is not running" in stored.stderr
    for key in ("sk-used-up-key", "sk-a-very-secret-key", "sk-spare-key"):
        assert key not in table + str(live) + stored.stdout
        assert key.encode() not in (place.state_dir / "hermes.db").read_bytes()


async def test_before_the_first_start_there_is_none(place):
    done = await place.hermes("keys", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


async def test_a_kept_message_is_counted_and_survives_the_daemon(place):
    environ = with_pool(place)
    config = place.home / "hermes.toml"
    config.write_text(config.read_text().replace("[model]\n", '[model]\non_exhausted = "defer"\n'))
    for key in ("sk-a-very-secret-key", "sk-spare-key"):
        place.model.by_key[key] = place.model.by_key["sk-used-up-key"]
    async with place.daemon(**environ) as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        (told,) = await place.bot.wait_sent(ADA)
        assert "Your message is kept" in told
        status = json.loads((await place.hermes("status", "--json")).stdout)
        assert (status["deferred"], status["waiting"]) == (1, 0)
        await daemon.stop()
    place.model.by_key.clear()
    async with place.daemon(**{**environ, "USED_UP": "sk-another-key"}) as daemon:
        await daemon.ready()
        assert (await place.bot.wait_sent(ADA, 2))[1] == "you said: hello"
        assert len(place.bot.sent(ADA)) == 2
