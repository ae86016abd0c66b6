"""`export`: a conversation as a file."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from hermes_trio.cli.ask import FAILED, session_argument
from hermes_trio.cli.options import config_option, find_file, own_place, tell


@click.command()
@session_argument
@config_option
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where to. Default: standard output.",
)
def export(session: int, file: Path | None, output: Path | None) -> int:
    """Write out a session so that it can be run again, without secrets."""
    from hermes_trio.daemon.control.export import recorded, secrets_of, write_private
    from hermes_trio.runtime.redaction import Redactor

    path = find_file(file)
    secrets, missing = secrets_of(path, os.environ)
    with recorded(own_place(path), session, Redactor(secrets)) as (pieces, up):
        if output is None:
            sys.stdout.buffer.writelines(pieces)
            sys.stdout.flush()
        else:
            try:
                write_private(output, pieces)
            except OSError as error:
                tell(f"{output}: {error.strerror}")
                return FAILED
    if missing and not up:
        tell(f"not taken out of what users wrote, because not to be read here: {', '.join(missing)}")
    return 0
