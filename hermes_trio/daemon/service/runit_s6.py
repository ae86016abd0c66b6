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


class Scanned:
    """A supervisor that looks through a folder of service folders: runit, s6."""

    files: Callable[[Service], Mapping[str, str]]

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

    def uninstall(self, service: Service, tell: Tell) -> None:
        """Stop it, and remove the service folder."""
        if not self._folder.exists():
            raise ServiceFailed(f"{self._folder} is not there: nothing is installed")
        must_be_ours(self._folder / "run")
        gone = self._scan / f".{NAME}.gone"
        shutil.rmtree(gone, ignore_errors=True)
        self._end(gone, service.limit_s)
        shutil.rmtree(gone)
        tell(f"removed: {self._folder}")

    def logs(self, *, follow: bool) -> Sequence[str]:
        """The end of what its logger keeps."""
        return ["tail", "-n", "100", *(["-F"] if follow else []), str(self._folder / "log/main/current")]

    def status(self) -> Sequence[str]:
        """The command that shows how it is."""
        raise NotImplementedError

    def _looked_after(self, folder: Path) -> bool:
        """Whether a supervisor has seen the service folder, and is still there."""
        raise NotImplementedError

    def _look(self, tell: Tell) -> None:
        """Have the supervisor see that there is a new folder, if it runs."""

    def _again(self) -> None:
        """Have it start with what is written now."""
        raise NotImplementedError

    def _end(self, gone: Path, limit_s: float) -> None:
        """Stop it, move its folder to `gone`, and return when nothing uses that any more."""
        raise NotImplementedError


class Runit(Scanned):
    """runit: `runsvdir` sees within five seconds what is new."""

    files = staticmethod(runit_files)

    def status(self) -> Sequence[str]:
        """`sv status`."""
        return ["sv", "status", str(self._folder)]

    def _looked_after(self, folder: Path) -> bool:
        done = tried("sv", "status", str(folder))
        return done is not None and done.returncode == 0

    def _look(self, tell: Tell) -> None:
        tell(f"runsvdir starts it within five seconds, if {self._scan} is the folder it looks through")

    def _again(self) -> None:
        do("sv", "term", str(self._folder))

    def _end(self, gone: Path, limit_s: float) -> None:
        self._folder.rename(gone)
        if self._looked_after(gone):
            do("sv", "-w", f"{limit_s:.0f}", "force-shutdown", str(gone))


class S6(Scanned):
    """s6: `s6-svscan` is told to look."""

    files = staticmethod(s6_files)

    def status(self) -> Sequence[str]:
        """`s6-svstat`."""
        return ["s6-svstat", str(self._folder)]

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
        do("s6-svc", "-r", str(self._folder))

    def _end(self, gone: Path, limit_s: float) -> None:
        if self._looked_after(self._folder):
            do("s6-svc", "-wD", "-T", f"{limit_s * 1000:.0f}", "-d", str(self._folder))
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
