"""What packages offer is found by its name and imported only when asked for."""

from __future__ import annotations

import sys

import pytest

from hermes_trio.errors import ConfigWrong
from hermes_trio.runtime.plugins import PLATFORMS, installed


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """Install packages that each offer one platform: name, entry point, source of its module."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(package: str, point: str, source: str) -> None:
        module = point.partition("= ")[2].partition(":")[0]
        (tmp_path / f"{module}.py").write_text(source)
        info = tmp_path / f"{package}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{PLATFORMS}]\n{point}\n")

    yield install
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(path.stem, None)


def test_what_is_offered_is_imported_when_asked_for(packages):
    packages("hermes-dove", "dove = dove_adapter:adapter", "adapter = 'a dove'")
    found = installed(PLATFORMS)
    assert "dove_adapter" not in sys.modules
    assert found["dove"]() == "a dove"


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import wings_that_nobody_has", "it needs the module wings_that_nobody_has"),
        ("from sys import wings", "ImportError"),
        ("adaptor = 1", "has no attribute 'adapter'"),
        ("def (", "SyntaxError"),
        ("raise RuntimeError('no sky')", "no sky"),
    ],
)
def test_one_that_cannot_be_imported_says_what_to_install(packages, source, why):
    packages("hermes-emu", "emu = emu_adapter:adapter", source)
    with pytest.raises(ConfigWrong) as caught:
        installed(PLATFORMS)["emu"]()
    assert why in str(caught.value)
    assert "pip install --upgrade hermes-emu" in str(caught.value)


def test_two_packages_that_offer_one_name_are_told_apart_by_nobody(packages):
    packages("hermes-owl", "owl = owl_one:adapter", "adapter = 1")
    packages("owl-hermes", "owl = owl_two:adapter", "adapter = 2")
    with pytest.raises(ConfigWrong, match="offered by hermes-owl and by owl-hermes"):
        installed(PLATFORMS)["owl"]()
