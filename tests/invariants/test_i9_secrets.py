"""I9: no secret the gateway holds appears in a send, a log line, the store, or an error.

Canaries are planted where secrets live: in the environment, in a file, in what a provider and a platform say
when they refuse. The daemon is a real one, with tools that tell all they can see.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from tests.crash.effects import offer_tools
from tests.crash.process import run
from tests.crash.stage import KEY, Stage
from tests.fakes.botapi import TOKEN
from tests.fakes.model_script import Call, Item

CHAT = 42
FILE_KEY = "sk-canary/in+a=file"
CANARIES = (KEY, TOKEN, FILE_KEY, quote(FILE_KEY, safe=""), quote(TOKEN, safe=""))


def plant(stage: Stage) -> None:
    """A second key in a file, and tools that look at both."""
    file = stage.folder / "key2"
    file.write_text(f"{FILE_KEY}\n")
    file.chmod(0o600)
    offer_tools(stage.folder / "leaks", Path(__file__).with_name("leaking_tools.py"), ["leak", "leak_error"])
    path = f"{stage.effects.environ['PYTHONPATH']}:{stage.folder / 'leaks'}"
    stage.more_environ = {"PYTHONPATH": path, "CANARY_FILE": str(file)}
    text = stage._config.read_text()
    text = text.replace('keys = ["env:MODEL_KEY"]', f'keys = ["env:MODEL_KEY", "file:{file}"]')
    stage._config.write_text(text.replace('enable = ["now",', 'enable = ["leak", "leak_error", "now",'))


async def nothing_slipped(stage: Stage) -> None:
    """Every place a secret could have got to, of a daemon that has ended."""
    said = [str(shown) for chat in stage.said for shown in stage.telegram.sent(chat)]
    asked = [str(called.messages) for called in stage.model.calls]
    lines = [line for daemon in stage.lives for line in daemon.lines]
    ledger = [(await run(stage._config, stage.environ, "ledger", "--json")).decode()]
    assert said
    assert lines
    for place, texts in (("said", said), ("asked", asked), ("log", lines), ("ledger", ledger)):
        for canary in CANARIES:
            assert not [text for text in texts if canary in text], f"{place}: {canary}"
    for file in stage.state_dir.rglob("*"):
        if file.is_file():
            for canary in CANARIES:
                assert canary.encode() not in file.read_bytes(), f"{file.name}: {canary}"


async def test_what_tools_see_of_environment_and_files_gets_nowhere(stage):
    plant(stage)
    for name in ("leak", "leak_error"):
        stage.model.push(Item(calls=[Call(name, "{}")]), Item(text=f"I saw {KEY} and {FILE_KEY} and {TOKEN}"))
    await stage.start()
    for text in ("look", "look again"):
        stage.say(CHAT, text)
        await stage.answered()
    assert len(stage.shown(CHAT)) == 2
    assert all(text.startswith("I saw ***") for text in stage.shown(CHAT)), stage.shown(CHAT)
    results = [one["content"] for one in stage.model.calls[-1].messages if one["role"] == "tool"]
    assert len(results) == 2
    assert all("CANARY_FILE" in result for result in results)  # it did look
    assert not [result for result in results if "MODEL_KEY" in result]  # it is rid of them
    status = await run(stage._config, stage.environ, "status", "--json")
    assert not [canary for canary in CANARIES if canary.encode() in status]
    await stage.stop()
    await nothing_slipped(stage)


async def test_what_providers_and_platforms_say_when_they_refuse_gets_nowhere(stage):
    plant(stage)
    for key, status in ((KEY, 401), (FILE_KEY, 402)):
        body = {"error": {"message": f"Incorrect API key provided: {key} ({TOKEN}).", "code": f"no {key}"}}
        stage.model.push(Item(status=status, body=body))
    stage.telegram.refuse("sendMessage", 400, f"Bad Request: bot{TOKEN} may not, {KEY}", times=1)
    await stage.start()
    stage.say(CHAT, "one")
    await stage.answered()
    stage.say(CHAT, "two")
    await stage.answered()
    assert [row["outcome"] for row in await stage.ledger()] == ["refused", "refused"]
    await stage.stop()
    assert [line for line in stage.daemon.lines if "key cooled down" in line]
    await nothing_slipped(stage)


async def test_a_crash_leaves_no_secret_on_the_disk(stage):
    plant(stage)
    stage.model.push(Item(text=f"I know {KEY}, {FILE_KEY}", hold=2))
    await stage.start()
    stage.say(CHAT, "one")
    await stage.model.until_held()
    await stage.kill9()
    for file in stage.state_dir.rglob("*"):
        if file.is_file():
            assert not [canary for canary in CANARIES if canary.encode() in file.read_bytes()]
