"""The five defects of Hermes by name, and what a simple grid of crash times misses."""

from tests.mutants.mutant import Mutant, mutant

_CHECKPOINT = "    await checkpoint(wiring.store, why, wiring.log)\n"
_WAIT = "    with wiring.drain_deadline:\n        await wiring.turns.limiter.none_held()\n"
_SAID_AT = "    said_at = last[0] if last and isinstance(last[0], int | float) else opened_at\n"
HERMES: tuple[Mutant, ...] = (
    mutant(
        "release only if not stale",
        "Hermes",
        "A place among the turns that work is given back only if the session was not reset meanwhile.",
        (
            "turns/sessions.py",
            "            finally:\n                permit.release()",
            "            finally:\n                if not worker.scope.cancel_called:\n"
            "                    permit.release()",
        ),
    ),
    mutant(
        "mark after the drain",
        "Hermes",
        "What is resumed hangs on the checkpoint, and that is written when the drain has waited.",
        (
            "gateway/drain.py",
            f"{_CHECKPOINT}{_WAIT}",
            f"{_WAIT}{_CHECKPOINT}",
        ),
        (
            "store/promises/interrupted.py",
            _SAID_AT,
            '    (said_at,) = tx.one("select coalesce(checkpoint_at, 0) from turn where id = ?", turn)\n',
        ),
    ),
    mutant(
        "age by the checkpoint",
        "Hermes",
        "A turn is as old as its checkpoint, so that each stop makes an old one fresh.",
        (
            "store/promises/interrupted.py",
            _SAID_AT,
            '    (marked,) = tx.one("select checkpoint_at from turn where id = ?", turn)\n'
            "    said_at = marked or (last[0] if last else opened_at)\n",
        ),
    ),
    mutant(
        "age by the boot",
        "Hermes",
        "A turn is as old as the boot that ran it last, so that each start makes an old one fresh.",
        (
            "store/promises/interrupted.py",
            _SAID_AT,
            '    sql = "select started_at from boot where id = (select boot from turn where id = ?)"\n'
            "    said_at = max(last[0] if last else opened_at, tx.one(sql, turn)[0])\n",
        ),
    ),
    mutant(
        "a killed process still notifies",
        "Hermes",
        "The end of a process that a stop has ended is told to its conversation all the same.",
        (
            "store/promises/processes.py",
            "if tx.one(\"select 1 from process where id = ? and state = 'running' and boot = ?\", process, tx.boot):\n"
            "        _end(",
            'if tx.one("select 1 from process where id = ? and boot = ?", process, tx.boot):\n        _end(',
        ),
    ),
    mutant(
        "a count never dropped",
        "Hermes",
        "The delivery of an answer does not end the run of interruptions.",
        (
            "store/promises/delivery.py",
            'if interrupted is not None and found == ["final", 1, "sent"]:',
            'if interrupted is not None and found == ["final", 1, "sending"]:',
        ),
    ),
)

MISSED: tuple[Mutant, ...] = (
    mutant(
        "no barrier behind a command",
        "barrier",
        "A message behind a command that has not taken effect is claimed.",
        (
            "store/promises/next_turn.py",
            'length, state from inbound where key = ? and id < {BARRIER}"',
            'length, state from inbound where key = ? and {BARRIER} <> 0"',
        ),
    ),
    mutant(
        "StaleTurn fails the worker",
        "StaleTurn",
        "A turn that was ended from outside meets its fence, and the key's task takes that for a failure.",
        (
            "turns/sessions.py",
            "            except Fenced as fence:",
            "            except StaleSession as fence:",
        ),
        (
            "turns/sessions.py",
            "from hermes_trio.errors import Fenced",
            "from hermes_trio.errors import StaleSession",
        ),
    ),
    mutant(
        "StaleTurn is logged as a failure",
        "StaleTurn",
        "A turn that was ended from outside is said to have failed.",
        (
            "turns/runner.py",
            "why=repr(made.error))\n            return None",
            'why=repr(made.error))\n            return Closing(state="failed", reason="stale")',
        ),
    ),
    mutant(
        "a lost dirty bit",
        "dirty",
        "What wakes a worker while it looks at its rows for the last time is forgotten.",
        (
            "runtime/workers.py",
            "            worker.stuck = 0\n            return 0\n        error",
            "            worker.stuck = 0\n            worker.dirty = False\n            return 0\n        error",
        ),
    ),
    mutant(
        "no fence in close_turn",
        "fence",
        "A turn's end is written whatever has become of the turn.",
        (
            "store/promises/turns.py",
            "    session, key, _, _ = tx.fence(turn)\n    if closing.step is not None:",
            '    session, key = tx.one("select session, key from turn where id = ?", turn)\n'
            "    if closing.step is not None:",
        ),
    ),
    mutant(
        "no fence in end_step",
        "fence",
        "A step's result is written whatever has become of its turn.",
        (
            "store/promises/turns.py",
            "    session, key, _, _ = tx.fence(turn)\n    _put_step(",
            '    session, key = tx.one("select session, key from turn where id = ?", turn)\n    _put_step(',
        ),
    ),
    mutant(
        "closing by a scope's flags",
        "flags",
        "A turn whose scope was cancelled counts as stopped, also when it is a shutdown that cancels.",
        (
            "turns/runner.py",
            "            if run.made is not None:\n                end = await self._close(run, run.made)\n"
            "        finally:\n",
            "            if run.made is not None:\n                end = await self._close(run, run.made)\n"
            "        finally:\n            if worker.scope.cancel_called and run.made is None:\n"
            "                with trio.move_on_after(5.0, shield=True), suppress(Fenced):\n"
            '                    stopped = Closing(state="stopped", reason="cancelled")\n'
            "                    await self._around.store.close_turn(run.id, stopped)\n",
        ),
        ("turns/runner.py", "\nimport trio\n", "from contextlib import suppress\n\nimport trio\n"),
    ),
    mutant(
        "a cancel between commit and wake-up",
        "cancel",
        "Whoever waits for a commit can be cancelled, and does not hear that it was done.",
        (
            "store/writer.py",
            "        return await self._done(promise, args, _stay)\n",
            "        return await self._done(promise, args, _leave)\n",
        ),
    ),
    mutant(
        "the caller performs what follows",
        "cancel",
        "What follows from a commit is done by whoever asked for it, and a cancel of that one loses it.",
        (
            "store/writer.py",
            "        return await self._done(promise, args, _stay)\n",
            "        return await self._done(promise, args, _leave)\n",
        ),
        (
            "store/writer.py",
            "            raise job.error\n",
            "            raise job.error\n        self.perform(job.consequences)\n",
        ),
        (
            "store/writer.py",
            "        if job.consequences:\n            self.perform(job.consequences)\n",
            "",
        ),
    ),
    mutant(
        "a stop in two commits",
        "one commit",
        "The turn is stopped in one commit, and the command answered in the next.",
        (
            "intake/commands.py",
            'stopped = await store.stop(key, id, "asked", everything=everything)\n',
            'stopped = await store.stop(key, None, "asked", everything=everything)\n'
            '                told = _reply(message, (Part("Stopped."),))\n'
            '                await store.settle(id, "answered", "asked", told)\n',
        ),
    ),
    mutant(
        "a reset in two commits",
        "one commit",
        "The session is ended in one commit, and the command answered in the next.",
        (
            "store/promises/commands.py",
            '    return settle_command(tx, command, "answered", why)\n',
            '    return read_message(tx.one("select body from inbound where id = ?", command)[0])\n',
        ),
        (
            "intake/commands.py",
            '            nursery.cancel_scope.cancel(reason="the reset is committed")\n',
            '            await self._store.settle(pending.id, "answered", why, None)\n'
            '            nursery.cancel_scope.cancel(reason="the reset is committed")\n',
        ),
    ),
    mutant(
        "the writer answers after the crash",
        "dead",
        "Of the kit: who waits for a commit in a life that is killed hears that it was done.",
        (
            "testing/crashing_store.py",
            '        self._at("after")\n        self._alive()\n'
            "        await self._delay(hang if hangs and hang.done else None)\n        self._alive()\n"
            '        self._at("told")\n',
            '        self._at("after")\n'
            "        await self._delay(hang if hangs and hang.done else None)\n"
            '        self._at("told")\n',
        ),
    ),
    mutant(
        "the dead write",
        "dead",
        "Of the kit: what a killed life had queued is committed all the same.",
        (
            "testing/crashing_store.py",
            '        self._alive()\n        self._at("before")\n        self._alive()\n        work()\n',
            '        self._at("before")\n        work()\n',
        ),
    ),
)
