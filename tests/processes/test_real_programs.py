"""Programs under a gateway on the real clock: what is left of them, what they know, and what gets out."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import trio

from hermes_trio import Candidate, Candidates, ModelAgent, open_gateway
from hermes_trio.processes.proc_files import living
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.testing import MemoryPlatform
from hermes_trio.tools.process import tool as process
from hermes_trio.tools.terminal import tool as terminal
from hermes_trio.values.identity import Policy
from hermes_trio.values.transcript import ModelAnswer, NoteEntry, ToolCall, ToolEntry, UserEntry

PIPELINE = "sleep 1000 | cat & sleep 1000"


class Obedient:
    """A model that calls the tool a user's message names, then says what came back."""

    name = "obedient"
    needs_key = False

    async def complete(self, request, *, key, on_text):
        last = request.entries[-1]
        if isinstance(last, UserEntry) and last.text.startswith("{"):
            arguments = msgspec.json.decode(last.text)
            name = "process" if "action" in arguments else "terminal"
            if "times" in arguments:
                arguments["text"] *= arguments.pop("times")
            calls = (ToolCall(f"c{len(request.entries)}", name, msgspec.json.encode(arguments).decode()),)
            return ModelAnswer(calls=calls, finish="tool_calls")
        text = last.text if isinstance(last, ToolEntry | NoteEntry) else "hm"
        on_text(text)
        return ModelAnswer(text=text)


class House:
    """A gateway on a store of its own, with real processes."""

    def __init__(self, folder):
        self.store = folder / "hermes.db"
        self.platform = MemoryPlatform(policy=Policy(allow_users=("*",), admins=("ada",)))

    @asynccontextmanager
    async def open(self, redact=lambda text: text):
        models = Candidates([Candidate(Obedient())], chance=seeded_chance("house"))
        agent = ModelAgent(models, tools=[terminal, process])
        async with open_gateway(agent, platforms=[self.platform], store=self.store, redact=redact) as gateway:
            with trio.fail_after(30):
                yield gateway

    def say(self, chat, text="", **arguments):
        text = text or msgspec.json.encode(arguments).decode()
        self.platform.push(self.platform.message("ada", text, chat=chat))

    async def shows(self, chat, count):
        with trio.fail_after(15):
            while len(self.platform.texts(chat)) < count:
                await self.platform.changed()
        return self.platform.texts(chat)[count - 1]

    def living(self):
        with sqlite3.connect(self.store) as db:
            (mark,) = db.execute("select mark from mark").fetchone()
        db.close()
        return living(frozenset(), lambda entry: f"={mark}.".encode() in entry)

    async def until(self, wanted, within_s=5):
        with trio.fail_after(within_s):
            while not wanted(len(self.living())):  # noqa: ASYNC110 - a process says nothing of itself
                await trio.sleep(0.02)


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


async def test_a_command_and_its_output(house):
    async with house.open():
        house.say("c", command="echo out; echo err >&2; exit 3")
        assert '"exit_code":3' in await house.shows("c", 1)
        assert '"output":"out\\nerr\\n"' in house.platform.texts("c")[0]


@pytest.mark.parametrize("how", ["/stop", "/new", "timeout", "leave"])
async def test_a_pipeline_and_its_background_are_gone_in_five_seconds(house, how):
    """F-072: sh -c 'sleep 1000 | cat & sleep 1000'."""
    async with house.open() as gateway:
        house.say("c", command=PIPELINE, timeout_s=0.5 if how == "timeout" else 60)
        await house.until(lambda count: count >= 4)
        if how == "timeout":
            assert '"timed_out":true' in await house.shows("c", 1)
        elif how == "leave":
            gateway.hurry(0)
        else:
            house.say("c", how)
            await house.shows("c", 1)
        if how != "leave":
            await house.until(lambda count: count == 0)
    assert house.living() == []


async def test_a_port_is_free_after_a_reset_or_the_server_is_listed(house):
    """F-080."""
    serve = f"{sys.executable} -m http.server 0 --bind 127.0.0.1"
    async with house.open():
        house.say("c", action="start", command=f"{serve} 2>&1")
        await house.shows("c", 1)
        house.say("c", action="start", command=f"{serve} 2>&1", keep=True)
        await house.shows("c", 2)
        await house.until(lambda count: count >= 2)
        house.say("c", "/new")
        answer = await house.shows("c", 3)
        assert answer.startswith("New session. 1 background process goes on")
        assert "(kept)" in answer
        with trio.fail_after(5):
            while {_child(pid) for pid in house.living()} != {"2"}:  # noqa: ASYNC110
                await trio.sleep(0.02)
        house.say("c", "/stop all")
        await house.shows("c", 4)
        await house.until(lambda count: count == 0)


def _child(pid):
    """Which process a process belongs to, by its environment."""
    try:
        entries = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    return next(
        (e.decode().rpartition(".")[2] for e in entries if e.startswith(b"HERMES_TRIO_PROCESS=")), None
    )


async def test_an_end_is_told_and_what_it_printed(house):
    async with house.open():
        house.say("c", action="start", command="sleep 0.3; echo built; exit 4")
        await house.shows("c", 1)
        told = await house.shows("c", 2)
        assert "exited with code 4" in told
        assert told.endswith("built")


async def test_thirty_chats_at_once_name_only_themselves(house):
    """F-081: every output names only its own session."""
    async with house.open() as gateway:
        for n in range(30):
            house.say(f"c{n}", command="sleep 0.2; env | grep HERMES_TRIO")
        for n in range(30):
            await house.shows(f"c{n}", 1)
        sessions = {view.key.chat: view.id for view in await gateway.session_views()}
        turns = {row.chat: row.turn for row in await gateway.ledger()}
    for n in range(30):
        output = msgspec.json.decode(house.platform.texts(f"c{n}")[0])["output"]
        found = dict(line.split("=", 1) for line in output.splitlines())
        assert found["HERMES_TRIO_SESSION"] == str(sessions[f"c{n}"])
        assert found["HERMES_TRIO_TURN"] == str(turns[f"c{n}"])


async def test_no_secret_gets_out(house, monkeypatch, tmp_path):
    """I9: planted in the environment, in a file a process reads, in pieces, and on its command line."""
    canary = "sk-canary-0123456789"
    monkeypatch.setenv("OPENAI_API_KEY", canary)
    (tmp_path / "key").write_text(canary)
    async with house.open(redact=lambda text: text.replace(canary, "GONE")):
        house.say("c", command="env")
        assert "HERMES_TRIO" in await house.shows("c", 1)
        house.say("c", command=f"cat {tmp_path}/key; printf sk-canary-; sleep 0.2; printf 0123456789")
        assert '"output":"GONEGONE"' in await house.shows("c", 2)
        house.say("c", action="start", command=f"cat {tmp_path}/key; sleep 0.2")
        assert "GONE" in await house.shows("c", 4)
    shown = "\n".join(house.platform.texts("c"))
    with sqlite3.connect(house.store) as db:
        kept = "\n".join(db.iterdump())
    db.close()
    assert canary not in shown
    assert canary not in kept


async def test_ten_thousand_lines_are_few_calls(house, tmp_path):
    """F-078, at full speed."""
    wait = f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done"
    command = f"{wait}; i=0; while [ $i -lt 10000 ]; do echo error $i; i=$((i+1)); done; sleep 1"
    async with house.open() as gateway:
        house.say("c", action="start", command=command, watch_patterns=["error"], notify_on_complete=False)
        await house.shows("c", 1)
        await gateway.at_rest()
        (tmp_path / "go").touch()
        await house.shows("c", 2)
        await house.until(lambda count: count == 0, 20)
    # What matched first, and at its end what has matched since.
    assert len(house.platform.texts("c")) <= 3
