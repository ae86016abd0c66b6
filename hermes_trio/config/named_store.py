"""Where a configuration says that its store is, without anything else of the file being needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from hermes_trio.config.filling import Filling
from hermes_trio.config.foreign_toml import TOML_CHARS_MAX, read_toml
from hermes_trio.config.options import Store
from hermes_trio.config.secret_files import Files, beginning_of
from hermes_trio.config.store_url import StoreUrl, store_url
from hermes_trio.errors import ConfigWrong
from hermes_trio.values.identity import Secret

Hide = Callable[[Secret], object]


def named_store(path: Path | None, environ: Mapping[str, str], hide: Hide) -> Store:
    """The `[store]` of a config file. What cannot be understood is refused in the words of `config.load`.

    Args:
        path: the file, None for the embedded default.
        environ: what "env:NAME" names.
        hide: is told each secret that was read.

    Raises:
        ConfigWrong: the file is not to be read, or wrong.
    """
    if path is None:
        return Store()
    files = Files(path.absolute().parent, environ)
    filling = Filling(files.made)
    try:
        source = beginning_of(path, 4 * TOML_CHARS_MAX + 1).decode("utf-8-sig")
        found = filling.fill(Store, read_toml(source).get("store", {}), ("store",))
    except (OSError, ValueError, TypeError, AttributeError):
        found = None
    for secret in files.secrets:
        hide(secret)
    if found is not None and not filling.problems:
        return found
    from hermes_trio.config.load import load  # whoever asks a daemon needs no loop

    return load(path, environ=environ).store


def url_named_here(written: str, environ: Mapping[str, str], hide: Hide) -> StoreUrl:
    """The url that somebody names on the command line, as `[store] url` names one.

    Raises:
        ConfigWrong: it is none, or holds a password.
    """
    files = Files(Path(), environ)
    try:
        url = store_url(written, files.secret, files.secrets.append)
    except ValueError as error:
        raise ConfigWrong(f"--store {error}") from None
    for secret in files.secrets:
        hide(secret)
    return url
