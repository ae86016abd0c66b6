"""What a checker of the simulation once took for a mistake of the gateway, and was none.

Each is a plan that a seed was shortened to. That the checkers still bite is shown by `tests/mutants`.
"""

from __future__ import annotations

import pytest

from hermes_trio.testing.simulation.invariants import (
    causes,
    lines,
    programs,
    sends,
    slots,
    starts,
    steps,
    turns,
    waiting,
)
from hermes_trio.testing.simulation.plan import (
    Command,
    Crash,
    Fault,
    Forbid,
    Operate,
    Place,
    Plan,
    Rules,
    Say,
    Stop,
)
from hermes_trio.testing.simulation.play import play

TWO = (Place("club", None, True), Place("ada", "topic"))

WHO_WAITS_FOR_A_PLACE = Plan(
    seed=107404,
    rules=Rules(turns_max=1),
    places=TWO,
    happenings=(
        Say(0.0, 2, "ada", 0, ("slow",)),
        Say(0.0, 3, "ada", 1, ("think:20",)),
        Fault(0.02, "store_fails_commit", {"nth": 2.0}),
        Operate(30.325, "resume", 1),
    ),
)
GIVEN_BACK_WITH_ITS_MESSAGE = Plan(
    seed=37236,
    rules=Rules(busy="interrupt", think_s=2.0),
    happenings=(Say(0.0, 7, "ada", 0, ("start:quick", "kill")), Say(5.026, 9, "ada")),
)
GIVEN_BACK_AND_POLLED = Plan(
    seed=600490,
    rules=Rules(busy="interrupt", think_s=2.0),
    happenings=(Say(0.0, 2, "ada", 0, ("start:quick", "poll")), Say(5.0, 3, "ada")),
)
ANOTHER_BOT_IS_UP = Plan(
    seed=600387,
    rules=Rules(heal_after_s=10.0),
    places=(Place("ada", account="second"), Place("ada", "topic")),
    happenings=(
        Say(0.0, 6, "ada", 1, ("stream:2",)),
        Fault(1.005, "platform_disconnects", {"for_s": 90_000.0}),
        Crash(9.431, "after commit"),
    ),
)
HELD_UP_BY_A_STONE = Plan(
    seed=35614,
    rules=Rules(progress_s=20.0),
    happenings=(Fault(0.0, "platform_hangs"), Say(0.0, 3, "ada", 0, ("stone",)), Stop(0.3005)),
)
KILLED_IN_ITS_SLEEP = Plan(
    seed=302952,
    rules=Rules(commit_s=0.001),
    places=(Place("ada", "topic"), Place("ada")),
    happenings=(Say(0.1, 11, "ada", 1), Fault(0.101, "freezes", {"for_s": 0.5}), Crash(0.101, "now", 3)),
)
FROZEN_BEFORE_IT_HEARD = Plan(
    seed=1,
    rules=Rules(busy="interrupt"),
    happenings=(
        Say(0.0, 2, "ada", 0, ("think:20",)),
        Fault(0.1, "store_slow", {"for_s": 20.0, "delay_s": 1.0}),
        Say(3.3, 3, "ada"),
        Fault(4.4, "freezes", {"for_s": 300.0}),
    ),
)
"""The end of the first turn is durable at 4.3, and told at 304.4: where the next sign is due too."""
LEFT_ITS_DISK = Plan(
    seed=207,
    places=(Place("club", None, True),),
    happenings=(
        Fault(0.0, "store_slow", {"for_s": 20.0, "delay_s": 1.0}),
        Say(0.0, 5, "eve"),
        Operate(0.0, "stop", rounds=12),
        Command(0.0, 6, "eve", "/new"),
        Stop(0.6),
    ),
)
ASKED_BEFORE_IT_HEARD = Plan(
    seed=641669,
    rules=Rules(busy="interrupt", deadline_s=10.0, think_s=2.0, heal_after_s=60.0, edits=True),
    places=(Place("ada", account="second"), Place("club", "topic", True)),
    happenings=(
        Say(0.0, 1, "bob", 1, ("stream:0.3", "stream:0.3")),
        Fault(5.0, "model_ends_early"),
        Fault(5.005, "store_slow", {"for_s": 60.0, "delay_s": 0.05}),
        Say(5.005, 2, "one0", 1),
        Say(5.005, 3, "one1", 1),
        Say(5.31, 15, "ada", 1),
        Say(5.31, 16, "ada", 1),
        Command(5.31, 17, "ada", "/status"),
        Say(5.6105, 19, "ada", 1),
        Fault(5.7115, "store_slow", {"for_s": 60.0, "delay_s": 3.0}),
    ),
)
"""The interrupt of its turn is durable at 5.705, and told at 8.755 with the beginning of that turn."""
THE_LAST_WAS_A_STRANGERS = Plan(
    seed=665797,
    rules=Rules(agent="library", scope="chat", busy="steer"),
    places=(Place("club", None, True),),
    happenings=(
        Say(0.0, 1, "bob", 0, ("ask:600",)),
        Say(1.004, 5, "zoe"),
        Stop(4.0045, down_s=4000.0),
        Forbid(4.0045, "zoe"),
        Crash(4.0045),
    ),
)
COMMANDS_IN_LINE = Plan(
    seed=673696,
    rules=Rules(turns_max=1, commit_s=0.1),
    places=(Place("club", None, True),),
    happenings=(
        Fault(0.0, "platform_disconnects", {"for_s": 4000.0}),
        Command(0.0, 7, "ada", "/cc"),
        Say(0.0, 17, "bob"),
        Command(0.0, 18, "ada", "/status"),
        Say(0.0, 19, "ada"),
        Command(0.0, 20, "ada", "/new"),
        Command(0.0, 22, "ada", "/status"),
    ),
)
MUTED = Plan(happenings=(Say(0.0, 5, "ada", 0, ("start:quick", "watch:chatty", "start:slow")),))

ANSWERED_FOR_WHO_MAY_SPEAK = Plan(
    seed=4107936,
    rules=Rules(agent="library", scope="chat", commit_s=0.1),
    places=(
        Place("club", "topic", True),
        Place("club", None, True, account="second"),
        Place("ada", "topic"),
    ),
    happenings=(
        Say(0.0, 2, "ada", 1, ("fails", "once", "once", "records")),
        Crash(0.0, "before commit"),
        Command(0.0, 4, "ada", "/stop", 2),
        Say(0.0, 5, "bob", 1),
        Forbid(7.602, "bob"),
        Crash(7.602),
    ),
)
PASSED_ON_BEHIND_ITS_COMMENT = Plan(
    seed=4010291,
    rules=Rules(commit_s=0.02, think_s=2.0),
    places=(Place("club", None, True, account="second"),),
    happenings=(
        Crash(0.0, "round", 49),
        Say(6.023, 7, "ada"),
        Say(11.023, 8, "ada", passed_on=True),
    ),
)


@pytest.mark.parametrize(
    ("plan", "checker"),
    [
        pytest.param(
            WHO_WAITS_FOR_A_PLACE,
            slots.NoTurnIsLost,
            id="a turn that waits for a place among those that run is not lost",
        ),
        pytest.param(
            GIVEN_BACK_WITH_ITS_MESSAGE,
            steps.EndsAreToldOnce,
            id="what an interrupted turn was told comes along with the message, and opens nothing",
        ),
        pytest.param(
            GIVEN_BACK_AND_POLLED,
            programs.ToldOnce,
            id="what stands in the conversation comes along with the next turn, and tells nothing anew",
        ),
        pytest.param(
            ANOTHER_BOT_IS_UP,
            waiting.WokenByTheAccount,
            id="a bot that is up wakes its own lanes, and no other's",
        ),
        pytest.param(
            HELD_UP_BY_A_STONE,
            waiting.LiveHoldsNothing,
            id="a gateway that is on its way down records no delivery any more",
        ),
        pytest.param(
            KILLED_IN_ITS_SLEEP,
            lines.OneLineEach,
            id="a process that is killed while it is frozen owes no line",
        ),
        pytest.param(
            FROZEN_BEFORE_IT_HEARD,
            sends.NoTypingAfterwards,
            id="a process that was frozen shows that a turn works until it is told that this has ended",
        ),
        pytest.param(
            ASKED_BEFORE_IT_HEARD,
            turns.NeverAgain,
            id="a process that is told of a turn and of its end at once may ask before it hears of the end",
        ),
        pytest.param(
            LEFT_ITS_DISK,
            lines.OneLineEach,
            id="a stop that waits for its disk no longer owes no line of what that wrote then",
        ),
        pytest.param(
            THE_LAST_WAS_A_STRANGERS,
            starts.RightVerdict,
            id="what is dropped of a stranger was a sign of life when the boot began",
        ),
        pytest.param(
            COMMANDS_IN_LINE,
            sends.ControlInTime,
            id="a command that stands in line waits for those in front of it",
        ),
        pytest.param(
            MUTED,
            causes.OfRunningTurns,
            id="what the gateway says of itself once too often stands behind the last turn",
        ),
        pytest.param(
            ANSWERED_FOR_WHO_MAY_SPEAK,
            starts.RightVerdict,
            id="an answer is given to all whom it answers, also where its turn began with a stranger's words",
        ),
        pytest.param(
            PASSED_ON_BEHIND_ITS_COMMENT,
            causes.NothingUnasked,
            id="words that are passed on begin the turn of their comment anew, however busy it is",
        ),
    ],
)
def test_it_is_no_mistake(plan, checker):
    played = play(plan, [checker])
    assert (played.broken, played.what) == ("", "")
