"""A config file in a folder of its own, and what came of reading it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hermes_trio.config.load import Config, load
from hermes_trio.errors import ConfigWrong
from tests.config.adapters import ADAPTERS, TOOLS

ENVIRON = {"HOME": "/home/ada", "PIGEON_TOKEN": "coo-1234", "OPENAI_API_KEY": "sk-secret-1"}

Load = Callable[..., Config]
Refused = Callable[..., list[str]]


@pytest.fixture
def read(tmp_path: Path) -> Load:
    """Read this text as hermes.toml."""

    def read(text: str, environ: Mapping[str, str] = ENVIRON) -> Config:
        path = tmp_path / "hermes.toml"
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return load(path, environ=environ, adapters=ADAPTERS, tools=TOOLS)

    return read


@pytest.fixture
def refused(read: Load, tmp_path: Path) -> Refused:
    """The lines that refuse this text, each without the folder of its file."""

    def refused(text: str, environ: Mapping[str, str] = ENVIRON) -> list[str]:
        with pytest.raises(ConfigWrong) as caught:
            read(text, environ)
        return str(caught.value).replace(f"{tmp_path}/", "").splitlines()

    return refused
