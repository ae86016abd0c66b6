"""Promises about processes: a row before a process, an inbound row for an end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hermes_trio.store.promises.alive import is_over, living
from hermes_trio.store.promises.operator_rows import view_of
from hermes_trio.store.tx import WAKING, Tx, read_address, read_key, read_message, reads, text_of, to_json
from hermes_trio.text.notices import sentence
from hermes_trio.values.consequences import EndProcesses, WakeKey
from hermes_trio.values.identity import ConversationKey
from hermes_trio.values.message import Message
from hermes_trio.values.notices import LastReport, Notice, ProcessLost, ProcessMuted, ProcessOver
from hermes_trio.values.process import LeftProcesses, NewProcess, ProcessEnd, ProcessMark
from hermes_trio.values.views import ProcessView

WAKES_MAX = 3
"""So many turns may the gateway open by itself between two messages of people."""
SHOWN_ENDED = 10
KEPT_S = 86400.0
"""A process that has ended, and its output, is remembered so long."""


def begin_process(tx: Tx, born: NewProcess) -> ProcessMark:
    """The intent, before there is a process."""
    session, _, _, _ = tx.fence(born.turn)
    _forget(tx)
    process = tx.insert(
        "insert into process(session, turn, boot, key, address, command, foreground, keep, notify, at)"
        " values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            session,
            born.turn,
            tx.boot,
            text_of(born.key),
            text_of(born.address),
            born.command,
            born.foreground,
            born.keep,
            born.notify,
            tx.now,
        ),
    )
    assert process is not None
    return ProcessMark(read_mark(tx), tx.boot, process)


def read_mark(tx: Tx) -> str:
    """What names this store in the environment of its processes."""
    return str(tx.one("select mark from mark")[0])


def process_runs(tx: Tx, process: int, pid: int, started: int) -> bool:
    """The process that the intent was for."""
    changed = tx.run(
        "update process set pid = ?, started = ? where id = ? and state = 'running' and boot = ?",
        (pid, started, process, tx.boot),
    )
    return changed.rowcount > 0


def end_process(tx: Tx, process: int, end: ProcessEnd, code: int | None, output: str, told: str) -> None:
    """End the row, once. If a reset or a stop has ended it before, that stays."""
    if tx.one("select 1 from process where id = ? and state = 'running' and boot = ?", process, tx.boot):
        _end(tx, process, end, code, output, told)


def lose(tx: Tx, boot: int) -> None:
    """The processes of a boot that is over are lost, and those are told whom their end concerns."""
    for id, foreground, command in tx.all(
        "select id, foreground, command from process indexed by process_running"
        " where state = 'running' and boot = ? order by id",
        boot,
    ):
        _end(tx, id, "lost", None, "", "" if foreground else sentence(ProcessLost(id, command)))


def _end(tx: Tx, process: int, end: ProcessEnd, code: int | None, output: str, told: str) -> None:
    tx.run(
        "update process set state = ?, code = ?, output = ?, ended_at = ? where id = ?",
        (end, code, output, tx.now, process),
    )
    notify, consumed, keep = tx.one("select notify, consumed, keep from process where id = ?", process)
    if not told or not notify or consumed:
        return
    if not _is_stale(tx, process):
        row = _tell(tx, process, "wake", f"process.{process}.exit", told)
        tx.run("update process set told = ? where id = ?", (row, process))
    elif keep:
        _notify(tx, process)


def _forget(tx: Tx) -> None:
    """Forget processes that ended long ago, except where their session has yet to be told."""
    tx.run(
        "delete from process indexed by process_ended where state <> 'running' and ended_at < ?"
        " and not exists (select 1 from inbound where id = process.told and outcome is null)",
        (tx.now - KEPT_S,),
    )


def _is_stale(tx: Tx, process: int) -> bool:
    """Whether the session it was born in was reset."""
    sql = "select ended_at from session where id = (select session from process where id = ?)"
    session = tx.one(sql, process)
    return session is None or session[0] is not None


def _notify(tx: Tx, process: int) -> None:
    """Say in its chat that it has ended. No model is told."""
    address, command, state, code = tx.one(
        "select address, command, state, code from process where id = ?", process
    )
    _owe(tx, address, ProcessOver(command, state, code))


def tell_plainly(tx: Tx, row: int) -> None:
    """If this inbound row was to tell a model of a process's end and no longer can, tell the chat instead."""
    process = tx.one("select id, address from process where told = ?", row)
    if process is not None and reads(read_address, process[1]):
        _notify(tx, process[0])


def _owe(tx: Tx, address: str, notice: Notice) -> None:
    tx.tell(read_address(address), sentence(notice))


def _tell(tx: Tx, process: int, kind: str, native: str, text: str) -> int | None:
    """Add an inbound row to the session that the process was born in; None if it is there already.

    No person wrote the row, so no chat is told that it waits.
    """
    session, key, raw_address = tx.one("select session, key, address from process where id = ?", process)
    address = read_address(raw_address)
    message = Message(native=native, address=address, text=text, note=True)
    row = tx.insert(
        "insert into inbound(account, native, key, chat, kind, body, at, length, state, told)"
        " values(?, ?, ?, ?, ?, ?, ?, ?, 'waiting', 1)"
        " on conflict do nothing",
        (address.account_id, native, key, address.chat, kind, to_json(message), tx.now, len(text)),
    )
    tx.then(WakeKey(read_key(key), session))
    return row


def match_process(tx: Tx, process: int, told: str, *, per_process: int, per_session: int) -> bool:
    """Report lines that were watched for. At the limit the last report says so, and so does one notice."""
    row = tx.one(
        "select session, matches, muted, address, command from process"
        " where id = ? and state = 'running' and boot = ?",
        process,
        tx.boot,
    )
    if row is None or row[2] or _is_stale(tx, process):
        return False
    session, matches, _, address, command = row
    tx.run("update process set matches = matches + 1 where id = ?", (process,))
    (total,) = tx.one("select cast(sum(matches) as bigint) from process where session = ?", session)
    whole = total >= per_session
    last = whole or matches + 1 >= per_process
    if last:
        told = sentence(LastReport(told))
        muted = "session = ?" if whole else "id = ?"
        tx.run(f"update process set muted = 1 where {muted}", (session if whole else process,))
        _owe(tx, address, ProcessMuted(command))
    _tell(tx, process, "match", f"process.{process}.match.{matches + 1}", told)
    return not last


def may_wake(tx: Tx, session: int, waiting: Sequence[tuple[int, bytes, *tuple[Any, ...]]]) -> bool:
    """Whether what the gateway wrote itself may open a turn now. Each such turn is counted.

    After `WAKES_MAX` in a row no turn is opened. What was written goes into the transcript, where the next
    turn finds it, and the chat is told once that nothing more happens by itself.
    """
    (wakes,) = tx.one("select wakes from session where id = ?", session)
    tx.run("update session set wakes = ? where id = ?", (min(wakes, WAKES_MAX) + 1, session))
    if wakes < WAKES_MAX:
        return True
    (turn,) = tx.one("select max(id) from turn where session = ?", session)
    for id, body, *_ in waiting:
        tx.add_user_entry(session, turn, id, read_message(body))
        tx.settle_inbound("id = ?", (id,), "expired", "muted")
    if wakes == WAKES_MAX:
        tx.tell(read_message(waiting[-1][1]).address, sentence("wakes_muted"))
    return False


def consume(tx: Tx, key: str, processes: Sequence[int]) -> None:
    """A turn's step has told its model that these processes ended: nobody is told a second time."""
    for process in processes:
        changed = tx.run("update process set consumed = 1 where id = ? and key = ?", (process, key))
        (told,) = tx.one("select told from process where id = ?", process) if changed.rowcount else (None,)
        if told is not None:
            tx.settle_inbound("id = ? and state <> 'running'", (told,), "answered", "consumed")


def end_with_session(tx: Tx, session: int, why: str) -> tuple[ProcessView, ...]:
    """A reset ends all processes but the kept ones, and all that waits to be told of processes.

    Returns those that go on.
    """
    (key,) = tx.one("select key from session where id = ?", session)
    for id, body in tx.all(f"select id, body from inbound where key = ? and {WAKING}", key):
        message = read_message(body)
        tx.settle_inbound("id = ?", (id,), "superseded", why)
        kept = tx.one("select id from process where session = ? and told = ? and keep = 1", session, id)
        if kept is not None and message.note:
            _notify(tx, kept[0])
    _kill(tx, "key = ? and state = 'running' and keep = 0", key)
    return running(tx, key)


def end_all(tx: Tx, key: str) -> tuple[ProcessView, ...]:
    """All of the key's background work ends. Returns what that is."""
    ended = running(tx, key)
    _kill(tx, "key = ? and state = 'running' and foreground = 0", key)
    return ended


def _kill(tx: Tx, where: str, key: str) -> None:
    ended = tx.run(
        f"update process set state = 'killed', ended_at = ? where {where} returning id", (tx.now, key)
    ).fetchall()
    if ended:
        tx.then(EndProcesses(tuple(id for (id,) in ended)))


_SHOWN = (
    "command, state, at as began_at, process.ended_at as ended_at, code, keep = 1 as keep,"
    " coalesce((select node from boot where boot.id = process.boot), '') as node"
)
_VIEW = f"select id, session, {_SHOWN} from process"


def _view(row: dict[str, Any]) -> ProcessView:
    return view_of(ProcessView, **row | {"keep": bool(row["keep"])})


def running(tx: Tx, key: str) -> tuple[ProcessView, ...]:
    """The key's background work that runs, oldest first."""
    found = tx.named(f"{_VIEW} where key = ? and state = 'running' and foreground = 0 order by id", key)
    return tuple(map(_view, found))


def all_running(tx: Tx) -> list[ProcessView]:
    """All background work that runs, oldest first, each with the session whose stop ends it: the open one."""
    found = tx.named(
        f"select process.id as id, open.id as session, {_SHOWN} from process indexed by process_running"
        " join session open on open.key = process.key and open.ended_at is null"
        " where state = 'running' and foreground = 0"
    )
    return sorted(map(_view, found), key=lambda process: process.id)


def processes(tx: Tx, key: ConversationKey) -> list[ProcessView]:
    """All that run, and the newest that have ended in the open session."""
    name = text_of(key)
    ended = tx.named(
        f"{_VIEW} where session = ? and state <> 'running' and foreground = 0 order by id desc limit ?",
        tx.session_of(name),
        SHOWN_ENDED,
    )
    return sorted([*running(tx, name), *map(_view, ended)], key=lambda process: process.id)


def process(tx: Tx, key: ConversationKey, process: int) -> ProcessView | None:
    """One process of the key, whichever session it was born in."""
    found = tx.named(f"{_VIEW} where id = ? and key = ? and foreground = 0", process, text_of(key))
    return _view(found[0]) if found else None


def process_output(tx: Tx, key: ConversationKey, process: int) -> str:
    """What was kept of its output when it ended."""
    row = tx.one("select output from process where id = ? and key = ?", process, text_of(key))
    return row[0] if row else ""


def left_processes(tx: Tx) -> LeftProcesses:
    """Processes of boots that are over are lost. Those that still live are found and ended after this."""
    running = tx.all(
        "select id, pid, started, foreground, command, boot from process indexed by process_running"
        " where state = 'running' order by id"
    )
    left = [row for row in running if is_over(tx, row[5])]
    for id, _, _, foreground, command, _ in left:
        _end(tx, id, "lost", None, "", "" if foreground else sentence(ProcessLost(id, command)))
    known = tx.all(_OF_THE_BOOT_BEFORE, tx.boot, tx.boot) if tx.shared else [row[1:3] for row in left]
    leaders = tuple((pid, started) for pid, started in known if pid is not None)
    ever = tx.one("select 1 from process limit 1") is not None
    _forget(tx)
    spared = tuple(one.boot for one in living(tx)) if tx.shared else ()
    return LeftProcesses(read_mark(tx), tx.boot, leaders, ever, spared)


_OF_THE_BOOT_BEFORE = (
    "select pid, started from process where state in ('running', 'lost') and boot ="
    " (select max(id) from boot where id < ? and node = (select node from boot where id = ?))"
)
"""Of the same node. Its burial may have written down already that they are lost, and reaches no machine."""
