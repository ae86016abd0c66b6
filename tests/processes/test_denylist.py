"""The floor under what a model may have run: what is below it, however it is spelled, and what is not."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hermes_trio.processes.denylist import CHARS_MAX, refused

BELOW = [
    "rm -rf /",
    "rm -r -f /",
    "rm -fr //",
    "rm -rf /*",
    "rm -rf /.",
    "rm -rf /tmp/../",
    "rm --recursive --force /",
    "rm -rf --no-preserve-root build",
    "/bin/rm -rf /",
    "'rm' -rf /",
    '"r"m -rf "/"',
    "r\\m -rf /",
    "rm -rf \\\n/",
    "rm -rf ~",
    "rm -rf $HOME",
    'rm -rf "${HOME}/"',
    "rm -rf ~/*",
    "rm -rf /home/ada",
    "rm -rf *",
    "rm -rf .",
    "rm -rf ./*",
    "rm -rf .*",
    "rm -rf ..",
    "rm -rf $PWD",
    "rm -rf build/../*",
    "cd && rm -rf *",
    "cd / && rm -rf *",
    "cd /tmp; cd ~; rm -rf .",
    "(cd / ; rm -rf .)",
    "(cd build; make); rm -rf *",
    "cd build && cd .. && rm -rf *",
    "cd build && rm -rf /*",
    "rm -rf {/etc,/usr}",
    "rm -rf /{etc,tmp}",
    "rm -rf /e*",
    "rm -rf /[a-z]*",
    "rm -rf /usr/l?b",
    "rm -rf /home/*",
    "rm -rf ${HOME:?}/",
    "rm -rf ~ada/",
    "sh -c 'rm -rf *'",
    "find -delete",
    "find . -delete",
    "find . -type f -delete",
    "find . -exec rm -rf {} +",
    "find / -name core -delete",
    "chmod -R u+w .",
    "mv * /tmp",
    "rm -Rf /etc /tmp/x",
    "rm -rf /usr/",
    "sudo rm -rf /",
    "sudo -u root rm -rf /",
    "sudo -n -- rm -rf /",
    "env A=1 rm -rf /",
    "A=1 rm -rf /",
    "env -i rm -rf /",
    "env -S 'rm -rf /'",
    "nohup nice -n 5 rm -rf /",
    "timeout 5 rm -rf /",
    "timeout -k 1 5 rm -rf /",
    "exec rm -rf /",
    "command rm -rf /",
    "busybox rm -rf /",
    "sh -c 'rm -rf /'",
    "bash -lc 'rm -rf /'",
    "sh -c \"sh -c 'rm -rf /'\"",
    "su -c 'rm -rf /'",
    "eval 'rm -rf /'",
    "echo / | xargs rm -rf /etc",
    "find / -delete",
    "find /etc -exec rm -rf {} +",
    "ls; rm -rf /",
    "ls\nrm -rf /",
    "ls&&rm -rf /",
    "true||rm -rf /",
    "ls|rm -rf /",
    "ls & rm -rf /",
    "(rm -rf /)",
    "{ rm -rf /; }",
    "if true; then rm -rf /; fi",
    "while ! rm -rf /; do :; done",
    "echo $(rm -rf /)",
    "echo `rm -rf /`",
    'echo "$(rm -rf /)"',
    "cat <(rm -rf /)",
    "echo $(echo $(rm -rf /))",
    "chmod -R 000 /",
    "chown -R ada /usr",
    "mv /etc /tmp",
    "mkfs /dev/sda1",
    "mkfs.ext4 -F /dev/sda1",
    "/sbin/mkfs.xfs /dev/vdb",
    "wipefs -a /dev/sda",
    "dd if=/dev/zero of=/dev/sda bs=1M",
    "sudo dd of=/dev/nvme0n1 if=x",
    "cat x > /dev/sda",
    "echo x >>/dev/vda1",
    "cat x | tee /dev/sdb",
    "shred /dev/sda",
    "cp x /dev/sda",
    "shutdown -h now",
    "/sbin/reboot",
    "sudo poweroff",
    "halt",
    "init 0",
    "telinit 6",
    "systemctl poweroff",
    "systemctl -i reboot",
    "kill -9 -1",
    "kill -1",
    "kill -s KILL -1",
    "kill -- -1",
    "killall5 -9",
    "pkill -9 -u ada",
    "pkill .",
    ":(){ :|:& };:",
    ":() { : | : & } ; :",
    "bomb(){ bomb|bomb& };bomb",
    "function f() { f | f & }; f",
    "f() { echo ${1}; { f | f; } & }; f",
]
ALLOWED = [
    "rm -rf build",
    "rm -rf ./build /tmp/work",
    "rm -rf /home/ada/project/build",
    "rm -rf /var/tmp/x",
    "rm /tmp/file",
    "rm -f ~/notes.txt",
    "rm -rf ~/project/build",
    "rm -rf $HOME/.cache/thing",
    "ls -R /",
    "find / -name core",
    "find build -delete",
    "cd build && find . -delete",
    "find . -name '*.pyc' -delete",
    "find . -empty -exec rm -rf {} +",
    "cd build && rm -rf *",
    "cd ~/project; rm -rf .",
    "cd /tmp/work && rm -rf ./*",
    "cd $WORK && rm -rf *",
    "cd - && rm -rf .",
    "(cd build && rm -rf *)",
    "rm -f *",
    "rm -rf *.log",
    "rm -rf build/*",
    "rm -rf /tmp/*",
    "rm -rf /x*",
    "rm -rf {build,dist}",
    "rm -rf $BUILD",
    "rm -rf ''",
    "mv *.txt notes",
    "find build -exec rm -rf {} +",
    "echo rm -rf /",
    "echo 'rm -rf /' > note.txt",
    "git commit -m 'do not rm -rf /'",
    "grep -r reboot .",
    "make reboot-test",
    "dd if=/dev/zero of=disk.img bs=1M count=1",
    "echo x > /dev/null",
    "make 2>/dev/null | tee out.txt",
    "chmod -R u+w build",
    "chmod 644 /etc",
    "kill -9 1234",
    "kill -1 1234",
    "kill %1",
    "kill -HUP -- -1234",
    "pkill -f server.py",
    "systemctl status reboot.target",
    "init_db 0",
    "f() { echo hi; }; f",
    "f() { cat | cat; }; f | g",
    "for x in a b; do echo $x; done",
    "mv /etc/hosts.new /tmp/x",
    "echo 'unclosed",
    "env",
    "env A=1",
    "sh",
    "bash script.sh",
    "sudo",
    "xargs",
    "timeout 5",
    "find",
    "kill",
    "",
]


@pytest.mark.parametrize("command", BELOW)
def test_below_the_floor(command):
    assert refused(command)


@pytest.mark.parametrize("command", ALLOWED)
def test_above_it(command):
    assert refused(command) is None


WORDS = [
    "rm",
    "-rf",
    "/",
    "env",
    "sh",
    "-c",
    "sudo",
    "eval",
    "find",
    "-exec",
    "kill",
    "-1",
    "timeout",
    ";",
    "$(",
    ")",
]


HOSTILE = {
    "definitions": "a(){",
    "bombs that are none": "a(){a|b;",
    "pipes": "a|",
    "wrappers": "sudo ",
    "substitutions": "$(",
    "backquotes": "`a` ",
    "evaluations": "eval ",
    "searches": "find / -exec rm {} ",
    "folders": "/a/..",
    "patterns": "/e?x* ",
    "braces": "{a,b}",
    "cds": "cd a;",
    "searches of folders": "find . ",
    "quotes": "'a' ",
    "words": "a ",
    "separators": ";",
    "backslashes": "\\",
    "one word": "QUJD",
}


@pytest.mark.parametrize("before", ["echo", "rm -rf", "find"])
@pytest.mark.parametrize("kind", HOSTILE)
def test_the_look_ends_soon(kind, before):
    for size in (CHARS_MAX // 2, CHARS_MAX, 1 << 20):
        command = f"{before} " + HOSTILE[kind] * (size // len(HOSTILE[kind]) - 5)
        began = time.process_time()
        refused(command)
        assert time.process_time() - began < 0.6  # 0.06 s of a slow machine at the most; it was 8 s


def test_what_is_too_long_or_too_deep_to_be_looked_at_is_refused():
    assert "too long" in refused("cat <<E\n" + "x" * CHARS_MAX)
    assert "deeply" in refused("sudo " * 20 + "ls")
    assert "deeply" in refused("$(" * 20 + "ls")
    assert refused("sudo nice env timeout 5 nohup ls") is None


@given(some.text(alphabet=some.sampled_from("rm -f/;&|()$`'\"\\\n{}<>=x1"), max_size=60))
def test_whatever_is_written_it_has_an_answer(command):
    assert refused(command) is None or isinstance(refused(command), str)


@given(some.lists(some.sampled_from(WORDS), max_size=8).map(" ".join))
def test_whatever_words_are_written_it_has_an_answer(command):
    assert refused(command) is None or isinstance(refused(command), str)
