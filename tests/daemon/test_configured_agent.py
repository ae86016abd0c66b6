"""From the configuration to what answers."""

from __future__ import annotations

import pytest

from tests.fakes.model_script import Call, Item

ADA = 42
FALLBACK = """
[[model.fallback]]
base_url = "{url}/v1"
name = "another"
keys = ["env:BAD_KEY", "env:MODEL_KEY"]
"""


async def test_models_at_one_address_with_the_same_keys_share_what_is_known_of_them(place):
    text = (place.home / "hermes.toml").read_text()
    text = text.replace('keys = ["env:MODEL_KEY"]', 'keys = ["env:BAD_KEY", "env:MODEL_KEY"]')
    (place.home / "hermes.toml").write_text(text + FALLBACK.format(url=place.model_url))
    place.model.by_key["sk-bad-key"] = Item(status=401, body={"error": {"message": "no"}})
    place.model.push(Item(status=404, body={"error": {"message": "no such model"}}))
    async with place.daemon(BAD_KEY="sk-bad-key") as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        assert await place.bot.wait_sent(ADA) == ["you said: hello"]
    good = "sk-a-very-secret-key"
    assert [(call.key, call.model) for call in place.model.calls] == [
        ("sk-bad-key", "gpt-5.5"),
        (good, "gpt-5.5"),
        (good, "another"),
    ]


async def test_the_agent_has_the_prompt_and_the_tools_that_are_enabled(place):
    (place.home / "prompt.txt").write_text("Be brief.\n")
    place.configure('[agent]\nprompt = "file:prompt.txt"\n[tools]\ndisable = ["sleep"]\n')
    place.model.push(Item(calls=[Call("now")]))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA)
    first, second = place.model.calls
    assert first.messages[0]["content"].startswith("Be brief.")
    assert [tool["function"]["name"] for tool in first.body["tools"]] == ["now"]
    assert second.messages[-1]["role"] == "tool"


async def test_a_tool_that_cannot_be_imported_is_the_configurations_fault(place, tmp_path):
    broken = tmp_path / "site" / "broken_tool-1.dist-info"
    broken.mkdir(parents=True)
    (broken / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-tool\nVersion: 1\n")
    (broken / "entry_points.txt").write_text("[hermes_trio.tools]\nbroken = not_there:tool\n")
    place.configure('[tools]\nenable = ["broken"]\n')
    done = await place.hermes("run", PYTHONPATH=str(tmp_path / "site"), **place.environ)
    assert done.returncode == 78
    assert "tool broken cannot be imported: it needs the module not_there" in done.stderr


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("tool = nowhere", "tool bad cannot be imported (NameError: name 'nowhere' is not defined)"),
        ("raise SystemExit(3)", "tool bad cannot be imported (SystemExit: 3)"),
        (
            "class tool:\n name = 'a b'\n description = parameters = run = ''\ntool = tool()",
            "tools.enable: tool.name is a name of letters, digits, _ and -, at most 64, not 'a b'",
        ),
    ],
)
async def test_a_tool_that_is_none_is_said_by_check_without_a_traceback(place, tmp_path, source, said):
    site = tmp_path / "site" / "bad_tool-1.dist-info"
    site.mkdir(parents=True)
    (site / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-tool\nVersion: 1\n")
    (site / "entry_points.txt").write_text("[hermes_trio.tools]\nbad = bad_tool:tool\n")
    (tmp_path / "site" / "bad_tool.py").write_text(source)
    place.configure('[tools]\nenable = ["bad"]\n')
    done = await place.hermes("check", PYTHONPATH=str(tmp_path / "site"), **place.environ)
    assert done.returncode == 78
    assert said in done.stderr
    assert "Traceback (most recent call last)" not in done.stderr


async def test_a_refused_key_is_read_again_from_its_file_and_what_is_there_is_no_ones_to_read(place):
    (place.home / "key").write_text("sk-yesterdays-key\n")
    config = place.home / "hermes.toml"
    config.write_text(config.read_text().replace('"env:MODEL_KEY"', '"file:key"'))
    refusal = Item(status=401, body={"error": {"message": "the key sk-todays-secret-key is not active yet"}})
    place.model.by_key["sk-yesterdays-key"] = refusal
    async with place.daemon() as daemon:
        await daemon.ready()
        (place.home / "key").write_text("sk-todays-secret-key\n")
        place.bot.push(ADA, "hello")
        assert await place.bot.wait_sent(ADA) == ["you said: hello"]
        place.model.push(Item(text="my key is sk-todays-secret-key"))
        place.bot.push(ADA, "tell me")
        assert (await place.bot.wait_sent(ADA, 2))[1] == "my key is ***"
        assert daemon.said("key renewed")
        said = daemon.text
    assert [call.key for call in place.model.calls] == ["sk-yesterdays-key"] + ["sk-todays-secret-key"] * 2
    assert "sk-todays" not in said
    assert "sk-yesterdays" not in said
    for file in place.state_dir.iterdir():
        assert file.is_socket() or b"sk-todays" not in file.read_bytes()


async def test_a_file_with_the_same_key_is_a_dead_key_until_it_holds_another_one(place):
    (place.home / "key").write_text("sk-yesterdays-key\n")
    config = place.home / "hermes.toml"
    config.write_text(config.read_text().replace('"env:MODEL_KEY"', '"file:key"'))
    place.model.by_key["sk-yesterdays-key"] = Item(status=401, body={"error": {"message": "no"}})
    async with place.daemon() as daemon:
        await daemon.ready()
        for n in range(2):
            place.bot.push(ADA, "hello")
            assert "credentials refused" in (await place.bot.wait_sent(ADA, n + 1))[n]
        assert daemon.said("key dead")
    assert len(place.model.calls) == 1


async def test_a_key_whose_file_is_gone_is_dead_and_the_log_says_why(place):
    (place.home / "key").write_text("sk-yesterdays-key\n")
    config = place.home / "hermes.toml"
    config.write_text(config.read_text().replace('"env:MODEL_KEY"', '"file:key"'))
    place.model.by_key["sk-yesterdays-key"] = Item(status=401, body={"error": {"message": "no"}})
    async with place.daemon() as daemon:
        await daemon.ready()
        (place.home / "key").unlink()
        place.bot.push(ADA, "hello")
        (told,) = await place.bot.wait_sent(ADA)
        assert told.endswith("Send it again in 30 s. Whoever runs me can see why, and mend it.")
        why = f"the file {place.home / 'key'} cannot be read: No such file or directory"
        assert daemon.said("key dead")[0]["why"] == why
