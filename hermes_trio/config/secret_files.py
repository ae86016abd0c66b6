"""What a configuration names instead of holding: secrets, folders and texts in files of their own."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hermes_trio.config.filling import NotGiven
from hermes_trio.config.store_url import StoreUrl, store_url
from hermes_trio.values.identity import Secret

SIZE_MAX = 1 << 20
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def beginning_of(path: Path, most: int) -> bytes:
    """At most so many bytes of a regular file. Never waits for a writer, as a pipe would.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    # Opening a device may act on it, so it is looked at before; what is opened is looked at again.
    _refuse_others(path.stat())
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        _refuse_others(os.fstat(file.fileno()))
        return file.read(most)


def _refuse_others(status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "it is no regular file")


def _how_to_name(written: str) -> str:
    """What is to be written in place of this, which may be a secret and is not shown."""
    if written.lstrip().startswith("$"):
        return 'a variable of the environment is named without $: "env:NAME"'
    if re.match(r"\s*(env|file)\s*:", written, re.IGNORECASE):
        return 'must be "env:" and the name of a variable, or "file:" and a path, without a space'
    return 'a secret is not written out here: write "env:NAME" or "file:PATH"'


class Files:
    """Reads what is named, once, and remembers the secrets.

    Attributes:
        secrets: each secret that was read, in order.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.secrets: list[Secret] = []
        self._folder = folder
        self._environ = environ

    def made(self, kind: type, written: Any) -> Any:
        """A Secret, a StoreUrl or a Path from how it is written; msgspec's `dec_hook`.

        Raises:
            ValueError: it cannot be. The text holds nothing that could be a secret.
        """
        if kind not in (Secret, StoreUrl, Path):
            raise NotImplementedError(f"a field of type {kind.__name__} cannot be configured")
        if not isinstance(written, str):
            raise ValueError('must be text in "quotes"')
        if kind is StoreUrl:
            return store_url(written, self.secret, self.secrets.append)
        return self.secret(written) if kind is Secret else self.path(written)

    def secret(self, written: str) -> Secret:
        """The secret behind "env:NAME" or "file:PATH".

        Raises:
            ValueError: it is written out, not set, not readable, empty, or not one line of text.
        """
        how, _, where = written.partition(":")
        if not (how == "file" and where) and not (how == "env" and _VARIABLE.fullmatch(where)):
            raise ValueError(_how_to_name(written))
        if how == "env" and where not in self._environ:
            raise NotGiven(f"the environment variable {where} is not set")
        text = (self._environ[where] if how == "env" else self.text(where)).strip()
        named = f"the environment variable {where}" if how == "env" else f"the file {self.path(where)}"
        if not text:
            raise ValueError(f"{named} is empty")
        if not text.isprintable():
            raise ValueError(f"{named} is more than one line, or holds a control character")
        secret = Secret(text, str(self.path(where)) if how == "file" else "")
        self.secrets.append(secret)
        return secret

    def text(self, where: str) -> str:
        """The text of a file of at most 1 MiB of UTF-8, without white space at its end.

        Raises:
            ValueError: there is none to be read.
        """
        path = self.path(where)
        try:
            raw = beginning_of(path, SIZE_MAX + 1)
        except OSError as error:
            text = f"the file {path} cannot be read: {error.strerror}"
            raise NotGiven(text) if isinstance(error, PermissionError) else ValueError(text) from None
        if len(raw) > SIZE_MAX:
            raise ValueError(f"the file {path} is larger than {SIZE_MAX} bytes")
        try:
            return raw.decode("utf-8").rstrip()
        except UnicodeDecodeError:
            raise ValueError(f"the file {path} is not UTF-8 text") from None

    def path(self, where: str) -> Path:
        """An absolute path; `~/` is the user's home.

        Raises:
            ValueError: it is empty.
        """
        if not where.strip() or not where.isprintable():
            raise ValueError("must be the path of a file or folder")
        if where == "~" or where.startswith("~/"):
            home = self._environ.get("HOME")
            return (Path(home) if home else Path.home()) / where[2:]
        return self._folder / where
