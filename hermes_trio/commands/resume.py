"""/resume: go back to an earlier conversation."""

from hermes_trio.ports.command import CommandCall
from hermes_trio.values.actions import Resume, Say

DIGITS_MAX = 15


class ResumeCommand:
    names = ("resume",)
    help = "go back to the conversation before; /resume 7: to that one"
    role = "user"

    async def run(self, call: CommandCall) -> Resume | Say:
        number = call.text.strip()
        if not number:
            return Resume()
        if number.isascii() and number.isdigit() and len(number) <= DIGITS_MAX:
            return Resume(int(number))
        return Say("Write /resume, or /resume and the number of a conversation.")


command = ResumeCommand()
