"""Mistakes about tasks, programs, and a store that fails."""

from tests.mutants.mutant import Mutant, mutant

TASKS: tuple[Mutant, ...] = (
    mutant(
        "left processes are not reaped",
        "I6",
        "The processes of an older life are known and live on.",
        (
            "gateway/open.py",
            "    wiring.background.reap(await outage.outlast(store.left_processes))\n",
            "    await outage.outlast(store.left_processes)\n",
        ),
    ),
    mutant(
        "a reset ends rows, no processes",
        "I6",
        "The rows of a session's programs end with it, and the programs go on.",
        (
            "store/promises/processes.py",
            "    if ended:\n        tx.then(EndProcesses(tuple(id for (id,) in ended)))\n",
            "",
        ),
    ),
    mutant(
        "no KILL behind the TERM",
        "I6",
        "A program that does not want to end is asked, and no more.",
        (
            "processes/reaper.py",
            '        while left := group.signal("kill"):\n            self.left = left\n            await group.gone()\n',
            "",
        ),
    ),
    mutant(
        "what a poll told is told again",
        "I6 told",
        "A completion that a tool call has told opens a turn all the same.",
        (
            "store/promises/turns.py",
            "    if consumes:\n        processes.consume(tx, key, consumes)\n",
            "",
        ),
    ),
    mutant(
        "a worker stays in its table",
        "I10",
        "A key's task leaves and the table says that it has one.",
        (
            "runtime/workers.py",
            "        if self.live.get(key) is worker:\n            del self.live[key]\n",
            "",
        ),
    ),
    mutant(
        "a task for every idle key",
        "I10",
        "A key's task stays for what may come.",
        (
            "runtime/workers.py",
            "                    failures = await self._look(key, worker, failures)\n",
            "                    failures = await self._look(key, worker, failures)\n"
            "                    await worker.rest(3600)\n                    worker.dirty = True\n",
        ),
    ),
    mutant(
        "a list of who waits grows",
        "I10",
        "Whoever has waited for a place stays in the line.",
        (
            "turns/sessions.py",
            "        finally:\n            self._line.pop(key, None)\n",
            "        finally:\n            pass\n",
        ),
    ),
    mutant(
        "a rest without an end",
        "I12",
        "Who waits for a time waits until something wakes it.",
        (
            "runtime/workers.py",
            "            with trio.move_on_after(seconds):\n                await self.woken.wait()\n",
            "            await self.woken.wait()\n",
        ),
    ),
    mutant(
        "a worker dies of a failure",
        "I12",
        "What fails once is not looked at again.",
        (
            "runtime/workers.py",
            "        worker.dirty = True\n        return failures + 1\n",
            "        return failures + 1\n",
        ),
    ),
    mutant(
        "intake gives up on a full disk",
        "I12",
        "What cannot be written down at once is confirmed and gone.",
        (
            "intake/receiver.py",
            '            return await until_stored(once, lambda error: self.failed(f"store: {error}"))\n',
            "            return await once()\n        except StoreFailed:\n            return ()\n",
        ),
        (
            "intake/receiver.py",
            "import IntakeClosed, LeaseOver, NotHolder, StoreClosed\n",
            "import IntakeClosed, LeaseOver, NotHolder, StoreClosed, StoreFailed\n",
        ),
    ),
    mutant(
        "an end that is not written is lost",
        "I12",
        "What a turn made is dropped where the disk refuses it, and the turn stands for ever.",
        (
            "turns/runner.py",
            "            if isinstance(error, StoreFailed) and alone < TOO_MUCH_TRIES:\n                raise error\n",
            "            if isinstance(error, StoreFailed) and alone < TOO_MUCH_TRIES:\n                return end\n",
        ),
    ),
    mutant(
        "a receipt is dropped on a full disk",
        "I2",
        "What the platform has confirmed is not recorded where the disk refuses it once.",
        (
            "delivery/outbox.py",
            "        return await until_stored(uncut(write), wait=self._disk.again)\n",
            "        return (await attempt(write))[0]  # type: ignore[return-value]\n",
        ),
    ),
    mutant(
        "a group lives or dies as one",
        "writer",
        "One promise that raises undoes those that were committed with it, and each hears its error.",
        (
            "store/writer.py",
            "        if not self._begin(group) or self._try(group):\n            return\n",
            "        if self._begin(group):\n            self._try(group)\n        if group:\n            return\n",
        ),
    ),
    mutant(
        "who does not leave keeps its place",
        "I12 places",
        "A turn that is left behind holds its place among those that work.",
        (
            "runtime/workers.py",
            "        worker.left_behind()\n",
            "",
        ),
    ),
    mutant(
        "a drain opens turns",
        "clean",
        "While the gateway goes down turns are opened.",
        (
            "gateway/drain.py",
            "    wiring.turns.open_no_turns()\n",
            "",
        ),
    ),
    mutant(
        "a turn's end has five seconds",
        "I13",
        "What a turn made is thrown away, and made again, where the writer's queue is longer than that.",
        (
            "turns/runner.py",
            "        return await until_stored(uncut(close), refused, until_well)\n",
            "        with trio.move_on_after(5.0, shield=True):\n            return await close()\n"
            '        raise StoreFailed("the turn\'s end could not be written in time")\n',
        ),
        (
            "store/promise_store.py",
            "close_turn = promise(",
            "close_turn = asking(",
        ),
    ),
    mutant(
        "what a scope cuts off is let go",
        "I13 effects",
        "A step's end that the disk refuses is forgotten where its agent's own scope ends the wait.",
        ("turns/journal.py", "            self._goes_on(record)\n            raise\n", "            raise\n"),
    ),
    mutant(
        "what is cut off twice passes what was cut off before",
        "I13 effects",
        "A step's end that is cut off while it waits for an earlier one is recorded before it.",
        (
            "turns/journal.py",
            "            self._goes_on(record)\n            raise\n",
            "            self._goes_on(partial(until_stored, uncut(store)))\n            raise\n",
        ),
    ),
    mutant(
        "a step's end is tried once",
        "I13",
        "What a tool did is forgotten where the disk refuses one commit.",
        (
            "turns/journal.py",
            "            await until_stored(uncut(store), wait=self._again)\n",
            "            await store()\n",
        ),
    ),
    mutant(
        "a turn's end is too much for a disk that takes nothing",
        "I13",
        "An answer is given up where the disk refuses each write for a while.",
        (
            "runtime/outage.py",
            "                await until_stored(self._probe, refused)\n",
            "",
        ),
    ),
    mutant(
        "a process that was stopped is past its deadlines",
        "I13 time",
        "Time in which the process did not run is the turn's.",
        (
            "runtime/allowance.py",
            "            self._lost_s += now - self._looks_at\n",
            "",
        ),
    ),
    mutant(
        "a frozen call is cut off",
        "I13 time",
        "Time in which the process did not run is the platform's.",
        (
            "delivery/outbox.py",
            "        time = Allowance(self._allowances, within_s)\n        with time, WhereCut() as cut:\n",
            "        with trio.move_on_after(within_s) as time, WhereCut() as cut:\n",
        ),
        (
            "delivery/outbox.py",
            "        is_late = time.passed\n",
            "        is_late = time.cancelled_caught\n",
        ),
    ),
)
