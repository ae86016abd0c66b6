"""The files of a conversation that has ended are removed, whatever programs have made of them."""

import os

from tests.workspaces.conftest import SESSION


def nested(folder, depth):
    """Folders in one another, so deeply that no path names the innermost."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        inner = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(os.open("file", os.O_CREAT, dir_fd=here))
    os.close(here)


def test_a_removal_leaves_nothing(workspaces, own, tmp_path):
    (own / "a" / "b").mkdir(parents=True)
    (own / "a" / "b" / "c.txt").write_text("x")
    (own / "link").symlink_to(tmp_path / "shelf")
    (own / "dead").symlink_to("nowhere")
    os.mkfifo(own / "pipe")
    (own / "a").chmod(0)
    workspaces.remove(SESSION)
    assert os.listdir(workspaces.folder) == []
    assert (tmp_path / "shelf" / "rules.txt").exists()


def test_folders_nested_too_deeply_for_a_path_are_removed(workspaces, own):
    nested(own, 1200)
    workspaces.remove(SESSION)
    assert os.listdir(workspaces.folder) == []


def test_a_removal_that_was_cut_off_goes_on(workspaces, own):
    (own / "a").mkdir()
    own.rename(workspaces.folder / ".gone-3")
    assert list(workspaces.sessions()) == []
    workspaces.clear()
    assert os.listdir(workspaces.folder) == []


async def test_too_deep_a_tree_is_no_harm_to_looks(files, own):
    nested(own, 200)
    found = await files.list(deep=True)
    assert found.more
    assert (await files.search("x")).more


def test_what_is_no_folder_keeps_no_other_from_being_removed(workspaces, own, tmp_path):
    (own / "a").mkdir()
    own.rename(workspaces.folder / ".gone-3")
    (workspaces.folder / ".gone-2").write_text("x")
    (workspaces.folder / ".gone-4").symlink_to(tmp_path / "shelf")
    workspaces.clear()
    assert os.listdir(workspaces.folder) == []
    assert (tmp_path / "shelf" / "rules.txt").exists()


def test_removals_go_on_where_the_folder_is_a_link(workspaces, own, tmp_path):
    """An operator has moved it to a larger disk."""
    workspaces.folder.rename(tmp_path / "larger")
    workspaces.folder.symlink_to(tmp_path / "larger")
    workspaces.remove(SESSION)
    workspaces.clear()
    assert os.listdir(tmp_path / "larger") == []


def test_what_stands_where_something_is_mounted_now_is_kept_beside(workspaces, own, tmp_path):
    (own / "shelf").symlink_to(tmp_path / "desk")
    (own / "desk").write_text("mine")
    workspaces.made(SESSION)
    assert sorted(os.listdir(own)) == ["desk.of-the-conversation", "shelf.of-the-conversation"]
    assert (own / "desk.of-the-conversation").read_text() == "mine"
