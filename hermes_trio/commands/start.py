"""/start: what a platform sends when somebody opens the chat for the first time."""

from hermes_trio.ports.command import CommandCall
from hermes_trio.values.actions import Say


class Start:
    names = ("start",)
    help = "say hello"
    role = "user"

    async def run(self, call: CommandCall) -> Say:
        return Say("Hello. Write to me, and I answer. /help lists my commands.")


command = Start()
