"""I9 of a daemon as it is: its log, its store, its door, what it sends, lists and writes out of itself."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.fakes.model_script import Call, Item
from tests.invariants.test_i9_canaries import FORMS, SECRET, holds

ADA = 42
TOOLS = """
admins = [42]
[tools]
enable = ["terminal", "process"]
sandbox = "none"
"""
LOOKS = "env; tr '\\0' '\\n' </proc/$PPID/environ; cat {file}"


async def test_no_form_of_a_secret_leaves_a_daemon_by_any_of_its_doors(place):
    place.environ["MODEL_KEY"] = SECRET
    place.configure(TOOLS)
    file = place.home / "forms"
    file.write_text("\n".join(FORMS.values()))
    looks = {"command": LOOKS.format(file=shlex.quote(str(file)))}
    listed = []
    async with place.daemon() as daemon:
        await daemon.ready()
        place.model.push(Item(calls=[Call("terminal", json.dumps(looks))]), Item(text="I looked."))
        place.bot.push(ADA, "look")
        await place.bot.wait_sent(ADA)
        shown = place.model.calls[-1].messages[-1]["content"]
        for count, form in enumerate(FORMS.values(), start=2):
            place.model.push(Item(text=f"it is {form}, I say"))
            place.bot.push(ADA, f"I am told {form}")
            await place.bot.wait_sent(ADA, count)
        place.model.push(
            Item(status=400, body={"error": {"message": f"{SECRET} is no good: {FORMS['in hex']}"}})
        )
        place.bot.push(ADA, "fail")
        await place.bot.wait_sent(ADA, len(FORMS) + 2)
        for asked in (("status",), ("ledger",), ("sessions",), ("keys",), ("export", 1)):
            json_too = [] if asked[0] == "export" else ["--json"]
            listed += [(await place.hermes(*asked, *more)).stdout for more in ([], json_too)]
        await daemon.stop()
    listed.append((await place.hermes("export", 1, **place.environ)).stdout)
    listed.append((await place.hermes("ledger", "--json")).stdout)
    assert "PATH=" in shown
    assert all(listed)
    kept = [
        one.read_bytes().decode("utf-8", "replace") for one in place.state_dir.rglob("*") if one.is_file()
    ]
    asked_of_model = [str(call.messages) for call in place.model.calls]
    for texts in (place.bot.texts(ADA), daemon.text.splitlines(), listed, kept, asked_of_model):
        assert texts
        assert [text[:300] for text in texts if holds(text)] == []
        assert [text[:300] for text in texts if place.bot.token in text] == []


RAISES = f"raise RuntimeError({SECRET!r} + ' is no good, nor ' + {FORMS['in hex']!r})\n"


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(
    "more",
    ['\n[agent]\nrun = "cracked:agent"\n', '\n[tools]\nenable = ["cracked"]\n', "\n[platforms.cracked]\n"],
    ids=["agent", "tool", "platform"],
)
async def test_what_foreign_code_says_when_it_cannot_be_imported_is_told_without_secrets(
    place, command, more
):
    installed = place.home / "site" / "cracked-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: cracked\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(
        "[hermes_trio.tools]\ncracked = cracked:tool\n[hermes_trio.platforms]\ncracked = cracked:adapter\n"
    )
    (place.home / "site" / "cracked.py").write_text(RAISES)
    place.environ["MODEL_KEY"] = SECRET
    place.configure(more)
    if command == "run" and "platforms" in more:
        async with place.daemon(PYTHONPATH=str(place.home / "site")) as daemon:
            await daemon.until_said("platform unavailable")
            await daemon.stop()
        told = daemon.text
    else:
        done = await place.hermes(command, PYTHONPATH=str(place.home / "site"), **place.environ)
        told = done.stdout + done.stderr
    assert "RuntimeError: ***" in told
    assert not holds(told)
