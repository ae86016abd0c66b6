"""Mistakes about what becomes of messages, and in which order."""

from tests.mutants.mutant import Mutant, mutant

MESSAGES: tuple[Mutant, ...] = (
    mutant(
        "a dropped message keeps its entry",
        "I15",
        "What somebody may not ask any more stands in the conversation, where the next turn reads it.",
        ("store/tx.py", '        if outcome == "dropped":', '        if outcome == "none":'),
    ),
    mutant(
        "an admin is obeyed whoever else has spoken",
        "I15",
        "What somebody plants in a shared conversation runs with the next admin's authority.",
        (
            "store/promises/transcript.py",
            ' and not ({theirs}))", session, *admins\n',
            " and source = 'outside')\", session\n",
        ),
    ),
    mutant(
        "what is set aside was never spoken",
        "I15",
        "Words that were taken back, refused or lost no longer stand in the way of a program.",
        (
            "store/promises/transcript.py",
            "exists(select 1 from spoken where session = ? and",
            "exists(select 1 from entry where source in ('admin', 'user', 'outside') and session = ? and",
        ),
    ),
    mutant(
        "an admin among them is enough",
        "I15 looks",
        "A turn that answers an admin and somebody else acts as if the admin had asked alone.",
        (
            "turns/authority.py",
            'return "admin" if roles == {"admin"} else "user"\n',
            'return "admin" if "admin" in roles else "user"\n',
        ),
    ),
    mutant(
        "a question stays when its answer is lost",
        "answer",
        "What is said next stands before the model as the answer to a question of before.",
        (
            "store/promises/entry_repair.py",
            "    asked = [_before(tx, id) for id in aside if tx.one(_IS_ANSWER, id)]\n",
            "    asked: list[int] = []\n",
        ),
    ),
    mutant(
        "an answer is in its entry alone",
        "answer",
        "Likewise, and neither half is written anew from the step that asked.",
        (
            "store/promises/entry_repair.py",
            "    asked = [_before(tx, id) for id in aside if tx.one(_IS_ANSWER, id)]\n",
            "    asked: list[int] = []\n",
        ),
        (
            "store/promises/entry_repair.py",
            "    if len(asked) != len(answers):\n",
            "    if asked:\n",
        ),
    ),
    mutant(
        "what is passed on is said",
        "I15",
        "What an admin passes on counts as the admin's own word, whoever wrote it.",
        (
            "intake/routing.py",
            "    if message.forwarded is not None or (\n",
            "    if False and message.forwarded is not None or (\n",
        ),
    ),
    mutant(
        "an entry that cannot be read is no entry",
        "never again",
        "What cannot be read is set aside, and so is what its message said, which is not asked about.",
        (
            "store/promises/entry_repair.py",
            "    shown = [id for id in entries if _put_right(tx, id)]\n",
            "    shown: list[int] = []\n",
        ),
        (
            "store/tx.py",
            '                " where inbound = ? and session is not ?",\n',
            '                " where inbound = ? and session is not ? and false",\n',
        ),
    ),
    mutant(
        "a turn goes on with everybody's words",
        "I15",
        "Of a turn that goes on for others what is of who may not speak any more is kept.",
        (
            "turns/recovery.py",
            "        await self._drop_strangers((*booted.unclaimed, *shared))\n",
            "        await self._drop_strangers(booted.unclaimed)\n",
        ),
    ),
    mutant(
        "a stop forgets what stood alone",
        "I1",
        "A turn's end settles its plain messages, not what /queue or a steer gave it.",
        (
            "store/promises/turn_end.py",
            '    tx.settle_inbound("key = ? and turn = ?", (key, turn), outcome',
            "    tx.settle_inbound(\"key = ? and turn = ? and kind = 'message'\", (key, turn), outcome",
        ),
    ),
    mutant(
        "what is to be sent again is obeyed",
        "I15 unsaid",
        "A message that cannot be read, and that its writer is told to send again, stays in its conversation.",
        ("store/promises/unreadable.py", "    tx.unsay(lost)\n    return lost\n", "    return lost\n"),
        ("store/promises/quarantine.py", "        tx.unsay([message])\n", ""),
    ),
    mutant(
        "a failed turn leaves its messages",
        "I1",
        "A turn that fails ends, and its messages are told nothing.",
        (
            "store/promises/turn_end.py",
            '    tx.settle_inbound("key = ? and turn = ?"',
            '    if state != "failed":\n        tx.settle_inbound("key = ? and turn = ?"',
        ),
    ),
    mutant(
        "an abandoned turn leaves its messages",
        "I1",
        "A turn that is not resumed ends, and its messages have no outcome.",
        (
            "store/promises/boot.py",
            '    turn_end.end_turn(tx, turn, key, "abandoned", reason)\n',
            "    ended = \"update turn set state = 'abandoned', closed_at = ?, reason = ? where id = ?\"\n"
            "    tx.run(ended, (tx.now, reason, turn))\n",
        ),
    ),
    mutant(
        "a drop without an outcome",
        "I1",
        "What is not let in is kept, and has no outcome.",
        (
            "store/promises/intake.py",
            '            None if settled else "waiting",\n            decided.outcome,\n',
            '            None if settled else "waiting",\n            None,\n',
        ),
    ),
    mutant(
        "a reset settles nobody",
        "I1",
        "The messages that a reset turn held have another outcome than it.",
        ("store/promises/turn_end.py", '    "reset": "superseded",\n', '    "reset": "answered",\n'),
    ),
    mutant(
        "an interrupt stops its messages",
        "I1",
        "What an interrupted turn had is stopped with it, and does not wait again.",
        (
            "store/promises/turn_end.py",
            "        \" where outcome is null and key = ? and turn = ? and kind <> 'answer'\",\n"
            "        (text_of(key), turn),\n",
            "        \" where outcome is null and key = ? and turn = ? and kind = 'alone'\",\n"
            "        (text_of(key), turn),\n",
        ),
    ),
    mutant(
        "a drain forgets what comes",
        "I1",
        "What comes while the gateway goes down is confirmed and not kept.",
        (
            "intake/receiver.py",
            "            decided = self._with_notices(decided)\n",
            "            return\n",
        ),
    ),
    mutant(
        "confirmed before it is written",
        "I1",
        "The platform is told that we have a message while it is still being written down.",
        (
            "intake/receiver.py",
            "        new = await self._tried(partial(self._store.accept, self.account, decided, cursor,"
            " self._rules))\n",
            "        new = decided\n"
            "        taken = partial(self._store.accept, self.account, decided, cursor, self._rules)\n"
            "        trio.lowlevel.spawn_system_task(self._tried, taken)\n",
        ),
    ),
    mutant(
        "what waits before a /new stays",
        "I1 reset",
        "Messages that waited before a reset are answered behind it.",
        ("store/promises/commands.py", "    _supersede(tx, text_of(key), command, why)\n", ""),
    ),
    mutant(
        "the newest message first",
        "I4",
        "Of what waits the newest is taken first.",
        (
            "store/promises/next_turn.py",
            'tx.all(f"{line} id limit {BATCH_MESSAGES}"',
            'tx.all(f"{line} id desc limit {BATCH_MESSAGES}"',
        ),
    ),
    mutant(
        "what is deferred is overtaken",
        "I4",
        "A message that waits for a key is left behind by one that came after it.",
        (
            "store/promises/next_turn.py",
            '        f" and {ANY_PENDING} order by"',
            '        f" and {ANY_CLAIMABLE} order by"',
        ),
    ),
    mutant(
        "a steer past a command",
        "barrier",
        "What is steered is taken in although a command before it has not taken effect.",
        (
            "store/promises/turns.py",
            'where key = ? and id < {BARRIER}"\n        f" and {ANY_PENDING} and {wanted}',
            'where key = ? and {BARRIER} <> 0"\n        f" and {ANY_PENDING} and {wanted}',
        ),
    ),
    mutant(
        "unsettled commands sleep at boot",
        "I1",
        "A command that the last life could not settle waits for the next one.",
        (
            "store/promises/boot.py",
            "    for key, _ in keys:\n        tx.then(WakeCommands(read_key(key)))\n",
            "",
        ),
    ),
    mutant(
        "nobody looks at deferred messages",
        "I12 deferral",
        "When a message is deferred nobody sets a clock.",
        ("store/promises/deferral.py", "    tx.then(Deferred(closing.until))\n", ""),
    ),
    mutant(
        "a line is written twice",
        "I11",
        "What is handed over again is said to be accepted again.",
        (
            "store/promises/intake.py",
            "    return new\n\n\ndef cursor",
            "    return list(decided)\n\n\ndef cursor",
        ),
    ),
    mutant(
        "a line before the commit",
        "I11",
        "A message is said to be accepted before it is.",
        (
            "intake/receiver.py",
            "        new = await self._tried(partial(self._store.accept, self.account, decided, cursor,"
            " self._rules))\n",
            "        for one in decided:\n            self._write_line(one)\n"
            "        new = await self._tried(partial(self._store.accept, self.account, decided, cursor,"
            " self._rules))\n",
        ),
        (
            "intake/receiver.py",
            "        for one in new:\n            self._write_line(one)\n",
            "        for one in new:\n",
        ),
    ),
    mutant(
        "a line is missing",
        "I11",
        "Of what was superseded the log says nothing.",
        (
            "store/tx.py",
            'if outcome in ("answered", "stopped"):',
            'if outcome in ("answered", "stopped", "superseded"):',
        ),
    ),
    mutant(
        "a cut turn has no last line",
        "I11",
        "A turn that is cancelled is opened in the log and never closed.",
        (
            "turns/runner.py",
            "        finally:\n            # Also where a reset or a shutdown cancels the whole session around it,"
            " or a fence is met.\n            self._closed(",
            "        except Fenced:\n            raise\n        else:\n            self._closed(",
        ),
    ),
)
