"""The run on the newest trio: it says why it runs nothing, and hides no failure."""

from __future__ import annotations

import os
import zipfile

import pytest

from tests import newest


@pytest.fixture
def index(tmp_path, monkeypatch):
    """A package index that holds the releases of trio it is told, and nothing else."""
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))

    def release(version):
        about = f"trio-{version}.dist-info"
        with zipfile.ZipFile(tmp_path / f"trio-{version}-py3-none-any.whl", "w") as wheel:
            wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: trio\nVersion: {version}\n")
            wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{about}/RECORD", "")

    return release


@pytest.fixture
def place(tmp_path):
    return tmp_path / "newest"


@pytest.mark.usefixtures("index")
def test_where_the_index_is_away_it_says_so_and_passes(place, capsys):
    assert newest.main(place) == 0
    assert "the newest trio is unknown, so only the pinned one is tested" in capsys.readouterr().out
    assert not place.exists()


@pytest.mark.parametrize("version", ["0.1", newest.pinned()])
def test_where_nothing_is_newer_it_says_so_and_runs_nothing(index, version, place, capsys):
    index(version)
    assert newest.main(place) == 0
    assert capsys.readouterr().out == f"the newest trio is the pinned one, {newest.pinned()}\n"
    assert not place.exists()


@pytest.mark.slow
def test_a_newer_one_that_does_not_go_with_the_rest_is_a_failure(index, place, capsys):
    index("99.0")
    with pytest.raises(newest.subprocess.CalledProcessError):
        newest.main(place)
    assert "the newest trio is 99.0" in capsys.readouterr().out
