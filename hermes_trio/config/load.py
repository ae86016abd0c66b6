"""A configuration read, checked and resolved: one `Config`, or a ConfigWrong that says all that is wrong.

An unknown key, a wrong type or a value out of range is refused with file, line, key and the nearest valid
key. Secrets and a prompt in a file of its own are read here, once.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from hermes_trio.config.accounts import Account, AccountTables
from hermes_trio.config.endpoints import EndpointTables
from hermes_trio.config.filling import Filling, Problem, dotted
from hermes_trio.config.foreign_toml import TOML_CHARS_MAX, BeyondLimits, NotToml, read_toml
from hermes_trio.config.options import (
    SECTIONS,
    Agent,
    Endpoint,
    Gateway,
    ModelOptions,
    Session,
    Store,
    Tools,
)
from hermes_trio.config.secret_files import Files, beginning_of
from hermes_trio.config.toml_hints import in_plain_words
from hermes_trio.config.toml_lines import toml_lines
from hermes_trio.errors import ConfigWrong
from hermes_trio.runtime.plugins import PLATFORMS, PROVIDERS, TOOLS, Loader, installed
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.runtime.stop_times import stop_s
from hermes_trio.values.identity import Secret

__all__ = [
    "Agent",
    "Config",
    "Endpoint",
    "Gateway",
    "ModelOptions",
    "Session",
    "Store",
    "Tools",
    "find",
    "load",
    "passed_over",
    "user_folder",
]

FILE = "hermes.toml"
WORKSPACES = "workspaces"


class LacksSecrets(ConfigWrong):
    """Nothing is wrong but that this process is not given a secret."""


class Config(Struct, frozen=True, kw_only=True):
    """A whole configuration, checked.

    Args:
        path: the file it came from, None for the embedded default.
        accounts: the configured accounts whose adapter could be imported, in the order of the file.
        terminal_implied: no platform was configured; the terminal stands in.
        unavailable: configured platforms that could not be imported, and what to install.
        secrets: every secret in it, for redaction.
    """

    path: Path | None
    gateway: Gateway
    store: Store
    session: Session
    agent: Agent
    model: ModelOptions
    tools: Tools
    accounts: tuple[Account, ...]
    terminal_implied: bool = False
    unavailable: Mapping[str, str] = {}
    secrets: tuple[Secret, ...] = ()

    @property
    def stop_s(self) -> float:
        """The longest a stop takes, in seconds; a supervisor waits longer than this before it kills."""
        return stop_s(self.gateway.drain_timeout_s)


def user_folder(environ: Mapping[str, str], variable: str, below_home: str) -> Path:
    """`$variable/hermes-trio`, by default `~/below_home/hermes-trio`.

    A relative path in the variable is ignored, as the XDG base directory specification asks.

    Raises:
        ConfigWrong: neither HOME nor the list of users says where this user's home is.
    """
    given = Path(environ.get(variable, ""))
    if given.is_absolute():
        return given / "hermes-trio"
    try:
        home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    except RuntimeError:
        raise ConfigWrong(
            f"this user has no home: set HOME or {variable}, or name everything in a file"
        ) from None
    return home / below_home / "hermes-trio"


def find(environ: Mapping[str, str], cwd: Path, explicit: Path | None = None) -> Path | None:
    """The config file to use: `--config`, $HERMES_TRIO_CONFIG, the user config folder.

    Never the working folder: one that somebody else made must not choose endpoint, prompt and tools.
    A file that was named is returned whether or not it exists, so that `load` can refuse it. None: there
    is no file, and `load(None, ...)` gives the embedded default.

    Raises:
        ConfigWrong: the user config folder may not be looked into: HOME is another user's.
    """
    if explicit is not None:
        return cwd / explicit
    if named := environ.get("HERMES_TRIO_CONFIG"):
        return cwd / named
    mine = user_folder(environ, "XDG_CONFIG_HOME", ".config") / FILE
    try:
        mine.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        why = "is HOME this user's? Set it, or name a file with --config"
        raise ConfigWrong(f"{mine}: cannot be looked for: {error.strerror}; {why}") from None
    return mine


def passed_over(environ: Mapping[str, str], cwd: Path, found: Path | None) -> Path | None:
    """The hermes.toml of the working folder, if somebody might think that it counts.

    Args:
        found: what `find` found without being told of a file.
    """
    here = cwd / FILE
    if environ.get("HERMES_TRIO_CONFIG") or not os.path.exists(here):
        return None
    try:
        return None if found is not None and here.samefile(found) else here
    except OSError:
        return here


def load(
    path: Path | None,
    *,
    environ: Mapping[str, str],
    adapters: Mapping[str, Loader] | None = None,
    tools: Collection[str] | None = None,
) -> Config:
    """Read the file at `path`, None for the embedded default: echo or OpenAI, in the terminal.

    Args:
        path: the file. Paths in it are relative to its folder.
        environ: where "env:NAME" looks.
        adapters: by name, functions that import an Adapter; by default what is installed. Only those
            that are configured are called.
        tools: the names that `tools.enable` and `tools.disable` may hold; by default what is installed.

    Raises:
        ConfigWrong: one line for each thing that is wrong. No secret is shown.
    """
    known = installed(PLATFORMS) if adapters is None else adapters
    names = installed(TOOLS) if tools is None else tools
    source = _source(path)
    reading = _Reading(path, environ, source, installed(PROVIDERS))
    config = reading.config(_parsed(path, source), known, names)
    if config is None:
        problems = reading.filling.problems
        wrong = LacksSecrets if all(problem.of_this_process for problem in problems) else ConfigWrong
        raise wrong(_told(path, source, problems, reading.files.secrets))
    return config


def load_for_another(path: Path | None, environ: Mapping[str, str]) -> None:
    """Read what another process is to load, which may be given secrets that this one is not.

    Raises:
        ConfigWrong: it is wrong whatever that process is given.
    """
    with suppress(LacksSecrets):
        load(path, environ=environ)


class _Reading:
    """One file on its way to a Config."""

    def __init__(
        self, path: Path | None, environ: Mapping[str, str], source: str, providers: Mapping[str, Loader]
    ) -> None:
        self.path = path
        self.environ = environ
        self.files = Files(path.absolute().parent if path else Path(), environ)
        self.filling = Filling(self.files.made)
        self.endpoints = EndpointTables(self.filling, providers)
        self.tables = AccountTables(self.filling, lambda: toml_lines(source))

    def config(
        self, data: dict[str, Any], loaders: Mapping[str, Loader], tools: Collection[str]
    ) -> Config | None:
        """The whole file as a Config, None if anything in it is wrong."""
        implied = data.get("platforms", {}) == {}
        self._learn()
        self.tables.find({"terminal": {}} if implied else data["platforms"], loaders)
        for key in data.keys() - SECTIONS.keys() - {"platforms"}:
            if key in loaders:
                self.filling.wrong((key,), f"unknown key; it belongs in [platforms]: [platforms.{key}]")
            else:
                self.filling.unknown_key((key,), [*SECTIONS, "platforms"])
        tables_of = {**{name: {} for name in SECTIONS}, **data, "model": self._model(data)}
        sections: dict[str, Any] = {
            name: self.filling.fill(kind, tables_of[name], (name,)) for name, kind in SECTIONS.items()
        }
        accounts = self.tables.accounts()
        self._resolve(sections, tools)
        if self.filling.problems:
            return None
        node = sections["store"].name if sections["store"].url else ""
        return Config(
            path=self.path,
            accounts=tuple(account.on(node) for account in accounts),
            terminal_implied=implied,
            unavailable=self.tables.unavailable,
            secrets=tuple(dict.fromkeys(self.files.secrets)),
            **sections,
        )

    def _model(self, data: dict[str, Any]) -> Any:
        agent = data.get("agent")
        if "model" not in data and isinstance(agent, dict) and agent.get("run"):
            return self.endpoints.completed({"provider": "echo"})  # nobody asks it
        if self.path is None and "model" not in data:
            has_key = self.environ.get("OPENAI_API_KEY", "").strip()
            return self.endpoints.completed({"provider": "openai" if has_key else "echo"})
        return self.endpoints.completed(data.get("model", {}))

    def _learn(self) -> None:
        for name, kind in SECTIONS.items():
            self.filling.knows(kind, (name,))

    def _resolve(self, sections: dict[str, Any], tools: Collection[str]) -> None:
        """What a section says about files, folders and plugins becomes what it means."""
        gateway: Gateway | None = sections["gateway"]
        if gateway and gateway.state_dir == Path():
            folder = user_folder(self.environ, "XDG_STATE_HOME", ".local/state")
            sections["gateway"] = replace(gateway, state_dir=folder)
        agent: Agent | None = sections["agent"]
        if agent and agent.prompt.startswith("file:"):
            try:
                sections["agent"] = replace(agent, prompt=self.files.text(agent.prompt[len("file:") :]))
            except ValueError as error:
                self.filling.wrong(("agent", "prompt"), str(error))
        tools_section: Tools | None = sections["tools"]
        if tools_section and sections["gateway"]:
            sections["tools"] = self._with_folders(tools_section, sections["gateway"].state_dir)
        for key in ("enable", "disable"):
            for index, name in enumerate(getattr(sections["tools"], key, ())):
                if name not in tools:
                    self.filling.unknown_name(("tools", key, index), "tool", name, tools)

    def _with_folders(self, tools: Tools, state_dir: Path) -> Tools:
        """The mounted folders are there, and none of them leads to what the gateway keeps."""
        if tools.workspace_dir == Path():
            tools = replace(tools, workspace_dir=state_dir / WORKSPACES)
        elif _real(tools.workspace_dir) in (_real(state_dir), *_real(state_dir).parents):
            why = f"it is or holds the state_dir {state_dir}: name a folder that has nothing else in it"
            self.filling.wrong(("tools", "workspace_dir"), why)
        kept = {"state_dir": state_dir, "workspace_dir": tools.workspace_dir}
        for index, mount in enumerate(tools.mount):
            where = ("tools", "mount", index, "path")
            folder = _real(mount.path)
            if not os.path.isdir(folder):
                self.filling.wrong(where, f"{mount.path} is no folder")
            elif (
                near := next((key for key in kept if _overlap(folder, _real(kept[key]))), None)
            ) is not None:
                why = f"it is or holds the {near} {kept[near]}, or is in it, which is the gateway's alone"
                self.filling.wrong(where, why)
        return tools


def _real(path: Path | str) -> Path:
    return Path(os.path.realpath(path))


def _overlap(one: Path, other: Path) -> bool:
    """One is the other, or holds it."""
    return one == other or one in other.parents or other in one.parents


def _source(path: Path | None) -> str:
    if path is None:
        return ""
    try:
        raw = beginning_of(path, 4 * TOML_CHARS_MAX + 1)
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise ConfigWrong(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigWrong(f"{path}:{line}: is not UTF-8") from None


def _parsed(path: Path | None, source: str) -> dict[str, Any]:
    try:
        return read_toml(source)
    except BeyondLimits as error:
        raise ConfigWrong(f"{path}:{error.line}: is not read: {error}") from None
    except NotToml as error:
        before = [key for key, at in toml_lines(source).items() if at <= error.line]
        line = source.split("\n")[error.line - 1]
        key = f"{dotted(before[-1])}: " if before and not line.lstrip().startswith("[") else ""
        raise ConfigWrong(
            f"{path}:{error.line}: {key}is not TOML: {in_plain_words(str(error), line)}"
        ) from None


def _told(path: Path | None, source: str, problems: list[Problem], secrets: list[Secret]) -> str:
    lines = toml_lines(source)
    problems = [_with_origin(problem, lines) for problem in problems]
    told = sorted((_line_of(problem, lines), number) for number, problem in enumerate(problems))
    text = "\n".join(
        f"{path or 'embedded default'}{f':{line}' if line else ''}: "
        f"{dotted(problems[number].path)}: {problems[number].text}"
        for line, number in told
    )
    return Redactor(secrets)(text)


def _with_origin(problem: Problem, lines: Mapping[tuple[str | int, ...], int]) -> Problem:
    """A key that nobody has written is the provider's own: the file has no line that could be looked at."""
    if not problem.of_this_process or problem.path[:-1] in lines or problem.path in lines:
        return problem
    key = dotted(problem.path[:-1])
    return replace(problem, text=f"{problem.text}; it is the default, since the file has no {key}")


def _line_of(problem: Problem, lines: Mapping[tuple[str | int, ...], int]) -> int:
    """The line of the key itself, else of the nearest table around it."""
    path = problem.path
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 0)
