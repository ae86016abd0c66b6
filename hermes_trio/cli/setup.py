"""`hermes-trio setup`: from nothing to a configuration that was tried."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from hermes_trio.cli.ask import FAILED
from hermes_trio.cli.options import tell
from hermes_trio.errors import ConfigWrong, HermesError, OperatorError, OutsideError
from hermes_trio.text.sanitize import visible

if TYPE_CHECKING:
    from hermes_trio.config.draft import Draft, DraftModel, DraftPlatform
    from hermes_trio.config.load import Config
    from hermes_trio.values.identity import Secret

WAIT_S = 600.0


class Given:
    """The answers that the command line gives; what it does not is asked for, if there is a terminal."""

    def __init__(self, **options: Any) -> None:
        self._options = options
        self._before: dict[str, str] = {}
        self.asks = sys.stdin.isatty()

    def __getitem__(self, name: str) -> Any:
        return self._options[name]

    def again(self, *names: str) -> None:
        """Ask for it once more, and propose what was answered; without a terminal the setup ends here."""
        if not self.asks:
            raise HermesError("nothing is written")
        self._before |= {name: said for name in names if isinstance(said := self._options[name], str)}
        self._options |= dict.fromkeys(names)

    def text(self, name: str, question: str, default: str = "") -> str:
        """An answer of one line."""
        if self._options[name] is not None:
            return str(self._options[name])
        if not self.asks:
            return default or self._missing(name)
        self._before[name] = str(click.prompt(question, default=self._before.get(name) or default or None))
        return self._before[name]

    def one_of(self, name: str, question: str, choices: tuple[str, ...], default: str) -> str:
        """An answer of several. Another one than before makes the answers below it another's."""
        if self._options[name] is not None:
            return str(self._options[name])
        if not self.asks:
            return default or self._missing(name)
        before = self._before.get(name)
        if before is None:
            click.echo(f"Choices: {', '.join(choices)}")
        proposed = before or default or None
        answer = str(click.prompt(question, type=click.Choice(choices), default=proposed, show_choices=False))
        if answer != before:
            self._before.clear()
        self._before[name] = answer
        return answer

    def yes(self, question: str, *, default: bool) -> bool:
        """Whether to; without a terminal the default."""
        return click.confirm(question, default=default) if self.asks else default

    def secret(self, written: str | None, option: str, question: str, variable: str = "") -> Secret:
        """A secret, named by an option, found in the environment, or typed without being shown."""
        from hermes_trio.config.secret_files import Files
        from hermes_trio.values.identity import Secret

        files = Files(Path.cwd(), os.environ)
        known = written is None and os.environ.get(variable, "").strip()
        if known and self.yes(f"Take the one in ${variable}?", default=True):
            written = f"env:{variable}"
        if written is not None:
            try:
                return Secret(files.secret(written).reveal())
            except ValueError as error:
                raise ConfigWrong(f"{option}: {error}") from None
        if not self.asks:
            self._missing(option)
        before = self._before.get(option)
        asked = f"{question}; Enter: the same)" if before else f"{question})"
        typed = click.prompt(asked, hide_input=True, default=before, show_default=False)
        self._before[option] = str(typed).strip()
        return Secret(self._before[option])

    def _missing(self, name: str) -> NoReturn:
        option = name if name.startswith("--") else f"--{name.replace('_', '-')}"
        raise click.UsageError(f"there is no terminal to ask: give {option}")


@click.command()
@click.option("--config", "file", type=click.Path(path_type=Path), metavar="FILE", help="Which is written.")
@click.option("--state-dir", metavar="DIR", help="Where the daemon keeps everything. Default: this user's.")
@click.option("--provider", metavar="NAME", help="Whose protocol the model speaks.")
@click.option("--base-url", metavar="URL", help="Where the model is. Default: the provider's own.")
@click.option("--model", metavar="NAME", help="The model's name there.")
@click.option("--key", metavar="REF", help="Its key: env:NAME or file:PATH.")
@click.option("--platform", metavar="NAME", help="Where people write to it.")
@click.option(
    "--secret", "secrets", multiple=True, metavar="NAME=REF", help="Of the platform: token=env:NAME."
)
@click.option("--api-url", metavar="URL", help="Another server of the platform than its own.")
@click.option(
    "--allow", multiple=True, metavar="ID", help="Who may speak and rule. Default: who writes a word."
)
@click.option("--service", "kept", type=click.Choice(["none", "user", "system"]), help="Keep it running.")
@click.option("--wait", "wait_s", type=float, default=WAIT_S, metavar="S", help="For your first message.")
@click.option("--no-try", is_flag=True, help="Ask neither model nor platform.")
@click.option("--overwrite", is_flag=True, help="Replace a configuration that is there.")
def setup(file: Path | None, **options: Any) -> int:
    """Write a configuration: ask for it, try it, meet you."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        return _set_up(file, Given(**options))
    except (click.Abort, KeyboardInterrupt):
        return _let_be("nothing is written")
    except BaseExceptionGroup as group:
        if group.subgroup(KeyboardInterrupt) is None:
            raise
        return _let_be("nothing is written")


def _let_be(what_stays: str) -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # once is enough
    tell(what_stays)
    return FAILED


def _set_up(file: Path | None, given: Given) -> int:
    from hermes_trio.config.draft import Draft, put_in_place
    from hermes_trio.config.load import FILE, user_folder

    named = os.environ.get("HERMES_TRIO_CONFIG")
    path = file or (Path(named) if named else user_folder(os.environ, "XDG_CONFIG_HOME", ".config") / FILE)
    path = path.absolute()
    _may_write(path, given)
    state_dir = str(Path(given["state_dir"]).absolute()) if given["state_dir"] else ""
    model = _model(given, state_dir)
    draft = Draft(
        state_dir=state_dir, model=model, platform=_platform(given, Draft(state_dir=state_dir, model=model))
    )
    files = draft.files(path)
    for each in files:
        if each != path and each.exists():
            _may_write(each, given)
    put_in_place(files)
    for each in files:
        click.echo(visible(f"written: {each}"))
    return _kept(given, path)


def _may_write(path: Path, given: Given) -> None:
    if not path.exists() or given["overwrite"]:
        return
    if not given.asks:
        raise HermesError(f"{path} is there: --overwrite replaces it")
    if not click.confirm(f"{path} is there. Replace it?", default=False):
        raise click.Abort


# --- the model ------------------------------------------------------------------------------------


def _model(given: Given, state_dir: str) -> DraftModel:
    """Ask for the model until it answers."""
    from hermes_trio.config.draft import Draft

    while True:
        model = _asked_model(given)
        try:
            config = Draft(state_dir=state_dir, model=model).loaded(os.environ)
            if given["no_try"] or _answers(config):
                return model
        except ConfigWrong as error:
            tell(str(error))
        given.again("provider", "base_url", "model", "key")


def _asked_model(given: Given) -> DraftModel:
    from hermes_trio.config.draft import DraftModel
    from hermes_trio.config.known_endpoints import KNOWN_ENDPOINTS, SPOKEN
    from hermes_trio.runtime.plugins import PROVIDERS, installed, installed_provider
    from hermes_trio.values.identity import Secret

    providers = installed(PROVIDERS)
    names = tuple(dict.fromkeys((*providers, *KNOWN_ENDPOINTS)))
    named = given.one_of("provider", "Model provider (echo: none, says back what it reads)", names, "openai")
    if named not in names:
        raise ConfigWrong(f"--provider: there is no {named}; there are: {', '.join(names)}")
    known = "" if named in providers else KNOWN_ENDPOINTS[named]
    provider = SPOKEN if known else named
    own = installed_provider(provider)
    if not own.keys:
        return DraftModel(provider=provider)
    base_url = given.text("base_url", "Its address (any OpenAI-compatible one)", known or own.base_url)
    name = given.text("model", "Model", "" if known else own.name)
    if known.startswith("http://localhost") and given["key"] is None:
        key = Secret("none")  # a server on this machine wants none, and takes any
    else:
        # The key of one service is never offered to another.
        variable = f"{named.upper()}_API_KEY" if known else own.keys[0].removeprefix("env:")
        key = given.secret(
            given["key"], "--key", "Its key (not shown; any word where none is wanted", variable
        )
    return DraftModel(provider=provider, base_url=base_url, name=name, key=key)


def _answers(config: Config) -> bool:
    import trio

    from hermes_trio.daemon.checks.online import asked

    found = trio.run(asked, config)
    for one in found:
        click.echo(visible(one.line.removeprefix("online: ")))
    return all(one.good for one in found)


# --- the platform ---------------------------------------------------------------------------------


def _platform(given: Given, draft: Draft) -> DraftPlatform:
    """Ask for the platform until it takes the account, then for who may speak."""
    from msgspec.structs import replace

    while True:
        platform = _asked_platform(given)
        try:
            config = replace(draft, platform=platform).loaded(os.environ)
            name = "" if given["no_try"] else _accepted(config)
            break
        except (ConfigWrong, OutsideError) as error:
            tell(str(error))
        given.again("platform", "secrets")
    if not platform.policy or platform.allow:
        return platform
    return replace(platform, allow=(_met(config, name, given),))


def _asked_platform(given: Given) -> DraftPlatform:
    from msgspec import NODEFAULT
    from msgspec.structs import fields

    from hermes_trio.config.draft import DraftPlatform
    from hermes_trio.runtime.plugins import PLATFORMS, installed
    from hermes_trio.values.identity import Secret

    loaders = installed(PLATFORMS)
    names = tuple(loaders)
    name = given.one_of(
        "platform", "Platform", names, "telegram" if "telegram" in names and given.asks else ""
    )
    if name not in loaders:
        raise ConfigWrong(f"--platform: there is no {name}; there are: {', '.join(names)}")
    written = dict(one.partition("=")[::2] for one in given["secrets"] or ())
    known = {field.name: field for field in fields(loaders[name]().options)}
    needed = [
        each for each in known.values() if each.default is NODEFAULT and each.default_factory is NODEFAULT
    ]
    secrets = {}
    for field in needed:
        if field.type is not Secret:
            raise ConfigWrong(f"{name} also needs {field.name}: write its section by hand")
        question = f"The {field.name} of {name} (not shown"
        secrets[field.name] = given.secret(
            written.get(field.name),
            f"--secret {field.name}=REF",
            question,
            f"{name}_BOT_{field.name}".upper(),
        )
    more = {"api_url": given["api_url"]} if given["api_url"] and "api_url" in known else {}
    return DraftPlatform(
        name=name,
        secrets=secrets,
        more=more,
        allow=tuple(given["allow"]),
        policy="allow_users" in known,
        numeric="int" in str(known["allow_users"].type) if "allow_users" in known else False,
    )


def _accepted(config: Config) -> str:
    """What the account is called, as its service says."""
    import trio

    from hermes_trio.daemon.checks.surroundings import probed_account
    from hermes_trio.runtime.redaction import Redactor

    account = config.accounts[0]
    probed = trio.run(probed_account, account, config.gateway.state_dir, Redactor(config.secrets))
    if probed is None:
        return account.id
    click.echo(visible(f"{probed.name} is accepted"))
    for trouble in probed.troubles:
        raise ConfigWrong(trouble)
    return probed.name


def _met(config: Config, name: str, given: Given) -> str:
    """The id of who writes a word that only this terminal shows."""
    import trio

    from hermes_trio.daemon.first_user import who_writes
    from hermes_trio.runtime.clock import system_chance
    from hermes_trio.runtime.redaction import Redactor

    word = f"{system_chance().getrandbits(32) % 1_000_000:06d}"
    account = config.accounts[0]
    click.echo(
        visible(f"Write this to {name or account.id}, from the account that is to be allowed: hello {word}")
    )
    redact = Redactor(config.secrets)
    met = trio.run(who_writes, word, account, config.gateway.state_dir, redact, given["wait_s"])
    if met is None:
        raise HermesError(
            f"nobody wrote it within {given['wait_s']:g} s; nothing is written. --allow ID needs no word"
        )
    click.echo(visible(f"{met.name or 'somebody'} wrote it: {met.user} may speak and rule"))
    return met.user


# --- what comes after -----------------------------------------------------------------------------


def _kept(given: Given, path: Path) -> int:
    from hermes_trio.cli.service import service

    kept = given["kept"]
    run = _run(path)
    stays = f"the configuration is written and stays; without a service: {run}"
    if kept is None and given.asks:
        asked = "Have it run now, and after each start of this machine?"
        try:
            wanted = click.confirm(asked, default=True)
        except (click.Abort, KeyboardInterrupt):
            return _let_be(stays)
        kept = ("system" if os.geteuid() == 0 else "user") if wanted else "none"
    if kept in (None, "none"):
        click.echo(visible(f"start it: {run}"))
        return 0
    try:
        service.main(["install", f"--{kept}", "--config", str(path)], standalone_mode=False)
    except HermesError as error:
        tell(str(error))
        tell(stays)
        return error.exit_code if isinstance(error, OperatorError) else FAILED
    click.echo("write to your bot now; what came in and what became of it: hermes-trio ledger")
    return 0


def _run(path: Path) -> str:
    """The command that runs this file. It is not named where `run` finds it."""
    from hermes_trio.config.load import find

    is_found = find(os.environ, Path.cwd()) == path
    return "hermes-trio run" if is_found else f"hermes-trio run --config {shlex.quote(str(path))}"
