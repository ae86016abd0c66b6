"""Which file is used, what is used without one, and what is imported for it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hermes_trio.config.load import find, load, passed_over
from hermes_trio.errors import ConfigWrong
from tests.config.adapters import ADAPTERS, TOOLS


@pytest.fixture
def places(tmp_path):
    """The three places, from the first to be looked at to the last, and the working folder that is none."""
    paths = [tmp_path / name for name in ("given.toml", "named.toml", "cwd/hermes.toml")]
    paths.append(tmp_path / "home/.config/hermes-trio/hermes.toml")
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    return paths


def test_the_nearest_place_is_used(places, tmp_path):
    given, named, _, mine = places
    environ, cwd = {"HOME": str(tmp_path / "home"), "HERMES_TRIO_CONFIG": str(named)}, tmp_path / "cwd"
    assert find(environ, cwd, given) == given
    assert find(environ, cwd) == named
    del environ["HERMES_TRIO_CONFIG"]
    assert find(environ, cwd) == mine
    mine.unlink()
    assert find(environ, cwd) is None


def test_a_file_of_the_working_folder_is_passed_over_unless_it_is_the_users_own(places, tmp_path):
    _, named, here, mine = places
    environ = {"HOME": str(tmp_path / "home")}
    assert passed_over(environ, here.parent, mine) == here
    assert passed_over(environ, here.parent, None) == here
    assert passed_over(environ, mine.parent, mine) is None
    assert passed_over(environ, tmp_path, mine) is None
    assert passed_over(environ | {"HERMES_TRIO_CONFIG": str(named)}, here.parent, named) is None


def test_the_user_config_folder_can_be_elsewhere(places, tmp_path):
    folder = tmp_path / "xdg"
    (folder / "hermes-trio").mkdir(parents=True)
    (folder / "hermes-trio/hermes.toml").write_text("")
    environ = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(folder)}
    assert find(environ, tmp_path) == folder / "hermes-trio/hermes.toml"
    assert find(environ | {"XDG_CONFIG_HOME": "xdg"}, tmp_path) == places[-1]


def test_a_named_file_is_relative_to_the_working_folder_and_refused_if_it_does_not_exist(tmp_path):
    environ = {"HERMES_TRIO_CONFIG": "absent.toml"}
    found = find(environ, tmp_path)
    assert found == tmp_path / "absent.toml"
    with pytest.raises(ConfigWrong, match=r"absent.toml: cannot be read: No such file"):
        load(found, environ={})


def test_without_a_file_there_is_echo_in_the_terminal():
    config = load(None, environ={"HOME": "/home/ada"}, adapters=ADAPTERS, tools=TOOLS)
    assert config.model.provider == "echo"
    assert [account.id for account in config.accounts] == ["terminal/main"]
    assert config.terminal_implied
    assert str(config.gateway.state_dir) == "/home/ada/.local/state/hermes-trio"


def test_without_a_file_a_key_in_the_environment_chooses_the_model():
    environ = {"OPENAI_API_KEY": "sk-1", "XDG_STATE_HOME": "/state"}
    config = load(None, environ=environ, adapters=ADAPTERS, tools=TOOLS)
    assert config.model.provider == "openai"
    assert [key.reveal() for key in config.model.keys] == ["sk-1"]
    assert str(config.gateway.state_dir) == "/state/hermes-trio"


def test_a_blank_key_in_the_environment_is_none():
    environ = {"OPENAI_API_KEY": " "}
    assert load(None, environ=environ, adapters=ADAPTERS, tools=TOOLS).model.provider == "echo"


def test_a_file_without_platforms_is_for_the_terminal(read):
    config = read("[gateway]\nqueue_max = 1")
    assert [account.id for account in config.accounts] == ["terminal/main"]
    assert config.terminal_implied


def test_only_configured_adapters_are_imported(tmp_path):
    def never() -> object:
        raise AssertionError("this platform is not in the config")

    path = tmp_path / "hermes.toml"
    path.write_text("[platforms.terminal]\n[model]\nprovider = 'echo'")
    load(path, environ={}, adapters={**ADAPTERS, "pigeon": never}, tools=TOOLS)


def test_an_adapter_that_cannot_be_imported_does_not_hide_the_others(read):
    config = read("[platforms.lame]\nleg = 1\n[platforms.terminal]\ncolour = false")
    assert [account.id for account in config.accounts] == ["terminal/main"]
    assert "pip install --upgrade lame" in config.unavailable["lame"]


def test_if_no_configured_adapter_can_be_imported_the_config_is_refused(refused):
    [line] = refused("\n[platforms.lame]")
    assert line == (
        "hermes.toml:2: platforms.lame: platform lame cannot be imported: it needs the module wings; "
        "run: pip install --upgrade lame"
    )


def test_reading_a_config_imports_neither_http_nor_the_loop():
    script = "import sys, hermes_trio.config; print({'httpx', 'trio', 'asyncio'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
