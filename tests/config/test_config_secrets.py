"""A secret is named in the config, never written there, and never shown."""

from __future__ import annotations

import pytest

ENVIRON = {"PIGEON_TOKEN": "coo-1234", "KEY_1": "sk-one", "KEY_2": " sk-two\n"}
PIGEON = '[platforms.pigeon]\ntoken = "env:PIGEON_TOKEN"\n'
ECHO = '[model]\nprovider = "echo"\n'


def test_secrets_come_from_variables_and_files(read, tmp_path):
    (tmp_path / "key").write_text("sk-three\n")
    config = read(PIGEON + '[model]\nkeys = ["env:KEY_1", "env:KEY_2", "file:key"]', ENVIRON)
    assert [key.reveal() for key in config.model.keys] == ["sk-one", "sk-two", "sk-three"]
    assert config.accounts[0].options.token.reveal() == "coo-1234"


def test_a_secret_that_may_be_absent_may_be_given(read):
    assert read(PIGEON + ECHO, ENVIRON).accounts[0].options.spare_token is None
    config = read(PIGEON + 'spare_token = "env:KEY_1"\n' + ECHO, ENVIRON)
    assert config.accounts[0].options.spare_token.reveal() == "sk-one"


def test_every_secret_is_known_for_redaction_once(read):
    fallback = '[[model.fallback]]\nkeys = ["env:KEY_1", "env:KEY_2"]'
    config = read(f'{PIGEON}[model]\nkeys = ["env:KEY_1"]\n{fallback}', ENVIRON)
    assert {secret.reveal() for secret in config.secrets} == {"coo-1234", "sk-one", "sk-two"}
    assert len(config.secrets) == 3


def test_a_config_can_be_printed(read):
    config = read(PIGEON + '[model]\nkeys = ["env:KEY_1", "env:KEY_2"]', ENVIRON)
    assert not [secret for secret in config.secrets if secret.reveal() in repr(config)]


@pytest.mark.parametrize("literal", ["sk-literal-1", "coo:literal-1", "OPENAI_API_KEY", "model.key", ""])
def test_a_secret_written_out_is_refused_with_how_to_write_it_and_not_shown(refused, literal):
    [line] = refused(f'[platforms.pigeon]\ntoken = "{literal}"\n{ECHO}', ENVIRON)
    assert line == (
        "hermes.toml:2: platforms.pigeon.token: "
        'a secret is not written out here: write "env:NAME" or "file:PATH"'
    )


@pytest.mark.parametrize(
    ("written", "how"),
    [
        ("$literal", 'a variable of the environment is named without $: "env:NAME"'),
        ("${literal}", 'a variable of the environment is named without $: "env:NAME"'),
        *(
            (
                written,
                'must be "env:" and the name of a variable, or "file:" and a path, without a space',
            )
            for written in ("env:", "file:", "env:sk-literal-1", "ENV:X", "env: KEY_1", "File:token")
        ),
    ],
)
def test_a_secret_that_is_named_in_another_way_is_refused_with_the_right_one(refused, written, how):
    [line] = refused(f'[platforms.pigeon]\ntoken = "{written}"\n{ECHO}', ENVIRON)
    assert line == f"hermes.toml:2: platforms.pigeon.token: {how}"


@pytest.mark.parametrize("literal", ["123456", "true", '["sk-literal"]', '{env = "KEY_1"}'])
def test_a_secret_of_another_type_is_refused(refused, literal):
    [line] = refused(f"[platforms.pigeon]\ntoken = {literal}\n{ECHO}", ENVIRON)
    assert line.startswith("hermes.toml:2: platforms.pigeon.token: must be ")
    assert "sk-literal" not in line


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "the environment variable KEY_1 is not set"),
        ("", "the environment variable KEY_1 is empty"),
        (" \n\t", "the environment variable KEY_1 is empty"),
        ("sk\nsk", "the environment variable KEY_1 is more than one line, or holds a control character"),
        ("sk\x1b[0m", "the environment variable KEY_1 is more than one line, or holds a control character"),
    ],
)
def test_a_variable_without_a_secret_is_refused(refused, value, why):
    environ = {"PIGEON_TOKEN": "coo-1234"} | ({"KEY_1": value} if value is not None else {})
    [line] = refused(PIGEON + '[model]\nkeys = ["env:KEY_1"]', environ)
    assert line == f"hermes.toml:4: model.keys[0]: {why}"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "the file key cannot be read: No such file or directory"),
        (b" \n", "the file key is empty"),
        (b"\xff\xfe", "the file key is not UTF-8 text"),
        (b"x" * (2 << 20), "the file key is larger than 1048576 bytes"),
        (b"sk\nsk", "the file key is more than one line, or holds a control character"),
    ],
)
def test_a_file_without_a_secret_is_refused(refused, tmp_path, content, why):
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    [line] = refused(PIGEON + '[model]\nkeys = ["file:key"]', ENVIRON)
    assert line == f"hermes.toml:4: model.keys[0]: {why}"


def test_a_folder_is_no_secret(refused, tmp_path):
    [line] = refused(PIGEON + '[model]\nkeys = ["file:."]', ENVIRON)
    assert "cannot be read: Is a directory" in line


def test_each_key_that_is_wrong_is_named(refused):
    lines = refused(PIGEON + '[model]\nkeys = [\n"env:NONE",\n"env:KEY_1",\n"sk-literal"]', ENVIRON)
    assert [line.split(": ")[:2] for line in lines] == [
        ["hermes.toml:5", "model.keys[0]"],
        ["hermes.toml:7", "model.keys[2]"],
    ]
