"""What the log lines of all lives, read together, must say: each event once, and typing only in turns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.daemon.process import fields

if TYPE_CHECKING:
    from tests.crash.process import Daemon
    from tests.crash.stage import Stage
    from tests.crash.surroundings import Surroundings

Line = dict[str, str]
ON_THE_WAY_S = 1.0
"""A call that was sent before its turn's end may be read by the fake so much later."""

OF_A_MESSAGE = ("accepted", "dropped", "refused", "superseded", "expired", "failed")
ONCE = {
    **{f"message {what}": ("native",) for what in OF_A_MESSAGE},
    "turn opened": ("turn", "attempt"),
    "reset": ("session",),
    "send given up": ("row",),
}
"""Of these events one line in all lives, for each of what the fields name."""


def lines(daemon: Daemon, *events: str) -> list[Line]:
    """The lines of a life that are of these events, in order."""
    found = [fields(line) for line in daemon.lines if line.startswith("ts=")]
    return [line for line in found if line["event"] in events]


def quiet(stage: Surroundings) -> None:
    """No life logged an error."""
    for daemon in stage.lives:
        assert not [line for line in daemon.lines if "level=error" in line or "Traceback" in line]


def none_told_twice(stage: Surroundings, rows: list[dict[str, Any]]) -> None:
    """I11: no event is told twice in all lives, and what is told of a message is what became of it."""
    for event, names in ONCE.items():
        told = Counter(
            tuple(line[name] for name in names) for daemon in stage.lives for line in lines(daemon, event)
        )
        assert [what for what, count in told.items() if count > 1] == [], event
    ended = {
        (line["native"], line["event"].removeprefix("message "))
        for daemon in stage.lives
        for line in lines(daemon, *(f"message {what}" for what in OF_A_MESSAGE[1:]))
    }
    assert ended <= {(row["native"], row["outcome"]) for row in rows}


def one_line_each(stage: Stage, rows: list[dict[str, Any]]) -> None:
    """I11: no event is told twice. What came to the last life, which was not killed, is told."""
    none_told_twice(stage, rows)
    for daemon in stage.lives:
        judged = Counter(line.get("turn") for line in lines(daemon, "resume verdict"))
        assert max(judged.values(), default=1) == 1
    last = lines(stage.daemon, "message accepted", "turn opened", "turn closed")
    assert {line.get("native") for line in last} >= stage.said_in[len(stage.lives)]
    ends = Counter((line["turn"], line["event"]) for line in last if "turn" in line)
    assert set(ends.values()) <= {1}
    assert len({turn for turn, _ in ends}) * 2 == len(ends)


def typing_in_turns(stage: Surroundings) -> None:
    """I7: a chat was shown typing only while a turn of it ran."""
    spans: dict[str, list[tuple[float, float]]] = {}
    for daemon in stage.lives:
        running: dict[str, float] = {}
        for line in lines(daemon, "turn opened", "turn closed"):
            if line["event"] == "turn opened":
                running[line["key"]] = float(line["ts"])
            else:
                spans.setdefault(line["key"], []).append((running.pop(line["key"]), float(line["ts"])))
        for key, began in running.items():
            spans.setdefault(key, []).append((began, daemon.ended_at))
    for call in stage.telegram.called("sendChatAction"):
        where = (call.params["chat_id"], call.params.get("message_thread_id"))
        key = "/".join(["telegram/main", *(str(part) for part in where if part is not None)])
        assert any(began <= call.at <= end + ON_THE_WAY_S for began, end in spans.get(key, [])), (call, spans)
