"""The daemon's side of the control socket: bounded in clients, sizes and time."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import trio
from msgspec import json

from hermes_trio.daemon.control.requests import (
    ANSWER_S,
    LINE_MAX,
    NAME,
    Answer,
    AwaitRest,
    No,
    Request,
    decode_request,
    encode,
    folder_address,
)
from hermes_trio.errors import ConfigWrong, NotJson
from hermes_trio.runtime.supervise import attempt
from hermes_trio.text.foreign_errors import told
from hermes_trio.text.recording import words_of
from hermes_trio.text.sanitize import clean, mapped

CLIENTS_MAX, SILENT_MAX = 32, 64
REQUEST_S = 2.0
TAKE_S = 10.0
REST_S = 20.0
"""How long a client may wait for a chat to be at rest before it has to ask again."""

Answerer = Callable[[Request], Awaitable[Answer]]


async def serve_control(
    state_dir: Path,
    answer: Answerer,
    redact: Callable[[str], str] = str,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer until cancelled; then the socket is gone from the folder.

    Args:
        state_dir: locked by this process, so that a socket which is there already is a dead one's.
        answer: what it raises is told to the client.

    Raises:
        ConfigWrong: no socket can be made there.
    """
    listener = _listen(state_dir)
    clients = _Clients(answer, redact)
    try:
        task_status.started()
        await trio.serve_listeners(clients.serve, [listener])
    finally:
        with suppress(OSError):
            (state_dir / NAME).unlink()


def _listen(state_dir: Path) -> trio.SocketListener:
    """Made under another name, so that the name leads to a socket that listens and is ours alone."""
    sock = socket.socket(socket.AF_UNIX)
    try:
        with folder_address(state_dir) as folder:
            fresh = f"{folder}/{NAME}.new"
            with suppress(FileNotFoundError):
                os.unlink(fresh)
            sock.bind(fresh)
            os.chmod(fresh, 0o600)
            sock.listen(SILENT_MAX)
            os.rename(fresh, f"{folder}/{NAME}")
    except OSError as error:
        sock.close()
        raise ConfigWrong(f"{state_dir / NAME}: {error.strerror or error}") from error
    sock.setblocking(False)
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))


class _Clients:
    """At most CLIENTS_MAX at once; one more is told so. Who has asked nothing yet makes room for the next."""

    def __init__(self, answer: Answerer, redact: Callable[[str], str]) -> None:
        self._answer = answer
        self._redact = redact
        self._now = 0
        self._silent: dict[trio.CancelScope, None] = {}

    async def serve(self, stream: trio.SocketStream) -> None:
        """Own a connection until its end, which harms no other, whatever it is."""
        try:
            await attempt(lambda: self._exchange(stream))
        finally:
            with trio.move_on_after(0, shield=True):
                await stream.aclose()

    async def _exchange(self, stream: trio.SocketStream) -> None:
        line = await self._asked(stream)
        if line is None:
            return
        self._now += 1
        try:
            said = encode(No(why="too many ask at once"))
            if self._now <= CLIENTS_MAX:
                said = await self._answered(line)
            with trio.move_on_after(TAKE_S):
                await stream.send_all(discreet(said, self._redact))
        finally:
            self._now -= 1

    async def _asked(self, stream: trio.SocketStream) -> bytes | None:
        """What a client asks; None if it does not in time, or has been silent for longest of too many."""
        while len(self._silent) >= SILENT_MAX:
            oldest = next(iter(self._silent))
            del self._silent[oldest]
            oldest.cancel(reason="another one came")
        with trio.move_on_after(REQUEST_S) as reading:
            self._silent[reading] = None
            try:
                return await _line(stream)
            finally:
                self._silent.pop(reading, None)
        return None

    async def _answered(self, line: bytes) -> bytes:
        said, failed = await attempt(lambda: self._said(line))
        return said or encode(No(why="no answer" if failed is None else told(failed)))

    async def _said(self, line: bytes) -> bytes:
        try:
            request = decode_request(line)
        except NotJson as error:
            return encode(No(why=f"not a request: {error}"))
        with trio.move_on_after(REST_S if isinstance(request, AwaitRest) else ANSWER_S):
            return encode(await self._answer(request))
        return encode(No(why="not in time"))


def discreet(line: bytes, redact: Callable[[str], str]) -> bytes:
    """An answer's line without secrets; the words that answers are made of stay."""
    if redact(text := line.decode()) == text:
        return line
    words = words_of(Answer)
    plain = mapped(json.decode(line), lambda one: one if one in words else clean(redact(one)))
    return json.encode(plain) + b"\n"


async def _line(stream: trio.SocketStream) -> bytes:
    """The first line, without its end; what is too long is cut, and is no request then."""
    line = bytearray()
    while b"\n" not in line and len(line) < LINE_MAX:
        piece = await stream.receive_some(LINE_MAX - len(line))
        if not piece:
            break
        line += piece
    return bytes(line.partition(b"\n")[0])
