"""/new: end this conversation and open the next."""

from hermes_trio.ports.command import CommandCall
from hermes_trio.values.actions import Reset


class New:
    names = ("new", "reset")
    help = "start a new conversation"
    role = "user"

    async def run(self, call: CommandCall) -> Reset:
        return Reset(f"/{call.name}")


command = New()
