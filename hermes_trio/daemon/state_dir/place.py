"""Where a daemon keeps what outlives it, as far as a command that only asks or looks has to know."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from hermes_trio.config.named_store import Hide, named_store
from hermes_trio.config.store_url import StoreUrl
from hermes_trio.daemon.state_dir.folder import STORE, state_dir_of


class DaemonPlace(Struct, frozen=True):
    """Where a daemon keeps what outlives it.

    Args:
        state_dir: its folder.
        file: its configuration, None for the embedded default.
        environ: where "env:NAME" looks.
        hide: is told each secret that is read.
    """

    state_dir: Path
    file: Path | None
    environ: Mapping[str, str]
    hide: Hide

    @property
    def store(self) -> Path:
        """The store, if it is a file."""
        return self.state_dir / STORE

    def url(self) -> StoreUrl:
        """The database that holds the store, "" where a file does.

        Read only where the daemon cannot be asked: who asks it needs none of its secrets.

        Raises:
            ConfigWrong: it cannot be read here.
        """
        return named_store(self.file, self.environ, self.hide).url


def place_of(file: Path | None, environ: Mapping[str, str], hide: Hide) -> DaemonPlace:
    """The place that a configuration names. Raises ConfigWrong: it names none."""
    return DaemonPlace(state_dir_of(file, environ), file, environ, hide)
