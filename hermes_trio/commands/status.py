"""/status: what runs, what waits, who receives."""

from hermes_trio.ports.command import CommandCall
from hermes_trio.text.sentences import process_status, waiting_phrase
from hermes_trio.values.actions import Say
from hermes_trio.values.views import SessionView


class Status:
    names = ("status",)
    help = "what I am doing, and what is waiting"
    role = "user"

    async def run(self, call: CommandCall) -> Say:
        return Say("\n".join([*_session(await call.session()), *call.status()]))


def _session(session: SessionView | None) -> list[str]:
    if session is None:
        return ["No conversation yet."]
    lines = [f"Session {session.id}, {session.turns} {'turn' if session.turns == 1 else 'turns'}."]
    if session.running is None:
        lines.append("Nothing is running.")
    else:
        turn = session.running
        step = f", step {turn.steps}: {turn.step}" if turn.steps else ""
        doing = "is paused; a message of yours lets it go on" if turn.paused else "is running"
        lines.append(f"Turn {turn.id} {doing}{step}.")
    if session.waiting:
        lines.append(f"{waiting_phrase(session.waiting)} waiting.")
    lines += [process_status(process) for process in session.processes]
    return lines


command = Status()
