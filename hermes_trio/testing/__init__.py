"""The test kit: a World in which the real gateway runs under a mock clock, and can be killed.

    async def test_an_answer(world):
        world.model.script(text("hello"))
        await world.say("u1", "hi")
        assert await world.reply("u1") == "hello"

The fixture `world` comes with the pytest plug-in of this package; `World` alone works anywhere. Whether an
implementation keeps the contract of its port is looked at by `check_platform` and its siblings.
"""

from hermes_trio.testing.bounded_waits import WaitedTooLong as WaitedTooLong
from hermes_trio.testing.conformance import Broken as Broken
from hermes_trio.testing.conformance import MakeContext as MakeContext
from hermes_trio.testing.conformance import MakeStore as MakeStore
from hermes_trio.testing.conformance import Provider as Provider
from hermes_trio.testing.conformance import Report as Report
from hermes_trio.testing.conformance import Service as Service
from hermes_trio.testing.conformance import Skipped as Skipped
from hermes_trio.testing.conformance import Trouble as Trouble
from hermes_trio.testing.conformance import Unable as Unable
from hermes_trio.testing.conformance import check_agent as check_agent
from hermes_trio.testing.conformance import check_command as check_command
from hermes_trio.testing.conformance import check_model as check_model
from hermes_trio.testing.conformance import check_platform as check_platform
from hermes_trio.testing.conformance import check_store as check_store
from hermes_trio.testing.conformance import check_tool as check_tool
from hermes_trio.testing.conformance import tool_call as tool_call
from hermes_trio.testing.crashing_store import CrashingStore as CrashingStore
from hermes_trio.testing.cut_points import Rounds as Rounds
from hermes_trio.testing.cut_points import rounds as rounds
from hermes_trio.testing.faults import FAULTS as FAULTS
from hermes_trio.testing.incarnation import alive as alive
from hermes_trio.testing.memory_platform import Call as Call
from hermes_trio.testing.memory_platform import MemoryPlatform as MemoryPlatform
from hermes_trio.testing.memory_platform import Seen as Seen
from hermes_trio.testing.record import Event as Event
from hermes_trio.testing.record import LogLine as LogLine
from hermes_trio.testing.record import Record as Record
from hermes_trio.testing.scheduling import seeded_scheduling as seeded_scheduling
from hermes_trio.testing.scripted_model import Line as Line
from hermes_trio.testing.scripted_model import ScriptedModel as ScriptedModel
from hermes_trio.testing.scripted_model import fails as fails
from hermes_trio.testing.scripted_model import hangs as hangs
from hermes_trio.testing.scripted_model import partial as partial
from hermes_trio.testing.scripted_model import text as text
from hermes_trio.testing.scripted_model import tool as tool
from hermes_trio.testing.tools import Effect as Effect
from hermes_trio.testing.tools import RecordingTool as RecordingTool
from hermes_trio.testing.wall_clock import WorldClock as WorldClock
from hermes_trio.testing.world import World as World
from hermes_trio.testing.world import open_world as open_world
