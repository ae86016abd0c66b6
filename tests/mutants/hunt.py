"""A process of its own: plays seeds on the package in its folder, and says which breaks something.

    python -P hunt.py FOLDER '{"seeds": [1, 2000], "modules": ["hermes_trio.runtime.workers"], ...}'

Prints a line of JSON per seed that is of interest, the last with "done". It imports nothing of the tests.
"""

from __future__ import annotations

import importlib
import json
import signal
import sys
from pathlib import Path
from typing import Any

SEED_S = 30.0
"""A seed that plays longer than this kills the process: it would for ever."""


def main(folder: Path, wanted: dict[str, Any]) -> None:
    """Play the seeds."""
    sys.path.insert(0, str(folder))
    from hermes_trio.testing.simulation import draw, play

    for module in wanted["modules"]:
        importlib.import_module(module)
    first, last = wanted["seeds"]
    for seed in range(first, last + 1):
        if seed in wanted["without"]:
            continue
        say(began=seed)
        signal.setitimer(signal.ITIMER_REAL, SEED_S)
        played = play(draw(seed, wanted["nodes"]))
        signal.setitimer(signal.ITIMER_REAL, 0)
        if not played.broken:
            continue
        say(seed=seed, broken=played.broken, what=played.what)
        if wanted["stop"] and played.broken != "error":
            break
    strange = [name for name, module in sys.modules.items() if is_strange(folder, name, module)]
    assert not strange, f"not of {folder}: {strange}"
    say(done=True)


def is_strange(folder: Path, name: str, module: Any) -> bool:
    """Whether it is a module of the package and comes from elsewhere."""
    if name.partition(".")[0] != "hermes_trio":
        return False
    return not Path(module.__file__).is_relative_to(folder)


def say(**what: object) -> None:
    """A line for who started this."""
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), json.loads(sys.argv[2]))
