"""Every sentence the gateway itself says to a user: a closed set, with slots.

Provider and platform text never gets here; details are in the log, under the turn's number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hermes_trio.text.message_notes import as_quote
from hermes_trio.values.views import ProcessView

if TYPE_CHECKING:
    from hermes_trio.values.stored import Stopped

LISTED_MAX = 10
COMMAND_CHARS = 60
MARK = "↻"
"""Marks a message that may be a repeat."""
MAY_BE_MISSING = (
    "A message of mine may not have reached you: twice I could not learn whether it had. If you miss an"
    " answer, please ask again."
)

NEW_SESSION = "New session."
RESET_LATER = "I stopped what was running. The new session follows as soon as my storage works again."
NOTHING_TO_RESUME = "There is no earlier conversation here to go back to."
IN_IT_ALREADY = "That is the conversation we are in."
STOPPED = "Stopped."
OPERATOR_STOPPED = "An operator has stopped what I was doing for you. Write again if you still need it."
OPERATOR_ENDED = (
    "An operator has ended our conversation while I was working. Your next message goes to another."
)
THEY_SEE_WHY = " Whoever runs me can see why, and mend it."
NOTHING_RUNS = "Nothing is running."
INTERRUPTED_LINE = "(interrupted)"
STOPPED_LINE = "(stopped)"
RESET_LINE = "(ended by a new session)"
COULD_NOT_BE_SAID = (
    "Something I had to tell you can no longer be read. If you miss an answer, please ask again."
)
CUT_SHORT_LINE = "(cut short)"
RESTARTING = "Restarting."
GOING_DOWN = "I am going down already."
BACK = "I am back."
CANNOT_RESTART = "I cannot restart myself here."
NOT_ALLOWED = "This command is for admins."
MESSAGE_FAILED = "Something went wrong with a message of yours. Please send it again."
COMMAND_FAILED = "That command failed. The log has the details."
MUTED_NOTE = "[This is reported no more.]"
WAKES_MUTED = (
    "Background work keeps reporting. I do nothing more of myself until you write; I have noted what it said."
)
DRAINING = "I am going down. Your message is kept and will be answered when I am back."
PARTIAL = "(The model's answer was cut off here.)"
WRITTEN_CALL = "(The model wrote a call of a tool as text. Nothing was called: its server reads no calls.)"
NO_ANSWER = "I stopped: my question was not answered."
QUESTION_CLOSED = "That question is no longer open."
QUESTION_OF_ANOTHER = "That question is for somebody else."
DEADLINE = "I stopped: this took longer than a turn may take."
SHORTENED = "(I shortened our conversation: it no longer fits the model. Its beginning is lost to me.)"
LEFT_OUT = "(I set the earlier part of our conversation aside: the model no longer takes it.)"
MESSAGE_LEFT_OUT = "(I left out a message: the model does not take it.)"


def stopped(found: Stopped) -> str:
    """The reply to /stop."""
    said, still = (STOPPED, " still to come") if found.turn is not None else (NOTHING_RUNS, " waiting")
    waits = f" {waiting_phrase(found.waiting)}{still}." if found.waiting else ""
    return said + waits + background_work(found.processes, ended=found.everything)


def waiting_phrase(waiting: int) -> str:
    """How many messages."""
    return "1 message is" if waiting == 1 else f"{waiting} messages are"


def background_work(processes: Sequence[ProcessView], *, ended: bool = False) -> str:
    """What /stop and /new say of background work, after what else they say."""
    if not processes:
        return ""
    count = len(processes)
    if ended:
        said = "1 background process too" if count == 1 else f"{count} background processes too"
        return f" Ended {said}:\n{_listed(processes)}"
    said = "1 background process goes" if count == 1 else f"{count} background processes go"
    return f" {said} on; /stop all ends what runs:\n{_listed(processes)}"


def _listed(processes: Sequence[ProcessView]) -> str:
    lines = [
        f"- {process.id}: {shortened(process.command)}{' (kept)' if process.keep else ''}"
        for process in processes
    ]
    more = len(lines) - LISTED_MAX
    return "\n".join([*lines[:LISTED_MAX], *([f"- and {more} more"] if more > 0 else [])])


def shortened(command: str) -> str:
    """A command as one short line."""
    line = " ".join(command.split())
    return line if len(line) <= COMMAND_CHARS else f"{line[: COMMAND_CHARS - 1]}…"


def process_status(process: ProcessView) -> str:
    """What /status says of background work that runs."""
    return f"In the background, {process.id}: {shortened(process.command)}{' (kept)' if process.keep else ''}"


def process_ended(command: str, state: str, code: int | None) -> str:
    """A kept process has ended after its conversation."""
    how = (
        f"ended with code {code}"
        if state == "exited"
        else "was lost at a restart"
        if state == "lost"
        else state
    )
    return f"The background process {shortened(command)} {how}."


def process_exit_note(process: int, command: str, code: int, seconds: float, output: str) -> str:
    """What the model is told of a background process that has ended."""
    how = f"exited with code {code}" if code >= 0 else f"was ended by signal {-code}"
    said = f" Its last output:\n{as_quote(output)}" if output.strip() else " It printed nothing."
    return f"Background process {process} ({shortened(command)}) {how} after {span(seconds)}.{said}"


def process_match_note(process: int, command: str, lines: str) -> str:
    """What the model is told of lines that were watched for, which are quoted."""
    return f"Background process {process} ({shortened(command)}) printed:\n{lines}"


def process_muted(command: str) -> str:
    """Its lines were watched for, and came too often."""
    return f"The background process {shortened(command)} reports too often; I no longer look at its lines."


def process_lost_note(process: int, command: str) -> str:
    """What the model is told of a process that a restart has ended."""
    return (
        f"Background process {process} ({shortened(command)}) was lost at a restart of the gateway: it has"
        " been ended, and its exit code and output are not known."
    )


def queue_full(queue_max: int) -> str:
    """The explicit refusal past queue_max."""
    return f"I did not take this message: {queue_max} are waiting already. Please send it again later."


def waiting_line(position: int) -> str:
    """The one visible sign of waiting, where the platform has no reactions."""
    return f"Queued, position {position}."


def in_line(place: int) -> str:
    """What /status says of a session that waits because turns_max turns run."""
    return f"Waiting for a place among the turns that run: {place} in line."


def gateway_status(
    *,
    up_s: float,
    working: int,
    turns_max: int,
    model: str,
    receives: Mapping[str, bool],
    elsewhere: Sequence[str] = (),
    draining: bool,
) -> list[str]:
    """What /status says of the gateway. Why an account does not receive is for operators, not for chats."""
    return [
        f"Up {span(max(0.0, up_s))}, {working} of at most {turns_max} turns running.",
        *([f"Model: {model}."] if model else []),
        *(f"{name}: {'receiving' if well else 'degraded'}." for name, well in receives.items()),
        *(f"{name}: received by another node." for name in elsewhere),
        *(["Going down: no new turns."] if draining else []),
    ]


def failed(turn: int) -> str:
    """The turn failed for a reason of its own."""
    return f"Something went wrong while I worked on this (turn {turn}). Please try again."


def model_failed(kind: str, turn: int) -> str:
    """The model could not answer. What its user cannot mend says who can."""
    reasons = {
        "rate_limit": "the model is rate-limited at the moment",
        "quota": "the model's quota is used up",
        "auth": "the model refuses my credentials",
        "overload": "the model is overloaded at the moment",
        "context": "this is too long for the model",
        "malformed": "the model refused your message",
        "transport": "the model could not be reached",
    }
    why = reasons.get(kind, "the model failed")
    theirs = "" if kind in reasons and kind != "auth" else THEY_SEE_WHY
    return f"I could not answer: {why} (turn {turn}).{theirs}"


def no_credentials(wait_s: float | None, kind: str) -> str:
    """No key may be used now."""
    when = "" if wait_s is None else f" Send it again in {span(max(1.0, wait_s))}."
    theirs = THEY_SEE_WHY if kind == "auth" else ""
    return f"I could not answer: no model key can be used at the moment ({_refusal(kind)}).{when}{theirs}"


def deferred(wait_s: float, kind: str) -> str:
    """No key may be used now, and the message is kept until one may."""
    return (
        f"No model key can be used at the moment ({_refusal(kind)}). Your message is kept and will be"
        f" answered when one can, in {span(max(1.0, wait_s))} at the earliest."
    )


def _refusal(kind: str) -> str:
    said = {"quota": "quota used up", "auth": "credentials refused", "overload": "the model is overloaded"}
    return said.get(kind, "rate-limited")


def limit_reached(what: str) -> str:
    """A budget of the agent was used up."""
    return f"I stopped: {what}."


def abandoned(minutes: float) -> str:
    """An interrupted turn that is too old, or was interrupted too often, to be resumed."""
    return (
        f"I was interrupted {span(minutes * 60)} ago while working on your last message and did not"
        " finish it. Send it again if you still need it."
    )


def paused(seconds: float) -> str:
    """The process was cut short too often in too short a time; this turn waits."""
    return (
        "I was interrupted several times within a minute, so I wait before I go on with your last message:"
        f" {span(seconds)}, or until you write again."
    )


def stuck(times: int, session: int) -> str:
    """A session is suspended: each start that went on with it was cut short."""
    return (
        f"I was interrupted {times} times in a row while working on your last message, so I set this"
        f" conversation aside. The next message begins a new one; /resume {session} brings this one back."
    )


def reset_by(rule: str, idle_after_s: float, daily_at: str) -> str:
    """The conversation ended by itself; the rule that ended it."""
    why = f"nothing was said for {span(idle_after_s)}" if rule == "idle" else f"daily reset at {daily_at}"
    return f"New conversation: {why}. /resume goes back to the one before."


def resumed(session: int) -> str:
    """The reply to /resume."""
    return f"Back in conversation {session}."


def no_such_conversation(session: int) -> str:
    """The reply to /resume with a number that is none of the caller's."""
    return f"You have no conversation {session} here."


def unknown_command(word: str, nearest: str | None) -> str:
    """No such command."""
    hint = f" Did you mean /{nearest}?" if nearest else " /help lists what I know."
    return f"I do not know /{word}.{hint}"


def progress(seconds: float, steps: int, step: str) -> str:
    """The one progress message."""
    where = f", step {steps}" + (f": {step}" if step else "") if steps else ""
    return f"Still working, {span(seconds)}{where}"


def progress_over(seconds: float) -> str:
    """What the progress message becomes where it cannot be deleted."""
    return f"Worked {span(seconds)}."


def span(seconds: float) -> str:
    """A duration for people."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    return f"{round(seconds / 3600)} h"
