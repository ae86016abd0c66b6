"""Writing out a conversation: the daemon is asked page by page; while there is none, the store is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from hermes_trio.config.foreign_toml import TOML_CHARS_MAX, read_toml
from hermes_trio.config.secret_files import Files, beginning_of
from hermes_trio.config.store_url import passwords_of
from hermes_trio.daemon.control.daemon_or_store import left_store
from hermes_trio.daemon.control.requests import AskPage, AskRecording, No, NobodyAnswers, Page, Spans, ask
from hermes_trio.daemon.state_dir.place import DaemonPlace
from hermes_trio.errors import HermesError
from hermes_trio.text.recording import PARTS, without_secrets, written
from hermes_trio.values.identity import Secret
from hermes_trio.values.recording import After, RecordingHead, RecordingPart, RecordingRows

Read = Callable[[RecordingHead, RecordingPart, After], RecordingRows]
KEY_VARIABLES = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")
"""Where keys come from that no configuration names."""


class NoRecording(HermesError):
    """There is nothing to write out; the text says why."""


@contextmanager
def recorded(
    place: DaemonPlace, session: int, redact: Callable[[str], str]
) -> Iterator[tuple[Iterator[bytes], bool]]:
    """The recording of a session as a file's pieces, while the body runs, and whether a daemon made it.

    Args:
        redact: replaces secrets; a daemon takes out all those that it holds before.

    Raises:
        NoRecording: there is no such session, or the daemon does not answer.
        StoreRefused: the store is corrupt, newer, older, or not ours.
    """
    with ExitStack() as opened:
        asked = _asked(place.state_dir, session)
        head, read = asked or _opened(opened, place, session)

        def pages(part: RecordingPart) -> Iterator[RecordingRows]:
            after: After | None = (0, 0)
            while after is not None:
                page = read(head, part, after)
                yield without_secrets(page, part, redact)
                after = page.after

        yield written(head, {part: pages(part) for part in PARTS}), asked is not None


def _asked(state_dir: Path, session: int) -> tuple[RecordingHead, Read] | None:
    """From the daemon; None if there is none."""
    try:
        found = ask(state_dir, AskRecording(session=session))
    except NobodyAnswers:
        return None
    if not isinstance(found, Spans):
        raise NoRecording(_why(found))

    def read(head: RecordingHead, part: RecordingPart, after: After) -> RecordingRows:
        page = ask(state_dir, AskPage(head=head, part=part, after=after))
        if not isinstance(page, Page):
            raise NoRecording(_why(page))
        return page.rows

    return found.head, read


def _why(answer: object) -> str:
    return answer.why if isinstance(answer, No) else "the daemon gave an answer that is none"


def _opened(opened: ExitStack, place: DaemonPlace, session: int) -> tuple[RecordingHead, Read]:
    """From the store. A daemon may start meanwhile, and write."""
    from hermes_trio.store.promises import recording
    from hermes_trio.store.promises.node_views import nodes

    tx = opened.enter_context(left_store(place))
    head = recording.head(tx, session, running=bool(nodes(tx)))
    if head is None:
        raise NoRecording(f"there is no session {session}")
    return head, partial(recording.rows, tx)


def secrets_of(path: Path | None, environ: Mapping[str, str]) -> tuple[list[Secret], list[str]]:
    """The secrets that a configuration names, each on its own: who asks may not have all of them.

    Args:
        path: the file, None for the embedded default. One that cannot be read names none.
        environ: where "env:NAME" looks.

    Returns:
        Those that can be read here, and how the others are written.
    """
    found = [Secret(environ[name]) for name in KEY_VARIABLES if environ.get(name)]
    missing: list[str] = []
    if path is None:
        return found, missing
    files = Files(path.absolute().parent, environ)
    try:
        written = list(_written(read_toml(beginning_of(path, 4 * TOML_CHARS_MAX + 1).decode("utf-8-sig"))))
    except (OSError, ValueError) as error:
        return found, [f"those of {path} ({error})"]
    for one in dict.fromkeys(written):
        try:
            secret = files.secret(one)
            found += [secret, *passwords_of(secret.reveal())]
        except ValueError:
            missing.append(one)
    return found, missing


def _written(table: Any) -> Iterator[str]:
    """Whatever could be a secret's place; the prompt's file is none."""
    if isinstance(table, str) and table.startswith(("env:", "file:")):
        yield table
    elif isinstance(table, list):
        for one in table:
            yield from _written(one)
    elif isinstance(table, dict):
        for name, one in table.items():
            if name != "prompt":
                yield from _written(one)


def write_private(path: Path, pieces: Iterator[bytes]) -> None:
    """Write a file that its owner alone may read, whole or not at all.

    Raises:
        OSError: it cannot be written; what was there before still is.
    """
    beside = path.with_name(f"{path.name}.part")
    # What lies there is somebody's link, or a file that somebody else may read: it is not written to.
    beside.unlink(missing_ok=True)
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
            file.writelines(pieces)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
