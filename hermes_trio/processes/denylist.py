"""The denylist: shell commands that are refused, whatever is configured and whoever asks.

It is no sandbox. It keeps a model's mistake from erasing or stopping the machine. Whoever wants to get past
it can: by a script, an interpreter, a name that is put together at run time. What a process may do is
decided by the user it runs as, and by the operator who enabled the tool.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile

from hermes_trio.processes.needed_folders import HOME, NeededFolders, entered

DEEPEST = 8
CHARS_MAX = 32 * 1024
"""A longer command is refused unread: a long script belongs in a file."""

NESTED = "it is nested too deeply to be looked at"
LOOKS_MAX = 256
CHARS_LOOKED_AT_MAX = 2 * CHARS_MAX
_DEFINED = re.compile(r"(?<![\w:.])([\w:.]{1,64})\s{0,8}\(\s{0,8}\)\s{0,8}\{")
_INTO_ITSELF = re.compile(r"(?<![\w:.])([\w:.]{1,64}+)\s{0,8}\|\s{0,8}&?\s{0,8}\1(?![\w:.])")
_SUBSTITUTION = re.compile(r"\$\(|`|<\(|>\(")
_TO_DEVICE = re.compile(r">{1,2}\|?\s*[\"']?/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|mapper/|dm-|md\d)")
_DEVICE = re.compile(r"/dev/(?:sd|hd|vd|xvd|nvme|mmcblk|disk|mapper/|dm-|md\d|loop\d|mem|kmem|port)")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*\+?=")
_WORD = re.compile(r"""(?:[^\s;&|()<>`'"\\]+|\\.|'[^']*'|"[^"\\]*(?:\\.[^"\\]*)*")+""", re.DOTALL)
_PIECE = re.compile(r"""\\.|'[^']*'|"[^"\\]*(?:\\.[^"\\]*)*\"""", re.DOTALL)
_ESCAPED = re.compile(r"""\\(["\\$`])""")
_BETWEEN = re.compile(r"[ \t\r\f\v]+|\n|[;&|()`]+|[<>]+|\s")
_ENDS = frozenset(";&|()`\n")
_WORDS_BEFORE = frozenset(
    {"if", "then", "else", "elif", "while", "until", "do", "!", "time", "coproc", "{", "("}
)
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "fish", "su", "busybox"})
# Programs that run the command in their arguments, and their options that take a value.
_WRAPPERS: dict[str, str] = {
    "sudo": "ugCDhpRrTt",
    "doas": "uC",
    "env": "uCS",
    "nohup": "",
    "nice": "n",
    "ionice": "cnp",
    "setsid": "",
    "stdbuf": "ioe",
    "timeout": "ks",
    "time": "fo",
    "command": "",
    "builtin": "",
    "exec": "a",
    "xargs": "adEIiLlnPs",
    "chroot": "",
    "unshare": "",
    "busybox": "",
    "toybox": "",
    "watch": "n",
    "strace": "oe",
}
# Options of `find` with which it picks out some of what is there.
_PICKS = (
    *("-name", "-iname", "-path", "-ipath", "-wholename", "-iwholename", "-regex", "-iregex", "-lname"),
    *("-empty", "-size", "-user", "-group", "-perm", "-inum", "-samefile", "-newer", "-links"),
    *("-amin", "-atime", "-cmin", "-ctime", "-mmin", "-mtime"),
)
_STOPS_MACHINE = frozenset({"shutdown", "reboot", "halt", "poweroff", "killall5"})
_SYSTEMCTL = frozenset({"poweroff", "reboot", "halt", "kexec", "suspend", "hibernate", "rescue", "emergency"})


def refused(command: str) -> str | None:
    """Why this shell command is refused; None: it is not.

    Pure, and never raises. What cannot be taken apart as a shell does is checked word by word as it stands.
    """
    if len(command) > CHARS_MAX:
        return f"it is too long to be looked at; at most {CHARS_MAX} characters, the rest belongs in a file"
    flat = command.replace("\\\n", "")
    if not set(_INTO_ITSELF.findall(flat)).isdisjoint(_DEFINED.findall(flat)):
        return "it is a fork bomb"
    if _TO_DEVICE.search(flat):
        return "it writes over a disk"
    return _look(flat, 0, HOME, _Budget())


class _Budget:
    """How much may be looked at for one command, with all commands within it. What needs more is refused."""

    def __init__(self) -> None:
        self.folders = NeededFolders()
        self._looks = LOOKS_MAX
        self._chars = CHARS_LOOKED_AT_MAX

    def spend(self, chars: int) -> bool:
        """Take the cost of one look at so many characters; whether there was enough left for it."""
        self._looks -= 1
        self._chars -= chars
        return self._looks >= 0 and self._chars >= 0


def _look(command: str, depth: int, folder: str | None, budget: _Budget) -> str | None:
    if depth > DEEPEST or not budget.spend(len(command)):
        return NESTED
    for inner in _substitutions(command):
        if (why := _look(inner, depth + 1, folder, budget)) is not None:
            return why
    folders = [folder]
    for words in _simple_commands(command):
        if words == ["("]:
            folders.append(folders[-1])
        elif words == [")"]:
            folders.pop()
            folders = folders or [folder]
        elif (why := _judge(words, depth, folders[-1], budget)) is not None:
            return why
        elif words and words[0] in ("cd", "pushd"):
            folders[-1] = entered(words[1:], folders[-1])
    return None


def _substitutions(command: str) -> Iterator[str]:
    """The commands in `$(...)`, backquotes and process substitutions; the outermost ones only."""
    at = 0
    while (found := _SUBSTITUTION.search(command, at)) is not None:
        start = found.end()
        if found.group() == "`":
            end = command.find("`", start)
            end = len(command) if end < 0 else end
        else:
            end, open_ = start, 1
            while end < len(command) and open_:
                open_ += {"(": 1, ")": -1}.get(command[end], 0)
                end += 1
            end -= open_ == 0
        yield command[start:end]
        at = end + 1


def _simple_commands(command: str) -> Iterator[list[str]]:
    """The words of each simple command, quotes and backslashes taken away."""
    words: list[str] = []
    at = 0
    while at < len(command):
        found = _WORD.match(command, at)
        if found is not None:
            words.append(_PIECE.sub(_bare, found.group()))
        elif (found := _BETWEEN.match(command, at)) is None:
            # A quote that is not closed: a shell would refuse it. Look at the words all the same.
            words += command.split()
            break
        elif found.group()[0] in _ENDS:
            yield words
            words = []
            yield from ([sign] for sign in found.group() if sign in "()")
        at = found.end()
    yield words


def _bare(piece: re.Match[str]) -> str:
    """A quoted or escaped piece of a word, as a shell reads it."""
    text = piece.group()
    if text[0] == "'":
        return text[1:-1]
    if text[0] == '"':
        return _ESCAPED.sub(r"\1", text[1:-1])
    return text[1:]


def _judge(words: Sequence[str], depth: int, folder: str | None, budget: _Budget) -> str | None:
    """Why a simple command, or a command that it runs itself, is refused; None: it is not."""
    if depth > DEEPEST:
        return NESTED
    left = list(words)
    while left and (_ASSIGNMENT.match(left[0]) or left[0] in _WORDS_BEFORE):
        del left[0]
    if not left:
        return None
    name, arguments = left[0].rpartition("/")[2], left[1:]
    if name in _WRAPPERS:
        why = _judge(_wrapped(name, arguments), depth + 1, folder, budget)
        if why is not None:
            return why
    if name == "env" or name in _SHELLS or name in ("eval", "watch"):
        for text in _commands_in(name, arguments):
            if (why := _look(text, depth + 1, folder, budget)) is not None:
                return why
    if name == "find" and (why := _find(arguments, depth, folder, budget)) is not None:
        return why
    return _below(name, arguments, folder, budget.folders)


def _wrapped(name: str, arguments: Sequence[str]) -> list[str]:
    """The command that a program like sudo is given."""
    left = list(arguments)
    while left:
        word = left[0]
        if word.startswith("--") or _ASSIGNMENT.match(word):
            del left[0]
        elif word.startswith("-") and len(word) > 1:
            takes = word[-1] in _WRAPPERS[name] and len(word) == 2
            del left[: 2 if takes else 1]
        elif name in ("timeout", "chroot") and len(left) > 1:
            del left[0]
            break
        else:
            break
    return left


def _commands_in(name: str, arguments: Sequence[str]) -> Iterator[str]:
    """Arguments that are commands themselves: of `sh -c`, of `eval`, of `env -S`."""
    if name in ("eval", "watch"):
        yield " ".join(arguments)
        return
    short = "S" if name == "env" else "c"
    for word, following in zip(arguments, [*arguments[1:], ""], strict=False):
        flags = word[1:] if word.startswith("-") and not word.startswith("--") else ""
        if short in flags or word in ("--command", "--split-string"):
            yield following
        elif word.startswith(("--command=", "--split-string=")):
            yield word.partition("=")[2]


def _find(arguments: Sequence[str], depth: int, folder: str | None, budget: _Budget) -> str | None:
    root = _searched(arguments, folder, budget.folders)
    if "-delete" in arguments and root is not None:
        return "it erases a system folder"
    for index, word in enumerate(arguments):
        if word in ("-exec", "-execdir", "-ok", "-okdir"):
            inner = list(arguments[index + 1 :])
            if not budget.spend(sum(map(len, inner)) + len(inner)):
                return NESTED
            if root is not None and (root == "." or root in arguments[:index]):
                inner = [root if each == "{}" else each for each in inner]
            if (why := _judge(inner, depth + 1, folder, budget)) is not None:
                return why
    return None


def _searched(arguments: Sequence[str], folder: str | None, folders: NeededFolders) -> str | None:
    """The needed folder that `find` works on; None: none. It may pick out files of the folder it runs in."""
    for word in arguments:
        if folders.named(word, None):
            return word
    if any(word.startswith(_PICKS) for word in arguments):
        return None
    places = list(takewhile(lambda word: word[:1] not in ("-", "(", "!"), arguments)) or ["."]
    return next((word for word in places if folders.named(word, folder)), None)


def _below(name: str, arguments: Sequence[str], folder: str | None, folders: NeededFolders) -> str | None:
    if name in _STOPS_MACHINE or (name in ("init", "telinit") and set(arguments) & set("06")):
        return "it stops the machine"
    if name in ("systemctl", "loginctl") and set(arguments) & _SYSTEMCTL:
        return "it stops the machine"
    if name.startswith("mkfs") or name in ("wipefs", "mkswap", "blkdiscard"):
        return "it erases a disk"
    if name == "dd" and any(word.startswith("of=") and _DEVICE.match(word[3:]) for word in arguments):
        return "it writes over a disk"
    if name in ("shred", "tee", "cp", "mv", "sgdisk", "parted", "fdisk", "sfdisk", "truncate"):
        last = [word for word in arguments if not word.startswith("-")]
        if name in ("cp", "mv"):
            if name == "mv" and any(folders.named(word, folder) for word in last[:-1]):
                return "it moves a system folder away"
            last = last[-1:]
        if any(_DEVICE.match(word) for word in last):
            return "it writes over a disk"
    if name in ("rm", "chmod", "chown", "chgrp") and _is_recursive(name, arguments):
        aims = "--no-preserve-root" in arguments or any(
            folders.named(word, folder) for word in arguments if word[:1] != "-"
        )
        return f"it {'erases' if name == 'rm' else 'changes'} a system folder" if aims else None
    if name in ("kill", "pkill", "killall", "skill"):
        return _kills_all(name, arguments)
    return None


def _is_recursive(name: str, arguments: Sequence[str]) -> bool:
    short = "rR" if name == "rm" else "R"
    return any(
        word.startswith("--rec") or (word[:1] == "-" and word[:2] != "--" and set(word) & set(short))
        for word in arguments
    )


def _kills_all(name: str, arguments: Sequence[str]) -> str | None:
    targets = [word for word in arguments if word == "--" or not word.startswith("-")]
    if name == "kill":
        # A first -1 is the signal HUP; a second, or one after --, is every process there is.
        rest = list(arguments)
        if rest and rest[0] in ("-s", "-n"):
            rest = rest[2:]
        elif rest and rest[0].startswith("-") and rest[0] != "--":
            alone = len(rest) == 1 and rest[0] == "-1"
            rest = rest if alone else rest[1:]
        return "it kills every process" if "-1" in rest else None
    everything = {".", ".*", "*", ""} & {word for word in targets if word != "--"}
    by_user = any(word.startswith(("-u", "-U", "--user", "--euid", "--uid")) for word in arguments)
    bare_user = by_user and name in ("pkill", "killall", "skill") and len(targets) <= 1
    return "it kills every process" if everything or bare_user else None
