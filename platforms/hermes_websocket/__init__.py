"""A websocket on this machine as a platform: JSON lines, each confirmed by its id.

options.py    the section [platforms.websocket]
websocket.py  the Platform: the server, and one connection from its handshake to its close
wire.py       the protocol
translate.py  frames <-> values
before_hello.py who has not said hello yet
door.py       the token file and the port file
connection.py one connection whose client is known
connections.py who is connected, and what is not yet confirmed
client.py     the other side, for `hermes-trio chat` and programs
"""

from __future__ import annotations

from hermes_trio import Adapter, AdapterContext
from hermes_websocket.client import Conversation, Known, connect
from hermes_websocket.options import Options
from hermes_websocket.websocket import Websocket

__all__ = ["Conversation", "Known", "Options", "Websocket", "adapter", "connect"]


def build(options: Options, account: str, context: AdapterContext) -> Websocket:
    """Make the platform; opens nothing."""
    return Websocket(
        options, state_dir=context.state_dir, chance=context.chance, account=account, learn=context.learn
    )


adapter = Adapter(
    name="websocket",
    options=Options,
    build=build,
    local=True,
    alone=lambda options: {"port": options.port} if options.port else {},
)
