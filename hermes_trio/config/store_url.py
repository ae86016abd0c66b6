"""Where a shared store is: a url, which may be written out as long as it holds no password."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import parse_qsl, unquote

from hermes_trio.values.identity import Secret

SCHEMES = ("postgresql://", "postgres://")
EXTRA = "a store on PostgreSQL needs the extra: pip install 'hermes-trio[postgres]'"
NO_URL = 'must be a url like "postgresql://USER@HOST/DATABASE", "env:NAME" or "file:PATH"'
HIDDEN = ("password", "sslpassword")
"""What a url's query may say that nobody is to see."""
_USER = re.compile(r"^\w+://[^:@/?]*:([^@/?]*)@")
"""As libpq reads it: user and password end with the first @, if no / comes before it."""


class StoreUrl(Secret):
    """The url of a PostgreSQL database, "postgresql://...", as libpq takes it. "" for none.

    No print, log or error shows it: it may hold a password. `reveal()` gives it.
    """

    __slots__ = ()

    def __bool__(self) -> bool:
        return bool(self.reveal())


def store_url(written: str, read: Callable[[str], Secret], hide: Callable[[Secret], object]) -> StoreUrl:
    """The url that a configuration names.

    Args:
        written: the url without a password, "env:NAME" or "file:PATH".
        read: gives what is behind one of the last two.
        hide: is told each password in it.

    Raises:
        ValueError: it is none, or PostgreSQL's library is not here. The text holds no password.
    """
    if not written:
        return StoreUrl("")
    if not written.startswith((*SCHEMES, "env:", "file:")):
        raise ValueError(NO_URL)
    is_written_out = written.startswith(SCHEMES)
    url = StoreUrl(written) if is_written_out else StoreUrl(read(written).reveal())
    passwords = passwords_of(url.reveal())
    for password in passwords:
        hide(password)
    if is_written_out and passwords:
        raise ValueError(
            'holds a password, which is not written out here: write "env:NAME" or "file:PATH" for the url,'
            " or leave the password to a ~/.pgpass"
        )
    _check(url.reveal())
    return url


def passwords_of(url: str) -> list[Secret]:
    """The passwords in the url of a database, as they are written and as they are meant. Of no url, none."""
    if not url.startswith(SCHEMES):
        return []
    found = _USER.match(url)
    raw = [found[1]] if found and found[1] else []
    queried = [value for name, value in parse_qsl(url.partition("?")[2]) if name in HIDDEN]
    return [Secret(one) for one in dict.fromkeys([*raw, *map(unquote, raw), *queried])]


def _check(url: str) -> None:
    if not url.startswith(SCHEMES):
        raise ValueError(NO_URL)
    # What comes behind the first @ or / is taken for a host or a database, and shown as one.
    if url.partition("?")[0].count("@") > ("@" in re.split(r"[/?]", url.partition("://")[2])[0]):
        raise ValueError("has an @ too many: in a password write @ as %40, / as %2F, : as %3A, % as %25")
    try:
        from psycopg import ProgrammingError
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise ValueError(f"{EXTRA} ({error})") from error
    try:
        conninfo_to_dict(url)
    except ProgrammingError:
        raise ValueError(
            "is no url that PostgreSQL's library understands: a parameter it does not know, or a % that is"
            " not written as %25"
        ) from None
