"""The examples in the documents do what the documents say."""

from __future__ import annotations

import sys

import pytest

from tests.documents import pages

PROGRAMS = {
    "bot.py": [
        ("hello\n", ["That is the 1. thing you say: hello"]),
        ("again\n", ["That is the 2. thing you say: again"]),
    ],
    "gateway.py": [("hello\n", ["HELLO"])],
}


def test_every_python_block_has_a_role():
    """It is a file, a program, a test, or says why it is not run."""
    idle = [str(block) for block in pages.of("python") if "def test_" not in block.text]
    assert idle == []


def test_every_program_is_run():
    assert {block.name for block in pages.of("python", "program")} == PROGRAMS.keys()


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_says_what_it_should(name, examples, tmp_path):
    (tmp_path / name).write_text(pages.program(name))
    for said, shown in PROGRAMS[name]:
        done = examples.run(sys.executable, "-W", "error", name, cwd=tmp_path, input=said)
        assert (done.returncode, done.stderr, done.stdout.splitlines()) == (0, "", shown)


def test_the_tests_in_the_documents_pass(examples, tmp_path):
    command = [sys.executable, "-W", "error", "-m", "pytest", "-p", "no:cacheprovider", "-q", examples.tests]
    done = examples.run(*command, cwd=examples.tests, timeout_s=120)
    assert done.returncode == 0, done.stdout[-10_000:] + done.stderr[-2_000:]
    blocks = [block for block in pages.of("python") if "def test_" in block.text]
    assert done.stdout.count(".") >= len(blocks)
