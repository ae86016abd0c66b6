"""The daemon as a service of a supervisor that looks through a folder: runit, s6."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event

from hermes_trio.daemon.service.files import NAME, Service, runit_files, s6_files
from hermes_trio.daemon.service.install import (
    ServiceFailed,
    Tell,
    do,
    have_user,
    let_read,
    must_be_ours,
    must_run_as,
    tried,
    write,
)

AGAIN_S = 0.1
TRIES = 100
LONGEST_STOP_S = 3600
"""How long a stop is waited for. The daemon ends by itself long before: only its configuration says when,
and that may be wrong by now."""


class Scanned:
    """A supervisor that looks through a folder of service folders: runit, s6."""

    files: Callable[[Service], Mapping[str, str]]
    _scanner: str
    _shows: Sequence[str]
    _starts: Sequence[str]
    _stops: Sequence[str]

    def __init__(self, folder: Path) -> None:
        self._scan = folder
        self._folder = folder / NAME

    def texts(self, service: Service) -> Mapping[Path, str]:
        """The files of the service folder."""
        return {self._folder / name: text for name, text in type(self).files(service).items()}

    def install(self, service: Service, tell: Tell) -> None:
        """Put a whole service folder in its place, at once."""
        if not self._scan.is_dir():
            raise ServiceFailed(f"{self._scan} is no folder: name the one that the supervisor looks through")
        must_be_ours(self._folder / "run")
        if service.run_as and os.geteuid() == 0:
            have_user(service, tell)
            let_read(service)
            must_run_as(service)
        if self._folder.exists():
            for path, text in self.texts(service).items():
                write(path, text, program=path.name in ("run", "finish"))
            if self._looked_after(self._folder):
                self._again()
            else:
                self._look(tell)
        else:
            new = self._scan / f".{NAME}.new"
            shutil.rmtree(new, ignore_errors=True)
            for path, text in self.texts(service).items():
                part = new / path.relative_to(self._folder)
                part.parent.mkdir(parents=True, exist_ok=True)
                write(part, text, program=path.name in ("run", "finish"))
            new.rename(self._folder)
            self._look(tell)
        tell(f"written: {self._folder}")

    def uninstall(self, tell: Tell) -> None:
        """Stop it, and remove the service folder."""
        self._must_be_installed()
        must_be_ours(self._folder / "run")
        gone = self._scan / f".{NAME}.gone"
        shutil.rmtree(gone, ignore_errors=True)
        self._end(gone)
        shutil.rmtree(gone)
        tell(f"removed: {self._folder}")

    def logs(self, *, follow: bool) -> Sequence[str]:
        """The end of what its logger keeps."""
        self._must_be_installed()
        kept = self._folder / "log/main/current"
        if not kept.exists():
            raise ServiceFailed(f"{kept} is not there: {self._not_seen()}")
        return ["tail", "-n", "100", *(["-F"] if follow else []), str(kept)]

    def status(self) -> Sequence[str]:
        """The command that shows how it is."""
        self._must_be_seen()
        return [*self._shows, str(self._folder)]

    def start(self) -> None:
        """Have it run."""
        self._must_be_seen()
        do(*self._starts, str(self._folder))

    def stop(self) -> None:
        """Have it stop, and return when it has."""
        self._must_be_seen()
        do(*self._stops, str(self._folder))

    def _must_be_installed(self) -> None:
        if not self._folder.exists():
            raise ServiceFailed(f"{self._folder} is not there: nothing is installed")

    def _must_be_seen(self) -> None:
        self._must_be_installed()
        if not self._looked_after(self._folder):
            raise ServiceFailed(f"the service is installed and has not been started: {self._not_seen()}")

    def _not_seen(self) -> str:
        return f"{self._scanner} does not look through {self._scan}, or has not looked yet"

    def _looked_after(self, folder: Path) -> bool:
        """Whether a supervisor has seen the service folder, and is still there."""
        raise NotImplementedError

    def _look(self, tell: Tell) -> None:
        """Have the supervisor see that there is a new folder, if it runs."""

    def _again(self) -> None:
        """Have it start with what is written now."""
        raise NotImplementedError

    def _end(self, gone: Path) -> None:
        """Stop it, move its folder to `gone`, and return when nothing uses that any more."""
        raise NotImplementedError


class Runit(Scanned):
    """runit: `runsvdir` sees within five seconds what is new."""

    files = staticmethod(runit_files)
    _scanner = "runsvdir"
    _shows = ("sv", "status")
    _starts = ("sv", "start")
    _stops = ("sv", "-w", f"{LONGEST_STOP_S}", "stop")

    def _looked_after(self, folder: Path) -> bool:
        done = tried("sv", "status", str(folder))
        return done is not None and done.returncode == 0

    def _look(self, tell: Tell) -> None:
        tell(f"runsvdir starts it within five seconds, if {self._scan} is the folder it looks through")

    def _again(self) -> None:
        do("sv", "term", str(self._folder))
        do("sv", "up", str(self._folder))  # term alone leaves one that is down as it is

    def _end(self, gone: Path) -> None:
        self._folder.rename(gone)
        if self._looked_after(gone):
            do("sv", "-w", f"{LONGEST_STOP_S}", "force-shutdown", str(gone))


class S6(Scanned):
    """s6: `s6-svscan` is told to look."""

    files = staticmethod(s6_files)
    _scanner = "s6-svscan"
    _shows = ("s6-svstat",)
    _starts = ("s6-svc", "-wu", "-u")
    _stops = ("s6-svc", "-wD", "-T", f"{1000 * LONGEST_STOP_S}", "-d")

    def _looked_after(self, folder: Path) -> bool:
        done = tried("s6-svok", str(folder))
        return done is not None and done.returncode == 0

    def _look(self, tell: Tell) -> None:
        if not self._scans():
            tell(f"s6-svscan does not run for {self._scan}: the service starts when it does")
            return
        do("s6-svscanctl", "-a", str(self._scan))

    def _scans(self) -> bool:
        """Whether a supervisor looks through the folder. Raises ServiceFailed where there is no s6."""
        done = tried("s6-svscanctl", str(self._scan))  # without an option it only tries the control
        if done is None:
            raise ServiceFailed("there is no s6-svscanctl here")
        return done.returncode == 0

    def _again(self) -> None:
        do("s6-svc", "-ru", str(self._folder))

    def _end(self, gone: Path) -> None:
        if self._looked_after(self._folder):
            do(*self._stops, str(self._folder))
        self._folder.rename(gone)
        if not self._scans():
            return
        do("s6-svscanctl", "-an", str(self._scan))
        # Whoever supervised them goes after that, and writes in their folders until then.
        for folder in (gone, gone / "log"):
            for _ in range(TRIES):
                if not self._looked_after(folder):
                    break
                Event().wait(AGAIN_S)
