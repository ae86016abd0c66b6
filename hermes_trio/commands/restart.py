"""/restart: begin anew, for admins."""

from hermes_trio.ports import CommandCall
from hermes_trio.wishes import Restart


class RestartCommand:
    names = ("restart",)
    help = "restart me; what is running may finish first"
    role = "admin"

    async def run(self, call: CommandCall) -> Restart:
        return Restart()


command = RestartCommand()
