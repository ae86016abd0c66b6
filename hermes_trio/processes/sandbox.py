"""What a program sees of the machine: bubblewrap (0.8 or newer) gives it a world of its own.

A program has the system's programs for reading, an empty /tmp and /dev/shm, one folder that it may write, and
no network unless it is given. It has no home of anybody's, no state_dir, no socket and no memory of the
gateway's, and sees no process but those that it started itself. All of them are killed with the first process
of this world, which no program in it can end or hide. https://github.com/containers/bubblewrap
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Sequence
from shutil import which

from msgspec import Struct

from hermes_trio.values.files import Mount

INSIDE = "/workspace"
"""Where a program finds the folder that it may write, and where it begins."""

USER = "1000"
_SYSTEM = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
_ETC = (
    *("alternatives", "ca-certificates", "fonts", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "localtime"),
    *("mime.types", "nsswitch.conf", "pki", "protocols", "services", "ssl", "timezone"),
)
_ETC_OF_NETWORK = ("host.conf", "hosts", "resolv.conf")
_NEEDED = {"bwrap": "bubblewrap", "prlimit": "util-linux", "choom": "util-linux"}
"""Programs it is made with, and the packages that have them."""

TRIED_S = 10.0
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Sandbox(Struct, frozen=True, kw_only=True):
    """How programs are kept apart.

    bubblewrap could end with its parent. That is the thread that started it, and threads come and go.

    Args:
        network: they may use the network of the machine.
        mounts: what they see in their folder beside its own files.
        memory_mib: how much each may write in memory that is its own; and in /tmp, and in /dev/shm.
        programs: how many may run at once, threads counted.
        file_mib: how large a file may become.
    """

    network: bool = False
    mounts: tuple[Mount, ...] = ()
    memory_mib: int = 2048
    programs: int = 256
    file_mib: int = 256

    def command(self, argv: Sequence[str], folder: str) -> list[str]:
        """What is started so that a program runs in it.

        Args:
            folder: the one that it may write, on the machine.

        Raises:
            FileNotFoundError: this machine has no program for it. The text says which package has it.
        """
        return [
            *self._tool("choom", "-n", "1000", "--"),
            *self._tool(
                "bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--uid", USER, "--gid", USER
            ),
            *(("--share-net",) if self.network else ()),
            *("--cap-drop", "ALL", "--hostname", "sandbox"),
            *_system(),
            *_etc(network=self.network),
            *("--proc", "/proc", "--dev", "/dev", "--dir", "/run"),
            *self._in_memory("/dev/shm", "/tmp"),  # noqa: S108
            *("--bind", folder, INSIDE),
            *self._mounts(),
            *("--remount-ro", "/dev", "--remount-ro", "/"),  # they are memory too, and have no limit
            *("--chdir", INSIDE, "--setenv", "HOME", INSIDE, "--setenv", "TMPDIR", "/tmp"),  # noqa: S108
            *("--setenv", "PATH", PATH, "--setenv", "USER", "user", "--setenv", "LOGNAME", "user", "--"),
            *self._tool("prlimit", f"--data={self.memory_mib << 20}", f"--nproc={self.programs}"),
            *(f"--fsize={self.file_mib << 20}", "--core=0", "--"),
            *argv,
        ]

    def _in_memory(self, *folders: str) -> Iterator[str]:
        """What is written there counts as no program's memory: Linux would lend half of the machine's to
        each."""
        for folder in folders:
            yield from ("--size", str(self.memory_mib << 20), "--tmpfs", folder)

    def _mounts(self) -> Iterator[str]:
        for mount in self.mounts:
            yield from ("--bind" if mount.writable else "--ro-bind", mount.path, f"{INSIDE}/{mount.name}")

    @staticmethod
    def _tool(name: str, *options: str) -> Iterator[str]:
        found = which(name, path=PATH)
        if found is None:
            raise FileNotFoundError(
                f"programs are run in a sandbox, and this machine has no {name}: install the package"
                f' {_NEEDED[name]}, or run them without one by [tools] sandbox = "none"'
            )
        yield found
        yield from options


def missing() -> Sequence[str]:
    """The packages that this machine lacks for it."""
    return sorted({package for name, package in _NEEDED.items() if which(name, path=PATH) is None})


def refusal() -> str:
    """What this machine says to a sandbox with an empty program; empty: it makes one.

    A container, or a kernel without user namespaces for all, may refuse it.
    """
    command = Sandbox().command(["/bin/true"], "/usr")
    try:
        tried = subprocess.run(command, env={}, capture_output=True, timeout=TRIED_S, check=False)  # noqa: S603 - words of this page
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (tried.stderr.decode(errors="replace").strip() or "it failed") if tried.returncode else ""


def _system() -> Iterator[str]:
    yield from ("--ro-bind", "/usr", "/usr")
    for name in _SYSTEM:
        path = f"/{name}"
        if os.path.islink(path):
            yield from ("--symlink", os.readlink(path), path)
        elif os.path.isdir(path):
            yield from ("--ro-bind", path, path)


def _etc(*, network: bool) -> Iterator[str]:
    for name in (*_ETC, *(_ETC_OF_NETWORK if network else ())):
        yield from ("--ro-bind-try", f"/etc/{name}", f"/etc/{name}")
