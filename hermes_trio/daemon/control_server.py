"""The daemon's side of the control socket: bounded in clients, sizes and time."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import trio

from hermes_trio.daemon.control import (
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
from hermes_trio.errors import ConfigWrong
from hermes_trio.supervise import attempt

CLIENTS_MAX = 32
REQUEST_S = 2.0
TAKE_S = 10.0
REST_S = 20.0
"""How long a client may wait for a chat to be at rest before it has to ask again."""

Answerer = Callable[[Request], Awaitable[Answer]]


async def serve_control(
    state_dir: Path,
    answer: Answerer,
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
    clients = _Clients(answer)
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
            sock.listen(CLIENTS_MAX)
            os.rename(fresh, f"{folder}/{NAME}")
    except OSError as error:
        sock.close()
        raise ConfigWrong(f"{state_dir / NAME}: {error.strerror or error}") from error
    sock.setblocking(False)
    return trio.SocketListener(trio.socket.from_stdlib_socket(sock))


class _Clients:
    """At most CLIENTS_MAX at once; one more is told so."""

    def __init__(self, answer: Answerer) -> None:
        self._answer = answer
        self._now = 0

    async def serve(self, stream: trio.SocketStream) -> None:
        self._now += 1
        try:
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self._exchange(stream)
        finally:
            self._now -= 1
            with trio.move_on_after(0, shield=True):
                await stream.aclose()

    async def _exchange(self, stream: trio.SocketStream) -> None:
        said: Answer
        if self._now > CLIENTS_MAX:
            said = No(why="too many ask at once")
        else:
            with trio.move_on_after(REQUEST_S) as reading:
                line = await _line(stream)
            if reading.cancelled_caught:
                return
            said = await self._answered(line)
        with trio.move_on_after(TAKE_S):
            await stream.send_all(encode(said))

    async def _answered(self, line: bytes) -> Answer:
        try:
            request = decode_request(line)
        except (msgspec.MsgspecError, UnicodeError) as error:
            return No(why=f"not a request: {error}")
        with trio.move_on_after(REST_S if isinstance(request, AwaitRest) else ANSWER_S):
            said, failed = await attempt(lambda: self._answer(request))
            return said or No(why=f"{type(failed).__name__}: {failed}")
        return No(why="not in time")


async def _line(stream: trio.SocketStream) -> bytes:
    """The first line, without its end; what is too long is cut, and is no request then."""
    line = bytearray()
    while b"\n" not in line and len(line) < LINE_MAX:
        piece = await stream.receive_some(LINE_MAX - len(line))
        if not piece:
            break
        line += piece
    return bytes(line.partition(b"\n")[0])
