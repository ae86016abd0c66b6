"""Every error of hermes-trio. The first split is whose fault it is.

HermesError
├── OperatorError            the installation or its config must change
│   ├── ConfigWrong          exit 78: file, line, key, nearest valid key
│   ├── StateDirBusy         exit 75: another instance holds the lock
│   └── StoreRefused         exit 78: the file is corrupt, or newer than this program
├── AgentError               the agent function, or what it called, must change
│   ├── StepMismatch         the function took another path than its recording
│   ├── StepFailed           a recorded step failed; raised again on replay
│   ├── StepUnknown          a step began before a crash and nobody knows how it ended
│   ├── LimitReached         a budget of the built-in agent is used up; the text names it
│   └── TurnTimedOut         the turn passed its deadline
│       └── AskTimedOut      a question was not answered in time
├── OutsideError             a platform, a model or a disk misbehaved; translated once at the border
│   ├── AccountRefused       the platform refuses the credentials of this account
│   ├── PollConflict         another poller holds this account
│   ├── PlatformDown         the receiving side of a platform cannot be reached
│   ├── SendFailed           one of the three below, never itself
│   │   ├── NotSent          certain: the platform does not have it; may be retried
│   │   ├── SendRefused      certain: the platform will not take it as it is
│   │   └── SendUnknown      it may have arrived
│   ├── ModelFailed          a model call failed; `kind` says how
│   ├── NotJson              what was to be JSON is none, or beyond a limit
│   ├── NoCredentials        no key may be used now; `until` says when
│   └── StoreFailed          the disk is full, failing or corrupt
│       └── StoreLocked      no transaction could begin: another program holds the file
└── Fenced                   quiet: the writer was too late and wrote nothing
    ├── StaleTurn            the turn is not running under this boot
    ├── StaleSession         the session has ended
    ├── StaleCommand         the command has its outcome already
    ├── NotHolder            another boot holds the account
    ├── LeaseOver            the boot's lease is over: another boot may act for it
    ├── StoreClosed          the store of this boot has been closed
    └── IntakeClosed         the gateway takes nothing any more: what was handed over is not ours
"""

from __future__ import annotations

from math import isfinite
from typing import Literal

ModelFailure = Literal[
    "rate_limit", "quota", "auth", "overload", "context", "malformed", "transport", "unknown"
]
"""How a model call fails: too much was asked (429), the allowance is used up (402), the key is refused (401),
the provider is busy (5xx), the conversation is too long, the request is not taken as it is (400), the line
broke or nothing came in time, or what nobody can read."""
RefusalKind = Literal["markup", "gone", "lost", "other"]
"""How a platform refuses a delivery; see `SendRefused`."""


class HermesError(Exception):
    """Anything hermes-trio raises on purpose."""


class OperatorError(HermesError):
    """The installation or its config must change before this can work."""

    exit_code = 78


class ConfigWrong(OperatorError):
    """The configuration is wrong; the text names file, line, key and the nearest valid key."""


class StateDirBusy(OperatorError):
    """Another instance holds the lock of this state_dir."""

    exit_code = 75


class StoreRefused(OperatorError):
    """The store's file is corrupt or newer than this program; it was left untouched."""


class AgentError(HermesError):
    """The agent function, or something it called, must change."""


class StepMismatch(AgentError):
    """The agent function asked for other steps than the ones that are recorded."""


class StepFailed(AgentError):
    """A recorded step had failed.

    Args:
        kind: the type name of the exception the step raised the first time.
        text: its text.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


class StepUnknown(AgentError):
    """A step that is not idempotent began before a crash, and its outcome is unknown."""


class LimitReached(AgentError):
    """A budget of the built-in agent is used up; the text names it, for the user too."""


class TurnTimedOut(AgentError):
    """The turn passed its deadline."""


class AskTimedOut(TurnTimedOut):
    """A question was not answered in time, or could not be shown."""


class OutsideError(HermesError):
    """A platform, a model or a disk misbehaved."""


class AccountRefused(OutsideError):
    """The platform refuses this account's credentials. Its supervisor stops the account, visibly."""


class PollConflict(OutsideError):
    """Another poller receives this account's updates. Its supervisor backs off and says so once."""


class PlatformDown(OutsideError):
    """The receiving side of a platform cannot be reached. Its supervisor tries again, for ever."""


class SendFailed(OutsideError):
    """A `deliver` did not end in a receipt. Raise one of the three kinds, never this."""


class NotSent(SendFailed):
    """Certain: the platform does not have it.

    Args:
        why: for the log.
        retry_after_s: seconds the platform told us to wait (a 429), else None; as a header has it, "5", too.
            What is no number of seconds ("nan", a date) says nothing.
    """

    def __init__(self, why: str, retry_after_s: float | str | None = None) -> None:
        super().__init__(why)
        self.retry_after_s = _seconds(retry_after_s)


def _seconds(told: float | str | None) -> float | None:
    try:
        seconds = float(told) if told is not None else None
    except (TypeError, ValueError):
        return None
    return seconds if seconds is not None and isfinite(seconds) else None


class ChatMoved(NotSent):
    """Certain: the platform does not have it, because the chat has another id now. It is said there.

    Args:
        why: for the log.
        becomes: the chat's id from now on.
    """

    def __init__(self, why: str, becomes: str) -> None:
        super().__init__(why)
        self.becomes = becomes


class SendRefused(SendFailed):
    """Certain: the platform will not take this delivery as it is.

    Args:
        why: for the log.
        kind: "markup" (it may take the same text without spans), "gone" (the chat or topic no longer
            takes anything from us), "lost" (the message to edit does not exist), "other".
    """

    def __init__(self, why: str, kind: RefusalKind = "other") -> None:
        super().__init__(why)
        self.kind: RefusalKind = kind


class SendUnknown(SendFailed):
    """The call was begun and no answer came: the platform may have it."""


class ModelFailed(OutsideError):
    """A model call failed.

    Args:
        kind: the class of the failure.
        why: for the log, never for a chat.
        retry_after_s: seconds the provider told us to wait, else None.
        status: the HTTP status, else None.
        said: the provider's refusal as it came, without the key; for those who look what it names.
    """

    def __init__(
        self,
        kind: ModelFailure,
        why: str,
        *,
        retry_after_s: float | None = None,
        status: int | None = None,
        said: str = "",
    ) -> None:
        super().__init__(f"{kind}: {why}")
        self.kind: ModelFailure = kind
        self.why = why
        self.retry_after_s = _seconds(retry_after_s)
        self.status = status
        self.said = said


class NotJson(OutsideError):
    """What somebody else wrote is no JSON of the kind that was expected, or goes beyond a limit."""


class NoCredentials(OutsideError):
    """No key of the pool may be used now.

    Args:
        until: wall-clock seconds of the earliest time one may be, None when none is configured.
        kind: the class of the refusal of the last one.
        defer: keep the turn's messages and answer them then, instead of telling that nobody will. Without
            `until` they are not kept.
        cooldown_until: wall-clock seconds at which the first cooldown ends: they are kept only if that is
            within two minutes of their arrival. None: in any case.
        why: what the provider said last of a key of the pool, for the log, never for a chat.
    """

    def __init__(
        self,
        until: float | None,
        kind: ModelFailure = "auth",
        *,
        defer: bool = False,
        cooldown_until: float | None = None,
        why: str = "",
    ) -> None:
        super().__init__(f"no usable credential ({kind}), until {until}" + (f"; {why}" if why else ""))
        self.until = until
        self.kind: ModelFailure = kind
        self.defer = defer
        self.cooldown_until = cooldown_until
        self.why = why


class StoreFailed(OutsideError):
    """The store could not write or read; nothing of this call is in it."""


class StoreLocked(StoreFailed):
    """No transaction could begin, because another program holds the file: no call is to blame."""


class Fenced(HermesError):
    """The writer was too late; nothing was written. Ends its caller quietly, with a log line."""


class StaleTurn(Fenced):
    """The turn is not `running`, or not held by this boot."""


class StaleSession(Fenced):
    """The session has ended."""


class StaleCommand(Fenced):
    """The command has its outcome already, and no other effect."""


class NotHolder(Fenced):
    """Another boot holds the account, or none does. What was received stays at the platform."""


class LeaseOver(Fenced):
    """The boot is over, or its lease is: it writes nothing and begins anew as another boot."""


class StoreClosed(Fenced):
    """The store of this boot has been closed."""


class IntakeClosed(Fenced):
    """The gateway goes down and takes nothing any more. What was handed over stays at the platform."""
