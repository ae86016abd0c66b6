"""What must be true of a daemon's world at the end, whatever happened to it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from hermes_trio.text.sentences import MAY_BE_MISSING
from tests.crash.outside import users

if TYPE_CHECKING:
    from tests.crash.stage import Stage
    from tests.crash.surroundings import Surroundings
    from tests.fakes.model_script import Called

MARK = " ↻"


def the_dead(stage: Stage) -> None:
    """A dead daemon's store is whole, and holds every update that was confirmed."""
    with stage.store() as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
        if db.execute("select 1 from sqlite_master").fetchone():
            all_confirmed_is_held(stage, db)
        else:
            assert stage.telegram.offsets == []


def all_confirmed_is_held(stage: Surroundings, db: Any) -> None:
    """The store holds every update that was confirmed."""
    cursor = db.execute("select value from cursor").fetchone()
    held = {native for (native,) in db.execute("select native from inbound")}
    confirmed = max(stage.telegram.offsets, default=0)
    assert confirmed <= int(cursor[0] if cursor else 0)
    assert {native for number, native in stage.telegram.handed.items() if number < confirmed} <= held


def one_outcome_each(stage: Surroundings, rows: list[dict[str, Any]]) -> None:
    """I1."""
    natives = [f"{chat}/{message}" for chat, texts in stage.said.items() for message in texts]
    assert sorted(row["native"] for row in rows) == sorted(natives)
    assert [row for row in rows if row["outcome"] is None] == []


def one_answer_each(stage: Surroundings, rows: list[dict[str, Any]], repeats: int) -> None:
    """I2: each was answered, once, in order; at most so many twice, marked. What may be missing is said."""
    last: dict[int, dict[int, str]] = defaultdict(dict)
    in_doubt: dict[int, set[str]] = defaultdict(set)
    for row in rows:
        assert row["outcome"] == "answered", row
        chat, message = (int(part) for part in row["native"].split("/"))
        last[chat][row["turn"]] = stage.said[chat][message]
        if row["reply"] != "said":
            assert row["reply"] == "maybe", row
            in_doubt[chat].add(stage.said[chat][message])
    extra = 0
    for chat, texts in last.items():
        arrived, given_up = _recorded(stage, chat)
        shown = stage.shown(chat)
        assert shown.count(MAY_BE_MISSING) == given_up
        shown = [text for text in shown if text != MAY_BE_MISSING]
        answers = [answer_to(stage.said[chat].values(), text) for text in shown]
        expected = [texts[turn] for turn in sorted(texts)]
        assert in_doubt[chat].issuperset(set(expected) - set(answers))
        assert list(dict.fromkeys(answers)) == [said for said in expected if said in answers]
        assert max(Counter(shown).values(), default=1) == 1  # so of two that say the same one is marked
        marked = sum(text.endswith(MARK) for text in shown)
        assert arrived <= marked <= arrived + given_up
        extra += len(answers) - len(set(answers))
    assert extra <= repeats


def answer_to(texts: Iterable[str], shown: str) -> str:
    """Which of what was said this is the answer to: "you said: THAT; ..."."""
    found = [said for said in texts if f"{shown.removesuffix(MARK)}; ".startswith(f"you said: {said}; ")]
    assert found, shown
    return max(found, key=len)


def _recorded(stage: Surroundings, chat: int) -> tuple[int, int]:
    """How many messages to the chat are recorded as possible repeats: arrived, and given up.

    A repeat whose sending was cut off too may not have arrived, where the first had.
    """
    states = [row["state"] for row in outbound(stage, chat) if row["marked"]]
    return len(states) - states.count("unknown"), states.count("unknown")


def outbound(stage: Surroundings, chat: int) -> list[dict[str, Any]]:
    """The rows of the outbox that concern a chat."""
    with stage.store() as db:
        found = db.execute("select * from outbound order by id")
        names = [column[0] for column in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found]
    return [row for row in rows if json.loads(row["address"])[2] == str(chat)]


def explained(stage: Surroundings, chat: int) -> str:
    """For a failure: what the chat shows, and what the outbox holds of it."""
    columns = ("id", "turn", "said", "state", "begun", "attempts", "unknown", "marked", "why", "part")
    rows = [{name: row[name] for name in columns} for row in outbound(stage, chat)]
    return "\n".join([f"chat {chat} shows:", *map(repr, stage.shown(chat)), "its rows:", *map(str, rows)])


def evidence(stage: Surroundings) -> str:
    """For a failure: where the store and the log of all lives are now, and what concerns each chat."""
    log = stage.folder / "lives.log"
    lives = [f"--- life {number}\n" + "\n".join(life.lines) for number, life in enumerate(stage.lives, 1)]
    log.write_text("\n".join(lives))
    kept = [f"{EVIDENCE} {stage.files()[0]}, and the log of all lives at {log}"]
    return "\n".join(kept + [explained(stage, chat) for chat in stage.said])


EVIDENCE = "the store is at"


def in_order(
    stage: Surroundings,
    fresh: frozenset[str],
    may_overlap: Callable[[Called, Called], bool] = lambda older, newer: False,
) -> None:
    """I3, I4: no conversation had two calls at once; each was shown what was said: all, once, in order."""
    assert [two for two in stage.model.overlapping if not may_overlap(*two)] == []
    conversations = [talk for texts in stage.said.values() for talk in _conversations(texts.values(), fresh)]
    for called in stage.model.calls:
        assert called.became != "refused", called.body
        shown = users(called)
        assert any(shown == talk[: len(shown)] for talk in conversations), shown


def _conversations(texts: Iterable[str], fresh: frozenset[str]) -> list[list[str]]:
    """What was said in a chat, cut where a new session began, without commands."""
    talks: list[list[str]] = [[]]
    for text in texts:
        if text == "/new" or text in fresh:
            talks.append([])
        if not text.startswith("/"):
            talks[-1].append(text)
    return talks


def effects_once(stage: Surroundings) -> None:
    """I5: no charge was made twice, and every charge that was reported as made was made."""
    charges = [effect for effect in stage.effects.done if effect["tool"] == "charge"]
    assert max(Counter(effect["op"] for effect in charges).values(), default=1) == 1
    made = Counter(effect["what"] for effect in charges)
    assert max(made.values(), default=1) == 1
    for chat in stage.said:
        for text in stage.shown(chat):
            told = [part for part in text.removesuffix(MARK).split("; ") if part.endswith(": done")]
            charged = [part.split()[1].rstrip(":") for part in told if part.startswith("charge ")]
            assert set(charged) <= set(made), text


def no_secrets(stage: Surroundings, *secrets: str) -> None:
    """I9: no life logged one, and the store holds none."""
    for secret in secrets:
        assert not [line for daemon in stage.lives for line in daemon.lines if secret in line]
        for file in stage.files():
            assert secret.encode() not in file.read_bytes()
