"""The invariants, each one sentence: DESIGN's I1 to I12 and what else always holds."""

from hermes_trio.testing.simulation.facts import Invariant
from hermes_trio.testing.simulation.invariants import lines, lives, messages, sends, turns

ALL: tuple[type[Invariant], ...] = (
    messages.OneOutcome,
    messages.NothingIsLost,
    messages.InOrder,
    messages.BehindACommand,
    sends.OneFinal,
    sends.OneAnswerToATurn,
    sends.SilentOnceEnded,
    sends.CommandsFirst,
    sends.ControlInTime,
    sends.NoTypingAfterwards,
    sends.NoSecret,
    turns.OneTurn,
    turns.NeverAgain,
    turns.NothingOfTheOldSession,
    turns.EffectsOnce,
    turns.TheCount,
    turns.SetAsideStays,
    lives.TheDeadAreSilent,
    lives.NoProcessOfBefore,
    lives.CleanStopResumesNothing,
    lines.OneLineEach,
)
"""I10 and I12 are looked at when the play is over: see `play.py`."""
