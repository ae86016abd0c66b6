"""The Containerfile, taken apart, and its steps executed in a root of their own, without an engine.

As an engine has it: each stage is a root, RUN is a command in it, COPY brings files, and what the image is
started with becomes PID 1 under the user that the file names. The base image is this machine's Python; what
pip would fetch lies beside it.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
FILE = REPOSITORY / "Containerfile"
BASE, SITE = sys.base_prefix, sysconfig.get_path("purelib")
KNOWN = {"COPY", "RUN", "ENV", "USER", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}
PATH = f"{BASE}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
OFFLINE = {
    "PYTHONPATH": SITE,
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
}  # 0: none, as pip has it
BESIDE = f"/opt/hermes-trio/lib/python{sysconfig.get_python_version()}/site-packages:{SITE}"
"""Where a process finds what was installed, and then what would have been installed beside it."""
ENTER = """
root=$1; shift
for each in /usr /bin /sbin /lib /lib64 /dev "$1" "$2"; do
  [ -e "$each" ] || continue
  mkdir -p "$root$each"; mount --rbind "$each" "$root$each"
done
mkdir -p "$root/proc"; mount -t proc proc "$root/proc"
shift 2
exec chroot "$@"
"""
UNSHARE = ("unshare", "--mount", "--pid", "--fork", "--kill-child")


@dataclass
class Stage:
    """What stands between two FROM."""

    image: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def one(self, word):
        """The one step of this kind."""
        [rest] = [rest for each, rest in self.steps if each == word]
        return rest

    @property
    def environ(self):
        pairs = (pair for word, rest in self.steps if word == "ENV" for pair in shlex.split(rest))
        return dict(pair.split("=", 1) for pair in pairs)

    @property
    def health(self):
        """The command line that says whether it is well."""
        return json.loads(self.one("HEALTHCHECK").partition("CMD ")[2])

    @property
    def start(self):
        """The command line of PID 1."""
        return [*json.loads(self.one("ENTRYPOINT")), *json.loads(self.one("CMD"))]


def stages():
    """The stages of the file, in order. A word that an engine has and this has not is an error."""
    found = []
    lines = [line for line in FILE.read_text().splitlines() if line and not line.startswith("#")]
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            image, _, name = rest.partition(" AS ")
            found.append(Stage(image, name))
        else:
            assert word in KNOWN, line
            found[-1].steps.append((word, rest))
    return found


class Root:
    """A root folder that a stage is executed in."""

    def __init__(self, folder):
        self.folder = folder
        for each in ("etc", "opt", "tmp", "var/lib"):
            (folder / each).mkdir(parents=True)
        (folder / "tmp").chmod(0o1777)
        (folder / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
        (folder / "etc/shadow").write_text("root:*:1::::::\n")
        for name in ("group", "gshadow"):
            (folder / "etc" / name).write_text("root:x:0:\n" if name == "group" else "root:*::\n")

    def command(self, words, environ, user="0:0"):
        """A command line that runs this one as PID 1 in this root."""
        pairs = {"PATH": PATH, **environ}
        inside = ["env", "-i", *(f"{name}={value}" for name, value in pairs.items()), *words]
        enter = ["sh", "-euc", ENTER, "enter", str(self.folder), BASE, SITE]
        return [*UNSHARE, *enter, f"--userspec={user}", str(self.folder), *inside]

    def build(self, stage, before):
        """Execute the steps of a stage; `before` are the roots of those before it, by name."""
        for word, rest in stage.steps:
            if word == "COPY":
                self._copy(rest, before)
            elif word == "RUN":
                done = subprocess.run(
                    self.command(["sh", "-c", rest], OFFLINE), capture_output=True, text=True, check=False
                )
                assert done.returncode == 0, f"RUN {rest}\n{done.stdout}{done.stderr}"

    def _copy(self, rest, before):
        source = REPOSITORY
        if rest.startswith("--from="):
            name, _, rest = rest.removeprefix("--from=").partition(" ")
            source = before[name].folder
        *files, to = rest.split()
        for file in files:
            there = source / file.lstrip("/")
            here = self.folder / to.lstrip("/") / ("" if there.is_dir() else there.name)
            here.parent.mkdir(parents=True, exist_ok=True)
            if there.is_dir():
                left_out = shutil.ignore_patterns("__pycache__")
                shutil.copytree(there, here, symlinks=True, dirs_exist_ok=True, ignore=left_out)
            else:
                shutil.copy2(there, here)
