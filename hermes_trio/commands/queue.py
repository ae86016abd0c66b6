"""/queue TEXT: a turn of its own, after what runs and waits."""

from hermes_trio.ports.command import CommandCall
from hermes_trio.values.actions import Prompt, Say


class Queue:
    names = ("queue",)
    help = "/queue TEXT: answer this after what I am doing now"
    role = "user"

    async def run(self, call: CommandCall) -> Prompt | Say:
        return Prompt(call.text, "alone") if call.text else Say("Write /queue and what to do next.")


command = Queue()
