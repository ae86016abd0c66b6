"""A recorded conversation, run again: the same messages, answers, results, kills, at the same times.

    async def test_what_happened_on_tuesday(autojump_clock):
        async with open_replay(load_recording("tuesday.json")) as replay:
            await replay.finished()
            assert replay.differences() == []

The gateway is the real one, on the real store. All outside of it (users, the model, tools, the chat
service, kills) is played from the recording, and has no effect on the world.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from math import inf
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import trio

from hermes_trio.agent.agent import ModelAgent
from hermes_trio.config.options import Gateway as GatewayOptions
from hermes_trio.config.options import Session as SessionOptions
from hermes_trio.errors import HermesError, NotJson
from hermes_trio.models.fallback import Candidate, Candidates
from hermes_trio.ports.agent import Agent
from hermes_trio.ports.command import Command
from hermes_trio.ports.model import Model
from hermes_trio.ports.tool import Tool
from hermes_trio.runtime.clock import seeded_chance
from hermes_trio.store.promises import recording as recorded
from hermes_trio.store.sqlite.tx import SqliteTx
from hermes_trio.store.tx import read_entry
from hermes_trio.testing.crashing_store import CrashingStore, Moment
from hermes_trio.testing.lives import Lives
from hermes_trio.testing.owned_world import owned
from hermes_trio.testing.replay_agent import RecordedTool, ReplayAgent
from hermes_trio.testing.replay_commands import stand_ins
from hermes_trio.testing.replay_course import follow
from hermes_trio.testing.replay_differences import Difference, differences
from hermes_trio.testing.replay_platform import ReplayPlatform
from hermes_trio.testing.replay_script import Diverged as Diverged
from hermes_trio.testing.replay_script import NoSuchStep as NoSuchStep
from hermes_trio.testing.replay_script import Script
from hermes_trio.testing.replay_store import ReplayStore
from hermes_trio.testing.wall_clock import WALL_START
from hermes_trio.testing.world import World
from hermes_trio.testing.world_gateway import in_utc, opened
from hermes_trio.text.foreign_json import ForeignJson
from hermes_trio.text.recording import PARTS, written
from hermes_trio.turns.permits import TurnPermit
from hermes_trio.turns.turn import Turn
from hermes_trio.values.recording import (
    VERSION,
    AgentSetup,
    Recording,
    RecordingPart,
    RecordingRows,
    Setup,
)
from hermes_trio.values.transcript import Entry

REST_S = 1.0
BYTES_MAX = 1024 * 1024 * 1024
"""Of a recording; whoever replays one has made it, or trusts who did."""

"""After its end a recording's last acts have so long to come to rest."""


class NotARecording(HermesError):
    """The file holds no recording that this version can run; the text says why."""


def load_recording(path: Path | str) -> Recording:
    """The recording in a file that `hermes-trio export` has written.

    Raises:
        NotARecording: it cannot be read, or is none, or one of another version.
    """
    try:
        return decode_recording(Path(path).read_bytes())
    except OSError as error:
        raise NotARecording(f"{path}: {error.strerror}") from error
    except NotARecording as error:
        raise NotARecording(f"{path}: {error}") from None


def decode_recording(text: bytes) -> Recording:
    """The recording in the text of such a file. Raises NotARecording."""
    try:
        version = _version(text).version
        if version != VERSION:
            raise NotARecording(f"a recording of version {version}; this hermes-trio knows {VERSION}")
        return _recording(text)
    except NotJson as error:
        raise NotARecording(f"not a recording: {error}") from error


class _Versioned(msgspec.Struct):
    version: int


_version: ForeignJson[_Versioned] = ForeignJson(_Versioned, most_bytes=BYTES_MAX, parts_max=None)
_recording: ForeignJson[Recording] = ForeignJson(Recording, most_bytes=BYTES_MAX, parts_max=None)


def recording_of(world: World, session: int) -> Recording | None:
    """A session of a World, as `hermes-trio export` records it; None if there is none of this number."""
    tx = SqliteTx(world.db, 0, world.clock.now())
    head = recorded.head(tx, session, world.lives.now is not None)
    if head is None:
        return None

    def pages(part: RecordingPart) -> Iterator[RecordingRows]:
        after: tuple[int, int] | None = (0, 0)
        while after is not None:
            page = recorded.rows(tx, head, part, after)
            yield page
            after = page.after

    return decode_recording(b"".join(written(head, {part: pages(part) for part in PARTS})))


def recorded_tools(recording: Recording, *, but: Collection[str] = ()) -> list[Tool]:
    """The tools that were offered to the model, but for these names. They give what was recorded."""
    setups = {
        tool.name: tool
        for boot in recording.boots
        if boot.setup is not None and boot.setup.agent is not None
        for tool in boot.setup.agent.tools
    }
    return [RecordedTool(setup) for name, setup in setups.items() if name not in but]


class Replay(World):
    """A World that follows a recording. Made by `open_replay`. Times are virtual seconds since its beginning.

    Attributes:
        recording: what it follows.
        script: how far it follows it; `script.live` is set when it goes on by itself.
    """

    def __init__(
        self,
        nursery: trio.Nursery,
        recording: Recording,
        *,
        script: Script,
        agent: Agent[Turn] | None,
        model: Model | None,
        tools: Sequence[Tool],
        commands: Sequence[Command] | None,
        run_tools: Collection[str],
    ) -> None:
        self.recording = recording
        self.script = script
        super().__init__(
            nursery,
            agent=agent,
            seed=0,
            options=GatewayOptions(),
            session=in_utc(None),
            platforms=[ReplayPlatform(script, None, None)],
            tools=tools,
            commands=commands,
            commit_s=0.0,
            redact=str,
            keys=(),
            fallbacks=0,
            on_exhausted="tell",
        )
        self.clock.offset = recording.began_at - WALL_START - script.zero
        self.commands = stand_ins(script, self.clock) if commands is None else commands
        self.lives = Lives(nursery, self._replay_store, partial(opened, self), self.record)
        self._own_agent = agent
        self._model = model
        self._own_tools = list(tools)
        self._run_tools = run_tools
        self._followed = trio.Event()
        self.agent = self._following(None)

    def _replay_store(self, number: int, at: Callable[[Moment], None]) -> CrashingStore:
        return ReplayStore(self.script, self.db, self.clock, seeded_chance(f"replay/{number}"), at)

    def take(self, setup: Setup) -> None:
        """What the next life runs with."""
        self.options = _options(GatewayOptions, setup.gateway)
        self.session_options = in_utc(_options(SessionOptions, setup.session))
        account = setup.accounts.get(f"{self.platform.name}/{self.platform.account}")
        if account is not None:
            self.platform.capabilities, self.platform.policy = account.capabilities, account.policy
        self.agent = self._following(setup.agent)

    def _following(self, setup: AgentSetup | None) -> Agent[Turn]:
        return ReplayAgent(
            self._own_agent or self._built_in(setup),
            self.script,
            self.record,
            run_tools=self._run_tools,
            entries=self._entries,
        )

    def _built_in(self, setup: AgentSetup | None) -> Agent[Turn]:
        """The built-in agent as it was, on the model that goes on where the recording ends."""
        models = Candidates([Candidate(self._model or self.model)], chance=seeded_chance("replay"))
        have = {tool.name for tool in self._own_tools}
        recorded_tools = [RecordedTool(one) for one in setup.tools if one.name not in have] if setup else []
        tools: list[Tool] = [*self._own_tools, *recorded_tools]
        if setup is None:
            return ModelAgent(models, tools=tools or self.tools, name=self.model.name)
        return ModelAgent(
            models,
            tools=tools,
            prompt=setup.prompt,
            steps_max=setup.steps_max,
            same_failure_max=setup.same_failure_max,
            history_tokens=setup.history_tokens,
            name=setup.name,
        )

    def _entries(self, session: int) -> Iterator[Entry]:
        rows = self.db.execute("select body from entry where session = ? order by id", (session,))
        return (read_entry(body) for (body,) in rows.fetchall())

    def wall(self, since: float | None) -> float | None:
        """A time of the recording as wall time."""
        return None if since is None else self.recording.began_at + since

    async def begin(self) -> None:
        """Begin to follow; return when the first life has begun."""
        await self._nursery.start(self._follow, name="replay")

    async def _follow(self, task_status: trio.TaskStatus[None]) -> None:
        try:
            await follow(self, task_status=task_status)
        finally:
            self._followed.set()

    async def hold_place(self, until: float) -> None:
        """A turn of another conversation works until then: a drain waited for it."""
        await self._nursery.start(self._work_elsewhere, TurnPermit(self.gateway.wiring.turns.limiter), until)

    async def _work_elsewhere(
        self, permit: TurnPermit, until: float, task_status: trio.TaskStatus[None]
    ) -> None:
        await permit.acquire()
        task_status.started()
        await self.script.not_before(until)
        permit.release()

    async def finished(self) -> None:
        """Return when all that was recorded has happened and nothing is left to do.

        After `from_step`: when the turn that went on by itself has ended, and what it says is said.

        Raises:
            Diverged: the gateway, or the agent, asked for something that was not recorded.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._stop_waiting, nursery.cancel_scope)
            await self._followed.wait()
            # What never ended in the recording does not end here.
            with trio.move_on_after(inf if self.script.live.is_set() else REST_S):
                if self.lives.now is not None:
                    await self.settle()
            nursery.cancel_scope.cancel(reason="finished")
        if self.script.diverged is not None:
            raise self.script.diverged

    async def _stop_waiting(self, scope: trio.CancelScope) -> None:
        await self.script.stopped.wait()
        scope.cancel(reason="the replay cannot follow")

    def as_recorded(self) -> Recording:
        """What has happened in the replay, as a recording of it."""
        was = self.recording
        nothing = Recording(
            version=VERSION,
            session=was.session,
            key=was.key,
            began_at=was.began_at,
            until=was.until,
            running=was.running,
        )
        return recording_of(self, was.session) or nothing

    def differences(self) -> list[Difference]:
        """What is otherwise than it was recorded; empty if nothing is. Times do not count."""
        return differences(self.recording, self.as_recorded())


O = TypeVar("O")  # noqa: E741


def _options(kind: type[O], written: Mapping[str, Any]) -> O:
    """Options as they were; one that this version does not know, or takes otherwise, has its default."""
    kept = {}
    for name, value in written.items():
        with suppress(msgspec.MsgspecError):
            msgspec.convert({name: value}, kind)
            kept[name] = value
    return msgspec.convert(kept, kind)


@asynccontextmanager
async def open_replay(
    recording: Recording,
    *,
    agent: Agent[Turn] | None = None,
    tools: Sequence[Tool] = (),
    commands: Sequence[Command] | None = None,
    run_tools: Collection[str] = (),
    from_step: int | None = None,
    model: Model | None = None,
    on_live: Callable[[], None] = lambda: None,
) -> AsyncIterator[Replay]:
    """A World in which a recorded conversation runs again, under trio's MockClock(autojump_threshold=0).

    Args:
        recording: what happened; see `load_recording`.
        agent: the function whose conversation it was; by default the built-in agent as it was set up then.
        tools: for the built-in agent, in the place of those of the same names.
        commands: slash commands; by default the installed ones that act, and of others what they answered.
        run_tools: names of tools (of a function: of steps) that are run, with `from_step` from there on.
            All others give what was recorded; after `from_step` where the call is the same, else they are
            refused.
        from_step: the number of the step from which it goes on by itself, as `hermes-trio replay` shows
            them; one more than there are: where the recording ends. What users wrote later is not said.
        model: what the built-in agent asks from there on; by default `replay.model`, which follows a script.
        on_live: called, synchronously, when it goes on by itself.

    Raises:
        NoSuchStep: the recording has no step of this number.
    """
    script = Script(recording, from_step=from_step, on_live=on_live)
    make = partial(
        Replay,
        recording=recording,
        script=script,
        agent=agent,
        model=model,
        tools=tools,
        commands=commands,
        run_tools=run_tools,
    )
    async with owned(make) as replay:
        await replay.begin()
        yield replay
