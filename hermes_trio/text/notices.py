"""The sentence of each notice that the store has to tell, and the marks that it sets: one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from hermes_trio.text import sentences
from hermes_trio.values import notices
from hermes_trio.values.delivery import Part
from hermes_trio.values.notices import Cut, Notice, Plain
from hermes_trio.values.stored import Stopped

_PLAIN: Mapping[Plain, str] = {
    "back": sentences.BACK,
    "command_failed": sentences.COMMAND_FAILED,
    "could_not_be_said": sentences.COULD_NOT_BE_SAID,
    "in_it_already": sentences.IN_IT_ALREADY,
    "may_be_missing": sentences.MAY_BE_MISSING,
    "message_failed": sentences.MESSAGE_FAILED,
    "nothing_to_resume": sentences.NOTHING_TO_RESUME,
    "operator_ended": sentences.OPERATOR_ENDED,
    "operator_stopped": sentences.OPERATOR_STOPPED,
    "question_closed": sentences.QUESTION_CLOSED,
    "question_of_another": sentences.QUESTION_OF_ANOTHER,
    "wakes_muted": sentences.WAKES_MUTED,
}
_LINES: Mapping[Cut, str] = {
    "stopped": sentences.STOPPED_LINE,
    "reset": sentences.RESET_LINE,
    "interrupted": sentences.INTERRUPTED_LINE,
    "cut_short": sentences.CUT_SHORT_LINE,
}
_SLOTS: Mapping[type, Callable[[Any], str]] = {
    Stopped: sentences.stopped,
    notices.QueueFull: lambda of: sentences.queue_full(of.queue_max),
    notices.Queued: lambda of: sentences.waiting_line(of.position),
    notices.TurnFailed: lambda of: sentences.failed(of.turn),
    notices.SessionReset: lambda of: sentences.NEW_SESSION + sentences.background_work(of.processes),
    notices.SessionEnded: lambda of: (
        sentences.reset_by(of.rule, of.policy.idle_after_s, of.policy.daily_at)
        + sentences.background_work(of.processes)
    ),
    notices.SessionResumed: lambda of: (
        sentences.resumed(of.session) + sentences.background_work(of.processes)
    ),
    notices.NoSuchSession: lambda of: sentences.no_such_conversation(of.session),
    notices.ProcessOver: lambda of: sentences.process_ended(of.command, of.state, of.code),
    notices.ProcessMuted: lambda of: sentences.process_muted(of.command),
    notices.ProcessLost: lambda of: sentences.process_lost_note(of.process, of.command),
    notices.LastReport: lambda of: f"{of.lines}\n{sentences.MUTED_NOTE}",
    notices.Worked: lambda of: sentences.progress_over(of.seconds),
}


def sentence(notice: Notice) -> str:
    """What is said of it."""
    return _PLAIN[notice] if isinstance(notice, str) else _SLOTS[type(notice)](notice)


def cut_line(how: Cut) -> str:
    """What stands below the text that a turn showed live when it was cut."""
    return _LINES[how]


def with_mark(part: Part) -> Part:
    """A part that may be a repeat. The mark stands on its last line, whatever white space ended it."""
    text = part.text.rstrip()
    end = len(text)
    spans = tuple(replace(s, end=min(s.end, end)) for s in part.spans if s.start < end)
    return Part(f"{text} {sentences.MARK}", spans)
