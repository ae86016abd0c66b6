"""A configuration that is being made: its text, tried before it is written, and written as a whole."""

from __future__ import annotations

import os
import re
import signal
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from hermes_trio.config.load import Config, load
from hermes_trio.config.options import ECHO
from hermes_trio.errors import ConfigWrong
from hermes_trio.runtime.plugins import installed_provider
from hermes_trio.values.identity import Secret

MODEL_KEY = "model.key"
_HEAD = """# Written by hermes-trio setup. Change it as you like: `hermes-trio check` says what is wrong.
# Every key there is stands in docs/hermes.toml. A secret is never written here: "file:NAME" is a file beside
# this one, "env:NAME" a variable of the environment.
"""


class DraftModel(Struct, frozen=True, kw_only=True):
    """The model that answers.

    Args:
        base_url: where it is; empty: the provider's own.
        name: its name there; empty: the provider's default.
        key: None for a provider that needs none.
    """

    provider: str
    base_url: str = ""
    name: str = ""
    key: Secret | None = None


class DraftPlatform(Struct, frozen=True, kw_only=True):
    """One account.

    Args:
        name: the platform's.
        secrets: by option.
        more: other options of it, as text.
        allow: ids of who may speak, and rule.
        policy: it has `allow_users` and `admins`, as numbers if `numeric`.
    """

    name: str
    secrets: Mapping[str, Secret] = {}
    more: Mapping[str, str] = {}
    allow: tuple[str, ...] = ()
    policy: bool = False
    numeric: bool = False


class Draft(Struct, frozen=True, kw_only=True):
    """What is known of a configuration so far."""

    state_dir: str = ""
    model: DraftModel
    platform: DraftPlatform | None = None

    def secrets(self) -> dict[str, Secret]:
        """Each secret by the file that is to hold it."""
        found = {} if self.model.key is None else {MODEL_KEY: self.model.key}
        if self.platform is not None:
            found |= {
                f"{self.platform.name}.{option}": each for option, each in self.platform.secrets.items()
            }
        return found

    def text(self, refer: str = "file") -> str:
        """The file. With `refer="env"` its secrets are named as variables."""

        def secret(file: str) -> str:
            return _toml(f"file:{file}" if refer == "file" else f"env:{_variable(file)}")

        lines = [_HEAD]
        if self.state_dir:
            lines += ["[gateway]", f"state_dir = {_toml(self.state_dir)}", ""]
        lines += self._model(secret(MODEL_KEY))
        if self.platform is not None:
            lines += ["", f"[platforms.{self.platform.name}]"]
            lines += [
                f"{option} = {secret(f'{self.platform.name}.{option}')}" for option in self.platform.secrets
            ]
            lines += [f"{option} = {_toml(value)}" for option, value in self.platform.more.items()]
            lines += self._policy(self.platform)
        return "\n".join(lines) + "\n"

    def _model(self, key: str) -> list[str]:
        default = installed_provider(self.model.provider)
        lines = ["[model]", f"provider = {_toml(self.model.provider)}"]
        if self.model.base_url and self.model.base_url != default.base_url:
            lines.append(f"base_url = {_toml(self.model.base_url)}")
        lines.append(f"name = {_toml(self.model.name or default.name)}")
        if self.model.provider == "echo":
            lines[1] += f"  # {ECHO}; `hermes-trio setup --overwrite` asks for one"
        if self.model.key is not None:
            lines.append(f"keys = [{key}]  # more may follow: they take over when this one is refused")
        return lines

    @staticmethod
    def _policy(platform: DraftPlatform) -> list[str]:
        if not platform.policy:
            return []
        ids = ", ".join(each if platform.numeric else _toml(each) for each in platform.allow)
        return [
            f"allow_users = [{ids}]  # who is not named here is not heard",
            f"admins = [{ids}]  # may also use commands such as /restart",
        ]

    def loaded(self, environ: Mapping[str, str]) -> Config:
        """The configuration that it would be. No secret is written anywhere for this.

        Raises:
            ConfigWrong: something in it cannot be right.
        """
        held = {_variable(file): secret.reveal() for file, secret in self.secrets().items()}
        with tempfile.TemporaryDirectory(prefix="hermes-trio-") as folder:
            path = Path(folder) / "hermes.toml"
            path.write_text(self.text("env"), encoding="utf-8")
            try:
                return load(path, environ={**environ, **held})
            except ConfigWrong as error:
                # The file is gone, and nobody has seen its lines: the keys say what is meant.
                raise ConfigWrong(re.sub(rf"{re.escape(str(path))}(:\d+)?: ", "", str(error))) from None

    def files(self, path: Path) -> dict[Path, str]:
        """What is written for a configuration at `path`, which comes last."""
        beside = {path.with_name(file): f"{secret.reveal()}\n" for file, secret in self.secrets().items()}
        return {**beside, path: self.text()}


def put_in_place(files: Mapping[Path, str]) -> None:
    """Write files that belong together, mode 0600: all that can fail comes before the first takes its name.

    Raises:
        OSError: nothing is changed.
    """
    new = {_part(path): path for path in files}
    try:
        for part, path in new.items():
            part.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(part, files[path])
    except BaseException:
        _remove(new)
        raise
    # A signal waits for the few renames, so that no half of them is there.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        for part, path in new.items():
            part.rename(path)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def left_beside(path: Path, platforms: Iterable[str]) -> list[Path]:
    """What `put_in_place` writes before it renames, and leaves there if it is killed: it may hold a secret.

    Args:
        path: the configuration; it need not be there.
        platforms: the names of those whose secrets may lie beside it.
    """
    found = [_part(path), _part(path.with_name(MODEL_KEY))]
    for name in platforms:
        start, _, end = _part(path.with_name(f"{name}.*")).name.partition("*")
        found += [
            each
            for each in path.parent.glob(f"{start}*{end}")
            if each.name[len(start) : -len(end)].isidentifier()
        ]
    return sorted(each for each in found if each.is_file() and not each.is_symlink())


def _part(path: Path) -> Path:
    return path.with_name(f".{path.name}.new")


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()


def _variable(file: str) -> str:
    return "HERMES_TRIO_SETUP_" + "".join(letter if letter.isalnum() else "_" for letter in file).upper()


def _toml(text: str) -> str:
    return msgspec.json.encode(text).decode()
