"""The invariants, each one sentence: DESIGN's I1 to I12 and what else always holds."""

from hermes_trio.testing.simulation.facts import Invariant
from hermes_trio.testing.simulation.invariants import lines, lives, messages, sends, steps, turns

ALL: tuple[type[Invariant], ...] = (
    messages.OneOutcome,
    messages.NothingIsLost,
    messages.WrittenThenConfirmed,
    messages.InOrder,
    messages.BehindACommand,
    messages.CommandsTakeEffectAtOnce,
    sends.OneFinal,
    sends.InTheirOrder,
    sends.NothingIsOwed,
    sends.WrittenThenSaid,
    sends.OneAnswerToATurn,
    sends.SilentOnceEnded,
    sends.CommandsFirst,
    sends.ControlInTime,
    sends.NoTypingAfterwards,
    sends.NothingIsLeftShowing,
    sends.NoSecret,
    turns.OneTurn,
    turns.NeverAgain,
    turns.NothingOfTheOldSession,
    turns.EffectsOnce,
    turns.TheCount,
    turns.SetAsideStays,
    steps.WrittenThenDone,
    steps.SuccessorsWait,
    steps.VerdictsByTheRows,
    steps.EndsAreToldOnce,
    lives.TheDeadAreSilent,
    lives.NoProcessOfBefore,
    lives.CleanStopResumesNothing,
    lines.OneLineEach,
)
"""I10 and I12 are looked at when the play is over: see `play.py`."""
