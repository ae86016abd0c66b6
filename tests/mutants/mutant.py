"""What a mutant is: a mistake that a developer could make, as a change of text."""

from __future__ import annotations

import shutil
from pathlib import Path

from msgspec import Struct

PACKAGE = "hermes_trio"
ROOT = Path(__file__).parents[2]


class Edit(Struct, frozen=True):
    """In this file of the package, this text, which occurs once, becomes that."""

    file: str
    old: str
    new: str

    @property
    def module(self) -> str:
        """The module that is changed."""
        return f"{PACKAGE}.{self.file.removesuffix('.py').replace('/', '.')}"

    def applied(self, text: str) -> str:
        """The file's text with the mistake in it.

        Raises:
            ValueError: the text to change is not there, or there more than once.
        """
        found = text.count(self.old)
        if found != 1:
            raise ValueError(f"{self.file}: {found} times, not once: {self.old!r}")
        return text.replace(self.old, self.new)


class Mutant(Struct, frozen=True):
    """A gateway with a mistake.

    Args:
        name: in a few words, the mistake as whoever made it would say it.
        of: the invariant it breaks, or the report of Hermes' users it stands for.
        does: what becomes of it.
        nodes: it is hunted with so many gateways on one store.
    """

    name: str
    of: str
    does: str
    edits: tuple[Edit, ...]
    nodes: int = 1


def mutant(name: str, of: str, does: str, *edits: tuple[str, str, str], nodes: int = 1) -> Mutant:
    """A mutant of changes (file, old text, new text)."""
    return Mutant(name, of, does, tuple(Edit(*edit) for edit in edits), nodes)


def changed(one: Mutant, package: Path = ROOT / PACKAGE) -> dict[str, str]:
    """The changed files of a mutant: their paths in the package and their texts.

    Raises:
        ValueError: it cannot be made of this package any more.
    """
    texts: dict[str, str] = {}
    for edit in one.edits:
        text = texts.get(edit.file) or (package / edit.file).read_text(encoding="utf-8")
        texts[edit.file] = edit.applied(text)
    return texts


def made(one: Mutant | None, folder: Path) -> None:
    """Put the package with the mistake into a folder. What is compiled already is taken along."""
    shutil.copytree(ROOT / PACKAGE, folder / PACKAGE)
    for file, text in changed(one).items() if one is not None else ():
        (folder / PACKAGE / file).write_text(text, encoding="utf-8")
