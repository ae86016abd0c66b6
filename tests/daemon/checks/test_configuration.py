"""What `check` calls weak: what is allowed and seldom meant."""

from __future__ import annotations

import pytest

from hermes_trio.config.load import load
from hermes_trio.daemon.checks.configuration import checked


def weak(folder, text):
    path = folder / "hermes.toml"
    path.write_text(f'[gateway]\nstate_dir = "state"\n{text}')
    path.chmod(0o600)
    config = load(path, environ={"KEY": "sk-0123456789abcdef"})
    return [line for line in checked(config) if line.startswith("weak:")]


def model(url):
    return f'[model]\nprovider = "openai"\nname = "x"\nkeys = ["env:KEY"]\nbase_url = "{url}"\n'


@pytest.mark.parametrize("url", ["http://models.example.com/v1", "HTTP://models.example.com/v1"])
def test_a_key_that_goes_to_another_machine_without_encryption(tmp_path, url):
    assert weak(tmp_path, model(url)) == [
        "weak: model.base_url: models.example.com is spoken to without encryption;"
        " whoever is in between reads the key: https://"
    ]


@pytest.mark.parametrize("url", ["https://models.example.com/v1", "http://127.0.0.1:8080/v1"])
def test_encrypted_or_on_this_machine_it_is_not_weak(tmp_path, url):
    assert weak(tmp_path, model(url)) == []
