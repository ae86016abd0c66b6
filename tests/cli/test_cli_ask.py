"""Asking a daemon, and reading what it left while there is none."""

from __future__ import annotations

import json
import sqlite3

import trio

from hermes_trio.cli.options import tell
from hermes_trio.cli.tables import ledger_data, print_json, print_ledger
from hermes_trio.values.views import LedgerRow
from tests.fakes.model_script import Call, Item

ADA = 42


async def test_while_a_turn_runs_the_daemon_answers_within_2_s(place):
    place.model.push(Item(text="never", hold=0))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await place.model.until_held()
        with trio.fail_after(2):
            said = await place.hermes("status", "--json")
        status = json.loads(said.stdout)
        assert status["daemon"] == "up"
        assert status["pid"] == daemon.pid
        assert status["model"] == "openai/gpt-5.5"
        assert status["boot"] == 1
        assert status["sessions"] == 1
        (account,) = status["accounts"]
        assert (account["name"], account["receiving"], account["anybody"]) == ("telegram/main", True, False)
        assert 0 <= account["received_s_ago"] < 5
        (turn,) = status["running"]
        assert (turn["key"], turn["session"], turn["state"]) == ("telegram/main/42", 1, "running")
        assert "turn 1         telegram/main/42, session 1" in (await place.hermes("status")).stdout

        (row,) = json.loads((await place.hermes("ledger", "--json")).stdout)
        assert (row["key"], row["chat"], row["state"], row["outcome"]) == (
            "telegram/main/42",
            "42",
            "running",
            None,
        )
        (session,) = json.loads((await place.hermes("sessions", "--json")).stdout)
        assert session["running"]["id"] == 1

        stopped = await place.hermes("stop", 1)
        assert (stopped.returncode, stopped.stdout) == (0, "session 1: stopped\n")
        again = await place.hermes("stop", 1)
        assert (again.returncode, again.stdout) == (0, "session 1: nothing was running\n")
        reset = await place.hermes("reset", 1)
        assert (reset.returncode, reset.stdout) == (0, "session 2 follows 1\n")
        missing = await place.hermes("reset", 1)
        assert missing.returncode == 1
        assert "no open session 1" in missing.stderr
        (row,) = json.loads((await place.hermes("ledger", "--json")).stdout)
        assert row["outcome"] == "stopped"


async def test_a_turn_is_shown_with_what_it_was_asked_did_and_said_beside_a_daemon_and_without(place):
    place.model.push(Item(calls=[Call("now", "{}")]), Item(text="It is late."))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "what time is it?")
        await place.bot.wait_sent(ADA)
        beside = await place.hermes("turn", 1, "--json")
        missing = await place.hermes("turn", 7)
    without = await place.hermes("turn", 1, "--json")
    assert json.loads(beside.stdout)["turn"] == json.loads(without.stdout)["turn"]
    page = json.loads(without.stdout)
    assert (page["turn"]["key"], page["turn"]["state"], page["error"]) == ("telegram/main/42", "finished", "")
    assert [entry["kind"] for entry in page["entries"]] == ["user", "assistant", "tool", "assistant"]
    assert page["entries"][1]["text"] == "now({})"
    assert [(step["name"], step["state"]) for step in page["steps"]] == [
        ("model", "done"),
        ("tool now#1/now", "done"),
        ("tool now", "done"),
        ("model", "done"),
    ]
    assert [(said["kind"], said["text"], said["state"]) for said in page["said"]] == [
        ("final", "It is late.", "sent")
    ]
    shown = (await place.hermes("turn", 1)).stdout
    assert shown.startswith("turn 1 of telegram/main/42, session 1: finished\n")
    assert "tool now#1 done in " in shown
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "there is no turn 7; `hermes-trio ledger` names the turn of each message" in missing.stderr


async def test_the_ledger_of_one_chat(place):
    place.configure(allow_users='["*"]')
    async with place.daemon() as daemon:
        await daemon.ready()
        for chat in (ADA, 43):
            place.bot.push(chat, "hello")
            await place.bot.wait_sent(chat)
        for named in ("43", "telegram/main/43"):
            (row,) = json.loads((await place.hermes("ledger", "--json", "--chat", named)).stdout)
            assert row["chat"] == "43"
        for named in ("44", "telegram/second/43", "telegram/main/44"):
            done = await place.hermes("ledger", "--json", "--chat", named)
            assert json.loads(done.stdout) == []
            assert f"no message of a chat {named} is kept; `hermes-trio ledger` shows all" in done.stderr


async def test_who_names_a_conversation_in_place_of_its_session_is_told_where_numbers_are(place):
    done = await place.hermes("stop", "telegram/main/42")
    assert done.returncode == 2
    assert "'telegram/main/42' is no number of a session; `hermes-trio sessions` lists them" in done.stderr


async def test_a_configuration_with_which_it_would_not_start_again_is_not_restarted_into(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        path = place.home / "hermes.toml"
        right = path.read_text()
        path.write_text(f"{right}admin = [{ADA}]\n")
        done = await place.hermes("restart")
        assert (done.returncode, done.stdout) == (78, "")
        assert "unknown key; did you mean admins?" in done.stderr
        assert "not restarted: it would not start again, so mend this first" in done.stderr
        assert daemon.said("stopping") == []
        path.write_text(right)
        assert (await place.hermes("restart")).returncode == 0
        await daemon.until_said("stopping")


async def test_what_can_be_gone_back_to_is_listed_up_and_down(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA, 1)
        place.bot.push(ADA, "/new")
        await place.bot.wait_sent(ADA, 2)
        assert [row["id"] for row in json.loads((await place.hermes("sessions", "--json")).stdout)] == [2]
        up = (await place.hermes("sessions", "--json", "--all")).stdout
        new, old = json.loads(up)
        assert (new["id"], new["ended_at"], new["why"], new["turns"]) == (2, None, "", 0)
        assert (old["id"], old["why"], old["turns"]) == (1, "/new", 1)
        assert old["ended_at"] >= old["opened_at"]
        table = (await place.hermes("sessions", "--all")).stdout.splitlines()
        assert table[0].split()[-2:] == ["ended", "why"]
        assert table[2].split()[-1] == "/new"

        missing = await place.hermes("resume", 77)
        assert (missing.returncode, missing.stdout) == (1, "")
        assert "there is no session 77; `hermes-trio sessions --all` lists them" in missing.stderr
        open_one = await place.hermes("resume", 2)
        assert (open_one.returncode, open_one.stderr) == (1, "hermes-trio: session 2 is open already\n")
        assert await daemon.stop() == 0
    down = await place.hermes("sessions", "--json", "--all")
    assert down.stdout == up


async def test_a_drain_is_visible(place):
    place.model.push(Item(text="done", hold=0))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "work")
        await place.model.until_held()
        daemon.signal()
        await daemon.until_said("checkpoint")
        status = json.loads((await place.hermes("status", "--json")).stdout)
        assert status["draining"] is True
        place.model.release()
        assert await daemon.ends() == 0


async def test_without_a_daemon_the_store_is_read_and_nothing_is_written(place):
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        await place.bot.wait_sent(ADA)
        await daemon.kill()
    status = await place.hermes("status")
    assert status.returncode == 0
    assert status.stdout.splitlines()[0].split(maxsplit=1)[1].strip() == "not running"
    assert json.loads((await place.hermes("status", "--json")).stdout)["daemon"] == "down"
    ledger = await place.hermes("ledger", "--json")
    assert "not running" in ledger.stderr
    (row,) = json.loads(ledger.stdout)
    assert row["outcome"] == "answered"
    sessions = await place.hermes("sessions")
    assert "telegram/main/42" in sessions.stdout
    with sqlite3.connect(place.state_dir / "hermes.db") as db:
        assert db.execute("select count(*) from boot").fetchone() == (1,)
    db.close()


async def test_where_nothing_ever_was_nothing_is_made(place):
    for command in ("status", "ledger", "sessions"):
        assert (await place.hermes(command)).returncode == 0
    nothing = await place.hermes("ledger", "--json")
    assert json.loads(nothing.stdout) == []
    assert "there is no store in its state_dir: `hermes-trio check` names it" in nothing.stderr
    assert not place.state_dir.exists()


async def test_without_a_daemon_nothing_can_be_asked_of_it(place):
    for command in (["stop", 1], ["reset", 1], ["restart"]):
        done = await place.hermes(*command)
        assert done.returncode == 1
        assert "is not running" in done.stderr


async def test_a_corrupt_store_is_refused(place):
    place.state_dir.mkdir()
    (place.state_dir / "hermes.db").write_bytes(b"nonsense " * 1000)
    done = await place.hermes("ledger")
    assert done.returncode == 78
    assert "hermes.db" in done.stderr


async def test_a_store_of_a_newer_program_is_refused_and_left_untouched(place):
    place.state_dir.mkdir()
    store = place.state_dir / "hermes.db"
    with sqlite3.connect(store) as db:
        db.executescript(
            "create table boot(id); pragma application_id = 0x48544331; pragma user_version = 99;"
        )
    db.close()
    before = store.read_bytes()
    for command in ("ledger", "run"):
        done = await place.hermes(command, **place.environ)
        assert done.returncode == 78
        assert "newer hermes-trio" in done.stderr
    assert store.read_bytes() == before


async def test_a_daemon_with_a_very_long_state_dir_answers(place):
    deep = "state/" + "d" * 120
    text = (place.home / "hermes.toml").read_text().replace('"state"', f'"{deep}"')
    (place.home / "hermes.toml").write_text(text)
    async with place.daemon() as daemon:
        await daemon.ready()
        assert f"pid {daemon.pid}" in (await place.hermes("status")).stdout


FOREIGN = "\x1b[2J[red]\x07\x7f\x9b31m\u202egpj.\u2066\U000e0041\u200bend"
"""C0, C1, DEL, what turns the order round, and what is not seen."""


def from_outside():
    return LedgerRow(
        id=1,
        account="telegram/main",
        native=FOREIGN,
        key=None,
        chat=FOREIGN,
        kind="message",
        received_at=0.0,
        length=1,
        state=None,
        outcome="dropped",
        reason="policy\nnot",
    )


def steers(said):
    return [char for char in said if not char.isprintable() and char != "\n"]


def test_what_came_from_outside_steers_no_terminal(capsys):
    print_ledger([from_outside()])
    said = capsys.readouterr().out
    assert steers(said) == []
    assert "\\u001b[2J[red]\\u0007" in said
    assert len(said.splitlines()) == 2


def test_json_steers_no_terminal_either_and_says_the_same_to_a_program(capsys):
    print_json([ledger_data(from_outside())])
    said = capsys.readouterr().out
    assert steers(said) == []
    assert json.loads(said)[0]["chat"] == json.loads(said)[0]["native"] == FOREIGN


def test_a_line_for_people_steers_no_terminal(capsys):
    tell(f"no such account: {FOREIGN}")
    said = capsys.readouterr().err
    assert steers(said) == []
    assert said.startswith("hermes-trio: no such account: \\u001b[2J[red]")


async def test_background_work_is_shown_and_ended(place):
    config = place.home / "hermes.toml"
    config.write_text(config.read_text().replace("allow_users", f"admins = [{ADA}]\nallow_users"))
    with config.open("a") as file:
        file.write('[tools]\nenable = ["process"]\n')
    begin = json.dumps({"action": "start", "command": "exec sleep 1000", "keep": True})
    place.model.push(Item(calls=[Call("process", begin)]), Item(text="Started."))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "go")
        await place.bot.wait_sent(ADA)
        (process,) = json.loads((await place.hermes("status", "--json")).stdout)["processes"]
        assert (process["id"], process["session"], process["command"]) == (1, 1, "exec sleep 1000")
        assert ", kept: exec sleep 1000" in (await place.hermes("status")).stdout
        (session,) = json.loads((await place.hermes("sessions", "--json")).stdout)
        assert [each["id"] for each in session["processes"]] == [1]
        assert (await place.hermes("stop", 1)).stdout == "session 1: nothing was running\n"
        assert (await place.hermes("stop", 1, "--all")).stdout == "session 1: stopped\n"
        assert json.loads((await place.hermes("status", "--json")).stdout)["processes"] == []
