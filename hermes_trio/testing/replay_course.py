"""What happened around a recorded conversation, at its time: starts, stops and kills, messages, operators."""

from __future__ import annotations

import math
import re
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

import msgspec
import trio
import trio.testing

from hermes_trio.store.tx import text_of
from hermes_trio.testing.replay_script import AFTER_S
from hermes_trio.testing.replay_store import ReplayStore
from hermes_trio.text import sentences
from hermes_trio.values.recording import RecordedBoot, RecordedMessage, Recording

if TYPE_CHECKING:
    from hermes_trio.testing.replay import Replay

Act = Callable[[], Awaitable[None]]
STOP, BOOT, MESSAGE, OPERATOR, KILL = range(5)
"""In this order where they are at one time."""

TIMES = {
    "at",
    "begun_at",
    "checkpoint_at",
    "closed_at",
    "ended_at",
    "opened_at",
    "sent_at",
    "settled_at",
    "started_at",
}
SOON_S = 0.001
RESUMED = re.compile(r"resumed (\d+)")


async def follow(replay: Replay, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Do it all, up to the recording's end or until the replay goes on by itself.

    The first life has begun when this says that it has started.
    """
    acts = sorted(_acts(replay), key=lambda act: act[:2])
    started = False
    for since, _, act in acts:
        if since > 0 and not started:
            started = True
            task_status.started()
        await replay.script.not_before(since - AFTER_S)
        if replay.script.live.is_set():
            return
        await act()
    if not started:
        task_status.started()
    await replay.script.not_before(replay.recording.until)


def _acts(replay: Replay) -> Iterator[tuple[float, int, Act]]:
    recording = replay.recording
    first = _first_boot(recording.boots)
    _remember(replay, recording.boots[:first])
    _leave_behind(replay)
    known, before = sorted(_times(recording)), None
    for boot in recording.boots[first:] or (RecordedBoot(id=1, started_at=0.0),):
        if before is not None and before.ended_at is None:
            yield _killed_at(known, boot.started_at), KILL, _kill(replay)
        yield max(0.0, boot.started_at), BOOT, _start(replay, boot)
        stops_at = _stops_at(replay, boot)
        if stops_at is not None:
            yield stops_at, STOP, _stop(replay, boot, stops_at)
        before = boot
    if before is not None and before.ended_at is None and not recording.running:
        yield _killed_at(known, recording.until + 2 * SOON_S), KILL, _kill(replay)
    for message in recording.messages:
        late_s = 2 * AFTER_S if _missed(recording, message) or _is_prompt(recording, message) else 0.0
        yield message.at + late_s, MESSAGE, _say(replay, message)
    for turn in recording.turns:
        yield turn.opened_at, OPERATOR, _revive(replay)
        if turn.state == "stopped" and turn.reason == "operator" and turn.closed_at is not None:
            yield turn.closed_at + 3 * AFTER_S, OPERATOR, _ask(replay, "stop", turn.session)
    for at in _resets(replay.recording):
        yield at + 3 * AFTER_S, OPERATOR, _ask(replay, "reset", None)


def _missed(recording: Recording, message: RecordedMessage) -> bool:
    """Whether a turn was opened, or a step ended, in the commit that took it in, and did not take it."""
    takers = {turn.opened_at for turn in recording.turns} | {step.at for step in recording.steps}
    return message.at in takers and message.heard_at != message.at


def _is_prompt(recording: Recording, message: RecordedMessage) -> bool:
    """Whether it answers a question in the moment in which that was asked: it came behind it."""
    return message.kind == "answer" and message.at in {step.begun_at for step in recording.steps}


def _times(recording: Recording) -> Iterator[float]:
    """When anything is known to have happened."""
    rows = (recording.boots, recording.sessions, recording.messages, recording.turns, recording.steps)
    for row in chain(*rows, recording.entries, recording.said):
        for name in TIMES & set(row.__struct_fields__):
            at = getattr(row, name)
            if at is not None:
                yield at


def _killed_at(known: Sequence[float], started_at: float) -> float:
    """Right after the last that is known of the life before: nobody has written down when it was killed."""
    last = known[bisect_left(known, started_at) - 1]
    return last + min(SOON_S, (started_at - last) / 2)


def _kill(replay: Replay) -> Act:
    async def act() -> None:
        if replay.lives.now is not None:
            replay.crash()

    return act


def _first_boot(boots: tuple[RecordedBoot, ...]) -> int:
    """The place of the one in which the conversation began."""
    before = [place for place, boot in enumerate(boots) if boot.started_at <= 0]
    return before[-1] if before else 0


def _remember(replay: Replay, boots: tuple[RecordedBoot, ...]) -> None:
    """What the store knew of lives before: too many that ended badly hold turns back."""
    for boot in boots:
        replay.db.execute(
            "insert into boot(id, started_at, ended_at, clean) values(?, ?, ?, ?)",
            (boot.id, replay.wall(boot.started_at), replay.wall(boot.ended_at), boot.clean),
        )


def _leave_behind(replay: Replay) -> None:
    """What was there before the first message: a session that a reset had opened, and those gone back to."""
    known = {one.id for one in replay.recording.sessions}
    key, before = text_of(replay.recording.key), replay.wall(-1.0)
    first = min((one.at for one in replay.recording.messages), default=math.inf)
    for mine in replay.recording.sessions:
        if mine.id == replay.recording.session and mine.opened_at < first:
            opened_at = replay.wall(mine.opened_at)
            replay.db.execute(
                "insert into session(id, key, opened_at) values(?, ?, ?)", (mine.id, key, opened_at)
            )
    for one in replay.recording.messages:
        gone_back = RESUMED.fullmatch(one.reason) if one.kind == "command" else None
        if gone_back is None or (session := int(gone_back[1])) in known:
            continue
        known.add(session)
        replay.db.execute(
            "insert into session(id, key, opened_at, ended_at, why) values(?, ?, ?, ?, '')",
            (session, key, before, before),
        )
        # It has had a turn. Its number is none that another can have.
        replay.db.execute(
            "insert into turn(id, session, key, boot, state, address, opened_at, closed_at)"
            " values(?, ?, ?, 0, 'finished', ?, ?, ?)",
            (-session, session, key, text_of(one.message.address), before, before),
        )


def _stops_at(replay: Replay, boot: RecordedBoot) -> float | None:
    """When its drain began: what ran then was marked, who wrote later was told. None: killed, or it lives."""
    following = [one.started_at for one in replay.recording.boots if one.started_at > boot.started_at]
    end = min(following, default=math.inf)
    marks = [turn.checkpoint_at for turn in replay.recording.turns if turn.checkpoint_at is not None]
    marks += [part.at - AFTER_S for part in replay.recording.said if part.text == sentences.DRAINING]
    return min((at for at in marks if boot.started_at <= at < end), default=boot.ended_at)


def _start(replay: Replay, boot: RecordedBoot) -> Act:
    async def act() -> None:
        if replay.lives.now is not None and replay.life.stop.is_set():
            with trio.move_on_after(2 * SOON_S):
                await replay.life.ended.wait()
        if replay.lives.now is not None:
            replay.crash()
        if boot.setup is not None:
            replay.take(boot.setup)
        await replay.start()
        if boot.started_at < 0:
            # It had run for a while when the conversation began.
            began = replay.wall(boot.started_at)
            replay.db.execute("update boot set started_at = ? where id = ?", (began, boot.id))

    return act


def _stop(replay: Replay, boot: RecordedBoot, at: float) -> Act:
    async def act() -> None:
        if replay.lives.now is None:
            return
        if boot.ended_at is not None:
            replay.gateway.hurry(boot.ended_at - at + SOON_S)
            await replay.hold_place(boot.ended_at)
        replay.life.stop.set()
        if boot.ended_at is not None and boot.ended_at <= at:
            await replay.life.ended.wait()

    return act


def _say(replay: Replay, recorded: RecordedMessage) -> Act:
    """Commands that asked for a turn are kept as what they asked for."""
    before = {"alone": "/queue ", "steer": "/steer "}.get(recorded.kind, "")
    message = msgspec.structs.replace(recorded.message, text=f"{before}{recorded.message.text}")

    async def act() -> None:
        store = replay.lives.now.store if replay.lives.now is not None else None
        if recorded.kind not in ("wake", "match"):
            replay.platform.push(message)
        elif isinstance(store, ReplayStore) and recorded.reason != "consumed":
            await store.tell(recorded)

    return act


def _resets(recording: Recording) -> set[float]:
    """When an operator ended a session. Of one that was gone back to only the next one's opening tells."""
    asked = {one.settled_at for one in recording.messages if one.kind == "command"}
    asked |= {
        turn.closed_at for turn in recording.turns if turn.state == "reset" and turn.reason != "operator"
    }
    ended = {one.ended_at for one in recording.sessions if one.why == "operator"}
    ended |= {
        turn.closed_at for turn in recording.turns if turn.state == "reset" and turn.reason == "operator"
    }
    opened = {one.opened_at for one in recording.sessions if one.id != recording.session}
    return {at for at in ended | (opened - asked) if at is not None}


def _ask(replay: Replay, what: str, session: int | None) -> Act:
    """An operator asks this of a session, None: of the one that is open."""

    async def act() -> None:
        # A message of the same moment came before it.
        await trio.testing.wait_all_tasks_blocked()
        if replay.lives.now is not None:
            opened = [view.id for view in await replay.gateway.session_views()]
            for one in opened if session is None else [session]:
                await getattr(replay.gateway, what)(one)

    return act


def _revive(replay: Replay) -> Act:
    """What was kept for a key to a model is tried when it was."""

    async def act() -> None:
        deferred = replay.db.execute("select 1 from inbound where state = 'deferred'").fetchone()
        if deferred is not None and replay.lives.now is not None:
            store = replay.life.store
            assert isinstance(store, ReplayStore)
            await store.revive(replay.recording.key)

    return act
