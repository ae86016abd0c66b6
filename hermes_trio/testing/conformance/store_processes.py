"""The Store port's clauses about processes: programs that belong to a session."""

from __future__ import annotations

from functools import partial

from hermes_trio.errors import StaleTurn
from hermes_trio.testing.conformance.clauses import expect
from hermes_trio.testing.conformance.store_trial import StoreTrial, address, key, raises, same
from hermes_trio.values.consequences import EndProcesses, WakeKey
from hermes_trio.values.process import NewProcess
from hermes_trio.values.stored import Closing

LIMITS = {"per_process": 1, "per_session": 9}


def born(turn: int, user: str = "ada", **more: bool) -> NewProcess:
    """A program that is about to be started."""
    return NewProcess(turn=turn, key=key(user), address=address(user), command="make", **more)


async def knows_a_process_before_it_runs(trial: StoreTrial) -> None:
    """A process is a row before it is started, begun by a turn that runs here, and ends once."""
    opened = await trial.turn()
    store = trial.store
    await raises(StaleTurn, partial(store.begin_process, born(999)), "a process of no turn")
    process = (await store.begin_process(born(opened.turn))).process
    same(await store.process_runs(process, 4711, 1), True, "that it shall live")
    same([view.state for view in await store.processes(key("ada"))], ["running"], "the processes")
    await store.end_process(process, "exited", 3, "output", "it ended")
    await store.end_process(process, "killed", -9, "other", "it was killed")
    view = await store.process(key("ada"), process)
    same(view and (view.state, view.code), ("exited", 3), "how it ended")
    same(await store.process_output(key("ada"), process), "output", "what it printed")
    same(await store.process(key("bob"), process), None, "what another key sees of it")


async def tells_the_session_of_an_end(trial: StoreTrial) -> None:
    """The end of a process that is to be told is a message of its session, and opens a turn there."""
    opened = await trial.turn()
    store = trial.store
    process = (await store.begin_process(born(opened.turn, notify=True))).process
    await store.process_runs(process, 4711, 1)
    await store.close_turn(opened.turn, Closing(state="finished"))
    trial.forget()
    await store.end_process(process, "exited", 0, "", "make has ended")
    same([one.key.chat for one in trial.follows(WakeKey)], ["ada"], "whom it wakes")
    [message] = (await trial.next()).messages
    expect("make has ended" in message.message.text and message.message.note, "a note that tells it", message)


async def ends_processes_with_their_session(trial: StoreTrial) -> None:
    """A reset ends the session's processes but those that are kept; one not started yet must not live."""
    opened = await trial.turn()
    store = trial.store
    goes, stays, late = [
        (await store.begin_process(born(opened.turn, keep=keep))).process for keep in (False, True, False)
    ]
    await store.process_runs(goes, 4711, 1)
    await store.process_runs(stays, 4712, 1)
    trial.forget()
    await store.reset(key("ada"), None, "test")
    ended = {process for one in trial.follows(EndProcesses) for process in one.processes}
    expect(goes in ended and stays not in ended, f"{goes} is to be ended, {stays} is not", ended)
    same(await store.process_runs(late, 4713, 1), False, "that the late one shall live")


async def counts_matches(trial: StoreTrial) -> None:
    """Lines that were watched for are told up to a limit; at it one muted notice, after it nothing."""
    opened = await trial.turn()
    process = (await trial.store.begin_process(born(opened.turn, notify=True))).process
    await trial.store.process_runs(process, 4711, 1)
    await trial.store.close_turn(opened.turn, Closing(state="finished"))
    more = [await trial.store.match_process(process, f"line {n}", **LIMITS) for n in range(4)]
    same(more[-1], False, "that more may be told past the limit")
    told = (await trial.next()).messages
    expect(0 < len(told) <= 2, "one match, and one muted notice", [one.message.text for one in told])


async def finds_what_older_boots_left(trial: StoreTrial) -> None:
    """At boot the processes of older ones are lost; what they were is known, so that they can be ended."""
    opened = await trial.turn()
    mark = await trial.store.begin_process(born(opened.turn))
    await trial.store.process_runs(mark.process, 4711, 7)
    await trial.store.begin_boot()
    left = await trial.store.left_processes()
    same((left.mark, left.boot, left.leaders), (mark.mark, 2, ((4711, 7),)), "what is to be ended")
    view = await trial.store.process(key("ada"), mark.process)
    same(view and view.state, "lost", "how it ended")


PROCESSES = (
    knows_a_process_before_it_runs,
    tells_the_session_of_an_end,
    ends_processes_with_their_session,
    counts_matches,
    finds_what_older_boots_left,
)
