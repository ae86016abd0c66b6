"""terminal: run a shell command and wait for its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hermes_trio.ports.tool import ToolContext

TIMEOUT_S = 600.0
LONGEST_S = 3600.0


class Terminal:
    """Lets the model run a command of `/bin/sh`, for admins only.

    A daemon runs it in a sandbox (`processes/sandbox.py`). Without one a command may do what the gateway's
    user may do, except what the denylist forbids (`processes/denylist.py`).
    """

    name = "terminal"
    description = (
        "Run a shell command (/bin/sh -c) in the folder of this conversation's files, wait for it, and get"
        " its exit code and output. It has no input and no terminal. What it leaves running is ended with it;"
        " use the tool `process` for servers and long work."
    )
    parameters: Mapping[str, Any] = {
        "type": "object",
        "properties": {
            "command": {"type": "string", "description": "what /bin/sh is given"},
            "timeout_s": {
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": LONGEST_S,
                "description": f"seconds after which it is ended; {TIMEOUT_S:.0f} if not given",
            },
        },
        "required": ["command"],
        "additionalProperties": False,
    }
    idempotent = False

    async def run(self, arguments: Mapping[str, Any], call: ToolContext) -> object:
        """Run the command.

        Raises:
            PermissionError: its caller is no admin, or the denylist refuses the command.
            ValueError: an argument is missing or is none.
            OSError: it could not be started.
        Cancelled: its process group is ended.
        """
        command, timeout_s = arguments.get("command"), arguments.get("timeout_s", TIMEOUT_S)
        if not isinstance(command, str):
            raise ValueError("command must be a text")
        if (
            isinstance(timeout_s, bool)
            or not isinstance(timeout_s, int | float)
            or not 0 < timeout_s <= LONGEST_S
        ):
            raise ValueError(f"timeout_s must be a number of seconds, above 0 and at most {LONGEST_S:.0f}")
        ran = await call.processes.run(command, timeout_s=float(timeout_s))
        if ran.code is None:
            return {"timed_out": True, "timeout_s": timeout_s, "output": ran.output}
        return {"exit_code": ran.code, "seconds": round(ran.seconds, 1), "output": ran.output}


tool = Terminal()
