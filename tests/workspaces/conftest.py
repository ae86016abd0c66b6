"""A conversation's files on this machine's disk, as a tool call has them."""

import pytest

from hermes_trio.testing.wall_clock import at_once
from hermes_trio.values.files import Mount
from hermes_trio.workspaces.call_files import TurnFiles
from hermes_trio.workspaces.folders import Workspaces

SESSION = 3


@pytest.fixture
def shelf(tmp_path):
    """A folder that is mounted for reading, as `shelf`, and one for writing too, as `desk`."""
    for name in ("shelf", "desk"):
        (tmp_path / name).mkdir()
    (tmp_path / "shelf" / "rules.txt").write_text("be kind\n")
    return tmp_path / "shelf"


@pytest.fixture
def workspaces(tmp_path, shelf):
    mounts = (
        Mount(name="shelf", path=str(shelf)),
        Mount(name="desk", path=str(tmp_path / "desk"), writable=True),
    )
    return Workspaces(folder=tmp_path / "state" / "workspaces", most_mib=1, mounts=mounts)


@pytest.fixture
def files(workspaces):
    return TurnFiles(workspaces, at_once, SESSION)


@pytest.fixture
def own(workspaces):
    """The conversation's folder, made."""
    with workspaces.workspace(SESSION, make=True):
        return workspaces.path(SESSION)
