"""No path leads out of a workspace, whatever stands in it and whoever changes it meanwhile."""

import os
import socket
from contextlib import suppress
from functools import partial
from threading import Event, Thread

import pytest

SECRET = "the secret of somebody else"

OUTSIDE = [
    "/etc/passwd",
    "~/x",
    "../secret.txt",
    "a/../../secret.txt",
    "./../secret.txt",
    "shelf/../../secret.txt",
    "a\0b",
    "x/" * 40,
    "x" * 300,
    "\udcff/../..",
]


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.txt"
    path.write_text(SECRET)
    return path


def each_verb(files, path):
    return {
        "read": partial(files.read, path),
        "write": partial(files.write, path, "overwritten"),
        "edit": partial(files.edit, path, "secret", "word"),
        "list": partial(files.list, path),
        "search": partial(files.search, "secret", path),
    }


VERBS = ("read", "write", "edit", "list", "search")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("path", OUTSIDE, ids=ascii)
async def test_a_path_that_leads_elsewhere_is_refused(files, secret, own, path, verb):
    with pytest.raises(ValueError, match=r"path (begins|stays|holds|is text|has at most)|link|no such"):
        await each_verb(files, path)[verb]()
    assert secret.read_text() == SECRET


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("way", ["link to the file", "link to its folder", "link to a link"])
async def test_no_link_is_followed(files, secret, own, tmp_path, way, verb):
    path = "link"
    match way:
        case "link to the file":
            (own / "link").symlink_to(secret)
        case "link to its folder":
            (own / "link").symlink_to(tmp_path)
            path = "link" if verb == "list" else "link/secret.txt"
        case "link to a link":
            (own / "inner").symlink_to(secret)
            (own / "link").symlink_to("inner")
    with pytest.raises(ValueError, match=r"path (begins|stays|holds|is text|has at most)|link|no such"):
        await each_verb(files, path)[verb]()
    assert secret.read_text() == SECRET


async def test_a_search_of_everything_reads_nothing_through_a_link(files, secret, own, tmp_path):
    (own / "file").symlink_to(secret)
    (own / "folder").symlink_to(tmp_path)
    assert (await files.search("secret")).matches == ()
    assert {(one.path, one.kind) for one in (await files.list(deep=True)).files} >= {
        ("file", "link"),
        ("folder", "link"),
    }


@pytest.mark.parametrize("verb", ["read", "write", "edit"])
async def test_a_pipe_a_socket_and_a_device_are_no_files(files, own, verb):
    os.mkfifo(own / "pipe")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(own / "door"))
    for name in ("pipe", "door"):
        with pytest.raises(ValueError, match="special file"):
            await each_verb(files, name)[verb]()


async def test_what_is_mounted_for_reading_is_read_only(files, shelf):
    assert (await files.read("shelf/rules.txt")).text == "be kind\n"
    assert (await files.search("kind")).matches == ()
    assert [one.path for one in (await files.search("kind", "shelf")).matches] == ["shelf/rules.txt"]
    assert [one.path for one in (await files.list("shelf")).files] == ["shelf/rules.txt"]
    for verb in ("write", "edit"):
        with pytest.raises(PermissionError, match="shelf is mounted for reading only"):
            await (
                files.write("shelf/rules.txt", "x")
                if verb == "write"
                else files.edit("shelf/rules.txt", "be kind", "x")
            )
    assert (shelf / "rules.txt").read_text() == "be kind\n"
    assert await files.write("desk/a.txt", "x") == 1
    assert (shelf.parent / "desk" / "a.txt").read_text() == "x"


async def test_a_link_that_comes_between_look_and_opening_leads_nowhere(files, secret, own, tmp_path):
    """A program of the conversation exchanges a folder for a link as fast as it can."""
    (own / "real").mkdir()
    (own / "real" / "secret.txt").write_text("mine")
    over = Event()

    def exchange():
        while not over.is_set():
            (own / "real").rename(own / "kept")
            (own / "real").symlink_to(tmp_path)
            (own / "real").unlink()
            (own / "kept").rename(own / "real")

    thread = Thread(target=exchange)
    thread.start()
    seen = set()
    try:
        for _ in range(100):
            try:
                seen.add((await files.read("real/secret.txt")).text)
            except ValueError as error:
                seen.add(str(error).partition(" ")[0])
            seen |= {one.text for one in (await files.search("secret")).matches}
            with suppress(ValueError, FileNotFoundError):
                await files.edit("real/secret.txt", "mine", "mine")
    finally:
        over.set()
        thread.join()
    assert SECRET not in seen
    assert secret.read_text() == SECRET


async def test_without_workspaces_nothing_is_read():
    from hermes_trio.testing.wall_clock import at_once
    from hermes_trio.workspaces.call_files import TurnFiles

    with pytest.raises(ValueError, match="conversations have no files here"):
        await TurnFiles(None, at_once, 1).list()
