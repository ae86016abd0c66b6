"""What the documents say of commands, codes, frames, outcomes and configurations is what the code says."""

from __future__ import annotations

import re
import shlex
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import click
import msgspec
import pytest
from hermes_websocket import wire

from hermes_trio.cli import commands as cli
from hermes_trio.cli.ask import FAILED
from hermes_trio.config import load as config
from hermes_trio.config.known_endpoints import KNOWN_ENDPOINTS
from hermes_trio.daemon import life as daemon
from hermes_trio.daemon.control import requests as control
from hermes_trio.errors import ConfigWrong, StateDirBusy
from hermes_trio.runtime.plugins import COMMANDS, PLATFORMS, PROVIDERS, TOOLS, installed
from hermes_trio.runtime.stop_times import CHECKPOINT_S, CLOSE_S, FLUSH_S, LEAVE_S
from hermes_trio.testing import FAULTS
from hermes_trio.values.delivery import DeliveryKind
from hermes_trio.values.message import OutcomeName, TurnState
from tests.documents import pages, reference

OPERATE, GUARANTEES, SLASH = "docs/operate.md", "docs/guarantees.md", "docs/commands.md"
TOKEN = "123456789:AAexample"  # what a bot's token looks like; any other secret may look so too
NOT_YET = {name for name, command in cli.commands.items() if "(Not yet.)" in command.help}


def cells(page, first, column=0):
    return [row[column] for row in pages.table(page, first)]


# --- links ------------------------------------------------------------------------------------------


def anchor(heading):
    """What GitHub makes of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(file):
    return {anchor(heading) for heading in re.findall(r"^#+ (.+)$", file.read_text(), re.MULTILINE)}


def broken_links(page):
    here = (pages.ROOT / page).parent
    for target in re.findall(r"\]\(([^)\s]+)\)", pages.prose(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, section = target.partition("#")
        file = (here / path).resolve() if path else pages.ROOT / page
        if not file.exists() or (section and section not in anchors(file)):
            yield target


@pytest.mark.parametrize("page", pages.names())
def test_links_lead_somewhere(page):
    assert list(broken_links(page)) == []


def test_every_page_is_linked_from_the_readme_or_a_page_it_links():
    linked = {"README.md"}
    for page in ("README.md", *(f"docs/{path.name}" for path in (pages.ROOT / "docs").glob("*.md"))):
        folder = (pages.ROOT / page).parent
        for target in re.findall(r"\]\(([^)#\s:]+)[)#]", pages.prose(page)):
            linked.add(str((folder / target).resolve().relative_to(pages.ROOT)))
    assert set(pages.names()) - linked == set()


def test_the_figures_of_the_readme_stand_in_the_tables_of_the_measurements():
    measured = pages.read("docs/measurements.md")
    figures = pages.table("README.md", "figure")
    assert len(figures) == 5
    for what, figure, by in figures:
        [command] = pages.code(by)
        assert command.partition(" N=")[0] in measured, command
        for number in re.findall(r"(?<![-\w])\d[\d,.]*(?: ms)?", f"{what} {figure}"):
            assert re.search(rf"(?<![\d.,]){re.escape(number)}(?![\d])", measured), (what, number)


def test_the_addresses_of_the_page_are_those_that_setup_knows():
    rows = pages.table("docs/providers.md", "name")
    assert {pages.code(name)[0]: pages.code(url)[0] for name, url in rows} == dict(KNOWN_ENDPOINTS)


# --- configurations and command lines ---------------------------------------------------------------


@pytest.mark.parametrize("block", pages.of("toml"), ids=str)
def test_a_configuration_is_right(block, tmp_path, examples, monkeypatch):
    monkeypatch.syspath_prepend(examples.site)  # where the packages of the examples are installed
    path = tmp_path / "hermes.toml"
    path.write_text(block.text)
    environ = dict.fromkeys(re.findall(r'"env:(\w+)"', block.text), TOKEN)
    loaded = config.load(path, environ={"HOME": str(tmp_path), **environ})
    assert not loaded.unavailable


def command_lines():
    """Every call of hermes-trio in a console block: where it stands, its words."""
    found = []
    for block in pages.of("console") + pages.of("console", "played"):
        for line in re.findall(r"^\$ (.+)$", block.text, re.MULTILINE):
            for words in map(shlex.split, line.split("|")):
                # The last word of that name is the program: a user and a unit are called so too.
                at = max(
                    (n for n, word in enumerate(words) if Path(word).name == "hermes-trio"), default=None
                )
                if at is not None and words[at + 1 :]:
                    found.append((block, words[at + 1 :]))
    return found


@pytest.mark.parametrize(("block", "words"), command_lines(), ids=str)
def test_a_command_line_is_one(block, words):
    name, *arguments = words
    command = cli.commands[name]
    command.make_context(name, arguments)
    assert name not in NOT_YET


def test_the_commands_of_the_page_are_those_of_the_program():
    usages = [re.fullmatch(r"`hermes-trio (\w+)(.*)`", cell) for cell in cells(OPERATE, "command")]
    assert [usage[1] for usage in usages] == list(dict.fromkeys(usage[1] for usage in usages))
    assert {usage[1] for usage in usages} == cli.commands.keys()
    for usage in usages:
        options = {
            param.opts[0]
            for param in cli.commands[usage[1]].params
            if isinstance(param, click.Option) and param.opts[0] != "--config"
        }
        assert set(re.findall(r"--[\w-]+", usage[2])) == options
    told = {row[0].split()[1].strip("`") for row in pages.table(OPERATE, "command") if row[1] == "Not yet."}
    assert told == NOT_YET


def test_the_exit_codes_are_those_of_the_program():
    codes = {
        daemon.STOPPED,
        FAILED,
        click.UsageError.exit_code,
        daemon.RESTART,
        StateDirBusy.exit_code,
        ConfigWrong.exit_code,
    }
    assert {int(code) for code in cells(OPERATE, "code")} == codes


def test_the_parts_of_a_stop_add_up():
    default = config.load(None, environ={"HOME": "/home/ada"})
    parts = (CHECKPOINT_S, LEAVE_S, FLUSH_S, CLOSE_S)
    text = " ".join(pages.prose(OPERATE).split())
    [told] = re.findall(r"The parts add up: (.*?) with the defaults", text)
    said = re.findall(r"(\d+) s\b", told)
    assert tuple(map(float, said)) == (*parts, default.stop_s)


# --- frames, requests, outcomes ---------------------------------------------------------------------


def shown_fields(row):
    """The fields that a row's first code names."""
    return set(re.findall(r'"(\w+)":', pages.code(row)[0]))


def real_fields(kinds, tag_field="type"):
    return {
        kind.__struct_config__.tag: {
            tag_field,
            *(field.encode_name for field in msgspec.structs.fields(kind)),
        }
        for kind in kinds
    }


@pytest.mark.parametrize(
    ("head", "kinds"), [("from the client", wire.FromClient), ("from the daemon", wire.FromServer)]
)
def test_the_frames_of_the_page_are_those_of_the_websocket(head, kinds):
    shown = {}
    for cell in cells(OPERATE, head):
        [tag] = re.findall(r'"type": "(\w+)"', cell)
        shown[tag] = shown_fields(cell)
    assert shown == real_fields(get_args(kinds))


def test_the_close_codes_of_the_page_are_those_of_the_websocket():
    ours = {wire.GOING_AWAY, wire.BAD_HELLO, wire.BAD_TOKEN, wire.NO_HELLO, wire.REPLACED}
    assert {int(code) for code in cells(OPERATE, "close code")} == ours | {1009}


def test_what_a_message_may_be_is_all_there():
    said = re.search(r"`said` is what it is: (.*?)\. A frame", " ".join(pages.prose(OPERATE).split()))
    assert set(pages.code(said[1])) == set(get_args(DeliveryKind))


def test_the_requests_of_the_page_are_those_of_the_control_socket():
    shown = {re.search(r'"type": "(\w+)"', cell)[1]: shown_fields(cell) for cell in cells(OPERATE, "request")}
    assert shown == real_fields(get_args(control.Request))
    answers = {re.search(r'"type": "(\w+)"', cell)[1] for cell in cells(OPERATE, "request", 1)}
    assert answers | {"no"} == {kind.__struct_config__.tag for kind in get_args(control.Answer)}


def test_the_outcomes_and_states_of_the_page_are_all():
    for head, names in (("outcome", OutcomeName), ("turn", TurnState)):
        assert sorted(pages.code(cell)[0] for cell in cells(GUARANTEES, head)) == sorted(get_args(names))


def test_the_faults_of_the_page_are_those_of_a_world():
    assert reference.faults(FAULTS) in pages.read("docs/testing.md"), reference.faults(FAULTS)


# --- slash commands ---------------------------------------------------------------------------------


def test_the_slash_commands_of_the_page_are_those_that_are_installed():
    ours = {name: load() for name, load in installed(COMMANDS).items()}
    shown = {
        re.match(r"`/(\w+)", row[0])[1]: ([also.removeprefix("/") for also in pages.code(row[1])], row[2])
        for row in pages.table(SLASH, "command")
    }
    assert shown == {
        name: ([other for other in command.names if other != name], command.role)
        for name, command in ours.items()
        if command.__class__.__module__.startswith("hermes_trio.")
    }


def test_the_public_names_in_the_documents_exist():
    """Those that a sentence names with their module; what a block imports is imported by its run."""
    found = {
        name
        for page in pages.names()
        for name in re.findall(
            r"`(hermes_(?:trio|websocket|terminal|telegram)(?:\.\w+)+)\(?", pages.prose(page)
        )
    }
    for name in found - {PLATFORMS, PROVIDERS, COMMANDS, TOOLS}:
        module, _, attribute = name.rpartition(".")
        assert hasattr(import_module(module), attribute) or find_spec(name), name
