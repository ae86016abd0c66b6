"""A tool that never lets go of the loop, or of its task, installed beside the daemon."""

from __future__ import annotations

import os

import trio

BLOCKING = """
import time
import trio

class Tool:
    name, description, idempotent = "block", "never lets go", True
    parameters = {{"type": "object", "properties": {{}}}}

    async def run(self, arguments, call):
        open("blocked", "w").close()
        {hangs}

tool = Tool()
"""

HOLDS_THE_LOOP = "time.sleep(60)"
SHIELDS_ITSELF = "with trio.CancelScope(shield=True): await trio.sleep(60)"


class Block:
    """Where it is: put `path` on the daemon's PYTHONPATH and enable "block"."""

    def __init__(self, home, hangs=HOLDS_THE_LOOP):
        self.path = str(home / "site")
        self._blocked = home / "blocked"
        os.mkfifo(self._blocked)
        info = home / "site" / "block-1.dist-info"
        info.mkdir(parents=True)
        (home / "site" / "block.py").write_text(BLOCKING.format(hangs=hangs))
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: block\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[hermes_trio.tools]\nblock = block:tool\n")

    async def until_stuck(self):
        with trio.fail_after(5):
            await trio.to_thread.run_sync(self._blocked.read_text)
