"""Files that nobody needs: what a setup that was killed has left, and what is not the gateway's own."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from hermes_trio.config.draft import left_beside
from hermes_trio.config.load import FILE, WORKSPACES, Config, user_folder
from hermes_trio.daemon.control.requests import NAME
from hermes_trio.daemon.state_dir.folder import LOG, STORE, TRUSTED
from hermes_trio.runtime.clock import SystemClock
from hermes_trio.runtime.plugins import PLATFORMS, installed
from hermes_trio.text.sanitize import clean, visible

SETUP_S = 60.0
"""What is younger may be of a setup that runs now."""
NAMES_MAX = 5
OWN = (*TRUSTED, WORKSPACES, f"{STORE}-journal", f"{LOG}.1", NAME, f"{NAME}.new")


class Leftover(Struct, frozen=True):
    """A file of a setup that was killed."""

    path: Path

    @property
    def mend(self) -> str:
        """The command that removes it."""
        return f"rm {shlex.quote(str(self.path))}"


def leftovers(file: Path | None, environ: Mapping[str, str]) -> Iterator[Leftover]:
    """What a setup has left beside the configuration that it did not come to write.

    Args:
        file: the configuration, None for the embedded default: then where `setup` writes one.

    Raises:
        ConfigWrong: this user has no folder for it.
        OSError: the folder is not ours to read.
    """
    path = (file or user_folder(environ, "XDG_CONFIG_HOME", ".config") / FILE).absolute()
    now = SystemClock().now()
    for left in left_beside(path, installed(PLATFORMS)):
        if abs(now - left.stat().st_mtime) > SETUP_S:
            yield Leftover(left)


def strays(state_dir: Path, config: Config | None, besides: Iterable[Path]) -> list[str]:
    """The names of what lies in the state_dir and is neither the gateway's nor an adapter's, told in short.

    An adapter keeps its files under names that start with its own. A configuration and its secrets may lie
    there too.

    Args:
        besides: what is told elsewhere.

    Raises:
        OSError: it is not ours to read.
    """
    accounts = config.accounts if config else ()
    adapters = tuple({*installed(PLATFORMS), *(account.platform for account in accounts)})
    known = {*besides, *(state_dir / name for name in OWN)}
    if config is not None:
        known |= {Path(secret.file) for secret in config.secrets if secret.file}
        known |= {config.path.absolute()} if config.path is not None else set()
    names = [
        visible(clean(each.name), "")
        for each in sorted(state_dir.iterdir())
        if each not in known and not each.name.startswith(adapters)
    ]
    more = len(names) - NAMES_MAX
    return [*names[:NAMES_MAX], f"{more} more"] if more > 0 else names
