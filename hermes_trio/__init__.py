"""hermes-trio: a chat-agent gateway on Trio.

    platform.serve() ─▶ inbox ─▶ sessions ─▶ turn ─▶ agent ⇄ model, tools
                          │           │         │
                        ══════ store: one writer ══════
                                      │
    platform.deliver() ◀───────── outbox

Each module of that name is a part of the river; `river.py` wires them, `opening.py` gives them a life,
`gateway.py` is what a host may ask of it. `ports.py` says what plugs in, `values.py` what travels. `pure/`
holds the decisions, `stores/`, `models/`, `tools/`, `commands/` are shelves, `testing/` is the test kit. The
names below are imported when they are first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hermes_trio import options
    from hermes_trio.agent import ModelAgent as ModelAgent
    from hermes_trio.candidates import Candidate as Candidate
    from hermes_trio.candidates import Candidates as Candidates
    from hermes_trio.child_port import ChildLog as ChildLog
    from hermes_trio.child_port import Children as Children
    from hermes_trio.child_port import Group as Group
    from hermes_trio.child_port import LeftChildren as LeftChildren
    from hermes_trio.child_port import Process as Process
    from hermes_trio.child_port import Processes as Processes
    from hermes_trio.child_port import Ran as Ran
    from hermes_trio.credentials import KeyPool as KeyPool
    from hermes_trio.entries import *  # noqa: F403
    from hermes_trio.errors import *  # noqa: F403
    from hermes_trio.gateway import Gateway as Gateway
    from hermes_trio.http import open_http_client as open_http_client
    from hermes_trio.http_transport import Client
    from hermes_trio.inbox import Health as Health
    from hermes_trio.models.anthropic import AnthropicModel as AnthropicModel
    from hermes_trio.models.echo import EchoModel as EchoModel
    from hermes_trio.models.openai import OpenAIModel as OpenAIModel
    from hermes_trio.opening import open_gateway as open_gateway
    from hermes_trio.plugins import installed_commands as installed_commands
    from hermes_trio.ports import *  # noqa: F403
    from hermes_trio.pure.chunking import Unit as Unit
    from hermes_trio.pure.chunking import units as units
    from hermes_trio.pure.foreign_json import ForeignJson as ForeignJson
    from hermes_trio.pure.keypool import Strategy as Strategy
    from hermes_trio.pure.markdown import split_markdown as split_markdown
    from hermes_trio.store_values import Claimed as Claimed
    from hermes_trio.store_values import StatusView as StatusView
    from hermes_trio.stores.sqlite import open_sqlite_store as open_sqlite_store
    from hermes_trio.values import *  # noqa: F403
    from hermes_trio.verbs import Turn as Turn
    from hermes_trio.views import *  # noqa: F403
    from hermes_trio.wishes import *  # noqa: F403

    # A renamed name is exported to type checkers only by assignment.
    HttpClient = Client
    GatewayOptions = options.Gateway
    SessionOptions = options.Session

_WHERE = {
    "hermes_trio.gateway": ("Gateway",),
    "hermes_trio.opening": ("open_gateway",),
    "hermes_trio.child_port": "ChildLog Children Group LeftChildren Process Processes Ran".split(),
    "hermes_trio.inbox": ("Health",),
    "hermes_trio.store_values": ("Claimed", "StatusView"),
    "hermes_trio.candidates": ("Candidate", "Candidates"),
    "hermes_trio.credentials": ("KeyPool",),
    "hermes_trio.models.anthropic": ("AnthropicModel",),
    "hermes_trio.models.echo": ("EchoModel",),
    "hermes_trio.models.openai": ("OpenAIModel",),
    "hermes_trio.verbs": ("Turn",),
    "hermes_trio.agent": ("ModelAgent",),
    "hermes_trio.http": ("open_http_client",),
    "hermes_trio.pure.markdown": ("split_markdown",),
    "hermes_trio.pure.chunking": ("Unit", "units"),
    "hermes_trio.pure.foreign_json": ("ForeignJson",),
    "hermes_trio.pure.keypool": ("Strategy",),
    "hermes_trio.plugins": ("installed_commands",),
    "hermes_trio.stores.sqlite": ("open_sqlite_store",),
    "hermes_trio.ports": (
        "Adapter AdapterContext Agent Chance Command CommandCall Intake Model Platform"
        " RefreshingKey Tool ToolContext WallClock"
    ).split(),
    "hermes_trio.errors": (
        "AccountRefused AgentError AskTimedOut ChatMoved ConfigWrong Fenced HermesError IntakeClosed"
        " LimitReached ModelFailed ModelFailure"
        " NoCredentials NotJson NotSent"
        " OperatorError OutsideError PlatformDown PollConflict RefusalKind SendFailed"
        " SendRefused SendUnknown StaleSession StaleTurn StateDirBusy StepFailed StepMismatch StepUnknown"
        " StoreClosed StoreFailed StoreLocked StoreRefused TurnTimedOut"
    ).split(),
    "hermes_trio.values": (
        "Address Choice Delivery Key Lane Message Moved OutcomeName Part Policy Quoted Receipt Said Secret"
        " Span Traits TurnState Undecodable"
    ).split(),
    "hermes_trio.views": "ChildView KeyState KeyView LedgerRow ReplyState SessionView TurnView".split(),
    "hermes_trio.wishes": "CommandResult Prompt Reset Restart Resume Say Silence Stop".split(),
    "hermes_trio.entries": (
        "AssistantEntry Entry Keepsake ModelAnswer ModelRequest NoteEntry Spell Spelled SummaryEntry ToolCall"
        " ToolEntry ToolSpec UserEntry"
    ).split(),
}
_RENAMED = {
    "GatewayOptions": ("hermes_trio.options", "Gateway"),
    "SessionOptions": ("hermes_trio.options", "Session"),
    "HttpClient": ("hermes_trio.http_transport", "Client"),
}
_HOME = {name: (module, name) for module, names in _WHERE.items() for name in names} | _RENAMED
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    # Importing everything costs half a second that `hermes-trio --help` and an adapter need not pay.
    if name not in _HOME:
        raise AttributeError(f"module 'hermes_trio' has no attribute {name!r}")
    module, attribute = _HOME[name]
    value = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
