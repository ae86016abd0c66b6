"""Mistakes about several nodes on one store, which the simulation hunts with nodes.

No lock of the key is caught by two real connections (`tests/store/test_two_connections.py`). Few seeds did not catch
these: a deadline from the reply, a job under a later boot, a lane served by two, a reset that cancels here alone.
"""

from tests.mutants.mutant import Mutant, mutant

_ALIVE_ONLY = (
    "    if row is not None and not (row[0] == tx.boot or is_over(tx, row[0])):\n        return None\n"
)
_KEY_OF_ANOTHER = (
    "    if row is not None and not (row[0] == tx.boot or is_over(tx, row[0])):\n        return False\n"
)
NODES: tuple[Mutant, ...] = (
    mutant(
        "no fence of a boot that is over",
        "I16",
        "Who was buried writes on as long as the rows it writes to let it.",
        (
            "store/writer.py",
            "                if self.shared:\n                    self.enter(tx)\n",
            "",
        ),
        (
            "store/writer.py",
            '                job.error = LeaseOver(f"boot {job.boot} is over")\n',
            "                pass\n",
        ),
        nodes=2,
    ),
    mutant(
        "a lease by the node's clock",
        "I16",
        "Each node takes its own wall clock for the store's, and buries who lives by it.",
        (
            "testing/crashing_store.py",
            "        self.machine = FreezingClock(clock)\n",
            "        self.machine = FreezingClock(clock)\n        self._writer.now = self.machine.now\n",
        ),
        nodes=2,
    ),
    mutant(
        "no check before a delivery",
        "I16",
        "A node that wakes behind its lease calls the platform that it was about to call.",
        ("delivery/outbox.py", "        await self._may_act()\n", ""),
        nodes=2,
    ),
    mutant(
        "a burial without counting",
        "count",
        "A session that kills each node that works on it is never set aside.",
        (
            "store/promises/nodes.py",
            "    count_interruptions(tx, boot)\n    cut_off(tx, boot)\n",
            "    cut_off(tx, boot)\n",
        ),
        nodes=2,
    ),
    mutant(
        "what is handed over counts",
        "count",
        "A session that outlives three rolling restarts is set aside.",
        (
            "store/promises/nodes.py",
            "    if not others:\n        count_interruptions(tx, tx.boot)\n",
            "    count_interruptions(tx, tx.boot)\n",
        ),
        nodes=2,
    ),
    mutant(
        "signals by hints alone",
        "signals",
        "A signal whose hint is lost waits for the next hint.",
        (
            "store/promises/nodes.py",
            "    take_signals(tx)\n    _wake_commands(tx, nodes)\n",
            "    _wake_commands(tx, nodes)\n",
        ),
        nodes=2,
    ),
    mutant(
        "a home that decides",
        "I3",
        "A key's home opens its next turn whoever's task works on the key.",
        ("store/promises/key_tasks.py", _KEY_OF_ANOTHER, ""),
        nodes=3,
    ),
    mutant(
        "adoption of a living turn",
        "I3",
        "A key's home takes up a turn that runs on another node.",
        ("store/promises/key_tasks.py", _KEY_OF_ANOTHER, ""),
        (
            "store/promises/next_turn.py",
            "        if paused_at is not None or not is_over(tx, boot):\n            return None\n",
            "        if paused_at is not None:\n            return None\n",
        ),
        nodes=3,
    ),
    mutant(
        "an account polled by two",
        "I1",
        "A node takes an account that it is home to, whoever holds it.",
        ("store/promises/accounts.py", _ALIVE_ONLY, ""),
        (
            "store/promises/nodes.py",
            "for name, boot in holders.items() if boot is None)),\n",
            "for name, boot in holders.items() if boot != tx.boot)),\n",
        ),
        nodes=2,
    ),
    mutant(
        "a drain that keeps its accounts",
        "I12",
        "A node on its way down holds its accounts until it has left.",
        (
            "store/promises/nodes.py",
            '    tx.run("update boot set draining_at = ? where id = ?", (tx.now, tx.boot))\n'
            '    tx.run("delete from account_holder where boot = ?", (tx.boot,))\n',
            '    tx.run("update boot set draining_at = ? where id = ?", (tx.now, tx.boot))\n',
        ),
        nodes=2,
    ),
    mutant(
        "the programs of a killed node live on",
        "I6",
        "Who begins within the lease of its own boot of before ends none of that boot's programs.",
        (
            "gateway/beside.py",
            "        if self._alive - alive:\n",
            "        if self._alive - alive and False:\n",
        ),
        nodes=2,
    ),
)
