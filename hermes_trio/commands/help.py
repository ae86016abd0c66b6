"""/help: the commands this caller may use."""

from hermes_trio.ports.command import CommandCall
from hermes_trio.values.actions import Say


class Help:
    names = ("help",)
    help = "list the commands"
    role = "user"

    async def run(self, call: CommandCall) -> Say:
        return Say("\n".join(f"/{name} - {text}" for name, text in call.help()))


command = Help()
