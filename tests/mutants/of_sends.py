"""Mistakes about what people see: once, in order, in time, and no secret."""

from tests.mutants.mutant import Mutant, mutant

# What is redacted early is redacted at the border too: a mistake has to be made at both.
SHOWN_AS_IT_IS = (
    "delivery/outbox.py",
    "delivery = safe_delivery(plain, self._redact)",
    "delivery = plain",
)
PARTS_AS_THEY_ARE = (
    "runtime/redacting_store.py",
    "new: Sequence[Any] = redacted_parts(values, redact)",
    "new: Sequence[Any] = values",
)
VALUES_AS_THEY_ARE = ("runtime/redacting_store.py", '    StepRow: ("value",),\n', "")

SENDS: tuple[Mutant, ...] = (
    mutant(
        "a repeat without a mark",
        "I2",
        "What may have arrived is sent once more as if it had not.",
        (
            "store/promises/delivery.py",
            '    marked = op == "send" and row.unknown > 0 and not can.takes_key\n',
            '    marked = op == "send" and row.unknown > 1 and not can.takes_key\n',
        ),
    ),
    mutant(
        "repeats without an end",
        "I2",
        "What may have arrived is sent until a call tells its end.",
        ("store/promises/delivery.py", "UNKNOWN_MAX = 2\n", "UNKNOWN_MAX = 200\n"),
    ),
    mutant(
        "a new key for each try",
        "I2",
        "A platform that takes keys is given another one with a repeat.",
        (
            "store/promises/delivery.py",
            '            key=key if op == "send" else',
            '            key=f"{key}.{row.attempts}" if op == "send" else',
        ),
    ),
    mutant(
        "cut off counts as not sent",
        "I2",
        "What was being sent when the process died is taken for never sent.",
        (
            "store/promises/boot.py",
            "    cut_off(tx)\n",
            "    tx.run(\"update outbound set begun = 0, state = 'owed' where state = 'sending'\")\n",
        ),
    ),
    mutant(
        "the answer beside its preview",
        "I2 preview",
        "An answer is sent although its preview stands there.",
        (
            "store/promises/turns.py",
            "        if not left.shown:\n            tx.owe(closing.reply, turn, waiting=left.waiting)\n        else:\n"
            "            live_rows.say_in_preview(tx, turn, closing.reply, waiting=left.waiting)\n",
            "        tx.owe(closing.reply, turn, waiting=left.waiting)\n",
        ),
    ),
    mutant(
        "the newest answer first",
        "I4 lane",
        "A lane says first what it was given last.",
        (
            "store/promises/delivery.py",
            '    " order by begun desc, rank, id limit 1"',
            '    " order by begun desc, rank, id desc limit 1"',
        ),
    ),
    mutant(
        "two serve a lane",
        "I2",
        "The end of a turn takes a lane in hand that has a task.",
        ("delivery/lane_workers.py", "        if lane in self.live:\n            return None\n", ""),
        ("store/promises/turns.py", "not (left.busy or left.shown):", "not left.shown:"),
    ),
    mutant(
        "typing outlives its turn",
        "I7",
        "What shows that a turn works is a task that nobody ends.",
        (
            "turns/activity.py",
            '            nursery.start_soon(self.type, platform, name="typing")\n',
            "            trio.lowlevel.spawn_system_task(self.type, platform)\n",
        ),
    ),
    mutant(
        "typing before the fence",
        "I7",
        "The end of a turn is written while its typing goes on.",
        (
            "turns/runner.py",
            "                if nursery.child_tasks:  # a cancel is dear, and most turns show nothing before their end\n"
            '                    nursery.cancel_scope.cancel(reason="the turn has its answer")\n',
            "                await self._close(run, run.made)\n"
            "                run.made = None\n"
            "                await trio.sleep(1)\n"
            '                nursery.cancel_scope.cancel(reason="the turn has its answer")\n',
        ),
    ),
    mutant(
        "commands wait for the turn",
        "I8",
        "A command is looked at when its key runs no turn.",
        (
            "gateway/wiring.py",
            "            case WakeCommands(key=key):\n                self.commands.wake(key, Worker)\n",
            "            case WakeCommands(key=key):\n"
            "                if key not in self.sessions.live or self.sessions.live[key].turn is None:\n"
            "                    self.commands.wake(key, Worker)\n",
        ),
    ),
    mutant(
        "a reply behind the answers",
        "I8",
        "What a command is answered is said when everything before it is.",
        ("store/tx.py", 'RANKS = {"reply": -1,', 'RANKS = {"reply": 1,'),
    ),
    mutant(
        "a lane that waits out a preview",
        "I8",
        "What is only live may hold its lane as long as an answer may.",
        ("delivery/outbox.py", "LIVE_S = 10.0\n", "LIVE_S = 600.0\n"),
    ),
    mutant(
        "no redaction of answers",
        "I9",
        "What a model says is sent and kept as it is.",
        SHOWN_AS_IT_IS,
        PARTS_AS_THEY_ARE,
        (
            "turns/running_turn.py",
            "            return clean(await self.discretion(text))\n",
            "            return clean(text)\n",
        ),
    ),
    mutant(
        "no redaction of the preview",
        "I9",
        "What a model streams is shown as it comes.",
        (
            "turns/activity.py",
            '            text = certain(self.around.discretion.redact, "".join(pieces))[:PREVIEW_CHARS]\n',
            '            text = "".join(pieces)[:PREVIEW_CHARS]\n',
        ),
        SHOWN_AS_IT_IS,
        PARTS_AS_THEY_ARE,
    ),
    mutant(
        "no redaction of errors",
        "I9",
        "What a tool raises is recorded as it is.",
        (
            "turns/journal.py",
            "            text = clean(await self._discretion(said_by(error)))[: VALUE_MAX // 4]\n",
            "            text = clean(str(error))[: VALUE_MAX // 4]\n",
        ),
        VALUES_AS_THEY_ARE,
    ),
    mutant(
        "no redaction of a failed turn",
        "I9",
        "What an agent raises is kept with its turn as it is.",
        (
            "turns/runner.py",
            "            error=failure_of(error, traceback_of(error, self._agent), run.discretion.redact),\n",
            "            error=failure_of(error, traceback_of(error, self._agent), str),\n",
        ),
        ("runtime/redacting_store.py", '    Failure: ("text", "traceback"),\n', ""),
    ),
    mutant(
        "no redaction of step values",
        "I9",
        "What a tool returns is recorded as it is.",
        (
            "turns/journal.py",
            "            encoded = await self._discretion(encoded)\n",
            "            pass\n",
        ),
        VALUES_AS_THEY_ARE,
    ),
    mutant(
        "no redaction of what is kept",
        "I9",
        "The store is given what an agent and its users say as it is.",
        ("gateway/open.py", "living(discreet(kept, discretion))", "living(kept)"),
    ),
    mutant(
        "a penalty for ever",
        "I12",
        "A penalty that a restart recalls ends at a time of the wrong clock.",
        (
            "delivery/outbox.py",
            "        self._silence(account, chat, _penalty_s(until - self._clock.now()))\n",
            "        self._silence(account, chat, max(0.0, until))\n",
        ),
    ),
    mutant(
        "a lane is not woken by its account",
        "I12",
        "What could not be sent is not tried when the account is back.",
        (
            "gateway/wiring.py",
            "            if lane.account_id == account and chat in (None, lane.chat):\n                worker.wake()\n",
            "            pass\n",
        ),
    ),
    mutant(
        "lanes sleep at boot",
        "I12",
        "What an older life owes is said when there is something new to say.",
        (
            "store/promises/boot.py",
            "        tx.then(WakeLane(read_lane(lane)))\n",
            "        pass\n",
        ),
    ),
    mutant(
        "an answer in a preview wakes nobody",
        "I12",
        "An answer that takes its preview's place is said when there is something new to say.",
        (
            "store/promises/live_rows.py",
            "behind=preview)\n    tx.then(WakeLane(reply.address.lane))\n    return int(preview)",
            "behind=preview)\n    return int(preview)",
        ),
    ),
    mutant(
        "a part that is sure stays in doubt",
        "moves",
        "What the table says of doubt is not what the statement does.",
        (
            "store/promises/outbound.py",
            '    "certain": {"unknown": "0"},\n',
            '    "certain": {},\n',
        ),
    ),
)
