"""What several commands share: which file and folder are meant, and how something is told."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hermes_trio.cli.streams import let_go_of
from hermes_trio.text.sanitize import visible

if TYPE_CHECKING:
    from hermes_trio.config.load import Config
    from hermes_trio.daemon.state_dir.place import DaemonPlace
    from hermes_trio.values.identity import Secret

GONE = Path("/(the working folder is gone)")
F = TypeVar("F", bound=Callable[..., Any])
_redactions: list[Callable[[str], str]] = []
"""Of the configurations that this process has read."""


def config_option(command: F) -> F:
    """`--config FILE`."""
    return click.option(
        "--config",
        "file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Default: $HERMES_TRIO_CONFIG, then the user config folder.",
    )(command)


def find_file(file: Path | None) -> Path | None:
    """The config file that is meant, None for the default. Says what it passes over, so call it once."""
    from hermes_trio.config.load import find, passed_over

    try:
        cwd = Path.cwd()
    except OSError:  # it has been deleted: what is named by a whole path is found all the same
        cwd = GONE
    found = find(os.environ, cwd, file)
    here = None if file else passed_over(os.environ, cwd, found)
    if here is not None:
        tell(f"{here} is not read, since nobody named it; if it is yours: --config {here.name}")
    return found


def find_place(file: Path | None) -> DaemonPlace:
    """Where the daemon that is meant keeps what outlives it. Raises ConfigWrong, as `own_place`."""
    return own_place(find_file(file))


def own_place(found: Path | None) -> DaemonPlace:
    """The place that a file names. Its state_dir is this user's alone to write: what lies in it is believed.

    Raises:
        ConfigWrong: it names none, or it is not.
    """
    from hermes_trio.daemon.state_dir.folder import refuse_shared
    from hermes_trio.daemon.state_dir.place import place_of

    place = place_of(found, os.environ, hidden)
    refuse_shared(place.state_dir)
    return place


def loaded(file: Path | None) -> Config:
    """The configuration that a file holds. What is shown or told from here on shows no secret of it.

    Foreign code is imported, built and asked by its help, and what that raises may say what it was given.

    Raises:
        ConfigWrong: one line for each thing that is wrong.
    """
    from hermes_trio.config.load import load
    from hermes_trio.runtime.redaction import Redactor

    config = load(file, environ=os.environ)
    _redactions.append(Redactor(config.secrets))
    return config


def hidden(secret: Secret) -> None:
    """From here on nothing that is shown or told holds this secret."""
    from hermes_trio.runtime.redaction import Redactor

    _redactions.append(Redactor([secret]))


def shown(text: str) -> str:
    """A line for a terminal, without secrets of a configuration that was loaded."""
    for redact in _redactions:
        text = redact(text)
    return visible(text)


def tell(text: str) -> None:
    """One line on standard error, if that takes it."""
    try:
        click.echo(shown(f"hermes-trio: {text}"), err=True)
    except OSError:
        let_go_of(sys.stderr)
