"""process: programs that run in the background of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hermes_trio.ports.tool import ToolContext
from hermes_trio.values.views import ProcessView

WAIT_S = 60.0
LONGEST_WAIT_S = 600.0
ACTIONS = ("start", "list", "poll", "wait", "log", "write", "kill")


class Process:
    """Lets the model start and follow programs in the background, for admins only."""

    name = "process"
    description = (
        "Programs in the background of this conversation. start: run `command` (/bin/sh -c, without a"
        " trailing &); you are told when it ends unless notify_on_complete is false. list: all of them."
        " poll: how one is. wait: for its end. log: its output; with `since` from a position on. write: give"
        " it `text` as input. kill: end it. They end with the conversation unless started with keep."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "action": {"type": "string", "enum": list(ACTIONS)},
            "command": {"type": "string", "description": "start: what /bin/sh is given"},
            "notify_on_complete": {
                "type": "boolean",
                "description": "start: tell me of its end; default true",
            },
            "keep": {"type": "boolean", "description": "start: it outlives /new; default false"},
            "watch_patterns": {
                "type": "array",
                "items": {"type": "string"},
                "description": "start: plain substrings; I am told of lines that hold one, a few times",
            },
            "id": {"type": "integer", "description": "which process; all actions but start and list"},
            "timeout_s": {"type": "number", "description": f"wait: at most; {WAIT_S:.0f} if not given"},
            "since": {"type": "integer", "description": "log: the position of the last log"},
            "text": {"type": "string", "description": "write: the input, with its newline"},
        },
        "required": ["action"],
        "additionalProperties": False,
    }
    idempotent = False

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> object:
        """Do the action.

        Raises:
            PermissionError: its caller is no admin, or the denylist refuses the command.
            ValueError: an argument is missing or is none, or there is no such process.
            OSError: it could not be started, or takes no input.
        """
        action = arguments.get("action")
        match action:
            case "start":
                return _shown(await self._start(arguments, call))
            case "list":
                return [_shown(process) for process in await call.processes.list()]
            case "log":
                log = await call.processes.log(_id(arguments), _typed(arguments, "since", int, 0))
                return {**_shown(log.view), "output": log.text, "position": log.position}
            case "write":
                await call.processes.write(_id(arguments), _typed(arguments, "text", str))
                return "written"
            case "poll":
                return _shown(await call.processes.poll(_id(arguments)))
            case "wait":
                seconds = float(_typed(arguments, "timeout_s", (int, float), WAIT_S))
                if not 0 <= seconds <= LONGEST_WAIT_S:
                    raise ValueError(f"timeout_s must be at least 0 and at most {LONGEST_WAIT_S:.0f}")
                return _shown(await call.processes.wait(_id(arguments), seconds))
            case "kill":
                return _shown(await call.processes.kill(_id(arguments)))
        raise ValueError(f"action must be one of {', '.join(ACTIONS)}")

    async def _start(self, arguments: Mapping[str, Any], call: ToolContext) -> ProcessView:
        return await call.processes.start(
            _typed(arguments, "command", str),
            notify=_typed(arguments, "notify_on_complete", bool, True),
            keep=_typed(arguments, "keep", bool, False),
            watch=_typed(arguments, "watch_patterns", list, []),
        )


def _id(arguments: Mapping[str, Any]) -> int:
    id = int(_typed(arguments, "id", int))
    if not 0 < id < 1 << 63:
        raise ValueError(f"this conversation has no background process {id}")
    return id


def _typed(arguments: Mapping[str, Any], name: str, kind: Any, default: Any = None) -> Any:
    """An argument of this type; without a default it must be there."""
    value = arguments.get(name, default)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{name} is missing or is not what it must be")
    return value


def _shown(process: ProcessView) -> dict[str, object]:
    shown: dict[str, object] = {"id": process.id, "command": process.command, "state": process.state}
    if process.code is not None:
        shown["exit_code"] = process.code
    if process.keep:
        shown["keep"] = True
    return shown


tool = Process()
