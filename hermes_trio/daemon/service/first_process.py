"""As the first process of a container, PID 1, the daemon is below a parent of its own.

Whoever's parent ends becomes a child of PID 1, which alone can take its exit code; till then it takes room in
the table of processes. The parent takes everybody's, so the daemon waits for nobody but whom it started. It
passes signals on and ends as the daemon ends; the kernel then ends what is left of the container.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import NoReturn

from hermes_trio.daemon.private_memory import be_unreadable, blank_environment

FAULTS = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
OF_A_TERMINAL = {signal.SIGTTIN, signal.SIGTTOU, signal.SIGTSTP}
HEARD = signal.valid_signals() - FAULTS - OF_A_TERMINAL - {signal.SIGKILL, signal.SIGSTOP}
KILLED = 128


def go_below_a_parent() -> None:
    """Return in a process that is not PID 1: in this one, or in a child of it that is to be the daemon."""
    if os.getpid() != 1:
        return
    # Blocked before there is a child, so that none of its signals is missed.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    daemon = os.fork()
    if daemon:
        _be_the_parent_of(daemon)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _be_the_parent_of(daemon: int) -> NoReturn:
    """It needs no secret, and everybody knows its number."""
    be_unreadable()
    blank_environment()
    os.environ.clear()
    while True:
        came = signal.sigwaitinfo(HEARD)
        if came.si_signo == signal.SIGCHLD:
            _take_codes(daemon)
        elif came.si_code <= 0:
            # Somebody sent it to this process. What the kernel sends, for a terminal, the daemon gets too.
            os.kill(daemon, came.si_signo)


def _take_codes(daemon: int) -> None:
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == daemon:
                code = os.waitstatus_to_exitcode(ended[1])
                os._exit(code if code >= 0 else KILLED - code)
