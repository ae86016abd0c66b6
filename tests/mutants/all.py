"""Every mutant."""

from tests.mutants.mutant import Mutant
from tests.mutants.of_hermes import HERMES, MISSED
from tests.mutants.of_messages import MESSAGES
from tests.mutants.of_sends import SENDS
from tests.mutants.of_tasks import TASKS
from tests.mutants.of_turns import TURNS

MUTANTS: tuple[Mutant, ...] = (*HERMES, *MISSED, *MESSAGES, *TURNS, *SENDS, *TASKS)
