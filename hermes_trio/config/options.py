"""What an operator may configure: one typed schema that is parser and documentation at once.

`docs/hermes.toml` shows every key. `load.py` reads a file into it.
"""

from __future__ import annotations

from pathlib import Path
from socket import gethostname
from typing import Annotated, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from hermes_trio.config.store_url import StoreUrl
from hermes_trio.runtime.clock import zone
from hermes_trio.values.files import Mount
from hermes_trio.values.identity import Secret
from hermes_trio.values.nodes import LEASE_MIN_S, LEASE_S
from hermes_trio.values.reset_policy import ResetPolicy

Count = Annotated[int, Meta(ge=1, description="a whole number, 1 or more")]
Seconds = Annotated[float, Meta(gt=0, description="a number of seconds above 0")]
SecondsOrOff = Annotated[float, Meta(ge=0, description="a number of seconds, 0 or more")]
TimeOfDay = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z", description='a time of day, "HH:MM"')
]
NO_ADDRESS = 'must be an address like "https://api.example.com/v1"'


class Gateway(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[gateway]`: the process, and the limits of its work.

    Args:
        state_dir: holds the store and an OS-held lock. Default: the user state folder.
        drain_timeout_s: how long a shutdown waits for turns that work.
        busy: what a message does to a running turn of its session.
        queue_max: waiting messages per session; past it an explicit refusal.
        turns_max: turns running at once; past it turns wait their turn.
        turn_deadline_s: the longest a turn may work.
        give_up_after_s: when an answer that cannot be delivered is given up.
        progress_every_s: how often a long turn says that it is alive; 0 = off.
        resume_freshness_s: how old an interrupted turn may be to go on by itself; 0 = never.
        stuck_after: interrupted boots in a row before a session is suspended.
    """

    state_dir: Path = Path()
    drain_timeout_s: SecondsOrOff = 20.0
    busy: Literal["queue", "steer", "interrupt"] = "queue"
    queue_max: Count = 100
    turns_max: Count = 1000
    turn_deadline_s: Seconds = 1800.0
    give_up_after_s: Seconds = 86400.0
    progress_every_s: SecondsOrOff = 180.0
    resume_freshness_s: SecondsOrOff = 3600.0
    stuck_after: Count = 3


LEASE_MAX_S = 300.0
LeaseSeconds = Annotated[
    float,
    Meta(
        ge=LEASE_MIN_S,
        le=LEASE_MAX_S,
        description=f"a number of seconds, {LEASE_MIN_S:g} to {LEASE_MAX_S:g}",
    ),
]
NodeName = Annotated[
    str,
    Meta(
        pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,62})?\Z",
        description="a name of at most 63 letters, digits, dots, _ and -",
    ),
]


class Store(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[store]`: where everything durable is, if it is not a file in the state_dir.

    Args:
        url: of a PostgreSQL database, which several daemons may share; "": the file.
        node: how this daemon is called among them. "": as its machine. Two daemons of one machine need names
            that differ.
        lease_s: how long the others wait for a daemon that is not heard of before they take up its work.
    """

    url: StoreUrl = StoreUrl("")
    node: NodeName = ""
    lease_s: LeaseSeconds = LEASE_S

    @property
    def name(self) -> str:
        """How this daemon is called."""
        return self.node or gethostname()


class Session(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[session]`: whose conversation is whose, and when one ends by itself.

    Args:
        scope: in groups, a session per user or one for the chat. Threads are their own session, shared.
        reset: when a session ends by itself.
        idle_after_s: for "idle" and "both": after so long without a message.
        daily_at: for "daily" and "both": at this time of day.
        timezone: where that time of day is: an IANA name such as "Europe/Berlin". Empty: the machine's.
    """

    scope: Literal["user", "chat"] = "user"
    reset: Literal["none", "idle", "daily", "both"] = "none"
    idle_after_s: Seconds = 86400.0
    daily_at: TimeOfDay = "04:00"
    timezone: str = ""

    def __post_init__(self) -> None:
        try:
            zone(self.timezone)
        except ValueError:
            raise ValueError('timezone must be an IANA name such as "Europe/Berlin", or empty') from None

    def policy(self) -> ResetPolicy:
        """When a conversation ends by itself."""
        return ResetPolicy(self.reset, self.idle_after_s, self.daily_at, zone(self.timezone))


_FUNCTION = r"^([A-Za-z_][\w.]*:[A-Za-z_][\w.]*)?$"


class Agent(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[agent]`: the built-in agent, or one of your own.

    Args:
        run: an agent function of your own, "module:function": no model is asked, and nothing below counts.
        prompt: the system prompt, or "file:PATH".
        steps_max: steps of one turn.
        same_failure_max: identical failing calls in a row.
        history_tokens: how much of the transcript the model is given.
    """

    run: Annotated[str, Meta(pattern=_FUNCTION, description="module:function, as my_bot:agent")] = ""
    prompt: str = "You are a helpful assistant."
    steps_max: Count = 60
    same_failure_max: Count = 3
    history_tokens: Count = 100_000


ECHO = "which is no model: it says back what is written to it, for a first try"


class Endpoint(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model, where it is served, and the keys to it. `[[model.fallback]]` is one.

    Args:
        provider: who speaks the endpoint's protocol: the name of an installed provider.
        base_url: where it is. Default: the provider's own.
        name: the model's name there.
        keys: the credential pool, in order: "env:NAME" or "file:PATH" each. Default: the variable the
            provider's own tools read.
        strategy: which key is used next.
        connect_s: for name lookup, connection and TLS.
        first_byte_s: until the answer begins.
        between_bytes_s: between two pieces of the answer.
        answer_tokens: the longest answer, in tokens; a call that is cut there is asked for again. Default: as
            the provider has it, 8192 at Anthropic, which wants to be told.
    """

    provider: str = "openai"
    base_url: str = "https://api.openai.com/v1"
    name: Annotated[str, Meta(min_length=1, description="the name of a model")] = "gpt-5.5"
    keys: tuple[Secret, ...] = ()
    strategy: Literal["fill_first", "round_robin", "least_used", "random"] = "fill_first"
    connect_s: Seconds = 10.0
    first_byte_s: Seconds = 120.0
    between_bytes_s: Seconds = 60.0
    answer_tokens: Count | None = None

    def __post_init__(self) -> None:
        if self.base_url and (wrong := _wrong_address(self.base_url)):
            raise ValueError(f"base_url {wrong}")

    @property
    def is_echo(self) -> bool:
        """Whether it is the built-in one, which is no model: whoever sees it is told so with `ECHO`."""
        return self.provider == "echo"


class ModelOptions(Endpoint, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[model]`: the model that answers.

    Args:
        on_exhausted: while no key to any of them may be used: wait up to two minutes for one and tell the
            user where it takes longer, tell at once, or keep the message for later.
        fallback: endpoints to try when this one cannot answer, in order.
    """

    on_exhausted: Literal["wait", "tell", "defer"] = "wait"
    fallback: tuple[Endpoint, ...] = ()


TOOLS_BY_DEFAULT = ("now", "sleep")


class Tools(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[tools]`: what the agent may call.

    Args:
        enable: names of installed tools, beside those that are on by default.
        disable: names of those that are off, whoever enables them.
        workspace_dir: holds a folder for each conversation that has files. Default: "workspaces" in the
            state_dir.
        workspace_mib: how large such a folder may be, in MiB.
        mount: folders that all conversations may use.
        sandbox: what programs run in. "none" spelled out: nothing keeps them from what the daemon's user may.
        network: programs in the sandbox may use the machine's network.
    """

    enable: tuple[str, ...] = ()
    disable: tuple[str, ...] = ()
    workspace_dir: Path = Path()
    workspace_mib: Count = 256
    mount: tuple[Mount, ...] = ()
    sandbox: Literal["bubblewrap", "none"] = "bubblewrap"
    network: bool = False

    def __post_init__(self) -> None:
        names = [mount.name for mount in self.mount]
        if (twice := next((name for name in names if names.count(name) > 1), None)) is not None:
            raise ValueError(f"mount has the name {twice} twice")

    @property
    def names(self) -> tuple[str, ...]:
        """The tools that the agent may call."""
        named = dict.fromkeys((*TOOLS_BY_DEFAULT, *self.enable))
        return tuple(name for name in named if name not in self.disable)


SECTIONS: dict[str, type[Struct]] = {
    "gateway": Gateway,
    "store": Store,
    "session": Session,
    "agent": Agent,
    "model": ModelOptions,
    "tools": Tools,
}
"""The schema, beside `[platforms.NAME]`, whose schema is the adapter's."""


def _wrong_address(url: str) -> str | None:
    try:
        found = urlsplit(url)
        proper = found.scheme in ("http", "https") and found.hostname and found.port != 0
    except ValueError:
        proper = False
    if not proper:
        return NO_ADDRESS
    if found.username is not None or found.password is not None:
        return "must hold no user name or password; a key belongs in keys"
    return "must end with its path, without ? or #" if found.query or found.fragment else None
