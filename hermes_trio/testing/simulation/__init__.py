"""The simulation: a seed draws users, messages, faults and crashes, and the whole gateway is run with them.

    hermes-trio simulate --seeds 1..1000

`draw(seed)` is a plan, pure data; `play(plan)` plays it in a World under the mock clock with trio's seeded
order of tasks; `invariants` are asked after every event. `run` plays many, `shrink` makes a plan shorter.
"""

from hermes_trio.testing.simulation.draw import draw as draw
from hermes_trio.testing.simulation.plan import Plan as Plan
from hermes_trio.testing.simulation.play import Played as Played
from hermes_trio.testing.simulation.play import play as play
