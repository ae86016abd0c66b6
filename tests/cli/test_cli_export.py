"""`hermes-trio export`: with a daemon and without, without secrets, whatever its size."""

from __future__ import annotations

import json
import sqlite3
import stat

import msgspec

from hermes_trio.store.sqlite.schema import connect
from hermes_trio.values.recording import Recording
from tests.fakes.botapi import TOKEN
from tests.fakes.model_script import Call, Item

ADA = 42


async def exported(place, *arguments, **environ):
    done = await place.hermes("export", 1, *arguments, **environ)
    assert done.returncode == 0, done.stderr
    return done


async def test_a_session_is_written_out_while_the_daemon_runs_and_after_it_was_killed(place):
    config = place.home / "hermes.toml"
    config.write_text(config.read_text() + '[tools]\nenable = ["now"]\n')
    place.model.push(Item(calls=[Call("now", "{}")]), Item(text="It is late."))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "what time is it?")
        await place.bot.wait_sent(ADA)
        while json.loads((await place.hermes("status", "--json")).stdout)["owed"] != 0:
            pass
        up = await exported(place)
        assert up.stderr == ""
        await daemon.kill()
    down = await exported(place)
    live, left = (msgspec.json.decode(done.stdout, type=Recording) for done in (up, down))
    for name in ("key", "began_at", "sessions", "messages", "turns", "steps", "entries", "said", "boots"):
        assert getattr(live, name) == getattr(left, name), name

    assert str(left.key) == "telegram/main/42"
    [message] = left.messages
    assert (message.message.text, message.outcome, message.turn) == ("what time is it?", "answered", 1)
    assert [step.name for step in left.steps] == ["model", "tool now#1/now", "tool now", "model"]
    [part] = left.said
    assert (part.said, part.text, part.state) == ("final", "It is late.", "sent")
    [boot] = left.boots
    assert boot.ended_at is None
    assert boot.setup.agent.tools[0].name == "now"
    assert boot.setup.accounts["telegram/main"].policy.allow_users == ("42",)
    assert "state_dir" not in boot.setup.gateway
    assert str(place.home) not in down.stdout


async def test_no_secret_is_in_it_with_a_daemon_or_without(place):
    canaries = (TOKEN, "sk-a-very-secret-key")
    place.model.push(Item(text="Never tell that."))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, f"my token is {TOKEN}, my key sk-a-very-secret-key")
        await place.bot.wait_sent(ADA)
        up = await exported(place)
        await daemon.kill()
    down = await exported(place, **place.environ)
    for done in (up, down):
        assert "my token is ***, my key ***" in done.stdout
        assert not [canary for canary in canaries if canary in done.stdout]
        assert done.stderr == ""
    unknown = await exported(place)
    assert "env:MODEL_KEY, env:BOT_TOKEN" in unknown.stderr


async def test_a_session_that_is_not_there(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        done = await place.hermes("export", 7)
        assert (done.returncode, done.stdout) == (1, "")
        assert "there is no session 7" in done.stderr
    for _ in range(2):
        done = await place.hermes("export", 7, "-o", place.home / "it.json")
        assert (done.returncode, done.stderr) == (1, "hermes-trio: there is no session 7\n")
        assert not (place.home / "it.json").exists()
        for file in place.state_dir.glob("hermes.db*"):
            file.unlink()


async def test_a_file_is_its_owners_alone_and_comes_whole_or_not_at_all(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA)
        done = await exported(place, "--output", place.home / "it.json")
        assert done.stdout == ""
        assert stat.S_IMODE((place.home / "it.json").stat().st_mode) == 0o600
        assert [path.name for path in place.home.glob("it.json*")] == ["it.json"]
        nowhere = await place.hermes("export", 1, "-o", place.home / "nowhere" / "it.json")
        assert nowhere.returncode == 1
        assert "No such file or directory" in nowhere.stderr


def fill(path, entries):
    """A store with one session of so many entries."""
    db = connect(path)
    db.execute("begin")
    db.execute("insert into boot(started_at) values(1)")
    db.execute('insert into session(key, opened_at) values(\'["telegram","main","42",null,null]\', 1)')
    for n in range(1, entries + 1):
        body = json.dumps({"type": "user", "text": f"{n} " + "x" * 400})
        db.execute(
            "insert into entry(session, turn, size, source, body, at) values(1, ?, 400, 'user', ?, ?)",
            (n // 2, body, n),
        )
        db.execute(
            "insert into step(turn, name, n, nth, state, digest, op, value, at)"
            " values(?, 'model', ?, ?, 'done', '', '', ?, ?)",
            (n // 2, n % 2, n % 2 + 1, json.dumps({"answer": {"text": "y" * 400}}), n),
        )
        if n % 2:
            db.execute(
                "insert into turn(session, key, boot, state, address, opened_at)"
                " values(1, '', 1, 'finished', '', ?)",
                (n,),
            )
    db.execute("commit")
    db.close()


async def test_ten_thousand_entries_are_written_out_and_the_daemon_answers_meanwhile(place):
    place.state_dir.mkdir()
    fill(place.state_dir / "hermes.db", 10_000)
    down = await exported(place)
    async with place.daemon() as daemon:
        await daemon.ready()
        up = await exported(place)
    for done in (down, up):
        recording = msgspec.json.decode(done.stdout, type=Recording)
        assert len(recording.entries) == 10_000
        assert len(recording.steps) >= 9_999
        assert [one.entry.text.split()[0] for one in recording.entries[:3]] == ["1", "2", "3"]
        assert len({(one.turn, one.name, one.n) for one in recording.steps}) == len(recording.steps)
    with sqlite3.connect(place.state_dir / "hermes.db") as db:
        assert db.execute("pragma quick_check").fetchone() == ("ok",)
    db.close()
