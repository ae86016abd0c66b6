"""Real supervisors: TERM, at their limit KILL, then a start; nothing is lost, and the answer comes once."""

from __future__ import annotations

import shlex
import shutil
import signal
from contextlib import asynccontextmanager, suppress
from functools import partial

import pytest
import trio

from hermes_trio.text import sentences
from tests.daemon.process import HERMES, environ_of
from tests.fakes.model_script import Item

ADA = 42
LIMIT_S = 1
RUN = """#!/bin/sh
exec 2>>{log}
cd {home}
exec env -i {environ} {hermes} run
"""
LOOP = """
trap 'kill -TERM $process; wait $process; exit 0' TERM
while :; do
  "$1/run" & process=$!
  echo $process >"$1/pid"
  wait $process; code=$?
  [ $code -eq 0 ] || [ $code -eq 78 ] && exit $code
done
"""
TERM_THEN_KILL = f"""
kill -TERM $0
for i in $(seq {10 * LIMIT_S}); do sleep 0.1; kill -0 $0 || exit 0; done
kill -KILL $0
"""


class Service:
    """A service folder with the daemon in it.

    Args:
        starter: the command that supervises it.
        stop: ends the daemon, by force at the limit.
    """

    def __init__(self, place, starter, stop):
        self.folder = place.home / "service"
        self.log = place.home / "service.log"
        self._starter, self._stop = starter, stop
        self.folder.mkdir()
        self.log.touch()
        environ = {**environ_of(place.home), **place.environ}
        run = self.folder / "run"
        run.write_text(
            RUN.format(
                home=shlex.quote(str(place.home)),
                log=shlex.quote(str(self.log)),
                hermes=shlex.quote(str(HERMES)),
                environ=" ".join(shlex.quote(f"{name}={value}") for name, value in environ.items()),
            )
        )
        run.chmod(0o755)
        (self.folder / "timeout-kill").write_text(f"{1000 * LIMIT_S}\n")  # for s6

    def said(self, event):
        return [line for line in self.log.read_text().splitlines() if f"event={event} " in f"{line} "]

    async def ready(self, count):
        """Return when so many lives have been ready."""
        with trio.fail_after(15):
            while len(self.said("ready")) < count:  # noqa: ASYNC110 - its log is a file
                await trio.sleep(0.05)

    async def restart(self):
        """The supervisor's own way: TERM, KILL at the limit, start."""
        for command in self._stop(self.folder):
            await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)

    @asynccontextmanager
    async def supervised(self):
        async with trio.open_nursery() as nursery:
            process = await nursery.start(
                partial(trio.run_process, self._starter(self.folder), check=False, capture_stderr=True)
            )
            try:
                yield
            finally:
                with trio.CancelScope(shield=True):
                    with suppress(ProcessLookupError):
                        process.send_signal(signal.SIGTERM)
                    with trio.move_on_after(10):
                        await process.wait()
                nursery.cancel_scope.cancel()


def runit(place):
    return Service(
        place,
        lambda folder: ["runsv", folder],
        # Not force-restart: it counts whole seconds, and takes what was started in this one for the new life.
        lambda folder: [["sv", "-w", str(LIMIT_S), "force-stop", folder], ["sv", "start", folder]],
    )


def s6(place):
    return Service(
        place,
        lambda folder: ["s6-supervise", folder],
        lambda folder: [["s6-svc", "-wD", "-d", folder], ["s6-svc", "-wu", "-u", folder]],
    )


def loop(place):
    return Service(
        place,
        lambda folder: ["sh", "-c", LOOP, "loop", folder],
        lambda folder: [["sh", "-c", TERM_THEN_KILL, (folder / "pid").read_text().strip()]],
    )


SUPERVISORS = [
    pytest.param(
        make, marks=pytest.mark.skipif(shutil.which(needs) is None, reason=f"{package} is not installed")
    )
    for make, needs, package in (
        (runit, "runsv", "runit"),
        (s6, "s6-supervise", "s6"),
        (loop, "sh", "a shell"),
    )
]


@pytest.mark.parametrize("supervisor", SUPERVISORS)
async def test_what_the_supervisor_kills_at_its_limit_loses_nothing_and_is_answered_once(place, supervisor):
    service = supervisor(place)
    place.model.push(Item(text="never", hold=0))
    async with service.supervised():
        await service.ready(1)
        place.bot.push(ADA, "work")
        await place.model.until_held()
        await service.restart()
        await service.ready(2)
        with trio.fail_after(8):
            await place.bot.until(lambda: place.bot.texts(ADA) == ["you said: work"])
        assert len(service.said("checkpoint")) == 1
        assert len(service.said("stopped")) == 0  # it was killed in its drain
        place.bot.push(ADA, "thanks")
        with trio.fail_after(8):
            await place.bot.until(lambda: place.bot.texts(ADA) == ["you said: work", "you said: thanks"])
        outcomes = (await place.hermes("ledger", "--json")).stdout
        assert outcomes.count('"outcome": "answered"') == 2
    assert place.bot.most_pollers == 1


@pytest.mark.parametrize("supervisor", SUPERVISORS[:2])
async def test_a_supervisor_is_known_and_starts_again_what_was_asked_to_begin_anew(place, supervisor):
    place.configure(f"admins = [{ADA}]\n")
    service = supervisor(place)
    async with service.supervised():
        await service.ready(1)
        place.bot.push(ADA, "/restart")
        await service.ready(2)
        with trio.fail_after(8):
            await place.bot.until(lambda: place.bot.texts(ADA) == [sentences.RESTARTING, sentences.BACK])
        assert "code=75" in service.said("stopped")[0]
        assert "itself" not in service.said("restarting")[0]
    assert place.bot.most_pollers == 1
