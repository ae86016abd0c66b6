"""What must be true behind a race, whichever way it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hermes_trio.testing import World
from hermes_trio.text.sentences import OPERATOR_ENDED
from tests.invariants.at_rest import check
from tests.invariants.race_chats import RACE_AT, SOURCES, TOPIC_AT, Cell, Chat

EXHAUSTED = "I could not answer: no model key can be used at the moment (quota used up)."
KEPT = "No model key can be used at the moment (quota used up). Your message is kept"
OVER = "New conversation: nothing was said for 60 s."
FELL = ("before", "in", "behind", "too late")
"""Where a reset fell: before its turn was opened, in the turn, behind its end; or there was no turn to reset.

The policy never ends a turn that runs; of it is told where the message came that it goes by.
"""


async def after(world: World, chats: list[Chat]) -> None:
    """No key may be used: one sentence. A key may be used: the model answers. Nobody else has noticed."""
    await world.until(seconds=RACE_AT + 0.4)
    live = [key for key in world.gateway.wiring.sessions.live if key.thread is None]
    assert not live, f"{live} do not rest"
    busy = world.gateway.wiring.turns.limiter.held
    assert busy == len(chats), f"{busy} slots are held, by other turns than those of the topics"
    for chat in chats:
        chat.model.heal()
    # The topics' answers show that a key of each pool works again.
    await world.until(seconds=TOPIC_AT + 0.1)
    for chat in chats:
        chat.push("and now?")
    await world.settle()
    assert world.gateway.wiring.turns.limiter.held == 0
    ledger = await world.ledger()
    for chat in chats:
        mine = [row for row in ledger if row.key.chat == chat.name and row.key.thread is None]
        must_end(chat.cell, [row.outcome for row in mine])
        assert {row.reply for row in mine if row.outcome != "superseded"} == {"said"}
        (_said if chat.cell.way == "tell" else _said_and_kept)(chat)
        _forgotten(chat)
        _unnoticed(chat)
    _one_line_each(world, chats)
    check(world)


def must_end(cell: Cell, outcomes: Sequence[str | None]) -> None:
    """The outcomes of: hello, one, the reset if it was a command, still there?, and now?"""
    hello, one, *rest = outcomes
    by = SOURCES[cell.source]
    told = "refused" if cell.way == "tell" else "answered"
    # A command goes before what was said earlier; the rule only ends what has ended.
    wanted = {told, "superseded"}
    if by is Chat.by_itself:
        wanted = {told}
    elif by is Chat.command and cell.way == "defer":
        wanted = {"superseded"}
    assert one in wanted, outcomes
    command = ["answered"] if by is Chat.command else []
    assert [hello, *rest] == ["answered", *command, told, "answered"], outcomes


def _said(chat: Chat) -> None:
    """The chat shows an answer, or the one sentence, for each turn, and nothing else."""
    shown = [seen.text for seen in chat.world.shown(chat.name)]
    sentences = [one for one in shown if one.startswith(EXHAUSTED)]
    assert len(sentences) == chat.rows("select count(*) from turn where state = 'failed'"), chat.name
    rest = [one for one in shown if one not in sentences and not _is_of_the_reset(chat, one)]
    assert rest == ["you said: hello", "you said: and now?"], f"{chat.name}: {rest}"
    assert "" not in chat.model.keys


def _said_and_kept(chat: Chat) -> None:
    """Each message that is kept is told so once at most; each turn that could answer has, in order."""
    shown = [seen.text for seen in chat.world.shown(chat.name)]
    kept = [one for one in shown if one.startswith(KEPT)]
    assert 1 <= len(kept) <= 2, f"{chat.name}: {shown}"
    rest = [one for one in shown if one not in kept and not _is_of_the_reset(chat, one)]
    assert len(rest) == chat.rows("select count(*) from turn where state = 'finished'"), chat.name
    assert (rest[0], rest[-1]) == ("you said: hello", "you said: and now?"), f"{chat.name}: {rest}"
    assert set(rest[1:-1]) <= {f"you said: {one}" for one in ("one", "still there?")}
    assert "" not in chat.model.keys


def _is_of_the_reset(chat: Chat, shown: str) -> bool:
    by = SOURCES[chat.name]
    return (
        (by is Chat.command and shown == "New session.")
        or (by is Chat.by_itself and shown.startswith(OVER))
        or (by is Chat.another_task and shown == OPERATOR_ENDED)
    )


def _forgotten(chat: Chat) -> None:
    """After a reset the model sees nothing of before; without one it sees all."""
    last = [getattr(entry, "text", "") for entry in chat.model.requests[-1].entries]
    assert last[-1] == "and now?"
    assert ("hello" in last) == (chat.resets == 0), f"{chat.name}: {last}"


def _unnoticed(chat: Chat) -> None:
    """The other topic of the same chat was answered when it would have been, in the session it had."""
    [seen] = chat.world.shown(chat.name, "topic")
    assert (seen.text, seen.at) == ("the topic's answer", TOPIC_AT), chat.name
    assert chat.rows("select count(*) from session where true") == 1 + chat.resets, chat.name


def _one_line_each(world: World, chats: list[Chat]) -> None:
    """I11: whatever was settled without an answer, each reset, and each turn's beginning and end."""
    told = Counter(
        (line["event"].removeprefix("message "), line["native"])
        for line in world.log
        if line["event"] in ("message refused", "message superseded")
    )
    settled = "select outcome, native from inbound where outcome in ('refused', 'superseded')"
    assert told == Counter(world.db.execute(settled))
    turns = Counter(id for (id,) in world.db.execute("select id from turn"))
    for event in ("turn opened", "turn closed"):
        assert Counter(line["turn"] for line in world.lines(event)) == turns, event
    ended = Counter(line["key"].split("/")[2] for line in world.lines("reset"))
    assert ended == +Counter({chat.name: chat.resets for chat in chats})
    assert not [line for line in world.log if line["level"] == "error"]


def fell(chat: Chat) -> str:
    """Where its reset fell; one of FELL."""
    mine = [line["event"] for line in chat.world.log if line.get("key") == f"memory/main/{chat.name}"]
    if SOURCES[chat.name] is Chat.by_itself:
        at = [n for n, event in enumerate(mine) if event == "message accepted"][2]
    elif "reset" not in mine:
        return "too late"
    else:
        at = mine.index("reset")
    # The turn that answered "hello" is the first of both.
    opened, closed = mine[:at].count("turn opened"), mine[:at].count("turn closed")
    return "before" if opened == 1 else "in" if closed == 1 else "behind"
