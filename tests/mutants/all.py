"""Every mutant.

Tried and left out, since nobody outside can tell: consequences that the caller performs and no cancel can
keep from it (waking goes by levels, so their order says nothing); an answer that is dropped where a shutdown
cancels its session (the next life asks again); a failed step that is not recorded (its intent keeps it from
running again); a drain that leaves its programs to the end of their nursery (which ends them too).
"""

from tests.mutants.mutant import Mutant
from tests.mutants.of_hermes import HERMES, MISSED
from tests.mutants.of_messages import MESSAGES
from tests.mutants.of_nodes import NODES
from tests.mutants.of_sends import SENDS
from tests.mutants.of_surroundings import SURROUNDINGS
from tests.mutants.of_tasks import TASKS
from tests.mutants.of_turns import TURNS

MUTANTS: tuple[Mutant, ...] = (*HERMES, *MISSED, *MESSAGES, *TURNS, *SENDS, *TASKS, *SURROUNDINGS, *NODES)
