"""How an operator's program talks to the daemon of a state_dir: a socket there, one line each way. Not async.

A connection is one request and one answer, each a line of JSON with its kind under "type". Who may open the
socket (mode 0600, in a folder of its owner's) may ask anything.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from hermes_trio.errors import HermesError, NotJson
from hermes_trio.text.foreign_json import ForeignJson
from hermes_trio.values.recording import After, RecordingHead, RecordingPart, RecordingRows
from hermes_trio.values.stored import StatusView
from hermes_trio.values.views import FailingModel, KeyView, LedgerRow, NodeView, SessionView, TurnPage

NAME = "control.sock"
PATH_MAX = 100
"""A socket's address has 108 bytes at most (104 on some systems), and the name of a new one is longer."""

ANSWER_S = 2.0
"""The daemon answers within this, whatever its turns do."""

PATIENCE_S = 6.0
LINE_MAX = 64 * 1024
ANSWER_BYTES_MAX = 64 * 1024 * 1024

SessionId = Annotated[int, Meta(ge=1, le=2**53)]
Limit = Annotated[int, Meta(ge=1, le=10_000)]


class NobodyAnswers(HermesError):
    """Nobody listens on the socket of this state_dir, or whoever does gave no answer in time."""


class Line(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What goes over the socket."""


# --- requests -------------------------------------------------------------------------------------


class AskStatus(Line, frozen=True, tag="status"):
    """How is the daemon?"""


class AskLedger(Line, frozen=True, tag="ledger"):
    """The newest inbound messages, oldest first."""

    chat: str | None = None
    limit: Limit = 1000


class AskSessions(Line, frozen=True, tag="sessions"):
    """The open sessions, newest first; with `ended` those too that are not open."""

    ended: bool = False


class AskKeys(Line, frozen=True, tag="keys"):
    """The keys to models, by position and state; never a key."""


class AskNodes(Line, frozen=True, tag="nodes"):
    """Who shares the store?"""


class AskTurn(Line, frozen=True, tag="turn"):
    """Everything that is known of a turn."""

    turn: SessionId


class AskRecording(Line, frozen=True, tag="recording"):
    """What would a recording of a session span?"""

    session: SessionId


class AskPage(Line, frozen=True, tag="page"):
    """A page of one list of a recording, from where the page before says that it goes on."""

    head: RecordingHead
    part: RecordingPart
    after: After = (0, 0)


class StopSession(Line, frozen=True, tag="stop"):
    """Stop the running turn of a session; with `everything` its background work too."""

    session: SessionId
    everything: bool = False


class ResetSession(Line, frozen=True, tag="reset"):
    """End a session and open the next."""

    session: SessionId


class ResumeSession(Line, frozen=True, tag="resume"):
    """Open an ended session again."""

    session: SessionId


class RestartDaemon(Line, frozen=True, tag="restart"):
    """Drain, and end with the exit code that asks for a new start."""


class AwaitRest(Line, frozen=True, tag="rest"):
    """Wait until a chat has nothing to do and nothing to be said. `Done` says so, `No` says not yet."""

    account: str
    chat: str


Request = (
    AskStatus
    | AskLedger
    | AskSessions
    | AskKeys
    | AskTurn
    | AskNodes
    | AskRecording
    | AskPage
    | StopSession
    | ResetSession
    | ResumeSession
    | RestartDaemon
    | AwaitRest
)

# --- answers --------------------------------------------------------------------------------------


class AccountStatus(Struct, frozen=True, kw_only=True):
    """An account as `status` shows it.

    Args:
        receiving: a receive cycle completed, and none failed since.
        received_s_ago: seconds since the last completed one, None before the first.
        anybody: its policy lets anybody speak.
    """

    name: str
    receiving: bool
    received_s_ago: float | None
    why: str
    anybody: bool


class Status(Line, frozen=True, tag="is"):
    """How the daemon is. `store` is None while the store does not answer."""

    pid: int
    uptime_s: float
    draining: bool
    model: str
    accounts: tuple[AccountStatus, ...]
    unavailable: Mapping[str, str]
    store: StatusView | None
    failing: tuple[FailingModel, ...] = ()


class Ledger(Line, frozen=True, tag="rows"):
    """Answers `AskLedger`."""

    rows: tuple[LedgerRow, ...]


class Sessions(Line, frozen=True, tag="open"):
    """Answers `AskSessions`."""

    rows: tuple[SessionView, ...]


class Keys(Line, frozen=True, tag="pools"):
    """Answers `AskKeys`."""

    rows: tuple[KeyView, ...]


class Nodes(Line, frozen=True, tag="nodes"):
    """Answers `AskNodes`. Not shared: the store is a file, and there is no row."""

    rows: tuple[NodeView, ...]
    shared: bool


class OneTurn(Line, frozen=True, tag="turn"):
    """Answers `AskTurn`, without the secrets that the daemon holds."""

    page: TurnPage


class Spans(Line, frozen=True, tag="spans"):
    """Answers `AskRecording`."""

    head: RecordingHead


class Page(Line, frozen=True, tag="page"):
    """Answers `AskPage`, without the secrets that the daemon holds."""

    rows: RecordingRows


class Done(Line, frozen=True, tag="done"):
    """It is done; the text says what."""

    text: str


class No(Line, frozen=True, tag="no"):
    """It is not done; the text says why."""

    why: str


def no_turn(turn: int) -> No:
    """There is none of this number."""
    return No(why=f"there is no turn {turn}; `hermes-trio ledger` names the turn of each message")


Answer = Status | Ledger | Sessions | Keys | Nodes | OneTurn | Spans | Page | Done | No

_request: ForeignJson[Request] = ForeignJson(Request, most_bytes=LINE_MAX)
_answer: ForeignJson[Answer] = ForeignJson(Answer, most_bytes=ANSWER_BYTES_MAX, parts_max=None)
_encoder = msgspec.json.Encoder()


def encode(line: Line) -> bytes:
    """As it goes over the socket."""
    return _encoder.encode(line) + b"\n"


def decode_request(line: bytes) -> Request:
    """What was asked. Raises NotJson."""
    return _request(line)


def decode_answer(line: bytes) -> Answer:
    """What was answered. Raises NotJson."""
    return _answer(line)


@contextmanager
def folder_address(state_dir: Path) -> Iterator[str]:
    """The folder as a socket's address can name it, however long its path is.

    Raises:
        OSError: there is no such folder, or its path is too long and the system has no /proc.
    """
    if len(os.fsencode(state_dir / NAME)) <= PATH_MAX:
        yield str(state_dir)
        return
    fd = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}"
    finally:
        os.close(fd)


def ask(state_dir: Path, request: Request) -> Answer:
    """Ask the daemon of this state_dir; blocks.

    Raises:
        NobodyAnswers: there is none, or it gave no piece of its answer within PATIENCE_S seconds.
    """
    try:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(PATIENCE_S)
            with folder_address(state_dir) as folder:
                sock.connect(f"{folder}/{NAME}")
            sock.sendall(encode(request))
            with sock.makefile("rb") as reader:
                return _answer(reader.readline(ANSWER_BYTES_MAX + 1))
    except (OSError, NotJson) as error:
        raise NobodyAnswers(str(error) or type(error).__name__) from error
