"""A program in its sandbox tries to get out in every way it can think of."""

import os
import shutil
import socket
import subprocess
import sys
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
import trio

from hermes_trio.processes.environment import PROCESS, process_environment
from hermes_trio.processes.proc_files import living
from hermes_trio.processes.sandbox import Sandbox, missing, refusal
from hermes_trio.processes.system import SystemProcesses
from hermes_trio.values.files import Mount
from tests.processes.machine import text_of

SECRET = "sk-the-secret-of-the-gateway"


def cannot_be_made():
    if missing():
        return f"not installed: {' '.join(missing())}"
    return refusal()


pytestmark = pytest.mark.skipif(bool(cannot_be_made()), reason=f"no sandbox here: {cannot_be_made()}")


class House:
    """What a gateway has on its machine, and programs in a sandbox beside it."""

    def __init__(self, folder):
        self.state_dir = folder / "state"
        self.workspace = self.state_dir / "workspaces" / "7"
        self.workspace.mkdir(parents=True)
        (self.state_dir / "hermes.db").write_text(SECRET)
        (self.state_dir / "websocket.token").write_text(SECRET)
        (self.state_dir / "workspaces" / "8").mkdir()
        (self.state_dir / "workspaces" / "8" / "other.txt").write_text(SECRET)
        self.shelf = folder / "shelf"
        self.shelf.mkdir()
        (self.shelf / "rules.txt").write_text("be kind\n")
        self.mark = f"test{os.getpid()}{folder.name.replace('_', '')}"
        self.made = []

    async def run(self, command, **sandbox):
        """Its exit code and what it printed."""
        process = await self.start(command, **sandbox)
        with trio.fail_after(30):
            text = await text_of(process)
            code = await process.exited()
        return code, text

    async def start(self, command, **sandbox):
        env = process_environment(
            {"HOME": "/"}, mark=self.mark, boot=1, session=7, turn=1, process=len(self.made) + 1
        )
        processes = SystemProcesses(
            Sandbox(**{"mounts": (Mount(name="shelf", path=str(self.shelf)),), **sandbox})
        )
        process = await processes.start(command, env, stdin=False, folder=str(self.workspace))
        self.made.append((process, env[PROCESS]))
        return process

    def alive(self):
        return living(frozenset(), lambda entry: f"={self.mark}.".encode() in entry)

    async def close(self):
        for process, _ in self.made:
            process.signal("kill")
            with trio.fail_after(10):
                await process.gone()
            process.close()


@pytest.fixture
async def house(tmp_path):
    house = House(tmp_path)
    yield house
    await house.close()


async def test_it_works_in_its_folder_with_the_programs_of_the_system(house):
    code, text = await house.run(
        "pwd; echo hello > a.txt; cat a.txt shelf/rules.txt; python3 -c 'print(6*7)'; exit 3"
    )
    assert (code, text) == (3, "/workspace\nhello\nbe kind\n42\n")
    assert (house.workspace / "a.txt").read_text() == "hello\n"


async def test_it_sees_no_process_but_its_own_and_is_nobody(house):
    _, text = await house.run(
        "ls /proc | grep -c '^[0-9]'; id -u; hostname; grep CapEff /proc/self/status; env"
    )
    lines = text.split("\n")
    assert int(lines[0]) <= 6
    assert lines[1:4] == ["1000", "sandbox", "CapEff:\t0000000000000000"]
    assert "HOME=/workspace" in lines
    assert SECRET not in text


WAYS = {
    "the store": "cat {state}/hermes.db",
    "the token": "cat {state}/websocket.token",
    "another conversation": "cat {state}/workspaces/8/other.txt",
    "a way up": "cat ../8/other.txt ../../hermes.db $HOME/../8/other.txt",
    "a link to the store": "ln -s {state}/hermes.db l; cat l",
    "a hard link to the store": "ln {state}/hermes.db l; cat l",
    "a search of everything": "cd /; grep -rs sk-the-secret etc home mnt opt root run srv tmp var workspace",
    "the first process's world": "cat /proc/1/root{state}/hermes.db",
    "the first process's folder": "ls /proc/1/cwd/; cat /proc/1/cwd/../8/other.txt",
    "its descriptors": "timeout 1 cat /proc/1/fd/* </dev/null; timeout 1 cat /proc/self/fd/* </dev/null",
    "its environment": "cat /proc/[0-9]*/environ",
    "its memory": "head -c 100000000 /proc/1/mem; strings /proc/1/mem",
    "the kernel's memory": "cat /dev/mem /dev/kmem /proc/kcore",
    "the disk": "cat /dev/vda /dev/sda /dev/nvme0n1 | grep -a sk-the-secret; mknod d b 254 0; cat d",
    "a mount": "mount --bind / /mnt; mount -t proc p /tmp; cat /tmp/1/environ",
    "a namespace of its own": "unshare -Ur sh -c 'mount -t tmpfs t /tmp && cat {state}/hermes.db'",
    "the gateway's namespaces": "for p in 1 {pid}; do nsenter -t $p -a cat {state}/hermes.db; done",
    "a change of root": "chroot /proc/1/root cat {state}/hermes.db; chroot .. ls",
    "another user": "su root -c 'cat {state}/hermes.db' </dev/null; sudo -n cat {state}/hermes.db",
    "a program that becomes root": "cp /bin/cat c; chmod 6755 c; chown 0:0 c; ./c {state}/hermes.db",
    "the end of the gateway": "kill -9 {pid}; kill -9 -1; kill -9 1; pkill -9 -f python",
    "a look at the gateway": "gdb -p {pid} -batch; strace -p {pid} & sleep 0.1; cat /proc/{pid}/environ",
    "the system's programs": "echo x > /usr/bin/env; rm -rf /usr/bin /bin /lib; mv /usr /usr2",
    "the mount": "echo x > shelf/rules.txt; rm shelf/rules.txt; mv shelf s; rm -rf shelf",
    "a setting of the kernel": "echo 1 > /proc/sys/kernel/sysrq; sysctl -w kernel.panic=1",
    "a module": "insmod x.ko; modprobe dummy; cat /proc/kallsyms | head -1",
    "the machine's end": "reboot -f; poweroff -f; shutdown now; echo o > /proc/sysrq-trigger",
    "a terminal": "echo x > /dev/tty; timeout 1 cat /dev/pts/* /dev/console </dev/null",
    "a container's door": "ls /var/run/docker.sock /run/docker.sock /run/dbus/system_bus_socket /run/user",
    "a job for later": "echo '* * * * * x' | crontab -; at now; systemd-run true; touch /etc/cron.d/x",
    "a home": "cat ~root/.ssh/* ~root/.bashrc /etc/shadow",
    "a limit of its own": "ulimit -u unlimited; ulimit -c unlimited; prlimit --nproc=unlimited true",
}


@pytest.mark.parametrize("way", WAYS)
async def test_there_is_no_way_out(house, way):
    command = WAYS[way].format(state=house.state_dir, pid=os.getpid())
    _, text = await house.run(command)
    assert SECRET not in text
    assert (house.state_dir / "hermes.db").read_text() == SECRET
    assert (house.shelf / "rules.txt").read_text() == "be kind\n"
    assert shutil.which("env") is not None


async def test_it_has_no_network_unless_it_is_given(house):
    with socket.create_server(("127.0.0.1", 0)) as server:
        door = server.getsockname()[1]
        ask = f"""python3 -c 'import socket; socket.create_connection(("127.0.0.1", {door})); print("in")'"""
        assert "ConnectionRefused" in (await house.run(ask))[1]
        assert await house.run(ask, network=True) == (0, "in\n")


async def test_the_gateways_door_is_not_there(house):
    door = house.state_dir / "control.sock"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(door))
        server.listen()
        ask = f"""python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect("{door}")'"""
        _, text = await house.run(ask, network=True)
    assert "FileNotFoundError" in text


async def test_a_name_of_a_machine_is_not_asked_for(house):
    _, text = await house.run("""python3 -c 'import socket; print(socket.getaddrinfo("example.com", 80))'""")
    assert "gaierror" in text


def test_so_many_programs_and_no_more():
    """The kernel counts them for everybody but root, so somebody else starts them."""
    if os.getuid():
        pytest.skip("only root can be somebody else")
    with TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        command = "for n in $(seq 200); do sleep 3 & done"
        argv = Sandbox(programs=64).command(["/bin/sh", "-c", command], folder)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
        done = subprocess.run([*nobody, *argv], capture_output=True, text=True, timeout=30, check=False)
    assert "fork" in done.stderr
    assert done.returncode != 0


async def test_memory_and_files_have_an_end(house):
    _, text = await house.run("python3 -c 'x = bytearray(300 << 20)'", memory_mib=200)
    assert "MemoryError" in text
    code, _ = await house.run("head -c 5000000 /dev/zero > big", file_mib=2)
    assert code != 0
    assert (house.workspace / "big").stat().st_size <= 2 << 20


async def test_what_is_kept_in_memory_has_an_end(house):
    """A file there is memory of the machine that counts as no program's."""
    for folder, size in (("/tmp", "16777216"), ("/dev/shm", "16777216"), ("/workspace", "20000000")):
        _, text = await house.run(
            f"head -c 20000000 /dev/zero > {folder}/x; stat -c %s {folder}/x", memory_mib=16
        )
        assert text.splitlines()[-1] == size
    for folder in ("/", "/run", "/dev", "/etc"):
        assert (await house.run(f"echo > {folder}/x", memory_mib=16))[0] != 0


async def test_a_program_that_hides_ends_with_its_sandbox(house):
    """It leaves its group and session, forgets its environment, and takes no TERM."""
    hides = "import os,signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(1000)"
    process = await house.start(f"env -i setsid python3 -c '{hides}' & echo on; sleep 1000")
    assert await process.read() == b"on\n"
    process.signal("kill")
    with trio.fail_after(10):
        await process.gone()
        # Its end of the pipe is closed, so nobody is left.
        assert await process.read() == b""


async def test_a_program_that_is_asked_to_end_may_say_goodbye(house):
    process = await house.start("trap 'echo bye; exit 5' TERM; echo on; while :; do sleep 0.05; done")
    assert await process.read() == b"on\n"
    process.signal("term")
    with trio.fail_after(10):
        assert (await text_of(process)).endswith("bye\n")
        assert await process.exited() == 5


async def test_it_outlives_the_thread_that_started_it(house):
    """A sandbox that ends with its parent ends with the thread that started it."""
    started = []

    def in_a_thread():
        argv = Sandbox().command(["/bin/sh", "-c", "sleep 0.5; echo on"], str(house.workspace))
        started.append(subprocess.Popen(argv, stdout=subprocess.PIPE))

    thread = Thread(target=in_a_thread)
    thread.start()
    thread.join()
    assert await trio.to_thread.run_sync(lambda: started[0].communicate()[0]) == b"on\n"


def test_a_machine_that_refuses_a_sandbox_is_asked_why():
    """As a container does that may make no user namespace: `check` says it before a program is run."""
    asks = "from hermes_trio.processes.sandbox import refusal; print(refusal())"
    sets = 'echo 0 > /proc/sys/user/max_user_namespaces && exec "$0" -c "$1"'
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "/bin/sh", "-c", sets, sys.executable, asks],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("bwrap: ")
    assert refusal() == ""


async def test_without_a_folder_nothing_is_run():
    with pytest.raises(FileNotFoundError, match="programs run in the folder of their conversation"):
        await SystemProcesses(Sandbox()).start("true", {"HOME": "/", PROCESS: "x"}, stdin=False)
