"""What one seed plays: pure data that prints, shrinks, and plays the same again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from msgspec import Struct


class Rules(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the gateway is configured, and what surrounds it. The defaults are the simplest there is.

    Args:
        agent: the built-in one on a model, or a function on the library's verbs.
        keys: how many keys the model has; 0: it needs none.
        commit_s: a commit takes up to this long before it and after it.
        think_s: how long a model call takes. `call_s`: a call of the platform.
        drain_s: how long a stop waits for turns.
        heal_after_s: how long after the last that happens all faults end.
        fallbacks: how many models are asked when the first cannot.
        edits, deletes, reacts, types, takes_key: what the platforms can do.
        lingers: their connections outlive a drain, and hand over what comes meanwhile.
        refuses: parts of requests that the first model's endpoint does not take, by the names of
            `refusing_endpoint.py`; others take all.
    """

    agent: Literal["model", "library"] = "model"
    scope: Literal["user", "chat"] = "user"
    busy: Literal["queue", "steer", "interrupt"] = "queue"
    queue_max: int = 100
    turns_max: int = 1000
    reset: Literal["none", "idle", "daily", "both"] = "none"
    idle_after_s: float = 86400.0
    on_exhausted: Literal["wait", "tell", "defer"] = "tell"
    keys: int = 0
    fallbacks: int = 0
    deadline_s: float = 1800.0
    progress_s: float = 180.0
    stuck_after: int = 3
    commit_s: float = 0.0
    think_s: float = 0.005
    call_s: float = 0.0
    drain_s: float = 20.0
    heal_after_s: float = 0.0
    text_max: int = 4096
    edits: bool = False
    deletes: bool = False
    reacts: bool = False
    types: bool = True
    takes_key: bool = False
    lingers: bool = False
    refuses: tuple[str, ...] = ()


class Place(Struct, frozen=True, omit_defaults=True):
    """Where people write: a chat or a topic of it; private to one person, or a group; to which bot."""

    chat: str
    thread: str | None = None
    group: bool = False
    account: str = "main"


class Say(Struct, frozen=True, tag="say", omit_defaults=True):
    """Somebody writes.

    Args:
        at: virtual seconds since the start.
        n: names the message; its text begins with it.
        user, place: who, and the number of the place.
        words: what the agent shall do before it answers, see `words.py`.
        before: a command it stands behind: "/queue", "/steer".
        album: id of an album it is a part of. `long`: it may be a fragment of more.
        passed_on: the words are somebody else's, whom no bot knows.
    """

    at: float
    n: int
    user: str
    place: int = 0
    words: tuple[str, ...] = ()
    before: str = ""
    album: str | None = None
    long: bool = False
    passed_on: bool = False


class Command(Struct, frozen=True, tag="command", omit_defaults=True):
    """Somebody writes a command, which no model is to see."""

    at: float
    n: int
    user: str
    text: str
    place: int = 0


class Press(Struct, frozen=True, tag="press", omit_defaults=True):
    """Somebody presses a button of the newest question in a place, open or not."""

    at: float
    n: int
    user: str
    place: int = 0
    choice: int = 0


Strayed = Literal["undecodable", "bot", "another bot", "unaddressed"]


class Stray(Struct, frozen=True, tag="stray", omit_defaults=True):
    """An update that is no message of somebody to this bot.

    Args:
        how: nobody can read it; another bot wrote it; it is a command for another bot; it is in a group, and
            not for the bot.
    """

    at: float
    n: int
    user: str
    place: int = 0
    how: Strayed = "undecodable"


Operation = Literal["stop", "stop all", "reset", "resume"]
Moment = Literal["now", "round", "before commit", "after commit"]


class Operate(Struct, frozen=True, tag="operate", omit_defaults=True):
    """An operator stops, resets or resumes a place's newest session, beside any user.

    Args:
        rounds: so many rounds of the scheduler later, while other things go on.
    """

    at: float
    what: Operation
    place: int = 0
    rounds: int = 0


class Fault(Struct, frozen=True, tag="fault", omit_defaults=True):
    """Something outside misbehaves, by name: see `hermes_trio.testing.faults`.

    Args:
        node: the number of the node whose store is slow or hangs. What other faults hit is everybody's.
    """

    at: float
    name: str
    how: Mapping[str, float | str] = {}
    node: int = 0


class Spoil(Struct, frozen=True, tag="spoil", omit_defaults=True):
    """What the newest row of a table says becomes rubbish in the middle of something.

    Args:
        commits: behind so many commits from `at` on.
    """

    at: float
    table: str
    column: str
    how: str
    commits: int = 1


class Blink(Struct, frozen=True, tag="blink", omit_defaults=True):
    """As soon as something has taken effect the disk refuses the next commits, so many."""

    at: float
    times: int = 1


class Delete(Struct, frozen=True, tag="delete", omit_defaults=True):
    """Somebody deletes the newest message that the bot has sent to a place."""

    at: float
    place: int = 0


class Crash(Struct, frozen=True, tag="crash", omit_defaults=True):
    """kill -9, and a start after `down_s`.

    Args:
        when: at `at`; or from then on at the n-th round of the scheduler, before the n-th commit, or when
            that is done and nobody knows of it yet.
        resume: False: started with --no-resume.
        without: the account of a bot that is not started with the others.
        node: the number of the node that is killed.
    """

    at: float
    when: Moment = "now"
    nth: int = 1
    down_s: float = 0.0
    resume: bool = True
    without: str = ""
    node: int = 0


class Stop(Struct, frozen=True, tag="stop", omit_defaults=True):
    """SIGTERM with so long to drain, and a start after `down_s`."""

    at: float
    drain_s: float = 20.0
    down_s: float = 0.0
    resume: bool = True
    without: str = ""
    node: int = 0


class Freeze(Struct, frozen=True, tag="freeze", omit_defaults=True):
    """The machine of one node is frozen with all that runs on it, and wakes after `for_s`.

    Args:
        when, nth: as of a crash; a round is none.
    """

    at: float
    node: int = 0
    for_s: float = 45.0
    when: Moment = "now"
    nth: int = 1


class CutOff(Struct, frozen=True, tag="cut off", omit_defaults=True):
    """One node does not reach the store for `for_s`, and its platforms do.

    Args:
        done: its first commit arrives, and the answer to it does not.
    """

    at: float
    node: int = 0
    for_s: float = 60.0
    done: bool = False


class Hints(Struct, frozen=True, tag="hints", omit_defaults=True):
    """From now on hints from node to node come so much later.

    Args:
        late_s: 0: at once; None: never.
    """

    at: float
    late_s: float | None = None


class Skew(Struct, frozen=True, tag="skew", omit_defaults=True):
    """The wall clock of one node is wrong by so much from now on. The store's clock is right."""

    at: float
    node: int = 0
    by_s: float = 0.0


class Forbid(Struct, frozen=True, tag="forbid", omit_defaults=True):
    """From the next start on this user may not speak (or may again)."""

    at: float
    user: str
    allowed: bool = False


OfNodes = Freeze | CutOff | Hints | Skew
Happening = (
    Say | Command | Press | Stray | Operate | Spoil | Blink | Delete | Fault | Crash | Stop | Forbid | OfNodes
)


class Plan(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Everything that one seed plays.

    Args:
        seed: of the scheduler and of every chance in the World; what happens is drawn already.
        happenings: in order of time.
        beside: what another gateway in the same process plays at the same time, on a store of its own.
        nodes: so many gateways share the store and are one; 1: one has it for itself.
    """

    seed: int = 0
    rules: Rules = Rules()
    places: tuple[Place, ...] = (Place("ada"),)
    happenings: tuple[Happening, ...] = ()
    beside: Plan | None = None
    nodes: int = 1


def to_text(plan: Plan) -> str:
    """The plan as JSON for people and for `--plan`: what is as it always is is left out."""
    made = msgspec.to_builtins(plan)
    drawn = msgspec.structs.asdict(plan.rules)
    made["rules"] = {field: value for field, value in drawn.items() if value != simplest(field)}
    return msgspec.json.format(msgspec.json.encode(made), indent=1).decode()


def from_text(text: str | bytes) -> Plan:
    """The plan of such a text.

    Raises:
        msgspec.ValidationError, msgspec.DecodeError: it is none; the text says where.
    """
    return msgspec.json.decode(text, type=Plan)


def simplest(field: str) -> Any:
    """What a field of the rules is when nobody has drawn it."""
    return getattr(Rules(), field)
