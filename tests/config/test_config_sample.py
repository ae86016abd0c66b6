"""docs/hermes.toml holds every key there is, loads, and each mistake in it is found where it was made."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from msgspec.structs import fields

from hermes_trio.config.load import load
from hermes_trio.config.options import SECTIONS, Endpoint
from hermes_trio.errors import ConfigWrong
from hermes_trio.runtime.plugins import PLATFORMS, TOOLS, installed

SAMPLE = Path(__file__).parents[2] / "docs" / "hermes.toml"
TEXT = SAMPLE.read_text(encoding="utf-8")
ADAPTERS = installed(PLATFORMS)
TOOLS_INSTALLED = installed(TOOLS)
ENVIRON = {
    "HOME": "/home/ada",
    "OPENAI_API_KEY": "sk-1",
    "ANTHROPIC_API_KEY": "sk-2",
    "TELEGRAM_BOT_TOKEN": "123456789:AAsecret",
    "SECOND_BOT_TOKEN": "234567890:AAsecret",
}


def keys_of_the_sample():
    """(line, section, key) of each key, from its `key = value` lines."""
    section = ""
    for number, line in enumerate(TEXT.splitlines(), 1):
        if header := re.match(r"\[+([\w.]+)\]+", line):
            section = header[1]
        elif key := re.match(r"(\w+) = ", line):
            yield number, section, key[1]


KEYS = list(keys_of_the_sample())
each_key = pytest.mark.parametrize(("line", "section", "key"), KEYS, ids=lambda value: str(value))


def refusals(tmp_path, line, written):
    """What is said of the sample with another text on one line: (line, key, why)."""
    lines = TEXT.splitlines()
    lines[line - 1] = written
    path = tmp_path / "hermes.toml"
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ConfigWrong) as caught:
        load(path, environ=ENVIRON, adapters=ADAPTERS, tools=TOOLS_INSTALLED)
    said = (one.split(":", 2) for one in str(caught.value).replace(f"{path}:", "").splitlines())
    return [(int(number), key.strip(), why.strip()) for number, key, why in said]


def at(section, key):
    """As a refusal names it."""
    return f"{section}.{key}".replace("fallback.", "fallback[0].").replace("mount.", "mount[0].")


def test_it_loads_whole():
    config = load(SAMPLE, environ=ENVIRON)
    assert config.unavailable == {}
    assert {account.platform for account in config.accounts} == set(tomllib.loads(TEXT)["platforms"])
    assert "telegram/second" in [account.id for account in config.accounts]


def names(kind):
    return {field.encode_name for field in fields(kind)}


@pytest.mark.parametrize("section", SECTIONS)
def test_it_holds_the_keys_of_each_section_and_no_others(section):
    assert set(tomllib.loads(TEXT)[section]) == names(SECTIONS[section])


def test_it_holds_the_keys_of_a_fallback_and_no_others():
    [fallback] = tomllib.loads(TEXT)["model"]["fallback"]
    assert set(fallback) == names(Endpoint)


def test_it_holds_every_platform_that_comes_with_the_package():
    assert set(tomllib.loads(TEXT)["platforms"]) == set(ADAPTERS)


@pytest.mark.parametrize("name", sorted(tomllib.loads(TEXT)["platforms"]))
def test_it_holds_the_keys_of_each_platform_and_no_others(name):
    adapter = ADAPTERS[name]()
    table = tomllib.loads(TEXT)["platforms"][name]
    own = {key for key, value in table.items() if not isinstance(value, dict)}
    assert own == {field.encode_name for field in fields(adapter.options)}


@each_key
def test_a_letter_dropped_from_a_key_is_found_and_the_key_named(tmp_path, line, section, key):
    whole = TEXT.splitlines()[line - 1]
    for gone in range(len(key)):
        mistyped = key[:gone] + key[gone + 1 :]
        [found] = [
            why
            for at_line, name, why in refusals(tmp_path, line, mistyped + whole.removeprefix(key))
            if (at_line, name) == (line, at(section, mistyped))
        ]
        assert re.search(rf"unknown key; (did you mean ([\w.]+\.)?{key}\?|valid here: .*\b{key}\b)", found)


@each_key
def test_a_value_of_another_type_is_found_and_the_key_named(tmp_path, line, section, key):
    value = tomllib.loads(TEXT.splitlines()[line - 1])[key]
    for wrong in ("1979-05-27", "[[[]]]", "{}", "true", "3", '"text"'):
        given = tomllib.loads(f"x = {wrong}")["x"]
        fits = type(given) is type(value) or (isinstance(value, float) and type(given) is int)
        if fits and not isinstance(value, list):
            continue
        said = refusals(tmp_path, line, f"{key} = {wrong}")
        assert (line, at(section, key)) in [(n, name.removesuffix("[0]")) for n, name, _ in said]


@each_key
def test_a_key_on_another_level_is_found_and_its_place_named(tmp_path, line, section, key):
    lines = TEXT.splitlines()
    [why] = [why for n, name, why in refusals(tmp_path, 1, lines[line - 1]) if (n, name) == (1, key)]
    assert why.startswith("unknown key; it belongs in ")
    assert f"[{section.removesuffix('.fallback').removesuffix('.second')}]" in why
