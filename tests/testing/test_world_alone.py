"""A World needs a mock clock and nothing else of the machine, and is quick."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
import trio

from hermes_trio.testing import open_world, text


def ran(script: str, *options: str) -> str:
    """What a Python process of its own prints."""
    done = subprocess.run(
        [sys.executable, *options, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_opens_no_thread_no_socket_and_no_file():
    assert (
        ran("""
        import sys
        import trio, trio.testing
        from hermes_trio.testing import open_world

        async def main():
            async with open_world() as world:   # the first run imports what it needs
                await world.say("ada", "hi")
                await world.reply("ada")
            # trio has wake-up sockets of its own by now; from here on there is the World alone.
            seen = []
            sys.addaudithook(lambda event, args: seen.append((event, args)) if watching else None)
            watching.append(1)
            async with open_world() as world:
                await world.say("ada", "hi")
                await world.reply("ada")
                world.crash()
                await world.start()
                await world.say("ada", "/new")
                await world.reply("ada")
            watching.clear()
            forbidden = ("_thread.start_new_thread", "socket.", "open", "subprocess.", "os.fork")
            found = [one for one in seen if one[0].startswith(forbidden)]
            print([one for one in found if one[0] != "open" or not str(one[1][0]).endswith((".py", ".pyc"))])

        watching = []
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    """).strip()
        == "[]"
    )


def test_importing_it_starts_nothing_and_needs_no_pytest():
    assert ran("""
        import sys, threading
        class Refuses:
            def find_spec(self, name, *rest):
                if name.split(".")[0] in ("pytest", "_pytest", "pytest_trio", "hypothesis"):
                    raise ImportError(name)
        sys.meta_path.insert(0, Refuses())
        import hermes_trio.testing
        print(threading.active_count(), "sqlite3" in sys.modules)
    """).startswith("1 ")


async def test_a_year_of_a_bot_that_has_little_to_do_is_a_few_thousand_steps(autojump_clock):
    """Counted: seconds depend on what else the machine does. A step is one task, run until it waits."""
    steps = Steps()
    trio.lowlevel.add_instrument(steps)
    async with open_world() as world:
        for week in range(52):
            await world.until(hours=24 * 7 * week)
            await world.say("ada", f"week {week}")
            assert await world.reply("ada") == f"you said: week {week}"
        await world.until(hours=24 * 365)
        assert world.now == 365 * 86400.0
    trio.lowlevel.remove_instrument(steps)
    assert steps.count < 12_000  # 10,504


class Steps(trio.abc.Instrument):
    def __init__(self):
        self.count = 0

    def before_task_step(self, task):
        self.count += 1


async def test_it_lives_in_a_test_that_has_its_own_mock_clock_and_began_before_it(autojump_clock):
    await trio.sleep(1000)
    async with open_world() as world:
        world.model.script(text("done", after_s=5))
        await world.say("ada", "hi")
        assert await world.reply("ada") == "done"
        assert world.now == 5.0
        assert trio.current_time() == 1005.0


async def test_two_worlds_stand_side_by_side(autojump_clock):
    async with open_world(seed=1) as one, open_world(seed=2) as two:
        await one.say("ada", "one")
        await two.say("ada", "two")
        assert (await one.reply("ada"), await two.reply("ada")) == ("you said: one", "you said: two")


def failed(folder, test: str) -> str:
    """What pytest prints of a test that fails."""
    (folder / "test_it.py").write_text(textwrap.dedent(test))
    options = ("-q", "-p", "no:cacheprovider", "-o", "trio_mode=true", str(folder))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 1
    return done.stdout


def test_a_test_that_fails_prints_the_seed_and_what_happened(tmp_path):
    said = failed(
        tmp_path,
        """
        import pytest

        @pytest.mark.world(seed=4711)
        async def test_it(world):
            await world.say("ada", "hi")
            assert await world.reply("ada") == "something else"
        """,
    )
    assert "world, seed 4711" in said
    assert "user      says native=in1 chat=ada thread=None text=hi" in said


def test_what_fails_is_shown_as_the_line_of_the_test_and_not_as_a_group(tmp_path):
    said = failed(
        tmp_path,
        """
        async def test_it(world):
            await world.say("ada", "hi")
            assert await world.reply("ada") == "something else"

        async def test_that(world):
            await world.press("ada", "yes")
        """,
    )
    assert '>       assert await world.reply("ada") == "something else"\nE       AssertionError:' in said
    assert '>       await world.press("ada", "yes")\nE       hermes_trio.testing' in said
    assert "Exception Group" not in said
    assert "Cancelled" not in said


async def test_a_wait_for_what_does_not_come_ends_and_prints_what_happened(autojump_clock):
    async with open_world() as world:
        with pytest.raises(
            AssertionError, match=r"(?s)waited 3600 virtual s for message 1 in bob.*account up"
        ):
            await world.reply("bob")
