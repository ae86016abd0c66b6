"""Mistakes about turns: one at a time, once, in their own session, and what a start makes of them."""

from tests.mutants.mutant import Mutant, mutant

TURNS: tuple[Mutant, ...] = (
    mutant(
        "a memory that outlives its conversation",
        "/new",
        "What is kept of a conversation between turns is shown in the one that a reset began.",
        (
            "store/promises/transcript.py",
            "    if known is not None and (known.session, known.rewritten) == (session, row[0]):\n",
            "    if known is not None:\n",
        ),
        ("gateway/wiring.py", "                self.memory.forget(key)\n", ""),
    ),
    mutant(
        "a memory that does not grow",
        "shown once",
        "What is kept of a conversation is told again behind itself: it was not said how far it goes.",
        (
            "store/promises/transcript.py",
            "replace(known, entry=last, size=size), known.unseen)",
            "replace(known, size=size), known.unseen)",
        ),
    ),
    mutant(
        "the successor does not wait",
        "I3",
        "After a reset the next turn begins while the old one still leaves.",
        (
            "runtime/workers.py",
            "                if worker.before is not None:\n                    await self._succeed(key, worker)\n",
            "",
        ),
    ),
    mutant(
        "a reset does not cancel",
        "I3",
        "A reset opens the next session and lets the old one's turn go on.",
        (
            "runtime/workers.py",
            "        if old is not None:\n            old.scope.cancel(reason=why)\n        worker.before",
            "        worker.before",
        ),
        (
            "store/promises/turn_end.py",
            "    live_rows.retire_live(tx, turn, line)\n    tx.then(CancelTurn(key, turn, why))\n",
            '    live_rows.retire_live(tx, turn, line)\n    if state != "reset":\n'
            "        tx.then(CancelTurn(key, turn, why))\n",
        ),
    ),
    mutant(
        "a second task for a busy key",
        "I3",
        "A message for a key whose task runs a turn starts another task, which adopts that turn.",
        (
            "runtime/workers.py",
            "        if worker is not None:\n            worker.wake()\n        else:\n",
            "        if worker is not None and getattr(worker, 'turn', None) is None:\n"
            "            worker.wake()\n        else:\n",
        ),
    ),
    mutant(
        "a stop does not cancel",
        "I3",
        "A stop writes that the turn has ended, and lets it go on.",
        (
            "store/promises/turn_end.py",
            "    live_rows.retire_live(tx, turn, line)\n    tx.then(CancelTurn(key, turn, why))\n",
            "    live_rows.retire_live(tx, turn, line)\n",
        ),
    ),
    mutant(
        "a stop before the turn begins",
        "I3",
        "A stop that comes between a turn's commit and its first line is forgotten.",
        (
            "turns/session_workers.py",
            "        if turn is not None and self._cut == turn.id:\n"
            '            turn.cut("cut before it began")\n',
            "",
        ),
    ),
    mutant(
        "an unknown step runs again",
        "I5",
        "A tool call that began before a crash is made once more.",
        (
            "turns/journal.py",
            "            if begun and not idempotent:\n",
            "            if begun and not idempotent and unknown is None:\n",
        ),
    ),
    mutant(
        "an unknown step of a function runs again",
        "I5",
        "A step of a user's function that began before a crash is run once more.",
        (
            "turns/journal.py",
            "            if begun and not idempotent:\n",
            "            if begun and not idempotent and unknown is not None:\n",
        ),
    ),
    mutant(
        "a call that went on behind its question is run again",
        "I5",
        "That a call goes on with an answer is not written down, so a crash runs it again up to its question.",
        (
            "turns/questions.py",
            "                self._gone_on.setdefault(call, set()).add(row.n)\n",
            "                self._gone_on.setdefault(call, set())\n",
        ),
    ),
    mutant(
        "a step runs before it is written",
        "I5",
        "That a step begins is not written down, only how it ends.",
        (
            "turns/journal.py",
            "        if not idempotent:\n            await self.intend(row)\n",
            "",
        ),
    ),
    mutant(
        "the transcript of the key",
        "/new",
        "A turn is shown what was said in the sessions before its own.",
        (
            "store/promises/transcript.py",
            'from entry where session = ?"\n_Row',
            "from entry where session in (select id from session where key ="
            ' (select key from session where id = ?))"\n_Row',
        ),
    ),
    mutant(
        "interrupted once too often",
        "stuck",
        "A session is set aside one interruption late.",
        (
            "turns/verdict.py",
            "        if interruptions >= stuck_after:\n",
            "        if interruptions > stuck_after:\n",
        ),
    ),
    mutant(
        "a suspended session goes on",
        "stuck",
        "A session that was interrupted too often is said to be set aside, and is not.",
        (
            "store/promises/boot.py",
            '    if suspend:\n        succeed(tx, read_key(key), session, reason, "gateway")\n',
            "",
        ),
    ),
    mutant(
        "counted twice a boot",
        "count",
        "An interruption is counted by the stop and once more by the start.",
        (
            "store/promises/boot.py",
            '    return tx.run(\n        "update turn set checkpoint_at = ?',
            "    running = \"select session from turn where state = 'running' and boot = ?\"\n"
            '    sql = f"update session set interrupted = interrupted + 1 where id in ({running})"\n'
            "    tx.run(sql, (tx.boot,))\n"
            '    return tx.run(\n        "update turn set checkpoint_at = ?',
        ),
    ),
    mutant(
        "counted for every turn",
        "count",
        "Sessions that were not interrupted keep their count.",
        (
            "store/promises/boot.py",
            '    tx.run(f"update session set interrupted = 0 where interrupted > 0 and id not in ({running})")\n',
            "",
        ),
    ),
    mutant(
        "always a clean stop",
        "clean",
        "A life that ends as asked says that it left nothing, whatever it left.",
        (
            "store/promises/boot.py",
            "    clean = tx.one(\"select 1 from turn where state = 'running'\") is None\n",
            "    clean = True\n",
        ),
    ),
    mutant(
        "nothing is too old",
        "age",
        "An interrupted turn is resumed, however long ago anything was said in it.",
        (
            "turns/verdict.py",
            "        if age_s > freshness_s or (age_s < 0 and interruptions > 1):\n",
            "        if age_s < 0 and interruptions > 1:\n",
        ),
    ),
    mutant(
        "--no-resume resumes",
        "verdict",
        "What was interrupted is resumed although the operator said no.",
        (
            "turns/verdict.py",
            "    if not resume or freshness_s <= 0:\n",
            "    if not resume and freshness_s <= 0:\n",
        ),
    ),
    mutant(
        "a thought is forgotten",
        "thoughts",
        "What a model thought is not kept with its answer.",
        (
            "agent/context_window.py",
            "finish=answer.finish, keepsake=answer.keepsake\n",
            "finish=answer.finish\n",
        ),
    ),
    mutant(
        "what comes twice is done twice",
        "I5",
        "A call that comes at two places with one id is two calls.",
        (
            "models/providers/growing_calls.py",
            "            before = made.get(id) if id else None\n",
            "            before = None\n",
        ),
        (
            "models/providers/growing_calls.py",
            "            if before is not None or not id:\n",
            "            if id in made or not id:\n",
        ),
    ),
    mutant(
        "a bad end is a good one",
        "bad ends",
        "What a limit or a filter has cut off is told as if it were whole.",
        ("agent/agent.py", 'CUT = ("partial", "length")\n', "CUT = ()\n"),
    ),
    mutant(
        "what a service refuses to answer is done again",
        "I5",
        "The results of what was called are left out, and the same may be called again.",
        ("agent/agent.py", "if window.was_set_aside(call):\n", "if False:\n"),
    ),
    mutant(
        "what the gateway tells waits for an answer",
        "never again",
        "A note counts as a message, and a model that refuses another is asked about an answered one.",
        (
            "agent/context_window.py",
            "told = sum(not message.note for message in self._turn.messages)\n",
            "told = len(self._turn.messages)\n",
        ),
    ),
    mutant(
        "strangers are resumed",
        "verdict",
        "Whoever may not speak any more has a turn resumed.",
        ("turns/verdict.py", '    if not allowed:\n        return "not_allowed"\n', ""),
    ),
    mutant(
        "who waits is interrupted",
        "verdict",
        "A turn that waits for a person or a clock counts as one that worked.",
        ("store/promises/interrupted.py", "        waits=asks or sleeps,\n", "        waits=False,\n"),
    ),
    mutant(
        "a turn is adopted without a count",
        "I5 attempt",
        "A turn that is run again is not told that it is.",
        (
            "store/promises/next_turn.py",
            '    tx.run("update turn set boot = ?, attempt = attempt + 1 where id = ?"',
            '    tx.run("update turn set boot = ? where id = ?"',
        ),
    ),
)
