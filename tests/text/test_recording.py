"""The rows of a recording without secrets, and the file they make."""

from __future__ import annotations

import msgspec
from msgspec import Raw

from hermes_trio.runtime.redaction import Redactor
from hermes_trio.text.recording import PARTS, without_secrets, written
from hermes_trio.values.identity import ConversationKey, Secret
from hermes_trio.values.recording import RecordedEntry, RecordedStep, Recording, RecordingHead, RecordingRows
from hermes_trio.values.transcript import UserEntry


def page(*rows):
    return RecordingRows(rows=tuple(Raw(msgspec.json.encode(row)) for row in rows))


def clean(row, part, *secrets):
    [found] = without_secrets(page(row), part, Redactor(map(Secret, secrets))).rows
    return msgspec.json.decode(found, type=type(row))


def test_a_secret_is_taken_out_of_every_text_also_inside_what_a_step_gave():
    entry = RecordedEntry(session=1, entry=UserEntry(text='it is sk-"quoted"'), at=1.0)
    assert clean(entry, "entries", 'sk-"quoted"').entry.text == "it is ***"
    value = Raw(b'{"text": "key=sk-plain", "more": [{"sk-plain": 1}]}')
    step = RecordedStep(turn=1, name="fetch", n=1, state="done", digest="", at=1.0, value=value)
    assert msgspec.json.decode(clean(step, "steps", "sk-plain").value) == {
        "text": "key=***",
        "more": [{"***": 1}],
    }


def test_numbers_and_the_words_that_rows_are_made_of_stay():
    step = RecordedStep(turn=1234, name="model", n=1, state="done", digest="1234", at=1234.5)
    found = clean(step, "steps", "1234", "done", "turn")
    assert (found.turn, found.state, found.at, found.digest) == (1234, "done", 1234.5, "***")


def test_the_file_is_one_recording_a_row_a_line():
    head = RecordingHead(
        session=3, key=ConversationKey("telegram", "main", "42"), since=0, began_at=100.0, until=107.5
    )
    rows = [RecordedEntry(session=3, entry=UserEntry(text=str(n)), at=float(n)) for n in range(3)]
    pages = {part: iter([page(*rows[:2]), page(*rows[2:])] if part == "entries" else []) for part in PARTS}
    text = b"".join(written(head, pages))
    recording = msgspec.json.decode(text, type=Recording)
    assert (recording.session, recording.until, recording.running) == (3, 7.5, True)
    assert recording.entries == tuple(rows)
    assert [line.strip(b" ,")[:13] for line in text.splitlines() if b"entry" in line] == [
        b'{"session":3,'
    ] * 3
