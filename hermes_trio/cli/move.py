"""`move`: the store goes from the state_dir into a PostgreSQL database, or back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hermes_trio.cli.ask import FAILED
from hermes_trio.cli.options import config_option, find_file, hidden, own_place, shown, tell
from hermes_trio.errors import ConfigWrong

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.config.options import Store
    from hermes_trio.config.store_url import StoreUrl
    from hermes_trio.store.move.copy import MoveReport

SQLITE = "sqlite"
"""The store that is a file in the state_dir."""


@click.command()
@click.option(
    "--store",
    "to",
    required=True,
    metavar="URL",
    help='Where to: "postgresql://...", env:NAME or file:PATH; or sqlite, the file in the state_dir.',
)
@config_option
def move(to: str, file: Path | None) -> int:
    """Move the store into a PostgreSQL database, or back. The daemon is stopped for it."""
    import trio

    from hermes_trio.config.named_store import named_store, url_named_here

    found = find_file(file)
    named = named_store(found, os.environ, hidden)
    url = named.url if to == SQLITE else url_named_here(to, os.environ, hidden)
    if not url:
        raise ConfigWrong(
            "there is no database to move back from: name it as [store] url, until it has been moved"
            if to == SQLITE
            else "--store names nothing"
        )
    state_dir = own_place(found).state_dir
    try:
        report = trio.run(_moved, state_dir, _work(to, url, named, state_dir))
    except KeyboardInterrupt:
        tell("interrupted: give the same command again, which does the whole of it or finds it done")
        return FAILED
    _tell_of(report)
    click.echo(shown(_then(to, url, named, found)))
    return 0


def _work(to: str, url: StoreUrl, named: Store, state_dir: Path) -> Callable[[], MoveReport]:
    from hermes_trio.daemon.state_dir.folder import STORE
    from hermes_trio.store.move.ways import into_database, into_file

    path = state_dir / STORE
    if to == SQLITE:
        return lambda: into_file(url.reveal(), path, named.name, tell)
    return lambda: into_database(path, url.reveal(), named.name, tell)


async def _moved(state_dir: Path, work: Callable[[], MoveReport]) -> MoveReport:
    """Do it in a thread, so that an interrupt is heard, while no daemon can start."""
    from hermes_trio.daemon.state_dir.folder import make_state_dir
    from hermes_trio.daemon.state_dir.lock import hold_lock
    from hermes_trio.runtime.threads import own_thread

    make_state_dir(state_dir)
    async with hold_lock(state_dir):
        with own_thread("hermes-trio move") as thread:
            return await thread.run(work)


def _tell_of(report: MoveReport) -> None:
    for column, count in sorted(report.changed.items()):
        values = "1 value" if count == 1 else f"{count} values"
        tell(f"{column}: {values} that PostgreSQL cannot hold, and that nothing could read, are empty now")
    if report.before:
        tell("a move before this one had been cut short after all rows were there")


def _then(to: str, url: StoreUrl, named: Store, found: Path | None) -> str:
    """What the configuration needs from now on."""
    where = found or "the configuration"
    if to == SQLITE:
        return f'The store is the file in the state_dir now. Take url = "..." out of [store] in {where}.'
    if named.url.reveal() == url.reveal():
        return f"The store is in the database now, and {where} names it already."
    return f'The store is in the database now. {where} needs these lines:\n\n[store]\nurl = "{to}"'
