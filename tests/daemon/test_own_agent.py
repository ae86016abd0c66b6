"""A daemon whose agent is a function of the operator's own: commands, ledger and resume for nothing."""

from __future__ import annotations

import json

import pytest

ADA = 42
RUN = '\n[agent]\nrun = "my_bot:agent"\n'
BOT = """
async def order(what):
    return f"order of {what}"


async def agent(turn):
    ordered = await turn.step("order", order, turn.text, idempotent=True)
    if turn.text == "slowly":
        await turn.sleep(3600)
    return ordered
"""


def write(place, source, more=RUN):
    (place.home / "my_bot.py").write_text(source)
    place.configure(more)


async def test_a_function_beside_the_configuration_answers_and_has_commands_ledger_and_status(place):
    write(place, BOT)
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "tea")
        await place.bot.wait_sent(ADA)
        place.bot.push(ADA, "/status")
        said = await place.bot.wait_sent(ADA, 2)
        status = json.loads((await place.hermes("status", "--json")).stdout)
    assert status["model"] == "my_bot:agent"
    assert said[0] == "order of tea"
    assert "my_bot:agent" in said[1]
    [row, _] = json.loads((await place.hermes("ledger", "--json")).stdout)
    assert row["outcome"] == "answered"


async def test_it_goes_on_after_a_kill(place):
    write(place, BOT.replace("3600", "1"))
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "slowly")
        await daemon.until_said("turn opened")
        await daemon.kill()
    async with place.daemon() as daemon:
        await daemon.ready()
        assert await place.bot.wait_sent(ADA) == ["order of slowly"]


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(
    ("source", "more", "said"),
    [
        ("", RUN, "agent.run: my_bot:agent is not there"),
        ("agent = 3", RUN, "agent.run: my_bot:agent is an async function, not an int"),
        (
            "async def agent(turn, more): ...",
            RUN,
            "agent.run: my_bot:agent is called with one turn: missing a required argument: 'more'",
        ),
        (
            "def agent(turn):\n    return 'hello'",
            RUN,
            "agent.run: my_bot:agent is not async: write `async def`, or `-> Awaitable[str]`",
        ),
        (
            "import os\nos.environ['NO_SUCH']",
            RUN,
            "agent.run: my_bot cannot be imported: KeyError: 'NO_SUCH'",
        ),
        (
            "agent = (",
            RUN,
            "agent.run: my_bot cannot be imported: SyntaxError: '(' was never closed (my_bot.py, line 1)\n"
            "{HOME}/my_bot.py:1 in what cannot be read",
        ),
        ("raise SystemExit(3)", RUN, "agent.run: my_bot exits when it is imported: put what runs it below"),
        ("async def agnt(turn): ...", RUN, "no attribute 'agent'; did you mean agnt?"),
        ("import no_such_thing", RUN, "agent.run: my_bot needs the module no_such_thing: pip install it"),
        (
            BOT,
            RUN.replace("my_bot", "your_bot"),
            "there is no module your_bot among what is installed",
        ),
        (BOT, RUN.replace("my_bot:agent", "my_bot"), "agent.run: "),
    ],
)
async def test_what_is_no_agent_is_said_by_check_and_ends_a_start_with_78(place, command, source, more, said):
    write(place, source, more)
    done = await place.hermes(command, **place.environ)
    assert done.returncode == 78
    assert said.replace("{HOME}", str(place.home)) in done.stderr
    assert "Traceback (most recent call last)" not in done.stderr


async def test_a_module_in_the_working_folder_is_not_imported(place, tmp_path):
    write(place, BOT)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (place.home / "my_bot.py").rename(elsewhere / "my_bot.py")
    done = await place.hermes("check", cwd=elsewhere, **place.environ)
    assert (done.returncode, "there is no module my_bot" in done.stderr) == (78, True)


async def test_what_others_may_write_is_not_imported(place):
    write(place, BOT)
    package = place.home / "shop"
    package.mkdir()
    (package / "__init__.py").write_text("from .bot import agent")
    (package / "bot.py").write_text(BOT)
    (place.home / "other.py").write_text("")
    for run, path, mode, back in (
        (RUN, place.home, 0o777, 0o700),
        (RUN, place.home, 0o770, 0o700),
        (RUN, place.home / "my_bot.py", 0o664, 0o644),
        (RUN, place.home / "other.py", 0o646, 0o644),
        (RUN.replace("my_bot", "shop"), package, 0o775, 0o755),
        (RUN.replace("my_bot", "shop"), package / "bot.py", 0o666, 0o644),
    ):
        place.configure(run)
        path.chmod(mode)
        done = await place.hermes("check", **place.environ)
        path.chmod(back)
        assert done.returncode == 78, path
        assert f"{path}: others may write there" in done.stderr
        assert f"chmod go-w {path}" in done.stderr
        assert (await place.hermes("check", **place.environ)).returncode == 0


async def test_a_link_is_judged_by_where_it_leads(place, tmp_path):
    write(place, BOT)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    (place.home / "my_bot.py").rename(elsewhere / "bot.py")
    (place.home / "my_bot.py").symlink_to(elsewhere / "bot.py")
    assert (await place.hermes("check", **place.environ)).returncode == 0
    elsewhere.chmod(0o777)
    done = await place.hermes("check", **place.environ)
    assert (done.returncode, f"chmod go-w {elsewhere}" in done.stderr) == (78, True)


FORGETFUL = """
import threading
import warnings


class Closing:
    def __del__(self):
        raise KeyError("price")


async def note(text):
    return text


async def agent(turn):
    note("a")
    kept = note("b")
    warnings.warn("a library is old", UserWarning)
    Closing()
    thread = threading.Thread(target=lambda: {}["price"], name="prices")
    thread.start()
    thread.join()
    return "done"
"""


async def test_what_python_itself_says_of_the_authors_code_is_a_line_with_its_place(place):
    write(place, FORGETFUL)
    place.environ["PYTHONWARNINGS"] = "default"
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "hello")
        assert await place.bot.wait_sent(ADA) == ["done"]
        await daemon.stop()
    bot = place.home / "my_bot.py"
    first = FORGETFUL.splitlines().index('    note("a")') + 1
    calls = [(line["call"], line.get("at"), line["level"]) for line in daemon.said("not awaited")]
    assert calls == [("note", f"{bot}:{first}", "warning"), ("note", None, "warning")]
    [warning] = daemon.said("python warning")
    assert (warning["kind"], warning["text"]) == ("UserWarning", "a library is old")
    assert warning["at"] == f"{bot}:{first + 2}"
    errors = {line["where"]: line for line in daemon.said("python error")}
    assert set(errors) == {"Closing.__del__", "prices"}
    for line in errors.values():
        assert line["error"] == "KeyError: 'price'"
        assert f"{bot}:" in line["traceback"]
    assert len(daemon.lines) == len(daemon.text.splitlines())


BLOCKING = """
import time


async def agent(turn):
    if turn.text == "block":
        time.sleep(13)
    return "done"
"""


async def test_code_that_holds_the_loop_is_told_with_its_line_while_it_does(place):
    write(place, BLOCKING)
    async with place.daemon() as daemon:
        await daemon.ready()
        place.bot.push(ADA, "block")
        held = await daemon.until_said("loop held", within_s=20)
        assert held["level"] == "error"
        assert held["traceback"].startswith(f"{place.home / 'my_bot.py'}:7 in agent\\n")
        assert not daemon.said("turn closed")
        assert await place.bot.wait_sent(ADA, within_s=20) == ["done"]
        await daemon.stop()
        assert len(daemon.said("loop held")) == 1
