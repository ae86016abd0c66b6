"""/stop: stop the running turn; what waits stays."""

from hermes_trio.ports.command import CommandCall
from hermes_trio.values.actions import Stop


class StopCommand:
    names = ("stop",)
    help = "stop what I am working on; /stop all: background work too"
    role = "user"

    async def run(self, call: CommandCall) -> Stop:
        return Stop(everything=call.text.strip().lower() == "all")


command = StopCommand()
