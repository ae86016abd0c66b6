"""The points at which a daemon is killed: each makes its person say something and returns when it is there.

A point is made by what the daemon waits for: an answer that a fake keeps back, or, where it must have been
sent and not been read, a daemon that was frozen before.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from trio.testing import wait_all_tasks_blocked

from tests.crash.process import PATIENCE_S
from tests.crash.stage import CHAT, Stage


async def handed_over(stage: Stage, text: str, calls: int = 1) -> None:
    """K1: the update is with a daemon that does not read it."""
    await stage.telegram.until(lambda: stage.telegram.pollers, PATIENCE_S)
    stage.freeze()
    stage.say(CHAT, text)
    await stage.telegram.until(lambda: not stage.telegram.pollers, PATIENCE_S)
    await wait_all_tasks_blocked()


async def confirmed(stage: Stage, text: str, calls: int = 1) -> None:
    """K2: it was just confirmed."""
    stage.say(CHAT, text)
    await stage.telegram.wait_confirmed(PATIENCE_S)


async def model_called(stage: Stage, text: str, calls: int = 1) -> None:
    """K3: the model holds the request."""
    stage.model.holds = [0]
    stage.say(CHAT, text)
    await stage.model.until_held()


async def mid_stream(stage: Stage, text: str, calls: int = 1) -> None:
    """K4: half of the answer, that to the last of its model calls, has been streamed."""
    stage.model.holds = [*[-1] * (calls - 1), 2]
    stage.say(CHAT, text)
    await stage.model.until_held()
    if stage.model.gap_ms:
        await stage.telegram.wait_sent(CHAT, within_s=PATIENCE_S)


async def tool_acted(stage: Stage, text: str, calls: int = 1) -> None:
    """K5: a tool has acted, and its result is not back."""
    await tool_held(stage, text, "after")


async def tool_held(stage: Stage, text: str, moment: str) -> None:
    """A tool is where it has acted, or ("before") is about to."""
    stage.effects.hold(moment)
    stage.say(CHAT, text)
    await stage.effects.wait_held(moment)


async def model_answered(stage: Stage, text: str, calls: int = 1) -> None:
    """K6: the model has answered, and nothing was read of it."""
    stage.model.holds = [*[-1] * (calls - 1), 0]
    stage.say(CHAT, text)
    await stage.model.until_held()
    stage.freeze()
    stage.model.release()
    await wait_all_tasks_blocked()


async def send_visible(stage: Stage, text: str, calls: int = 1) -> None:
    """K7: a send is visible, and its answer withheld."""
    stage.telegram.hold("sendMessage")
    stage.say(CHAT, text)
    await stage.telegram.wait_held("sendMessage", PATIENCE_S)


async def send_confirmed(stage: Stage, text: str, calls: int = 1) -> None:
    """K8: the send was confirmed, to a process that does not read it."""
    await send_visible(stage, text)
    stage.freeze()
    stage.telegram.release()
    await wait_all_tasks_blocked()


async def drain_runs(stage: Stage, text: str, calls: int = 1) -> None:
    """K9: SIGTERM was given, and the drain waits for the turn."""
    stage.model.holds = [*[-1] * (calls - 1), 0]
    stage.say(CHAT, text)
    await stage.model.until_held()
    stage.daemon.signal(15)
    await stage.daemon.says("checkpoint", "turns=1")


POINTS: dict[str, Callable[[Stage, str, int], Awaitable[None]]] = {
    "K1": handed_over,
    "K2": confirmed,
    "K3": model_called,
    "K4": mid_stream,
    "K5": tool_acted,
    "K6": model_answered,
    "K7": send_visible,
    "K8": send_confirmed,
    "K9": drain_runs,
}
