"""The two files by which a client on this machine finds the door and is let in: each account has its own."""

from __future__ import annotations

import os
from pathlib import Path

from hermes_trio import AccountRefused, Chance, PlatformDown, Secret

MAIN = "main"
_TOKEN_MIN = 32


def token_file(state_dir: Path, account: str) -> Path:
    """`websocket.token`; of another account than main its name stands within."""
    return state_dir / ("websocket.token" if account == MAIN else f"websocket.{account}.token")


def port_file(state_dir: Path, account: str) -> Path:
    """`websocket.port`; of another account than main its name stands within."""
    return state_dir / ("websocket.port" if account == MAIN else f"websocket.{account}.port")


def own_token(path: Path, chance: Chance) -> Secret:
    """The token in this file, made if there is none. Only its owner may read it (0600).

    Args:
        path: its `token_file`.
        chance: a new token is as hard to guess as this; the daemon's is the system's.

    Raises:
        AccountRefused: the file can be read by others, or holds no token.
        PlatformDown: it can be neither read nor made.
    """
    try:
        if not path.exists():
            _make(path, f"{chance.getrandbits(256):064x}", chance)
        return _checked(path)
    except OSError as error:
        raise PlatformDown(f"{path}: {error.strerror}") from error


def own_port(path: Path, host: str, port: int) -> None:
    """Write into a `port_file` where we listen: two lines, port and host. Raises PlatformDown."""
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.unlink(missing_ok=True)
        _write(fresh, f"{port}\n{host}\n")
        fresh.replace(path)
    except OSError as error:
        raise PlatformDown(f"{path}: {error.strerror}") from error


def close_door(path: Path) -> None:
    """Nobody listens any more: another program may get the port, and no client must show it the token."""
    path.unlink(missing_ok=True)


def find_door(state_dir: Path, account: str = MAIN) -> tuple[str, int, Secret]:
    """Host, port and token, for a client.

    Raises:
        PlatformDown: nobody listens for this state_dir.
        AccountRefused: the token file is not fit to be used.
    """
    try:
        port, host = port_file(state_dir, account).read_text().split()
        return host, int(port), _checked(token_file(state_dir, account))
    except (OSError, ValueError) as error:
        raise PlatformDown(f"no gateway listens for {state_dir}") from error


def _checked(path: Path) -> Secret:
    if path.stat().st_mode & 0o077:
        raise AccountRefused(f"{path} can be read by others; delete it, and a new one is made")
    token = path.read_text(errors="replace").strip()
    if len(token) < _TOKEN_MIN:
        raise AccountRefused(f"{path} holds no token; delete it, and a new one is made")
    return Secret(token)


def _make(path: Path, text: str, chance: Chance) -> None:
    """Make the file whole or not at all; another maker's wins."""
    fresh = path.with_name(f"{path.name}.{chance.getrandbits(32):08x}.new")
    try:
        _write(fresh, text)
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(fd, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(fd)
