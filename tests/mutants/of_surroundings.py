"""Mistakes with what surrounds a gateway: several bots, models and gateways, operators, a machine and a disk."""

from tests.mutants.mutant import Mutant, mutant

SURROUNDINGS: tuple[Mutant, ...] = (
    mutant(
        "one mouth for all bots",
        "where",
        "What is owed goes out by the first bot, whichever was written to.",
        (
            "delivery/outbox.py",
            "        platform = self._platforms.get(lane.account_id)\n",
            "        platform = next(iter(self._platforms.values()), None)\n",
        ),
    ),
    mutant(
        "one numbering for all bots",
        "I1 rows",
        "What one service has numbered like another's message counts as that.",
        (
            "store/promises/intake.py",
            '        " state, outcome, reason, settled_at) values(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"\n',
            '        " state, outcome, reason, settled_at) select ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"\n'
            '        " where not exists(select 1 from inbound where native = ?2 and account <> ?1)"\n',
        ),
    ),
    mutant(
        "a fallback for outages only",
        "fallback",
        "Who has no key to the first model is told so, and nobody else is asked.",
        (
            "models/fallback.py",
            "                if self._at + 1 == len(self._candidates.all):\n",
            "                if self._at + 1 == len(self._candidates.all) or isinstance(error, NoCredentials):\n",
        ),
    ),
    mutant(
        "too late is in time",
        "confirm",
        "What comes when nothing is taken any more is confirmed, and nowhere.",
        (
            "intake/receiver.py",
            "            await trio.lowlevel.checkpoint()\n            raise _closed()",
            "            return ()\n            raise _closed()",
        ),
    ),
    mutant(
        "who cannot read has nothing to do",
        "I12 command",
        "Where the disk cannot say which command is next, there is none.",
        (
            "intake/commands.py",
            "        while (pending := await self._store.next_command(key)) is not None:\n",
            "        while True:\n"
            "            try:\n"
            "                pending = await self._store.next_command(key)\n"
            "            except StoreFailed:\n"
            "                return\n"
            "            if pending is None:\n"
            "                return\n",
        ),
    ),
    mutant(
        "what cannot be started runs",
        "process row",
        "The row of a program that the machine could not start says that it runs.",
        (
            "processes/background.py",
            "            await self._never_was(mark.process)\n            raise\n",
            "            raise\n",
        ),
    ),
    mutant(
        "an operator's word is for whoever is there",
        "cause",
        "What an operator asks of a conversation that has just ended happens to the next.",
        (
            "store/promises/commands.py",
            'where id = ? and ended_at is null", of)\n',
            'where id = ?", of)\n',
        ),
        (
            "store/promises/commands.py",
            "    return read_key(row[0]), of\n",
            "    return read_key(row[0]), tx.session_of(row[0])\n",
        ),
    ),
    mutant(
        "a command takes effect behind its end",
        "worker",
        "A command that was settled since its row cannot be read is settled again by who ran it.",
        (
            "store/promises/commands.py",
            '    row = tx.one("select key, body from inbound where id = ? and outcome is null", command)\n',
            '    row = tx.one("select key, body from inbound where id = ?", command)\n',
        ),
    ),
    mutant(
        "a stop waits for its disk",
        "stop",
        "A disk that hangs holds up a stop as long as it likes.",
        (
            "store/writer.py",
            "        self._life.deadline = min(self._life.deadline, trio.current_time() + seconds)\n",
            "        self._life.deadline = min(self._life.deadline, trio.current_time() + 60 * seconds)\n",
        ),
    ),
    mutant(
        "an answer that is written down is given up",
        "answer kept",
        "A turn that had its answer when its process died is closed without it.",
        ("turns/recovery.py", "        if parts:\n", "        if parts is None:\n"),
    ),
    mutant(
        "what cannot be read is a failed disk",
        "rest",
        "A row whose text is no UTF-8 is taken for a disk that fails, and is tried for ever.",
        (
            "store/sqlite/errors.py",
            '        if "decode to UTF-8" in str(error):\n            return error  # the row, not the disk\n',
            "",
        ),
    ),
    mutant(
        "what is refused is forgotten",
        "refused part",
        "A model is asked again with what it was found to refuse, each time anew.",
        (
            "models/providers/endpoint.py",
            "            self.quirks = tuple(one for one in QUIRKS if one in known)\n",
            "            assert known\n",
        ),
    ),
    mutant(
        "what one model refuses all do",
        "taken part",
        "What was learnt of one model is left out of what another is asked.",
        ("models/providers/endpoint.py", "        self.quirks: tuple[Quirk, ...] = ()\n", ""),
        (
            "models/providers/endpoint.py",
            "    async def complete(\n",
            "    quirks: tuple[Quirk, ...] = ()\n\n    async def complete(\n",
        ),
        (
            "models/providers/endpoint.py",
            "            self.quirks = tuple(",
            "            LearningEndpoint.quirks = tuple(",
        ),
    ),
)
