"""/steer TEXT: taken in by the running turn at its next step."""

from hermes_trio.ports.command import CommandCall
from hermes_trio.values.actions import Prompt, Say


class Steer:
    names = ("steer",)
    help = "/steer TEXT: tell me this while I work"
    role = "user"

    async def run(self, call: CommandCall) -> Prompt | Say:
        return Prompt(call.text, "steer") if call.text else Say("Write /steer and what to tell me.")


command = Steer()
