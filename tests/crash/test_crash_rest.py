"""At rest, behind lives that were killed amid much: nothing more is open, and nobody is shown typing."""

from __future__ import annotations

import sqlite3

import pytest
import trio

from tests.crash.checks import EVIDENCE
from tests.crash.stage import CHAT, CHATS

TYPING_AGAIN_S = 5.0
"""A typing sign is shown again after four seconds."""


async def test_lives_that_were_killed_leave_nothing_open_and_nobody_is_shown_typing(stage):
    stage.model.gap_ms = 120
    held = []
    for life in range(2):
        await stage.start()
        for chat in CHATS[:3]:
            stage.say(chat, f"hello {chat} in life {life}")
        await stage.answered()
        held.append(stage.daemon.holds())
        for chat in CHATS[:3]:
            stage.say(chat, f"and {chat} in life {life}")
        await stage.telegram.until(lambda: all(map(stage.telegram.typing, CHATS[:3])), 20)
        await stage.kill9()
    await stage.start()
    await stage.answered()
    assert len(stage.telegram.called("sendChatAction")) > 6
    before = dict(stage.telegram.counts)
    await trio.sleep(TYPING_AGAIN_S)
    # Whatever a turn leaves behind that still says something would have said it.
    more = {method for method, count in stage.telegram.counts.items() if count > before.get(method, 0)}
    assert more <= {"getUpdates"}
    held.append(stage.daemon.holds())
    for name, of in zip(("descriptors", "threads"), zip(*held, strict=True), strict=True):
        assert max(of[1:]) <= of[0], (name, of)
    await stage.verify(repeats=2 * 3)


async def test_what_fails_tells_where_the_store_and_the_log_of_all_lives_are(stage):
    await stage.start()
    stage.say(CHAT, "hello")
    await stage.answered()
    with pytest.raises(AssertionError) as failed, stage.explaining():
        raise AssertionError
    [note] = failed.value.__notes__
    first, *rest = note.splitlines()
    assert first.startswith(EVIDENCE)
    file, log = (word.rstrip(",") for word in first.split() if word.startswith("/"))
    assert "event=ready" in await trio.Path(log).read_text()
    with sqlite3.connect(file) as db:
        assert db.execute("select outcome from inbound").fetchall() == [("answered",)]
    db.close()
    assert rest[:3] == [f"chat {CHAT} shows:", "'you said: hello'", "its rows:"]
    assert "'state': 'sent'" in rest[3]
