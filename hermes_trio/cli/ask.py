"""The commands that ask the daemon, or read its store while there is none."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hermes_trio.cli.options import config_option, find_file, find_place, own_place, tell
from hermes_trio.errors import ConfigWrong
from hermes_trio.text.sanitize import visible

if TYPE_CHECKING:
    from collections.abc import Callable

    from hermes_trio.daemon.control.daemon_or_store import Seen
    from hermes_trio.daemon.control.requests import Request
    from hermes_trio.values.views import LedgerRow

FAILED = 1

json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


class SessionNumber(click.IntRange):
    """A session's number, which is not the key that stands beside it."""

    name = "session"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Raises click.BadParameter with where numbers are found."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no number of a session; `hermes-trio sessions` lists them", param, ctx)


session_argument = click.argument("session", type=SessionNumber(1, 2**53))


@click.command()
@config_option
@json_option
@click.option("--check", is_flag=True, help="End with 1 unless the daemon runs and its store answers.")
def status(file: Path | None, as_json: bool, check: bool) -> int:
    """What runs, what waits, who receives."""
    from hermes_trio.cli.tables import print_json, print_status, status_data
    from hermes_trio.daemon.control.daemon_or_store import look_at
    from hermes_trio.daemon.control.requests import AskStatus, Status
    from hermes_trio.runtime.clock import SystemClock
    from hermes_trio.values.stored import StatusView

    seen = look_at(find_place(file), AskStatus()).answer
    if not isinstance(seen, Status | StatusView):
        return _refused(seen)
    daemon, store = (seen, seen.store) if isinstance(seen, Status) else (None, seen)
    if as_json:
        print_json(status_data(daemon, store))
    else:
        print_status(daemon, store, now=SystemClock().now())
    return FAILED if check and (daemon is None or store is None) else 0


@click.command()
@config_option
@json_option
@click.option("--chat", metavar="ID", help="Only this chat: 42, or as in `from`, telegram/main/42.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=1000, help="The newest so many.")
def ledger(file: Path | None, as_json: bool, chat: str | None, limit: int) -> int:
    """Each message that came in, and what became of it."""
    from msgspec.structs import replace

    from hermes_trio.cli.tables import ledger_data, print_ledger
    from hermes_trio.daemon.control.daemon_or_store import look_at
    from hermes_trio.daemon.control.requests import AskLedger, Ledger

    seen = look_at(find_place(file), AskLedger(chat=_chat_id(chat), limit=limit))
    if chat and isinstance(seen.answer, Ledger):
        rows = tuple(row for row in seen.answer.rows if _is_in(chat, row))
        seen = replace(seen, answer=Ledger(rows=rows))
        if not rows:
            tell(f"no message of a chat {chat} is kept; `hermes-trio ledger` shows all chats")
    return _shown(seen, Ledger, ledger_data if as_json else None, print_ledger)


@click.command()
@config_option
@json_option
@click.option("--all", "ended", is_flag=True, help="Those too that have ended, and why.")
def sessions(file: Path | None, as_json: bool, ended: bool) -> int:
    """The open sessions, the newest 200."""
    from hermes_trio.cli.tables import print_sessions, session_data
    from hermes_trio.daemon.control.daemon_or_store import look_at
    from hermes_trio.daemon.control.requests import AskSessions, Sessions

    seen = look_at(find_place(file), AskSessions(ended=ended))
    return _shown(seen, Sessions, session_data if as_json else None, print_sessions)


@click.command()
@config_option
@json_option
def keys(file: Path | None, as_json: bool) -> int:
    """The keys to models, by position and state."""
    from hermes_trio.cli.tables import key_data, print_keys
    from hermes_trio.daemon.control.daemon_or_store import look_at
    from hermes_trio.daemon.control.requests import AskKeys, Keys

    seen = look_at(find_place(file), AskKeys())
    return _shown(seen, Keys, key_data if as_json else None, print_keys, ": the keys that were refused last")


@click.command()
@config_option
@json_option
def nodes(file: Path | None, as_json: bool) -> int:
    """Who shares the store: alive since when, last heard of, and what each holds."""
    from hermes_trio.cli.tables import node_data, print_nodes
    from hermes_trio.daemon.control.daemon_or_store import look_at
    from hermes_trio.daemon.control.requests import AskNodes, Nodes

    seen = look_at(find_place(file), AskNodes())
    if isinstance(seen.answer, Nodes) and not seen.answer.shared:
        tell(
            'the store is a file of this daemon alone; [store] url = "postgresql://..." lets others share one'
        )
    return _shown(seen, Nodes, node_data if as_json else None, print_nodes)


@click.command()
@click.argument("number", type=click.IntRange(1, 2**53))
@config_option
@json_option
def turn(number: int, file: Path | None, as_json: bool) -> int:
    """A turn: what it was asked, did, failed with and said."""
    from hermes_trio.cli.tables import print_json
    from hermes_trio.cli.turn_page import page_data, print_page
    from hermes_trio.daemon.control.daemon_or_store import look_at
    from hermes_trio.daemon.control.export import secrets_of
    from hermes_trio.daemon.control.requests import AskTurn, OneTurn, decode_answer, encode
    from hermes_trio.daemon.control.server import discreet
    from hermes_trio.runtime.redaction import Redactor

    path = find_file(file)
    answer = look_at(own_place(path), AskTurn(turn=number)).answer
    if not isinstance(answer, OneTurn):
        return _refused(answer)
    # A daemon has taken its secrets out; a store that is read here may hold what a user wrote.
    secrets, _ = secrets_of(path, os.environ)
    answer = decode_answer(discreet(encode(answer), Redactor(secrets)))
    assert isinstance(answer, OneTurn)
    if as_json:
        print_json(page_data(answer.page))
    else:
        print_page(answer.page)
    return 0


@click.command()
@session_argument
@config_option
@click.option("--all", "everything", is_flag=True, help="Its background processes too.")
def stop(session: int, file: Path | None, everything: bool) -> int:
    """Stop what a session is doing."""
    from hermes_trio.daemon.control.requests import StopSession

    return _asked(find_place(file).state_dir, StopSession(session=session, everything=everything))


@click.command()
@session_argument
@config_option
def reset(session: int, file: Path | None) -> int:
    """End a session; the next message begins a new one."""
    from hermes_trio.daemon.control.requests import ResetSession

    return _asked(find_place(file).state_dir, ResetSession(session=session))


@click.command()
@session_argument
@config_option
def resume(session: int, file: Path | None) -> int:
    """Go back to an ended session, also one that was set aside; the open one of its chat ends."""
    from hermes_trio.daemon.control.requests import ResumeSession

    return _asked(find_place(file).state_dir, ResumeSession(session=session))


@click.command()
@config_option
def restart(file: Path | None) -> int:
    """Drain the daemon and have it begin anew: by its supervisor, or else by itself."""
    from hermes_trio.config.load import load_for_another
    from hermes_trio.daemon.control.requests import RestartDaemon

    path = find_file(file)
    state_dir = own_place(path).state_dir
    try:
        load_for_another(path, os.environ)
    except ConfigWrong as error:
        raise ConfigWrong(f"{error}\nnot restarted: it would not start again, so mend this first") from None
    return _asked(state_dir, RestartDaemon())


def _chat_id(chat: str | None) -> str | None:
    """The id in what `--chat` names: 42, or the place that `from` shows, telegram/main/42."""
    parts = (chat or "").split("/")
    return parts[2] if len(parts) > 2 else chat


def _is_in(chat: str, row: LedgerRow) -> bool:
    return "/" not in chat or f"{chat}/".startswith(f"{row.account}/")


ASKING = (
    status,
    ledger,
    sessions,
    keys,
    nodes,
    turn,
    stop,
    reset,
    resume,
    restart,
)


def _asked(state_dir: Path, request: Request) -> int:
    """Ask the daemon to do something."""
    from hermes_trio.daemon.control.requests import Done, NobodyAnswers, ask

    try:
        answer = ask(state_dir, request)
    except NobodyAnswers:
        from hermes_trio.daemon.state_dir.lock import holder, nobody_holds

        with nobody_holds(state_dir) as free:
            why = "is not running" if free else f"({holder(state_dir)}) does not answer"
        tell(f"the daemon of {state_dir} {why}")
        return FAILED
    if not isinstance(answer, Done):
        return _refused(answer)
    click.echo(visible(answer.text))
    return 0


def _refused(answer: object) -> int:
    from hermes_trio.daemon.control.requests import No

    tell(answer.why if isinstance(answer, No) else "the daemon gave an answer that is none")
    return FAILED


def _shown(
    seen: Seen,
    expected: type[Any],
    data: Callable[[Any], object] | None,
    table: Callable[[Any], None],
    of_store: str = "",
) -> int:
    """Print the rows of an answer: each as `data` makes it, for programs, else as a table.

    Args:
        of_store: which rows a store has, if not all that the daemon would show.
    """
    from hermes_trio.cli.tables import print_json

    if not isinstance(seen.answer, expected):
        return _refused(seen.answer)
    if not seen.kept:
        tell(
            "the daemon is not running, and there is no store in its state_dir: `hermes-trio check` names it"
        )
    elif not seen.up:
        tell(f"the daemon is not running; this is what its store holds{of_store}")
    rows = seen.answer.rows
    if data is not None:
        print_json([data(row) for row in rows])
    else:
        table(rows)
    return 0
