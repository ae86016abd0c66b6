"""/restart: begin anew, for admins."""

from hermes_trio.ports.command import CommandCall
from hermes_trio.values.actions import Restart


class RestartCommand:
    names = ("restart",)
    help = "restart me; what is running may finish first"
    role = "admin"

    async def run(self, call: CommandCall) -> Restart:
        return Restart()


command = RestartCommand()
