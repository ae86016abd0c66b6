"""hermes-trio: a chat-agent gateway on Trio.

    platform.serve() ─▶ intake ─▶ turns ─▶ agent ⇄ models, tools
                          │         │
                        ═══ store: one writer ═══
                                  │
    platform.deliver() ◀─── delivery

Each folder of that name is a part of the river. `gateway/wiring.py` joins them, `gateway/open.py` gives them
a life, `gateway/handle.py` is what a host may ask of it. `ports/` says what plugs in, `values/` what travels.
`commands/` and `tools/` are shelves, `testing/` is the test kit. The names below are imported when they are
first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hermes_trio.agent.agent import ModelAgent as ModelAgent
    from hermes_trio.config import options
    from hermes_trio.errors import *  # noqa: F403
    from hermes_trio.gateway.handle import Gateway as Gateway
    from hermes_trio.gateway.open import open_gateway as open_gateway
    from hermes_trio.http.client import open_http_client as open_http_client
    from hermes_trio.http.transport import Client
    from hermes_trio.intake.receiver import Health as Health
    from hermes_trio.models.cooldowns import Strategy as Strategy
    from hermes_trio.models.fallback import Candidate as Candidate
    from hermes_trio.models.fallback import Candidates as Candidates
    from hermes_trio.models.key_pool import KeyPool as KeyPool
    from hermes_trio.models.providers.anthropic import AnthropicModel as AnthropicModel
    from hermes_trio.models.providers.echo import EchoModel as EchoModel
    from hermes_trio.models.providers.openai import OpenAIModel as OpenAIModel
    from hermes_trio.ports.agent import *  # noqa: F403
    from hermes_trio.ports.arguments import arguments_of as arguments_of
    from hermes_trio.ports.arguments import parameters_of as parameters_of
    from hermes_trio.ports.command import *  # noqa: F403
    from hermes_trio.ports.files import CallFiles as CallFiles
    from hermes_trio.ports.model import *  # noqa: F403
    from hermes_trio.ports.platform import *  # noqa: F403
    from hermes_trio.ports.process import CallProcesses as CallProcesses
    from hermes_trio.ports.process import Group as Group
    from hermes_trio.ports.process import Process as Process
    from hermes_trio.ports.process import Processes as Processes
    from hermes_trio.ports.system import *  # noqa: F403
    from hermes_trio.ports.tool import *  # noqa: F403
    from hermes_trio.processes.sandbox import Sandbox as Sandbox
    from hermes_trio.processes.system import SystemProcesses as SystemProcesses
    from hermes_trio.runtime.plugins import installed_commands as installed_commands
    from hermes_trio.store.sqlite.store import open_sqlite_store as open_sqlite_store
    from hermes_trio.text.chunking import Unit as Unit
    from hermes_trio.text.chunking import units as units
    from hermes_trio.text.foreign_json import ForeignJson as ForeignJson
    from hermes_trio.text.markdown import split_markdown as split_markdown
    from hermes_trio.turns.turn import Turn as Turn
    from hermes_trio.values.actions import *  # noqa: F403
    from hermes_trio.values.delivery import *  # noqa: F403
    from hermes_trio.values.files import FileKind as FileKind
    from hermes_trio.values.files import FileText as FileText
    from hermes_trio.values.files import FileView as FileView
    from hermes_trio.values.files import Listing as Listing
    from hermes_trio.values.files import Match as Match
    from hermes_trio.values.files import Matches as Matches
    from hermes_trio.values.files import Mount as Mount
    from hermes_trio.values.identity import *  # noqa: F403
    from hermes_trio.values.message import *  # noqa: F403
    from hermes_trio.values.process import LeftProcesses as LeftProcesses
    from hermes_trio.values.process import ProcessLog as ProcessLog
    from hermes_trio.values.process import Ran as Ran
    from hermes_trio.values.stored import Claimed as Claimed
    from hermes_trio.values.stored import StatusView as StatusView
    from hermes_trio.values.transcript import *  # noqa: F403
    from hermes_trio.values.views import *  # noqa: F403
    from hermes_trio.workspaces.folders import Workspaces as Workspaces

    # A renamed name is exported to type checkers only by assignment.
    HttpClient = Client
    GatewayOptions = options.Gateway
    SessionOptions = options.Session

_WHERE = {
    "hermes_trio.gateway.handle": ("Gateway",),
    "hermes_trio.gateway.open": ("open_gateway",),
    "hermes_trio.values.process": "ProcessLog LeftProcesses Ran".split(),
    "hermes_trio.ports.process": "CallProcesses Group Process Processes".split(),
    "hermes_trio.ports.files": ("CallFiles",),
    "hermes_trio.processes.sandbox": ("Sandbox",),
    "hermes_trio.processes.system": ("SystemProcesses",),
    "hermes_trio.ports.arguments": ("arguments_of", "parameters_of"),
    "hermes_trio.values.files": "FileKind FileText FileView Listing Match Matches Mount".split(),
    "hermes_trio.workspaces.folders": ("Workspaces",),
    "hermes_trio.intake.receiver": ("Health",),
    "hermes_trio.values.stored": ("Claimed", "StatusView"),
    "hermes_trio.models.fallback": ("Candidate", "Candidates"),
    "hermes_trio.models.key_pool": ("KeyPool",),
    "hermes_trio.models.providers.anthropic": ("AnthropicModel",),
    "hermes_trio.models.providers.echo": ("EchoModel",),
    "hermes_trio.models.providers.openai": ("OpenAIModel",),
    "hermes_trio.turns.turn": ("Turn",),
    "hermes_trio.agent.agent": ("ModelAgent",),
    "hermes_trio.http.client": ("open_http_client",),
    "hermes_trio.text.markdown": ("split_markdown",),
    "hermes_trio.text.chunking": ("Unit", "units"),
    "hermes_trio.text.foreign_json": ("ForeignJson",),
    "hermes_trio.models.cooldowns": ("Strategy",),
    "hermes_trio.runtime.plugins": ("installed_commands",),
    "hermes_trio.store.sqlite.store": ("open_sqlite_store",),
    "hermes_trio.ports.platform": "Adapter AdapterContext Intake Platform Probed Probing".split(),
    "hermes_trio.ports.agent": ("Agent", "AgentProfile"),
    "hermes_trio.ports.model": "Model ModelContext ModelProvider RefreshingKey".split(),
    "hermes_trio.ports.tool": "Tool ToolContext".split(),
    "hermes_trio.ports.command": "Command CommandCall".split(),
    "hermes_trio.ports.system": "Chance MachineClock WallClock".split(),
    "hermes_trio.errors": (
        "AccountRefused AgentError AskTimedOut ChatMoved ConfigWrong Fenced HermesError IntakeClosed"
        " LeaseOver LimitReached ModelFailed ModelFailure"
        " NoCredentials NotHolder NotJson NotSent"
        " OperatorError OutsideError PlatformDown PollConflict RefusalKind SendFailed"
        " SendRefused SendUnknown StaleCommand StaleSession StaleTurn StateDirBusy"
        " StepFailed StepMismatch StepUnknown"
        " StoreClosed StoreFailed StoreLocked StoreRefused TurnTimedOut"
    ).split(),
    "hermes_trio.values.identity": "Address ConversationKey Lane Policy Role Secret".split(),
    "hermes_trio.values.message": "Message Moved OutcomeName Quoted Source TurnState Undecodable".split(),
    "hermes_trio.values.delivery": "Choice Delivery Part Receipt DeliveryKind Span Capabilities".split(),
    "hermes_trio.values.views": (
        "FailingModel KeyState KeyView LedgerRow NodeView ProcessView ReplyState SessionView StepView"
        " TextView TurnPage TurnView"
    ).split(),
    "hermes_trio.values.actions": "CommandResult Prompt Reset Restart Resume Say Silence Stop".split(),
    "hermes_trio.values.transcript": (
        "AssistantEntry Entry Keepsake ModelAnswer ModelRequest NoteEntry Spell Spelled SummaryEntry ToolCall"
        " ToolEntry ToolSpec UserEntry"
    ).split(),
}
_RENAMED = {
    "GatewayOptions": ("hermes_trio.config.options", "Gateway"),
    "SessionOptions": ("hermes_trio.config.options", "Session"),
    "HttpClient": ("hermes_trio.http.transport", "Client"),
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
