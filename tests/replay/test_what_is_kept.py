"""What the store keeps for recordings holds no secret and no folder of this machine."""

from __future__ import annotations

from pathlib import Path

from hermes_trio import Candidates, ModelAgent, Secret
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.models.fallback import Candidate
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.runtime.redaction import Redactor
from hermes_trio.testing import RecordingTool, ScriptedModel, open_world
from hermes_trio.testing.replay import recording_of

CANARY = "sk-canary"


def kept(world):
    """All that is in the database, as text."""
    tables = [name for (name,) in world.db.execute("select name from sqlite_master where type = 'table'")]
    rows = [row for table in tables for row in world.db.execute(f"select * from {table}")]
    return "\n".join(str(value) for row in rows for value in row)


async def test_the_setup_of_a_boot_has_no_secret_and_no_folder(autojump_clock):
    tool = RecordingTool("act")
    tool.description = f"Acts, with {CANARY}."
    models = Candidates([Candidate(ScriptedModel())], chance=seeded_chance("kept"))
    agent = ModelAgent(models, tools=[tool], prompt=f"The key is {CANARY}.")
    options = GatewayOptions(state_dir=Path("/srv/secret-place"))
    async with open_world(agent, options=options, redact=Redactor([Secret(CANARY)])) as world:
        await world.say("ada", "hello")
        await world.reply("ada")
        await world.settle()
        [boot] = recording_of(world, 1).boots
        assert boot.setup.agent.prompt == "The key is ***."
        assert boot.setup.agent.tools[0].description == "Acts, with ***."
        assert boot.setup.gateway["busy"] == "queue"
        assert "The key is ***." in kept(world)
        assert CANARY not in kept(world)
        assert "secret-place" not in kept(world)


async def test_the_error_of_a_turn_has_no_secret(autojump_clock):
    async def agent(turn):
        raise RuntimeError(f"refused: {CANARY}")

    async with open_world(agent, redact=Redactor([Secret(CANARY)])) as world:
        await world.say("ada", "hello")
        await world.reply("ada")
        await world.settle()
        [turn] = recording_of(world, 1).turns
        assert (turn.error.type, turn.error.text) == ("RuntimeError", "refused: ***")
        assert CANARY not in kept(world)
