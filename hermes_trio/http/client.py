"""The one place that makes HTTP clients.

What the clients promise beside httpx's own documentation: redirects are not followed, the environment is not
read (no proxies, no .netrc; only SSL_CERT_FILE and SSL_CERT_DIR are honoured), answers come uncompressed, a
request costs the same with one open connection as with a thousand, and a client that is left has closed every
socket.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:  # importing httpx takes 0.13 s: it waits until a client is opened
    import ssl

    from hermes_trio.http.transport import Client as Client
    from hermes_trio.http.transport import Response as Response

IDLE_S = 45.0
"""Below the idle limits of common servers (60 s and more), so that it is us who close."""

IDLE_MAX = 200


@asynccontextmanager
async def open_http_client(
    *,
    connect_s: float,
    read_s: float | None,
    write_s: float = 30.0,
    idle_s: float = IDLE_S,
    idle_max: int = IDLE_MAX,
    tls: ssl.SSLContext | None = None,
) -> AsyncGenerator[Client]:
    """Open an HTTP client whose connections are kept for reuse until the block is left.

    Args:
        connect_s: for name lookup, connection and TLS handshake, each.
        read_s: between two pieces of a response, and before the first; None: the caller has deadlines.
        write_s: for one piece of a request (a body of bytes is one piece).
        idle_s: how long an unused connection is kept. By the loop's clock.
        idle_max: how many unused connections are kept per origin; the number in use is not limited.
        tls: trust and certificates; by default those of `httpx.create_ssl_context`, made at the first https
            request.

    Errors of requests are httpx's. A request is repeated, once, in one case only: it went to a kept
    connection, and writing it failed, so that the server cannot have had it whole. A cancelled request's
    connection is closed.
    """
    import httpx

    from hermes_trio.http.transport import Client, KeptConnections

    _keep_urls_out_of_logs()
    transport = KeptConnections(idle_s=idle_s, idle_max=idle_max, tls=tls)
    client = Client(
        transport,
        timeout=httpx.Timeout(None, connect=connect_s, read=read_s, write=write_s),
        headers={"accept-encoding": "identity", "user-agent": "hermes-trio"},
        follow_redirects=False,
        trust_env=False,
    )
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(transport.expire, name="http idle connections")
        try:
            yield client
        except BaseException as error:  # noqa: BLE001
            failure = error  # raised below: out of the nursery it would come as a group
        transport.close()
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


def _keep_urls_out_of_logs() -> None:
    """Silence the line httpx logs per request: a URL may hold a token."""
    logger = logging.getLogger("httpx")
    if logger.level < logging.WARNING:
        logger.setLevel(logging.WARNING)
