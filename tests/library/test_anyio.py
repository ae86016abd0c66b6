"""What is written against anyio runs unchanged, and anyio can be the host."""

import anyio
import pytest

from hermes_trio import Candidate, Candidates, ModelAgent, open_gateway
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.testing import ScriptedModel, text, tool
from tests.library.anyio_parts import Chat, Count, agent


async def answer_of(agent, tmp_path, said):
    """What an agent answers in the anyio chat."""
    chat = Chat()
    async with chat.write, chat.said, open_gateway(agent, platforms=[chat], store=tmp_path / "bot.db"):
        await chat.write.send(said)
        with anyio.fail_after(10):
            return await chat.said.receive()


async def test_an_agent_and_an_adapter(tmp_path):
    assert await answer_of(agent, tmp_path, "hello") == "HELLO: here before there"


async def test_a_tool(tmp_path):
    model = ScriptedModel()
    model.script(tool("count", text="hello"), text("five"))
    models = Candidates([Candidate(model)], chance=seeded_chance("x"))
    assert await answer_of(ModelAgent(models, tools=[Count()]), tmp_path, "count hello") == "five"
    assert model.requests[-1].entries[-1].text == "5"


def test_anyio_can_be_the_host(tmp_path):
    async def main():
        return await answer_of(agent, tmp_path, "hello")

    assert anyio.run(main, backend="trio") == "HELLO: here before there"


def test_in_its_own_task_group_with_its_own_cancel_scope(tmp_path):
    async def guest(chat, *, task_status):
        async with open_gateway(agent, platforms=[chat], store=tmp_path / "bot.db") as gateway:
            await gateway.ready()
            task_status.started(gateway)
            await gateway.finished()

    async def main():
        chat = Chat()
        async with chat.write, chat.said:
            async with anyio.create_task_group() as group:
                gateway = await group.start(guest, chat)
                await chat.write.send("hello")
                with anyio.fail_after(10):
                    said = await chat.said.receive()
                await chat.write.aclose()
            with pytest.raises(anyio.ClosedResourceError):
                await chat.write.send("more")
        return said, [name for name, health in gateway.health().items() if health.receiving]

    assert anyio.run(main, backend="trio") == ("HELLO: here before there", ["anychat/main"])
